package cpu

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAllowedTime reads control groups of both versions, made up in a folder.
func TestAllowedTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		self  string
		files map[string]string
		want  int
	}{
		{"nothing", "", nil, 0},
		{"no limit", "0::/a\n", map[string]string{"a/cpu.max": "max 100000\n"}, 0},
		{"two and a half", "0::/a\n", map[string]string{"a/cpu.max": "250000 100000\n"}, 2},
		{"a half", "0::/a\n", map[string]string{"a/cpu.max": "50000 100000\n"}, 1},
		{"the group above", "0::/a/b\n", map[string]string{"a/cpu.max": "100000 100000\n", "a/b/cpu.max": "800000 100000\n"}, 1},
		{"in a container", "0::/\n", map[string]string{"cpu.max": "300000 100000\n"}, 3},
		{"version 1", "3:cpuset:/x\n4:cpu,cpuacct:/a\n", map[string]string{"cpu/a/cpu.cfs_quota_us": "400000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 4},
		{"version 1, no limit", "4:cpu,cpuacct:/a\n", map[string]string{"cpu/a/cpu.cfs_quota_us": "-1\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 0},
		{"no numbers", "0::/a\nx\n", map[string]string{"a/cpu.max": "many few\n"}, 0},
		{"a period of 0", "0::/a\n", map[string]string{"a/cpu.max": "100000 0\n"}, 0},
		{"one word", "0::/a\n", map[string]string{"a/cpu.max": "100000\n"}, 0},
		{"a path that climbs", "0::/../../a\n", map[string]string{"a/cpu.max": "200000 100000\n"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			self := filepath.Join(root, "self")
			write(t, self, c.self)
			for name, text := range c.files {
				write(t, filepath.Join(root, name), text)
			}
			if got := allowedTime(self, root); got != c.want {
				t.Errorf("%d processors, expected %d", got, c.want)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCores counts the cores of a thread that may run on one processor only.
func TestCores(t *testing.T) {
	all := Cores()
	if all < 1 || all > runtime.NumCPU() {
		t.Errorf("%d cores of %d processors", all, runtime.NumCPU())
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	for cpu := 0; one.Count() == 0; cpu++ {
		if before.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.SchedSetaffinity(0, &before); err != nil {
			t.Error(err)
		}
	}()
	if got := Cores(); got != 1 {
		t.Errorf("%d cores on one processor", got)
	}
}
