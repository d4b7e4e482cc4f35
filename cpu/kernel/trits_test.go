package kernel

import (
	"fmt"
	"slices"
	"testing"
)

// tritCols are the widths whose last block of 20 columns differs, below and
// above one turn of the unpacking, and the usual ones.
func tritCols() []int {
	cols := []int{2560, 6912}
	for n := 16; n <= 16*24; n += 16 {
		cols = append(cols, n)
	}
	return cols
}

// TestTritBytes goes through all bytes: the 243 in use are as trits.go says.
func TestTritBytes(t *testing.T) {
	seen := map[uint32]bool{}
	for i := range uint32(243) {
		t0, t1, t2, t3, t4 := i/81, i/27%3, i/9%3, i/3%3, i%3
		want := 8*(9*t0+3*t1+t2) + 3*t3 + t4 - 1
		if t3 == 0 && t4 == 0 {
			want = 219 + 9*t0 + 3*t1 + t2
		}
		const ones = 0x01010101
		got := packDigits((9*t0+3*t1+t2)*ones, (3*t3+t4)*ones)
		if got != want*ones || seen[want] || want > 255 {
			t.Fatalf("digits %d %d %d %d %d are %08x, expected %02x and once", t0, t1, t2, t3, t4, got, want)
		}
		seen[want] = true
		for f, digit := range []uint32{t0, t1, t2, t3, t4} {
			if got := unpackDigit(got, f); got != digit*ones {
				t.Fatalf("byte %02x: digit %d is %08x, expected %d", want, f, got, digit)
			}
		}
	}
}

// TestTritWord says which weight stands where.
func TestTritWord(t *testing.T) {
	for k := range 48 {
		words := make([]uint32, 3*TileRows)
		row := k % TileRows
		words[k/16*TileRows+row] = 2 << (8*(k%4) + 2*(k%16/4))
		w := make([]uint32, 3*TileRows)
		packTrits(w, words)
		for i, word := range w {
			for j := range 4 {
				for f := range 5 {
					want := uint32(0)
					if i%TileRows == row && i/TileRows*20+4*f+j == k {
						want = 2
					}
					if got := unpackDigit(word, f) >> (8 * j) & 0xFF; got != want {
						t.Fatalf("weight %d: word %d, byte %d, digit %d is %d, expected %d", k, i, j, f, got, want)
					}
				}
			}
		}
	}
}

func TestTrits(t *testing.T) {
	for _, p := range tritPaths(append(interpreted(), native()...)) {
		t.Run(p.Name, func(t *testing.T) { testTrits(t, p) })
	}
}

// tritPaths returns the paths of those that have kernels of trits, and the portable
// one with those that define them, which it does not use.
func tritPaths(paths []*Path) []*Path {
	portable := &Path{Name: "portable", Few: 4, TritsVec: tritsVec, TritsFew: tritsFew, PackTrits: packTrits, UnpackTrits: unpackTrits}
	return append(slices.DeleteFunc(paths, func(p *Path) bool { return p.TritsVec == nil }), portable)
}

func testTrits(t *testing.T, p *Path) {
	r := newRand()
	for _, n := range tritCols() {
		steps := tritSteps(n / 16)
		for _, tiles := range []int{1, 3} {
			if n > 1000 && tiles > 1 {
				continue
			}
			words := make([]uint32, tiles*n/16*TileRows)
			w := edge[uint32]("w", tiles*steps*TileRows)
			for _, in := range ternaryInputs {
				name := fmt.Sprintf("%s (%d, %d)", in.name, tiles*TileRows, n)
				x := edge[int8]("x", n)
				in.fill(r, words, x)
				for tile := range tiles {
					p.PackTrits(w[tile*steps*TileRows:][:steps*TileRows], words[tile*n/16*TileRows:][:n/16*TileRows])
				}
				want := make([]int32, tiles*TileRows)
				ternaryVec(want, words, x)
				got := edge[int32]("acc", len(want))
				fill(got, -1)
				p.TritsVec(got, w, x)
				sameInts(t, "TritsVec "+name, got, want)
				if !intact[int32]("acc", len(got)) {
					t.Errorf("TritsVec %s stores before acc", name)
				}

				last := w[(tiles-1)*steps*TileRows:] // so that it ends where memory does
				testTritsFew(t, p, name, words[(tiles-1)*n/16*TileRows:], last)
				back := edge[uint32]("words", n/16*TileRows)
				fill(back, 0xFFFFFFFF)
				p.UnpackTrits(back, last)
				if !slices.Equal(back, words[(tiles-1)*n/16*TileRows:]) {
					t.Fatalf("UnpackTrits %s: other words than were packed", name)
				}
				if !intact[uint32]("words", len(back)) {
					t.Errorf("UnpackTrits %s stores before words", name)
				}
			}
		}
	}
}

