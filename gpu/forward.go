package gpu

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"
	"bitnet-gpu/weights"
)

// buffers are the intermediates of a batch, under the field's names.
type buffers struct {
	batch driver.Buffer // batchHeader, then (batch) token, slot, position, row
	rope  driver.Buffer // (2, context, HeadDim/2) cosines, sines

	h       driver.Buffer    // (batch, Hidden) residual stream
	qkv     driver.Buffer    // (batch, Heads*HeadDim), then twice (batch, KVHeads*HeadDim)
	kAt     int              // where in qkv the keys begin, in bytes
	vAt     int              // and the values
	kqv     driver.Buffer    // (batch, Heads*HeadDim) attention's output
	partial driver.Buffer    // chunks of the attention of one token, see attention.comp
	gate    driver.Buffer    // (batch, FFN), then the activated product
	up      driver.Buffer    // (batch, FFN)
	codes   driver.Buffer    // (batch, 4 + 16*steps) input of the BitLinears
	normed  driver.Buffer    // (batch, width of the widest) normed input of dense matrices
	x       driver.Buffer    // (rows, Hidden) normed input of the head
	logits  driver.Buffer    // (rows, VocabSize)
	ranked  [2]driver.Buffer // (rows, ..., 2) candidates on their way to the best
	best    driver.Buffer    // (rows, stretches, 2) the best token of each stretch of the vocabulary
	chosen  driver.Buffer    // (mostChain, rows, 2) the best token of each row
}

// allocate makes the buffers of a batch.
func (b *backend) allocate() error {
	m, l, s := b.model, &loader{backend: b}, &b.bufs
	q, kv := 4*b.batch*m.Heads*m.HeadDim, 4*b.batch*m.KVHeads*m.HeadDim
	s.kAt = align(q)
	s.vAt = align(s.kAt + kv)
	s.batch = l.buffer("batch", 4*batchHeader+16*b.batch, driver.Local)
	s.h = l.buffer("h", 4*b.batch*m.Hidden, driver.Local)
	s.qkv = l.buffer("qkv", s.vAt+kv, driver.Local)
	s.kqv = l.buffer("kqv", q, driver.Local)
	if b.fused {
		s.partial = l.floats("partial", make([]float32, m.Heads*(1+b.chunks()*(2+m.HeadDim))))
	}
	s.gate = l.buffer("gate", 4*b.batch*m.FFN, driver.Local)
	s.up = l.buffer("up", 4*b.batch*m.FFN, driver.Local)
	s.codes = l.buffer("codes", b.batch*codesBytes(max(m.Hidden, m.FFN, m.Heads*m.HeadDim)), driver.Local)
	if width := m.DenseWidth(); width > 0 {
		s.normed = l.buffer("normed", 4*b.batch*width, driver.Local)
	}
	s.x = l.buffer("x", 4*b.most*m.Hidden, driver.Local)
	s.logits = l.buffer("logits", 4*b.most*m.VocabSize, driver.Local)
	s.best = l.buffer("best", 8*b.most*stretches, driver.Local)
	for i := range s.ranked {
		s.ranked[i] = l.buffer("ranked", 8*b.most*topStretches(m.VocabSize)*mostTop, driver.Local)
	}
	s.chosen = l.buffer("chosen", 8*mostChain*b.most, driver.Local)
	cos, sin := compute.RopeTable(b.context, m.HeadDim, m.RopeBase)
	s.rope = l.floats("rope", append(cos, sin...))
	b.words = make([]uint32, batchHeader+4*b.batch)
	b.logits = make([]float32, b.most*m.VocabSize)
	b.ranked = make([][2]uint32, b.most*mostTop)
	b.chosen = make([][2]uint32, mostChain*b.most)
	return l.err
}

// align rounds an offset in bytes up to what every device binds.
func align(n int) int { return (n + driver.Least.Align - 1) &^ (driver.Least.Align - 1) }

// codesBytes returns the bytes of a quantised vector: sum of the codes, scale, 0,
// 0, then the codes, as norm.comp stores them.
func codesBytes(n int) int { return 16 + stepWeights*steps(n) }

// A shape of a batch is what its list depends on.
type shape struct {
	tokens int
	rows   int // of logits
	chain  int // not 0: so many tokens are chosen one after the other, each for every row, instead of a download of the logits
	top    int // not 0: so many candidates of each row are downloaded instead
}

