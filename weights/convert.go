package weights

import (
	"fmt"
	"hash/crc32"
	"io"

	"bitnet-gpu/weights/ternary"
)

// Convert reads the model at path in and writes it to out as a GGUF file, tensor
// by tensor. Before the file gets its name, it is opened again, every tensor in
// it is compared with what was meant, and check, where not nil, looks at both
// models. Errors begin with a path.
//
// A type is refused whose blocks do not divide the rows, also where I2_S can be
// laid out: other engines could not read it.
func Convert(in, out string, read OpenOptions, write WriteOptions, check func(from, to *Model) error) error {
	m, err := open(in, read) // without the scales of master weights: the writer finds them, one at a time
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.wholeBlocks(write.Type); err != nil {
		return m.namePath(out, err)
	}
	err = m.writeGGUF(out, write, func(g *ggufWriter, path string) error {
		to, err := Open(path)
		if err != nil {
			return err
		}
		defer to.Close()
		if err := g.verify(to); err != nil {
			return err
		}
		if check != nil {
			return check(m, to)
		}
		return nil
	})
	return m.namePath(out, err)
}

func (m *Model) wholeBlocks(f ternary.Format) error {
	n, _ := f.EncodeBlock()
	for _, t := range m.ternaries() {
		if t.Cols%n != 0 {
			return fmt.Errorf("tensor %q has rows of %d weights and cannot be %s, which wants a multiple of %d", t.Name, t.Cols, f, n)
		}
	}
	return nil
}

// verify compares a written model with what was written: weights by sums over
// them, everything else as it is.
func (g *ggufWriter) verify(to *Model) error {
	m := g.m
	want := m.Config
	want.Arch = g.arch
	want.RopeBase = float64(float32(want.RopeBase))
	if to.Config != want {
		return fmt.Errorf("verification failed: config %+v, expected %+v", to.Config, want)
	}
	sums := map[string]uint64{}
	for i, t := range g.tensors {
		sums[t.Name] = g.sums[i]
	}
	from := m.ternaries()
	for i, t := range to.ternaries() {
		sum, err := to.eachRows(t, t.Paired, func(int, []uint32) {})
		if err != nil {
			return err
		}
		if sum != sums[t.Name] || !sameScale(t, from[i]) {
			return fmt.Errorf("verification failed: tensor %q of scale %v, expected %v", t.Name, t.Scale, from[i].Scale)
		}
		to.Release(t.Data)
	}
	for _, d := range to.denses() {
		err := to.Guard(func() error {
			if sum := sumBytes(d.Data); sum != sums[d.Name] {
				return fmt.Errorf("verification failed: tensor %q", d.Name)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sameScale compares scales as far as the format holds them.
func sameScale(t, from *Ternary) bool {
	if !hasHalf(t.Format) {
		return t.Scale == from.Scale
	}
	return fitsHalf(from.Scale) && t.Scale == roundHalf(from.Scale) || t.Level == 0 // all weights are 0
}

// A summer passes on what is written, and sums it.
type summer struct {
	out io.Writer
	sum uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (s *summer) Write(p []byte) (int, error) {
	s.sum = crc32.Update(s.sum, castagnoli, p)
	return s.out.Write(p)
}

func sumBytes(b []byte) uint64 { return uint64(crc32.Checksum(b, castagnoli)) }