// testTritsFew multiplies a tile with random tokens.
func testTritsFew(t *testing.T, p *Path, name string, words, w []uint32) {
	t.Helper()
	r := newRand()
	x := edge[int8]("few", p.Few*len(words)/TileRows*16)
	for i := range x {
		x[i] = int8(r.IntN(256))
	}
	got, want := edge[int32]("sums", p.Few*TileRows), make([]int32, p.Few*TileRows)
	fill(got, -1)
	p.TritsFew(got, w, x)
	ternaryMat(want, words, x, p.Few)
	sameInts(t, "TritsFew "+name, got, want)
	if !intact[int32]("sums", len(got)) {
		t.Errorf("TritsFew %s stores before acc", name)
	}
}

// TestTritsMat multiplies tokens of one group of 16 and of several, in blocks of
// columns and with what is left behind them.
func TestTritsMat(t *testing.T) {
	for _, p := range tritsMatPaths() {
		t.Run(p.Name, func(t *testing.T) {
			r := newRand()
			for _, n := range append(tritCols(), 640, 656, 1280, 1408) {
				words := make([]uint32, n/16*TileRows)
				w := edge[uint32]("w", tritSteps(n/16)*TileRows)
				for i, in := range ternaryInputs {
					tokens := []int{16, 32, 48, 128, 80, 16}[(i+n/16)%6]
					rows := make([]int8, tokens*n)
					in.fill(r, words, rows)
					packTrits(w, words)
					testTritsMat(t, p, fmt.Sprintf("%s, %d tokens, %d columns", in.name, tokens, n), words, w, rows, n)
				}
			}
		})
	}
}

// tritsMatPaths returns the paths, also interpreted ones, with TritsMat, and the
// portable one with the function that defines it.
func tritsMatPaths() []*Path {
	return append(slices.DeleteFunc(append(interpreted(), native()...), func(p *Path) bool { return p.TritsMat == nil }),
		&Path{Name: "portable", TritsMat: tritsMat})
}

// testTritsMat multiplies rows (tokens, n).
func testTritsMat(t *testing.T, p *Path, name string, words, w []uint32, rows []int8, n int) {
	padded, tokens := (n+63)/64*64, len(rows)/n
	x := edge[int8]("x", tokens*padded)
	clear(x)
	for i, a := range rows {
		x[TokenBlock(i/n, i%n, padded)] = a
	}
	room := edge[uint8]("room", TritsMatRoom)
	fill(room, 0xFF)
	got, want := edge[int32]("acc", tokens*TileRows), make([]int32, TileRows)
	fill(got, -1)
	p.TritsMat(got, w, x, room)
	for token := range tokens {
		ternaryVec(want, words, rows[token*n:][:n])
		sameInts(t, fmt.Sprintf("%s, token %d", name, token), got[token*TileRows:][:TileRows], want)
	}
	if !intact[int32]("acc", len(got)) || !intact[uint8]("room", len(room)) {
		t.Errorf("%s: stores before acc or room", name)
	}
}

