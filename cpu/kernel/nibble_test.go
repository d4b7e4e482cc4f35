package kernel

import (
	"fmt"
	"slices"
	"testing"
)

func TestNibbles(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for _, n := range []int{16, 32, 48, 64, 80, 160, 2560, 4096} {
			for _, rows := range []int{64, 192} {
				for _, in := range ternaryInputs { // for their activations
					for _, word := range []uint32{0, 0xFFFFFFFF, 0xF0F0F0F0, 1} { // 1: random
						w, x, x2 := edge[uint32]("w", rows*n/8), edge[int8]("x", n), edge[int8]("x2", n)
						in.fill(r, w[:len(w)/2], x2)
						in.fill(r, w[:len(w)/2], x)
						for i := range w {
							if w[i] = word; word == 1 {
								w[i] = r.Uint32()
							}
						}
						want, want2 := make([]int32, rows), make([]int32, rows)
						nibbleVec(want, w, x)
						nibbleVec(want2, w, x2)
						got, got2 := edge[int32]("acc", rows), edge[int32]("acc2", rows)
						fill(got, -1)
						fill(got2, -1)
						p.NibbleVecs(got, got2, w, x, x2)
						name := fmt.Sprintf("NibbleVecs %s, %08x (%d, %d)", in.name, word, rows, n)
						sameInts(t, name, got, want)
						sameInts(t, name+", the second", got2, want2)
						if !intact[int32]("acc", rows) || !intact[int32]("acc2", rows) {
							t.Errorf("%s stores before its sums", name)
						}
					}
				}
			}
		}
	})
}

// TestNibbleWord says which code stands where.
func TestNibbleWord(t *testing.T) {
	w := make([]uint32, 2*TileRows)
	w[3] = 0x87654321
	for k, want := range []int32{1, 3, 5, 7, 2, 4, 6, 8} {
		x, acc := make([]int8, 16), make([]int32, TileRows)
		x[k] = 1
		if nibbleVec(acc, w, x); acc[3] != want {
			t.Errorf("code %d is %d, expected %d", k, acc[3], want)
		}
	}
}

// TestNibblesPacked packs codes of every value, at the edge of readable memory.
func TestNibblesPacked(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		r := newRand()
		for n := 16; n <= 16*9; n += 16 {
			codes, want := edge[int8]("codes", TileRows*n), make([]uint32, TileRows*n/8)
			for i := range codes {
				codes[i] = int8(r.IntN(16) - 8)
				row, k := i/n, i%n
				want[k/8*TileRows+row] |= uint32(codes[i]+8) << (8*(k%4) + 4*(k%8/4))
			}
			got := edge[uint32]("w", len(want))
			fill(got, 0xA5A5A5A5)
			p.Nibbles(got, codes)
			if !slices.Equal(got, want) || !intact[uint32]("w", len(want)) {
				t.Fatalf("Nibbles of %d columns are not the codes, or stores before them", n)
			}
		}
	})
}
