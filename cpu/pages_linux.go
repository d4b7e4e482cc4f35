package cpu

import (
	"fmt"
	"os"
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

// resident reports whether the pages of data, part of a file's map, are in memory, by
// one page of every MiB. Of a file that is not one's own the system always says so.
func resident(data []byte) bool {
	page := uintptr(os.Getpagesize())
	start := uintptr(unsafe.Pointer(unsafe.SliceData(data)))
	for at := uintptr(0); at < uintptr(len(data)); at += 1 << 20 {
		var in byte
		_, _, err := unix.Syscall(unix.SYS_MINCORE, (start+at)&^(page-1), page, uintptr(unsafe.Pointer(&in)))
		if err != 0 || in&1 == 0 {
			return false
		}
	}
	return true
}