const (
	mostChain = 8   // tokens
	mostTop   = 128 // candidates
	stretches = 64  // of the vocabulary, see best.comp
)

// A list is the forward pass of a batch of one shape.
type list struct {
	driver.List
	shape
	*backend
	taps []tap // where the backend traces
}

// list returns the list of a shape. Few are kept: a prompt has two or three, a
// server's decoding one for each number of sequences.
func (b *backend) list(s shape) *list {
	if l := b.lists[s]; l != nil {
		return l
	}
	const most = 64
	if len(b.oldest) == most {
		b.dev.Forget(&b.lists[b.oldest[0]].List)
		delete(b.lists, b.oldest[0])
		b.oldest = b.oldest[1:]
	}
	l := &list{shape: s, backend: b}
	l.Label = fmt.Sprintf("%d tokens, %d rows, chain of %d, top %d", s.tokens, s.rows, s.chain, s.top)
	l.build()
	b.lists[s] = l
	b.oldest = append(b.oldest, s)
	return l
}

// build adds the commands of the list.
func (l *list) build() {
	s := &l.bufs
	l.Add(driver.Upload{To: l.used(s.batch), Data: driver.Bytes(l.words)[:4*batchHeader+16*l.tokens]})
	for i := range max(l.chain, 1) {
		l.forward()
		if l.chain > 0 {
			l.pick(i)
		}
	}
	switch {
	case l.chain > 0:
		n := l.chain * l.rows
		l.Add(driver.Download{From: driver.Range{Buffer: s.chosen, Size: 8 * n}, Data: pairs(l.chosen[:n])})
	case l.top > 0:
		n := l.rows * l.top
		l.Add(driver.Download{From: l.candidates(), Data: pairs(l.ranked[:n])})
	case l.rows > 0:
		n := l.rows * l.model.VocabSize
		l.Add(driver.Download{From: driver.Range{Buffer: s.logits, Size: 4 * n}, Data: driver.Bytes(l.logits[:n])})
	}
	l.Add(driver.Download{From: driver.Range{Buffer: s.batch, Size: 4}, Data: driver.Bytes(l.numeric[:])})
}

// pairs returns the memory of p.
func pairs(p [][2]uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(p))), 8*len(p))
}

// forward adds the transformer: the cache gains the tokens' keys and values, the
// buffer logits their rows.
func (l *list) forward() {
	s, m := &l.bufs, l.model
	q, kv := m.Heads*m.HeadDim, m.KVHeads*m.HeadDim
	l.embed()
	l.tap("inp_embd", -1, l.of(s.h, 0, m.Hidden))
	for i := range l.layers {
		y := &l.layers[i]
		if l.fused && y.ternary && l.tokens == 1 && l.trace == nil {
			l.fusedLayer(y)
			continue
		}
		Q, K, V := l.of(s.qkv, 0, q), l.of(s.qkv, s.kAt, kv), l.of(s.qkv, s.vAt, kv)
		l.normLayer("attn_norm", i, s.h, y.attnNorm, m.Hidden, &y.q, &y.k, &y.v)
		l.product(&y.q, Q, false)
		l.product(&y.k, K, false)
		l.product(&y.v, V, false)
		l.ropeAndStore(y)
		l.tap("Qcur", i, Q)
		l.tap("Kcur", i, K)
		l.tap("Vcur", i, V)
		l.attend(y)
		l.tap("kqv_out", i, l.of(s.kqv, 0, q))
		l.normLayer("attn_sub_norm", i, s.kqv, y.attnSubNorm, q, &y.o)
		l.product(&y.o, l.of(s.h, 0, m.Hidden), true)
		l.tap("ffn_inp", i, l.of(s.h, 0, m.Hidden))
		l.normLayer("ffn_norm", i, s.h, y.ffnNorm, m.Hidden, &y.gate, &y.up)
		l.product(&y.gate, l.of(s.gate, 0, m.FFN), false)
		l.product(&y.up, l.of(s.up, 0, m.FFN), false)
		l.activate()
		l.tap("ffn_out", i, l.of(s.gate, 0, m.FFN))
		l.normLayer("ffn_sub_norm", i, s.gate, y.ffnSubNorm, m.FFN, &y.down)
		l.product(&y.down, l.of(s.h, 0, m.Hidden), true)
		l.tap("l_out", i, l.of(s.h, 0, m.Hidden))
	}
	if l.rows > 0 {
		l.output()
	}
}

