package cpu

import "runtime"

// defaultThreads is one for each core: a second thread of a core shares its
// vector units, and one that spins only slows the other. Limits of the control
// group and of the process's affinity hold (runtime.GOMAXPROCS, NumCPU).
func defaultThreads() int {
	n := min(runtime.GOMAXPROCS(0), runtime.NumCPU())
	if cores := allowedCores(); cores > 0 {
		n = min(n, cores)
	}
	return n
}
