package cpu

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"bitnet-gpu/engine/compute"
)

// pages returns zeroed words in memory of their own, in huge pages where the
// system grants them: weights are read in order, and address translation and
// the prefetchers of the hardware stop at the border of a page.
func pages(words int) (w []uint32, free func(), err error) {
	if words == 0 {
		return nil, func() {}, nil
	}
	mem, err := unix.Mmap(-1, 0, 4*words, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, fmt.Errorf("%d MiB for the weights: %w: %w", words>>18, err, compute.ErrMemory)
	}
	_ = unix.Madvise(mem, unix.MADV_HUGEPAGE) // a wish
	w = unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(mem))), words)
	return w, func() { _ = unix.Munmap(mem) }, nil
}
