package bench

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// powercap makes a folder like Linux's, with zones of some names at 0.
func powercap(t *testing.T, zones map[string]string) (root string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no file has a colon in its name here")
	}
	root = t.TempDir()
	for zone, name := range zones {
		dir := filepath.Join(root, zone)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{"name": name, "energy_uj": "0", "max_energy_range_uj": "1000000"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

// count sets the counter of a zone, in one go.
func count(t *testing.T, root, zone string, uj int) {
	t.Helper()
	path := filepath.Join(root, zone, "energy_uj")
	if err := os.WriteFile(path+".new", fmt.Appendln(nil, uj), 0o644); err != nil {
		t.Error(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Error(err)
	}
}

// TestMeter counts packages and their memory, once, and over the wrap.
func TestMeter(t *testing.T) {
	root := powercap(t, map[string]string{
		"intel-rapl:0": "package-0", "intel-rapl:0:0": "core", "intel-rapl:0:1": "uncore", "intel-rapl:0:2": "dram",
		"intel-rapl:1": "package-1", "intel-rapl:2": "psys", "intel-rapl-mmio:0": "package-0",
	})
	for _, zone := range []string{"intel-rapl:0:0", "intel-rapl:2", "intel-rapl-mmio:0"} {
		count(t, root, zone, 777777) // not to be counted
	}
	m, err := openMeter(root)
	if err != nil {
		t.Fatal(err)
	}
	read := func(first, memory, second int) []uint64 {
		count(t, root, "intel-rapl:0", first)
		count(t, root, "intel-rapl:0:2", memory)
		count(t, root, "intel-rapl:1", second)
		values, err := m.read()
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	for _, c := range []struct {
		before, after [3]int
		want          float64 // -1: an error
	}{
		{[3]int{0, 0, 0}, [3]int{500000, 250000, 1}, 0.750001},
		{[3]int{900000, 5, 7}, [3]int{100000, 5, 7}, 0.2}, // wrapped
		{[3]int{1000001, 0, 0}, [3]int{5, 0, 0}, -1},      // went back
	} {
		before, after := read(c.before[0], c.before[1], c.before[2]), read(c.after[0], c.after[1], c.after[2])
		got, err := m.joules(before, after)
		if c.want < 0 && (err == nil || !strings.Contains(err.Error(), "went back")) || c.want >= 0 && (err != nil || math.Abs(got-c.want) > 1e-9) {
			t.Errorf("%v to %v: %g J, %v; expected %g", c.before, c.after, got, err, c.want)
		}
	}
}

// TestNoMeter: what there is not is said, and why.
func TestNoMeter(t *testing.T) {
	empty := powercap(t, nil)
	onlySystem := powercap(t, map[string]string{"intel-rapl:0": "psys"})
	noRange := powercap(t, map[string]string{"intel-rapl:0": "package-0"})
	os.Remove(filepath.Join(noRange, "intel-rapl:0", "max_energy_range_uj"))
	noCounter := powercap(t, map[string]string{"intel-rapl:0": "package-0"})
	os.Remove(filepath.Join(noCounter, "intel-rapl:0", "energy_uj"))
	words := powercap(t, map[string]string{"intel-rapl:0": "package-0"})
	os.WriteFile(filepath.Join(words, "intel-rapl:0", "energy_uj"), []byte("much\n"), 0o644)
	for root, want := range map[string]string{
		empty: "no RAPL counters", onlySystem: "no RAPL counters", filepath.Join(empty, "none"): "no RAPL counters",
		noRange: "max_energy_range_uj", noCounter: "no such file", words: "is no number",
	} {
		if _, err := openMeter(root); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
	secret := powercap(t, map[string]string{"intel-rapl:0": "package-0"})
	os.Chmod(filepath.Join(secret, "intel-rapl:0", "energy_uj"), 0)
	if os.Getuid() == 0 {
		t.Log("root may read everything: the hint on permissions is not tested")
	} else if _, err := openMeter(secret); err == nil || !strings.Contains(err.Error(), "sudo chmod a+r") {
		t.Errorf("%v, expected a hint", err)
	}
	still := powercap(t, map[string]string{"intel-rapl:0": "package-0"})
	m, err := openMeter(still)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.power(time.Millisecond); err == nil || !strings.Contains(err.Error(), "stand still") {
		t.Errorf("%v of counters that stand still", err)
	}
}

// TestEnergyOf: one reading that fails spoils the sum, and idle power is taken off.
func TestEnergyOf(t *testing.T) {
	root := powercap(t, map[string]string{"intel-rapl:0": "package-0"})
	m, err := openMeter(root)
	if err != nil {
		t.Fatal(err)
	}
	e := energyOf{meter: m, idle: 0.02}
	for i := range 2 {
		e.begin()
		count(t, root, "intel-rapl:0", 300000*(i+1))
		e.end(5 * time.Second)
	}
	got := e.per(6)
	if math.Abs(got.Joules-0.1) > 1e-9 || math.Abs(got.Net-0.4/6) > 1e-9 || got.Idle != 0.02 || got.Reason != nil {
		t.Errorf("%+v", got)
	}
	e.begin()
	os.Remove(filepath.Join(root, "intel-rapl:0", "energy_uj"))
	e.end(time.Second)
	e.begin()
	e.end(time.Second)
	if got := e.per(6); got.Reason == nil || got.Joules != 0 || got.Net != 0 {
		t.Errorf("after a reading that failed: %+v", got)
	}
}
