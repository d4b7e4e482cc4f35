package cpu

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// allowedCores returns how many cores the process may run on, and has the time
// of, or 0 where the system does not tell.
func allowedCores() int {
	cores, time := affineCores(), allowedTime("/proc/self/cgroup", "/sys/fs/cgroup")
	if cores == 0 || time > 0 && time < cores {
		return time
	}
	return cores
}

// affineCores returns how many cores the process's affinity allows, or 0.
func affineCores() int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return 0
	}
	cores := map[string]bool{}
	for cpu, left := 0, set.Count(); left > 0; cpu++ {
		if !set.IsSet(cpu) {
			continue
		}
		left--
		siblings, err := os.ReadFile(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu))
		if err != nil {
			return 0
		}
		cores[strings.TrimSpace(string(siblings))] = true // the same for all threads of a core
	}
	return len(cores)
}

// yieldThread lets another thread have this one's processor.
func yieldThread() { unix.RawSyscallNoError(unix.SYS_SCHED_YIELD, 0, 0, 0) }
