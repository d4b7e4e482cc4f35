//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"math/rand/v2"
	"testing"
)

// TestArena takes and gives at random: parts never overlap, are aligned, and
// the arena is whole again in the end.
func TestArena(t *testing.T) {
	const size = 1 << 16
	rng := rand.New(rand.NewPCG(1, 2))
	a := newArena(size)
	type part struct{ offset, size int }
	var held []part
	var used [size]bool
	mark := func(p part, to bool) {
		for i := p.offset; i < p.offset+p.size; i++ {
			if used[i] == to {
				t.Fatalf("byte %d of part %v is already %v", i, p, to)
			}
			used[i] = to
		}
	}
	give := func(i int) {
		mark(held[i], false)
		a.give(held[i].offset, held[i].size)
		held[i] = held[len(held)-1]
		held = held[:len(held)-1]
	}
	refused := 0
	for range 20000 {
		if rng.IntN(2) == 0 && len(held) > 0 {
			give(rng.IntN(len(held)))
			continue
		}
		p := part{size: 4 * (1 + rng.IntN(2000))}
		offset, ok := a.take(p.size)
		if !ok {
			refused++
			continue
		}
		if offset%granule != 0 || offset+p.size > size {
			t.Fatalf("%d bytes at %d of %d", p.size, offset, size)
		}
		p.offset = offset
		mark(p, true)
		held = append(held, p)
	}
	if refused == 0 {
		t.Error("never full")
	}
	for len(held) > 0 {
		if a.whole(size) {
			t.Fatal("whole with parts taken")
		}
		give(0)
	}
	if !a.whole(size) {
		t.Errorf("not whole with all given back: %v", a.free)
	}
	if _, ok := a.take(size + 1); ok {
		t.Error("took more than there is")
	}
}