// of returns the part of a (tokens, n) vector at an offset that the batch uses.
func (l *list) of(buf driver.Buffer, offset, n int) driver.Range {
	return driver.Range{Buffer: buf, Offset: offset, Size: 4 * l.tokens * n}
}

// used returns the part of the buffer batch that the list's batch uses.
func (l *list) used(batch driver.Buffer) driver.Range {
	return driver.Range{Buffer: batch, Size: 4*batchHeader + 16*l.tokens}
}

func (l *list) dispatch(k *shaders.Kernel, x, y int, params []uint32, buffers ...driver.Range) {
	l.Add(driver.Dispatch{Kernel: k, Buffers: buffers, Params: params, Groups: [3]int{x, y, 1}})
}

func (l *list) embed() {
	m, d := l.model, &l.embd
	for i, part := range d.parts {
		first, rows := d.part(i, m.VocabSize)
		l.dispatch(l.kernels.embed, l.tokens, 1, params(m.Hidden, first, rows),
			driver.Whole(part), l.used(l.bufs.batch), l.of(l.bufs.h, 0, m.Hidden))
	}
}

// normLayer makes the (tokens, n) vectors the input of the next matrices: codes where one
// is ternary, floats where one is dense.
func (l *list) normLayer(name string, layer int, h, g driver.Buffer, n int, matrices ...*matrix) {
	dense := func(m *matrix) bool { return m.dense != nil }
	ternary := func(m *matrix) bool { return m.dense == nil }
	to := func(k *shaders.Kernel, out driver.Range) {
		l.dispatch(k, l.tokens, 1, l.normParams(n, g), l.of(h, 0, n), driver.Range{Buffer: g, Size: 4 * n}, out, l.used(l.bufs.batch))
	}
	if slices.ContainsFunc(matrices, dense) {
		to(shaders.NormLayer, l.of(l.bufs.normed, 0, n))
		if !slices.ContainsFunc(matrices, ternary) {
			l.tap(name, layer, l.of(l.bufs.normed, 0, n))
			return
		}
	}
	codes := driver.Range{Buffer: l.bufs.codes, Size: l.tokens * codesBytes(n)}
	to(l.kernels.norm, codes)
	l.tapCodes(name, layer, codes, n)
}

// normParams returns the first parameters of kernels that norm with the weights
// g a vector of length n.
func (l *list) normParams(n int, g driver.Buffer) []uint32 {
	inverse := math.Float32bits(float32(1 / float64(n)))
	if g == l.ones {
		inverse = 0 // no norm
	}
	return append(params(n), inverse, math.Float32bits(l.model.NormEps), uint32(steps(n)))
}

// product multiplies a matrix with every token of the input. Row r of token t
// goes to out (tokens, rows) at [t, r], or is added to it.
func (l *list) product(m *matrix, out driver.Range, add bool) {
	if m.dense != nil {
		l.denseProduct(m, out, add)
		return
	}
	k, each := l.kernels.ternary.pick(l.tokens)
	p := append(params(m.rows, m.steps, l.tokens), math.Float32bits(m.scale), 0)
	if add {
		p[4] = 1
	}
	codes := driver.Range{Buffer: l.bufs.codes, Size: l.tokens * (16 + stepWeights*m.steps)}
	l.dispatch(k, tiles(m.rows), (l.tokens+each-1)/each, p, m.words, codes, out)
}

// denseProduct is product for a dense matrix.
func (l *list) denseProduct(m *matrix, out driver.Range, add bool) {
	d := m.dense
	k, each := l.kernels.dense[denseKind(d.typ)].pick(l.tokens)
	eight := k.GroupSize() / 8 // rows of a group
	for i, part := range d.parts {
		first, rows := d.part(i, m.rows)
		p := append(params(rows, first, m.rows, d.cols, l.tokens), 0)
		if add {
			p[5] = 1
		}
		l.dispatch(k, (rows+eight-1)/eight, (l.tokens+each-1)/each, p,
			driver.Whole(part), l.of(l.bufs.normed, 0, d.cols), out, l.used(l.bufs.batch))
	}
}

