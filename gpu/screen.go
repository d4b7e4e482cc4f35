package gpu

import (
	"encoding/binary"
	"math"
	"os"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"
	"bitnet-gpu/weights"
)

// A screen finds the rows of the head that may hold the best logits without
// reading the head: from a copy of it in four-bit codes, a quarter of the bytes
// of float16 (kernel.Coder, which shows why none is missed). Their logits are then
// computed from the stored rows; all others are the lowest number, so that what
// chooses among the logits finds the same.
type screen struct {
	codes  dense         // (VocabSize, Hidden/32 rounded up, 4) words
	rows   driver.Buffer // (VocabSize, 2) quantum and length
	dither driver.Buffer // (Hidden)
	inputs driver.Buffer // (screenRows, 2) see screen_input.comp
	lower  driver.Buffer // (screenRows, VocabSize) what a logit is at least
	best   driver.Buffer // (screenRows, screenStretches, 2)
	bound  driver.Buffer // (screenRows)
}

const (
	screenRows      = 8   // most of a batch: with more, reading the whole head once costs less
	screenStretches = 256 // of the vocabulary, the most of bound.comp
	// screenHead is the size in bytes from which on a head is screened: reading
	// a smaller one takes no longer than three more dispatches.
	screenHead = 16 << 20
)

// screens reports whether the head of a model is to be screened. The environment
// variable BITNET_HEAD overrules its size: "full" says no, "screen" yes.
func screens(m *weights.Model) bool {
	switch os.Getenv("BITNET_HEAD") {
	case "full":
		return false
	case "screen":
		return true
	}
	return m.VocabSize*rowBytes(&m.Output) >= screenHead
}

// screenBytes returns what the codes of a model's head take.
func screenBytes(m *weights.Model) int64 { return int64(m.VocabSize) * int64(codedBytes(m.Hidden)+8) }

// codedBytes returns the bytes of a row of codes.
func codedBytes(cols int) int { return (cols + 31) / 32 * 16 }

// newScreen makes the codes of the head and copies them to the device, in pieces of
// some megabytes.
func (l *loader) newScreen() *screen {
	m, v := l.model, l.model.VocabSize
	dither := kernel.Dither(m.Hidden)
	s := &screen{
		rows:   l.buffer("screen rows", 8*v, driver.Local),
		dither: l.floats("screen dither", dither),
		inputs: l.buffer("screen inputs", 8*screenRows, driver.Local),
		lower:  l.buffer("screen lower", 4*screenRows*v, driver.Local),
		best:   l.buffer("screen best", 8*screenRows*screenStretches, driver.Local),
		bound:  l.buffer("screen bound", 4*screenRows, driver.Local),
	}
	path, err := kernel.Pick("")
	if err != nil {
		panic("BUG: gpu: " + err.Error())
	}
	quanta := make([]float32, 2*v)
	s.codes = l.table("screen codes", v, codedBytes(m.Hidden), driver.Local, func(words []uint32, first, n int) error {
		coder, row, codes := path.NewCoder(dither), make([]float32, m.Hidden), make([]int8, m.Hidden)
		stride := codedBytes(m.Hidden) / 4
		for i := range n {
			widen(row, &m.Output, first+i)
			quanta[2*(first+i)], quanta[2*(first+i)+1] = coder.Code(codes, row)
			nibbles(words[i*stride:(i+1)*stride], codes)
		}
		return nil
	})
	l.write(s.rows, 0, driver.Bytes(quanta))
	return s
}

// widen stores a row of the head as the device has it.
func widen(x []float32, d *weights.Dense, row int) {
	d.Row(x, row)
	for i, v := range x {
		x[i] = kernel.FZ(v)
	}
}

// nibbles packs codes for screen.comp. What pads a row are codes of 0.
func nibbles(words []uint32, codes []int8) {
	clear(words)
	for i := range len(codes) / 8 {
		var four [8]byte
		for j, c := range codes[8*i : 8*i+8] {
			four[j] = byte(c) & 15
		}
		words[i] = binary.LittleEndian.Uint32(four[:]) | binary.LittleEndian.Uint32(four[4:])<<4
	}
}

// screened reports whether the list finds its best rows through the screen.
func (l *list) screened() bool {
	return l.screen != nil && l.chain+l.top > 0 && l.rows <= screenRows && l.trace == nil
}

// narrow adds the logits of those rows that can be among the n best.
func (l *list) narrow(n int, x, logits driver.Range) {
	m, s, v := l.model, l.screen, l.model.VocabSize
	part := func(b driver.Buffer, size int) driver.Range { return driver.Range{Buffer: b, Size: size * l.rows} }
	inputs, lower := part(s.inputs, 8), part(s.lower, 4*v)
	best, bound := part(s.best, 8*screenStretches), part(s.bound, 4)

	l.dispatch(shaders.ScreenInput, l.rows, 1, params(m.Hidden), x, driver.Whole(s.dither), inputs)
	k, each := l.kernels.screen.pick(l.rows)
	band, slop := math.Float32bits(kernel.ScreenBand), math.Float32bits(screenSlop(m.Hidden))
	eight := k.GroupSize() / 8 // rows of a group
	for i, codes := range s.codes.parts {
		first, rows := s.codes.part(i, v)
		l.dispatch(k, (rows+eight-1)/eight, (l.rows+each-1)/each, append(params(rows, first, v, m.Hidden, l.rows), band, slop),
			driver.Whole(codes), driver.Whole(s.rows), x, inputs, lower, logits)
	}
	l.dispatch(shaders.Best, screenStretches, l.rows, params(v, (v+screenStretches-1)/screenStretches), lower, best, l.used(l.bufs.batch))
	l.dispatch(shaders.Bound, l.rows, 1, params(screenStretches, n), best, bound)
	group := l.kernels.rescore.GroupSize()
	for i, head := range l.head.parts {
		first, rows := l.head.part(i, v)
		l.dispatch(l.kernels.rescore, (rows+group-1)/group, l.rows, params(rows, first, v, m.Hidden), driver.Whole(head), x, logits, bound)
	}
}

// screenSlop bounds what roundings add to the error of an estimate, relative to
// the length that Coder.Code returns and to |x|: of c.x in 32 chains, whose codes
// times d are at most twice as long as that, of u.x and of the reference's sum
// together 3/32*cols + 40 roundings of 2^-24.
func screenSlop(cols int) float32 { return float32(cols/8+64) / (1 << 23) }
