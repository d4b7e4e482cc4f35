//go:build unix

package weights

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"bitnet-gpu/engine/compute"
)

func mapFile(file *os.File, size int) (data []byte, close func() error, err error) {
	data, err = unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err == unix.ENOMEM {
		err = fmt.Errorf("the file's %d MiB do not fit the address space: %w", size>>20, compute.ErrMemory)
	}
	return data, func() error { return unix.Munmap(data) }, err
}

// dropPages takes the pages that lie wholly in data, part of a map, out of this
// process; the page cache may keep them.
func dropPages(data []byte) {
	page := uintptr(os.Getpagesize())
	start := -uintptr(unsafe.Pointer(unsafe.SliceData(data))) % page
	if uintptr(len(data)) > start {
		whole := data[start:]
		whole = whole[:uintptr(len(whole))/page*page]
		if len(whole) > 0 {
			_ = unix.Madvise(whole, unix.MADV_DONTNEED) // advice may be refused
		}
	}
}
