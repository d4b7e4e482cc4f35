package weights

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/weights/ternary"
)

// matrix adds a matrix of a layer: a dense one as it is, a ternary one in the form
// the options ask for. paired is how the file has the rows of heads.
func (g *ggufWriter) matrix(name string, m *Linear, paired ternary.Paired) error {
	if m.IsDense() {
		return g.dense(name, &m.Dense, m.Dense.Type, paired)
	}
	return g.ternary(name, &m.Ternary, paired)
}

func (g *ggufWriter) ternary(name string, t *Ternary, paired ternary.Paired) error {
	to := g.opt.Type
	perBlock, _ := to.EncodeBlock()
	switch {
	case to == ternary.I2S && t.Rows*t.Cols%perBlock != 0:
		return fmt.Errorf("tensor %q of %d x %d weights cannot be I2_S, which wants a multiple of %d", name, t.Rows, t.Cols, perBlock)
	case to != ternary.I2S && t.Cols%perBlock != 0:
		return fmt.Errorf("tensor %q has rows of %d weights and cannot be %s, which wants a multiple of %d", name, t.Cols, to, perBlock)
	case hasHalf(to) && t.Scale != 0 && !fitsHalf(t.Scale):
		return halfError(t, to)
	}
	index := len(g.tensors)
	g.add(name, writable[to].typ, []int{t.Cols, t.Rows}, func(out io.Writer) error {
		if t.isMaster() && t.Scale == 0 { // Convert leaves it to us
			if err := g.m.absmean([]*Ternary{t}, nil); err != nil {
				return err
			}
			if hasHalf(to) && !fitsHalf(t.Scale) {
				return halfError(t, to)
			}
		}
		data, sum, err := g.encode(t, paired)
		if err == nil {
			_, err = out.Write(data)
		}
		g.m.Release(t.Data)
		if err != nil || to != ternary.I2S {
			g.sums[index] = sum
			return err
		}
		tail := make([]byte, 32)
		binary.LittleEndian.PutUint32(tail, math.Float32bits(t.Scale))
		g.sums[index] = sum
		_, err = out.Write(tail)
		return err
	})
	return nil
}

// hasHalf reports whether a format stores its scale as a float16.
func hasHalf(f ternary.Format) bool { return f == ternary.TQ1_0 || f == ternary.TQ2_0 }

// fitsHalf reports whether a float16 holds a scale but for its last bits.
func fitsHalf(scale float32) bool {
	return math.Abs(float64(roundHalf(scale)/scale)-1) < 0x1p-10
}

func roundHalf(x float32) float32 { return kernel.FromHalf(kernel.ToHalf(x)) }

func halfError(t *Ternary, to ternary.Format) error {
	return fmt.Errorf("tensor %q has scale %v and cannot be %s, whose float16 does not hold it", t.Name, t.Scale, to)
}

// encode returns the data of a matrix in the form the options ask for, without
// I2_S's tail, and the sum of its kernel words.
func (g *ggufWriter) encode(t *Ternary, paired ternary.Paired) ([]byte, uint64, error) {
	to, level := g.opt.Type, math.Float32bits(t.Scale)
	if hasHalf(to) {
		level = uint32(kernel.ToHalf(t.Scale))
	}
	data := make([]byte, to.Size(t.Rows, t.Cols))
	sums, err := g.m.eachRows(t, paired, func(first int, words []uint32) {
		to.Encode(data[to.Size(first, t.Cols):], words, t.Cols, level)
	})
	return data, sums, err
}

// eachRows calls f with the kernel words of rowPart rows from first on, on all
// processors, in the order of a file with such pairs. It returns a sum
// over all words and their places.
func (m *Model) eachRows(t *Ternary, paired ternary.Paired, f func(first int, words []uint32)) (uint64, error) {
	n := t.Cols / ternary.WordWeights
	sums := make([]uint64, (t.Rows+rowPart-1)/rowPart)
	err := m.parallel(len(sums), func(part int) error {
		first := part * rowPart
		rows := min(rowPart, t.Rows-first)
		words := make([]uint32, rows*n)
		for i := range rows {
			if err := t.Row(words[i*n:], paired.ModelRow(first+i)); err != nil {
				return fmt.Errorf("tensor %s: %w", t.Name, err)
			}
		}
		sums[part] = sumWords(words)
		f(first, words)
		return nil
	})
	total := uint64(0)
	for _, sum := range sums {
		total = (total ^ sum) * sumPrime
	}
	return total, err
}

// sumPrime is FNV's.
const sumPrime = 0x100000001B3

// sumWords is FNV-1a, by words.
func sumWords(words []uint32) uint64 {
	sum := uint64(0xCBF29CE484222325)
	for _, word := range words {
		sum = (sum ^ uint64(word)) * sumPrime
	}
	return sum
}

// rowPart is a number of rows that are whole blocks of I2_S, whatever their
// length.
const rowPart = 128

// embedding adds the embedding or the head, in the type the options ask for.
func (g *ggufWriter) embedding(name string, d *Dense) error {
	to := d.Type
	if g.opt.Embd != nil {
		to = *g.opt.Embd
	}
	return g.dense(name, d, to, 0)
}

// dense adds a dense matrix in a type.
func (g *ggufWriter) dense(name string, d *Dense, to DType, paired ternary.Paired) error {
	t := &dtypes[to]
	switch {
	case to != d.Type && t.narrow == nil:
		return fmt.Errorf("tensor %q cannot be made %s", name, to)
	case d.Cols%t.block != 0:
		return fmt.Errorf("tensor %q has rows of %d and cannot be %s, which wants a multiple of %d", name, d.Cols, to, t.block)
	}
	index := len(g.tensors)
	g.add(name, ggufType(to), []int{d.Cols, d.Rows}, func(file io.Writer) error {
		out := &summer{out: file}
		defer func() { g.sums[index] = uint64(out.sum) }()
		if to == d.Type && paired == d.Paired {
			_, err := out.Write(d.Data)
			return err
		}
		rowBytes := d.Cols / t.block * t.bytes
		data := make([]byte, denseRows*rowBytes)
		for first := 0; first < d.Rows; first += denseRows {
			rows := min(denseRows, d.Rows-first)
			err := g.m.parallel(rows, func(i int) error {
				return d.narrowRow(data[i*rowBytes:][:rowBytes], paired.ModelRow(first+i), to)
			})
			if err != nil {
				return err
			}
			if _, err := out.Write(data[:rows*rowBytes]); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// denseRows are converted at a time.
const denseRows = 256

// narrowRow stores a row in a type. Values that it cannot hold are an
// error.
func (d *Dense) narrowRow(dst []byte, row int, to DType) error {
	if to == d.Type {
		copy(dst, d.Bytes(row))
		return nil
	}
	wide := make([]float32, d.Cols)
	d.Row(wide, row)
	t := &dtypes[to]
	for i := 0; i < d.Cols; i, dst = i+t.block, dst[t.bytes:] {
		if !t.narrow(dst, wide[i:i+t.block]) {
			return fmt.Errorf("tensor %s: row %d holds a value that %s cannot: %v", d.Name, row, to, wide[i:i+min(t.block, 4)])
		}
	}
	return nil
}

// parallel runs f for the parts 0 to n-1 on all processors, each goroutine
// under Guard. It returns the first error.
func (m *Model) parallel(n int, f func(part int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			err := m.Guard(func() error {
				for failed.Load() == nil {
					part := int(next.Add(1)) - 1
					if part >= n {
						break
					}
					if err := f(part); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
