package cpu

import "runtime"

// Cores is how many threads are of use, and the default: one for each core that
// the process may run on, since a second thread of a core shares its vector units
// and one that spins only slows the other; and no more than its control groups
// give it processor time for (runtime.GOMAXPROCS, NumCPU, allowedCores).
func Cores() int {
	n := min(runtime.GOMAXPROCS(0), runtime.NumCPU())
	if cores := allowedCores(); cores > 0 {
		n = min(n, cores)
	}
	return n
}
