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

// ternary adds a ternary matrix, in the form the options ask for; paired is the
// size of heads whose rows the file has pair by pair.
func (g *ggufWriter) ternary(name string, t *Ternary, paired int) error {
	to := g.opt.Type
	perBlock, blockBytes := to.EncodeBlock()
	switch half := kernel.FromHalf(kernel.ToHalf(t.Scale)); {
	case to == ternary.I2S && t.Rows*t.Cols%perBlock != 0:
		return fmt.Errorf("tensor %q of %d x %d weights cannot be I2_S, which wants a multiple of %d", name, t.Rows, t.Cols, perBlock)
	case to != ternary.I2S && t.Cols%perBlock != 0:
		return fmt.Errorf("tensor %q has rows of %d weights and cannot be %s, which wants a multiple of %d", name, t.Cols, to, perBlock)
	case to != ternary.I2S && !(math.Abs(float64(half/t.Scale)-1) < 0x1p-10):
		return fmt.Errorf("tensor %q has scale %v and cannot be %s, whose float16 does not hold it", name, t.Scale, to)
	}
	g.add(name, writable[to].typ, []int{t.Cols, t.Rows}, func(out io.Writer) error {
		if to == ternary.I2S && t.Format == ternary.I2S && t.Paired == paired {
			_, err := out.Write(t.Data)
			return orTail(out, t.Scale, err)
		}
		target := *t
		target.Paired = paired
		data := make([]byte, t.Rows*t.Cols/perBlock*blockBytes)
		err := g.m.parallel((t.Rows+rowPart-1)/rowPart, func(part int) error {
			first := part * rowPart
			last := min(first+rowPart, t.Rows)
			words, n := make([]uint32, (last-first)*t.Cols/ternary.WordWeights), t.Cols/ternary.WordWeights
			for row := first; row < last; row++ {
				if err := t.Row(words[(row-first)*n:], target.ModelRow(row)); err != nil {
					return fmt.Errorf("tensor %s: %w", t.Name, err)
				}
			}
			to.Encode(data[first*t.Cols/perBlock*blockBytes:], words, kernel.ToHalf(t.Scale))
			return nil
		})
		if err == nil {
			_, err = out.Write(data)
		}
		g.m.Release(&t.Matrix)
		if to != ternary.I2S {
			return err
		}
		return orTail(out, t.Scale, err)
	})
	return nil
}

// rowPart is a number of rows that are whole blocks of I2_S, whatever their
// length.
const rowPart = 128

// orTail writes what follows the codes of I2_S, unless there was an error.
func orTail(out io.Writer, scale float32, err error) error {
	if err != nil {
		return err
	}
	tail := make([]byte, 32)
	binary.LittleEndian.PutUint32(tail, math.Float32bits(scale))
	_, err = out.Write(tail)
	return err
}

// dense adds the embedding or the head, in the type the options ask for.
func (g *ggufWriter) dense(name string, d *Dense) error {
	to := d.Type
	if g.opt.Embd != nil {
		to = *g.opt.Embd
	}
	t := &dtypes[to]
	switch {
	case to != d.Type && t.narrow == nil:
		return fmt.Errorf("tensor %q cannot be made %s", name, to)
	case d.Cols%t.block != 0:
		return fmt.Errorf("tensor %q has rows of %d and cannot be %s, which wants a multiple of %d", name, d.Cols, to, t.block)
	}
	g.add(name, ggufType(to), []int{d.Cols, d.Rows}, func(out io.Writer) error {
		if to == d.Type {
			_, err := out.Write(d.Data)
			return err
		}
		rowBytes := d.Cols / t.block * t.bytes
		data := make([]byte, denseRows*rowBytes)
		for first := 0; first < d.Rows; first += denseRows {
			rows := min(denseRows, d.Rows-first)
			err := g.m.parallel(rows, func(i int) error {
				return d.narrowRow(data[i*rowBytes:][:rowBytes], first+i, to)
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

// narrowRow stores a row in another type. Values that it cannot hold are an
// error.
func (d *Dense) narrowRow(dst []byte, row int, to DType) error {
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
