//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import "slices"

// granule is the alignment of all parts of a block. No device asks for more.
const granule = 256

// An arena hands out parts of a block of memory, first fit.
type arena struct {
	free []span // in order, none touching the next
}

type span struct{ from, to int }

func newArena(size int) arena { return arena{[]span{{0, size}}} }

// take returns the offset of a free part.
func (a *arena) take(size int) (offset int, ok bool) {
	size = roundUp(size)
	for i, s := range a.free {
		if s.to-s.from < size {
			continue
		}
		a.free[i].from += size
		if a.free[i].from == s.to {
			a.free = slices.Delete(a.free, i, i+1)
		}
		return s.from, true
	}
	return 0, false
}

// give returns a part that take handed out.
func (a *arena) give(offset, size int) {
	s := span{offset, offset + roundUp(size)}
	i, _ := slices.BinarySearchFunc(a.free, s, func(a, b span) int { return a.from - b.from })
	if i < len(a.free) && a.free[i].from == s.to {
		s.to = a.free[i].to
		a.free = slices.Delete(a.free, i, i+1)
	}
	if i > 0 && a.free[i-1].to == s.from {
		a.free[i-1].to = s.to
		return
	}
	a.free = slices.Insert(a.free, i, s)
}

// whole says whether all of an arena of that size is free.
func (a *arena) whole(size int) bool {
	return len(a.free) == 1 && a.free[0] == span{0, size}
}

func roundUp(size int) int { return (size + granule - 1) &^ (granule - 1) }
