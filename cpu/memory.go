package cpu

import (
	"fmt"

	"bitnet-gpu/engine/compute"
)

// checkMemory returns ErrMemory where the system says that need bytes are more
// than it has left. A system that does not say is believed to have enough.
func checkMemory(need int64) error {
	left, where := MemoryLeft()
	if left >= 0 && need > left {
		return fmt.Errorf("the CPU backend needs %d MiB and %s leaves %d MiB: close other programs, or take a smaller context: %w",
			need>>20, where, left>>20, compute.ErrMemory)
	}
	return nil
}
