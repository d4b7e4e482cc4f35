package kernel

import (
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/weights/ternary"
)

// TestBlocks reads rows of whole blocks as ternary.Interleave does, and sees a
// code 3 in every place of a tile.
func TestBlocks(t *testing.T) {
	for _, p := range append(interpreted(), native()...) {
		if p.Blocks == nil {
			continue // ternary.Interleave is used
		}
		t.Run(p.Name, func(t *testing.T) {
			r := newRand()
			for _, n := range []int{128, 256, 384, 2560} {
				data := edge[uint8]("data", TileRows*n/4)
				for i := range data {
					word := []uint32{0}
					codes(r, word)
					data[i] = byte(word[0])
				}
				m := &ternary.Matrix{Format: ternary.I2S, Rows: TileRows, Cols: n, Data: data}
				want := make([]uint32, TileRows*n/16)
				if err := ternary.Interleave(want, m, TileRows, 1, 0, TileRows); err != nil {
					t.Fatal(err)
				}
				got := edge[uint32]("w", len(want))
				fill(got, 0xA5A5A5A5)
				if bad := p.Blocks(got, data, int32(n/4)); bad != 0 {
					t.Fatalf("Blocks of %d columns: an invalid code where there is none", n)
				}
				if !slices.Equal(got, want) || !intact[uint32]("w", len(want)) {
					t.Fatalf("Blocks of %d columns are not the weights, or stores before them", n)
				}
				if n > 128 && strings.HasSuffix(p.Name, "interpreted") {
					continue // a minute
				}
				for at := r.IntN(1 + n/64); at < len(data); at += 1 + n/64 {
					for shift := 0; shift < 8; shift += 2 {
						good := data[at]
						data[at] |= 3 << shift
						if p.Blocks(got, data, int32(n/4)) == 0 {
							t.Fatalf("Blocks of %d columns: code 3 at byte %d, bit %d is not seen", n, at, shift)
						}
						data[at] = good
					}
				}
			}
			// Rows with something between them.
			const n, gap = 256, 48
			data := edge[uint8]("data", 63*(n/4+gap)+n/4)
			fill(data, 0xFF)
			whole := make([]uint8, TileRows*n/4)
			fill(whole, 0x91)
			for row := range TileRows {
				whole[row*n/4+row] = 0x24
				copy(data[row*(n/4+gap):], whole[row*n/4:][:n/4])
			}
			want, got := make([]uint32, TileRows*n/16), make([]uint32, TileRows*n/16)
			if p.Blocks(want, whole, n/4) != 0 || p.Blocks(got, data, n/4+gap) != 0 || !slices.Equal(got, want) {
				t.Fatal("Blocks reads what lies between rows")
			}
		})
	}
}
