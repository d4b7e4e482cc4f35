package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Energy is what a token took, by the processor's own counters (RAPL) of all its
// packages and their memory: of the whole machine, whatever else ran. It is
// measured or absent, never estimated.
type Energy struct {
	Joules float64 // a token
	Net    float64 // a token, less what the idle machine took in the same time
	Idle   float64 // watts of the idle machine, before the run
	Reason error   // why it is not known; the rest is then 0
}

// Powercap is where Linux has the counters, of Intel's processors and AMD's.
const Powercap = "/sys/class/powercap"

// idleTime is how long the idle machine is watched.
const idleTime = 2 * time.Second

// A meter reads energy counters.
type meter struct {
	domains []domain
}

// A domain is one counter: of a package, or of its memory.
type domain struct {
	name string
	file string
	wrap uint64 // microjoules at which it begins anew
}

// openMeter finds the counters below a folder. The error is a reason for a user.
func openMeter(root string) (*meter, error) {
	zones, _ := filepath.Glob(filepath.Join(root, "intel-rapl:*"))
	m := new(meter)
	packages := 0
	for _, dir := range zones {
		name := strings.TrimSpace(readText(filepath.Join(dir, "name")))
		isPackage := strings.HasPrefix(name, "package")
		if !isPackage && name != "dram" { // core and uncore are part of a package, and psys is more than all
			continue
		}
		wrap, err := strconv.ParseUint(strings.TrimSpace(readText(filepath.Join(dir, "max_energy_range_uj"))), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: no max_energy_range_uj", dir)
		}
		if isPackage {
			packages++
		}
		m.domains = append(m.domains, domain{name, filepath.Join(dir, "energy_uj"), wrap})
	}
	if packages == 0 {
		return nil, fmt.Errorf("no RAPL counters in %s, as in most virtual machines", root)
	}
	if _, err := m.read(); err != nil {
		return nil, err
	}
	return m, nil
}

func readText(path string) string {
	data, _ := os.ReadFile(path)
	return string(data)
}

// read returns all counters in microjoules.
func (m *meter) read() ([]uint64, error) {
	values := make([]uint64, len(m.domains))
	for i, d := range m.domains {
		data, err := os.ReadFile(d.file)
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("%s may be read by root only: sudo chmod a+r %s", d.file, filepath.Join(filepath.Dir(filepath.Dir(d.file)), "intel-rapl:*", "energy_uj"))
		}
		if err != nil {
			return nil, err
		}
		if values[i], err = strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64); err != nil {
			return nil, fmt.Errorf("%s: %q is no number", d.file, data)
		}
	}
	return values, nil
}

// joules returns the energy between two readings, in which a counter may have
// begun anew once.
func (m *meter) joules(before, after []uint64) (float64, error) {
	total := uint64(0)
	for i, d := range m.domains {
		n := after[i] - before[i]
		if after[i] < before[i] {
			if n = d.wrap - before[i] + after[i]; before[i] > d.wrap {
				return 0, fmt.Errorf("%s: the counter of %s went back", d.file, d.name)
			}
		}
		total += n
	}
	return float64(total) / 1e6, nil
}

// power returns the watts over some time.
func (m *meter) power(d time.Duration) (float64, error) {
	e := energyOf{meter: m}
	e.begin()
	start := time.Now()
	time.Sleep(d)
	e.end(time.Since(start))
	if e.failed == nil && e.joules == 0 {
		return 0, errors.New("the RAPL counters stand still")
	}
	return e.joules / e.seconds, e.failed
}

// energyOf adds up the energy of the repetitions of a test.
type energyOf struct {
	meter   *meter // nil: none
	idle    float64
	before  []uint64
	joules  float64
	seconds float64
	failed  error // the first: then no part of the sum is told
}

func (e *energyOf) begin() {
	if e.meter != nil && e.failed == nil {
		e.before, e.failed = e.meter.read()
	}
}

func (e *energyOf) end(took time.Duration) {
	if e.meter == nil || e.failed != nil {
		return
	}
	after, err := e.meter.read()
	if err == nil {
		var j float64
		j, err = e.meter.joules(e.before, after)
		e.joules += j
		e.seconds += took.Seconds()
	}
	e.failed = err
}

// per returns the energy of one of so many tokens.
func (e *energyOf) per(tokens int) Energy {
	if e.failed != nil {
		return Energy{Reason: e.failed}
	}
	n := float64(tokens)
	return Energy{Joules: e.joules / n, Net: (e.joules - e.idle*e.seconds) / n, Idle: e.idle}
}