func (l *list) ropeAndStore(y *layer) {
	m, s := l.model, &l.bufs
	l.dispatch(l.kernels.rope, m.Heads+2*m.KVHeads, l.tokens,
		params(m.Heads, m.KVHeads, m.HeadDim, l.context, l.slots, s.kAt/4, s.vAt/4),
		driver.Whole(s.qkv), driver.Whole(s.rope), driver.Whole(y.cache), l.used(s.batch))
}

func (l *list) attend(y *layer) {
	m, s := l.model, &l.bufs
	q := m.Heads * m.HeadDim
	l.dispatch(l.kernels.attend, m.Heads, l.tokens,
		append(params(m.Heads, m.KVHeads, m.HeadDim, l.context, l.slots), math.Float32bits(scoreScale(m.HeadDim))),
		l.of(s.qkv, 0, q), driver.Whole(y.cache), l.of(s.kqv, 0, q), l.used(s.batch))
}

func (l *list) activate() {
	s, n := &l.bufs, l.tokens*l.model.FFN
	group := l.kernels.activate.GroupSize()
	groups := (n + group - 1) / group
	const wide = 32768 // groups in one dimension
	l.dispatch(l.kernels.activate, min(groups, wide), (groups+wide-1)/wide, params(n, l.silu()),
		l.of(s.gate, 0, l.model.FFN), l.of(s.up, 0, l.model.FFN))
}

// silu returns the parameter of kernels that activate.
func (b *backend) silu() int {
	if b.model.Activation == weights.SiLU {
		return 1
	}
	return 0
}

// output adds the final norm and the head for the rows that want logits.
func (l *list) output() {
	m, s, d := l.model, &l.bufs, &l.head
	x := driver.Range{Buffer: s.x, Size: 4 * l.rows * m.Hidden}
	logits := driver.Range{Buffer: s.logits, Size: 4 * l.rows * m.VocabSize}
	l.dispatch(l.kernels.outNorm, l.rows, 1, l.normParams(m.Hidden, l.norm),
		l.of(s.h, 0, m.Hidden), driver.Whole(l.norm), x, l.used(s.batch))
	if l.screened() {
		l.narrow(max(l.top, 1), x, logits)
		return
	}
	k, each := l.kernels.headRows.pick(l.rows)
	eight := k.GroupSize() / 8 // rows of a group
	for i, part := range d.parts {
		first, rows := d.part(i, m.VocabSize)
		l.dispatch(k, (rows+eight-1)/eight, (l.rows+each-1)/each, params(rows, first, m.VocabSize, m.Hidden, l.rows),
			driver.Whole(part), x, logits)
	}
	l.tapRows("result_norm", x)
	l.tapRows("result_output", logits)
}

// pick adds the choice of the best token of each row, the i-th of the chain. It
// is the batch's token for what follows.
func (l *list) pick(i int) {
	s, v := &l.bufs, l.model.VocabSize
	best := driver.Range{Buffer: s.best, Size: 8 * l.rows * stretches}
	l.dispatch(shaders.Best, stretches, l.rows, params(v, (v+stretches-1)/stretches),
		driver.Range{Buffer: s.logits, Size: 4 * l.rows * v}, best, l.used(s.batch))
	l.dispatch(shaders.Pick, l.rows, 1, params(stretches, i*l.rows), best, driver.Whole(s.chosen), l.used(s.batch))
}

// topStretches returns how many stretches of 512, see top.comp, n candidates are.
func topStretches(n int) int { return (n + 511) / 512 }

// candidates adds the choice of the best tokens of each row, and returns where
// they are.
func (l *list) candidates() driver.Range {
	s, n := &l.bufs, l.model.VocabSize
	from := driver.Range{Buffer: s.logits, Size: 4 * l.rows * n}
	for level := 0; ; level++ {
		groups := topStretches(n)
		to := driver.Range{Buffer: s.ranked[level%2], Size: 8 * l.rows * groups * l.top}
		l.dispatch(shaders.Top, groups, l.rows, params(n, l.top, min(level, 1)), from, to, l.used(s.batch))
		if groups == 1 {
			return to
		}
		from, n = to, groups*l.top
	}
}

// params are the parameters of a dispatch.
func params(values ...int) []uint32 {
	p := make([]uint32, len(values))
	for i, v := range values {
		p[i] = uint32(v)
	}
	return p
}
