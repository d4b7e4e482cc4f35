//go:build unix

package kernel

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

const arenaSize = 4 << 20

var arenas = map[string][]byte{}

// edge returns n elements that end where readable memory ends, so that a load
// or store behind them is a fault. Each name is one piece of memory, used again
// by the next call; what lies before the elements is poisoned, see intact.
func edge[T any](name string, n int) []T {
	mem, ok := arenas[name]
	if !ok {
		page := unix.Getpagesize()
		all, err := unix.Mmap(-1, 0, arenaSize+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			panic(err)
		}
		if err := unix.Mprotect(all[arenaSize:], unix.PROT_NONE); err != nil {
			panic(err)
		}
		mem = all[:arenaSize]
		arenas[name] = mem
	}
	var element T
	first := arenaSize - n*int(unsafe.Sizeof(element))
	for i := max(0, first-poisoned); i < first; i++ {
		mem[i] = poison
	}
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&mem[first])), n)
}

const (
	poison   = 0xA5
	poisoned = 256 // bytes
)

// intact reports whether nothing was stored before the n elements of edge.
func intact[T any](name string, n int) bool {
	var element T
	first := arenaSize - n*int(unsafe.Sizeof(element))
	for _, b := range arenas[name][max(0, first-poisoned):first] {
		if b != poison {
			return false
		}
	}
	return true
}

// A file that shrinks while it is mapped must end in a panic that the caller
// can recover from, in assembly too.
func TestFaultIsRecoverable(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const n = 1 << 16
	if err := file.Truncate(2 * n); err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(int(file.Fd()), 0, 2*n, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	if err := file.Truncate(0); err != nil {
		t.Fatal(err)
	}
	row := unsafe.Slice((*uint16)(unsafe.Pointer(&mem[0])), n)
	x := make([]float32, n)
	for _, p := range Paths() {
		t.Run(p.Name, func(t *testing.T) {
			defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			p.DotF16(row, x)
		})
	}
}