// FuzzTrits packs the weights that its bytes are, multiplies and unpacks them.
func FuzzTrits(f *testing.F) {
	f.Add([]byte{}, uint8(0))
	f.Add([]byte{0xAA, 0x7F, 0x80, 0xFF, 0x00, 0x55, 0x02}, uint8(5))
	f.Fuzz(func(t *testing.T, data []byte, width uint8) {
		n := 16 * (int(width)%40 + 1)
		at := func(i int) byte {
			if len(data) == 0 {
				return 0
			}
			return data[i%len(data)] + byte(i/len(data))
		}
		words, x := make([]uint32, n/16*TileRows), make([]int8, n)
		for i := range words {
			for j := range 4 {
				words[i] |= uint32(at(4*i+j)) << (8 * j)
			}
			words[i] &^= words[i] << 1 & 0xAAAAAAAA // no code 3
		}
		for i := range x {
			x[i] = int8(at(4*len(words) + i))
		}
		w, packed := make([]uint32, tritSteps(n/16)*TileRows), make([]uint32, tritSteps(n/16)*TileRows)
		packTrits(w, words)
		want := make([]int32, TileRows)
		ternaryVec(want, words, x)
		back := make([]uint32, len(words))
		for _, p := range tritPaths(native()) {
			got := make([]int32, TileRows)
			p.TritsVec(got, w, x)
			sameInts(t, p.Name+" TritsVec", got, want)
			few := make([]int8, p.Few*n)
			for i := range few {
				few[i] = x[i%n]
			}
			fewWant := make([]int32, p.Few*TileRows)
			ternaryMat(fewWant, words, few, p.Few)
			fewGot := make([]int32, p.Few*TileRows)
			p.TritsFew(fewGot, w, few)
			sameInts(t, p.Name+" TritsFew", fewGot, fewWant)
			if p.PackTrits(packed, words); !slices.Equal(packed, w) {
				t.Errorf("%s PackTrits: other words than the portable", p.Name)
			}
			if p.UnpackTrits(back, w); !slices.Equal(back, words) {
				t.Errorf("%s UnpackTrits: other words than were packed", p.Name)
			}
		}
	})
}

func BenchmarkTritsVec(b *testing.B) {
	const n = 2560
	rows := streamed / (n / 5) / TileRows * TileRows
	w, x, acc := make([]uint32, rows*n/TritWeights), make([]int8, n), make([]int32, rows)
	fill(w, 0x12D41280)
	fill(x, 3)
	for _, p := range native() {
		if p.TritsVec != nil {
			b.Run(p.Name, func(b *testing.B) { stream(b, w, func() { p.TritsVec(acc, w, x) }) })
		}
	}
}

// BenchmarkTritsFew reads a matrix from memory.
func BenchmarkTritsFew(b *testing.B) {
	const n = 2560
	tile := tritSteps(n/16) * TileRows
	w, acc := make([]uint32, streamed/4/tile*tile), make([]int32, 4*TileRows)
	fill(w, 0x12D41280)
	for _, p := range native() {
		if p.TritsFew != nil {
			b.Run(p.Name, func(b *testing.B) {
				x := make([]int8, p.Few*n)
				stream(b, w, func() {
					for at := 0; at < len(w); at += tile {
						p.TritsFew(acc, w[at:at+tile], x)
					}
				})
			})
		}
	}
}

func BenchmarkUnpackTrits(b *testing.B) {
	const n = 2560
	w, words := make([]uint32, n/TritWeights*TileRows), make([]uint32, n/16*TileRows)
	for _, p := range native() {
		if p.UnpackTrits != nil {
			b.Run(p.Name, func(b *testing.B) {
				b.ReportMetric(1e9*fastest(b, func() { p.UnpackTrits(words, w) }), "ns/tile")
			})
		}
	}
}

// BenchmarkPackTrits counts bytes of kernel words.
func BenchmarkPackTrits(b *testing.B) {
	const n = 2560
	words := make([]uint32, n/16*TileRows)
	codes(newRand(), words)
	w := make([]uint32, n/TritWeights*TileRows)
	for _, p := range native() {
		if p.PackTrits != nil {
			b.Run(p.Name, func(b *testing.B) {
				b.SetBytes(int64(4 * len(words)))
				for b.Loop() {
					p.PackTrits(w, words)
				}
			})
		}
	}
}

// BenchmarkTritsMat multiplies tiles of a matrix in memory with tokens, and counts
// only what is asked for.
func BenchmarkTritsMat(b *testing.B) {
	for _, p := range native() {
		for _, n := range []int{2560, 6912} {
			if p.TritsMat == nil {
				continue
			}
			for _, tokens := range []int{16, 32, 128} {
				b.Run(fmt.Sprintf("%s, %d tokens, %d columns", p.Name, tokens, n), func(b *testing.B) {
					tile := tritSteps(n/16) * TileRows
					w, x := make([]uint32, streamed/4/tile*tile), make([]int8, tokens*n)
					fill(w, 0x12D41280)
					fill(x, 3)
					acc, room := make([]int32, tokens*TileRows), make([]uint8, TritsMatRoom)
					at := 0
					seconds := fastest(b, func() {
						p.TritsMat(acc, w[at:at+tile], x, room)
						at = (at + tile) % len(w)
					})
					b.ReportMetric(float64(len(x)*TileRows)/seconds/1e9, "GMAC/s")
				})
			}
		}
	}
}
