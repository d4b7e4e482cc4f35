package cpu

import (
	"slices"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
	"bitnet-gpu/weights/ternary"
)

// A row is one token of a batch.
type row struct {
	slot, pos int
	token     int32

	logits []float32           // (VocabSize) to fill, or nil
	top    []compute.Candidate // to fill, may be empty
	next   *compute.Step       // to continue with the best token, in top[0]
}

// scratch holds the intermediates of a batch, under the field's names.
type scratch struct {
	rows []row // of the current batch
	l    int   // current layer

	h    []float32 // (batch, Hidden) residual stream
	q    []float32 // (batch, Heads*HeadDim)
	k, v []float32 // (batch, KVHeads*HeadDim)
	kqv  []float32 // (batch, Heads*HeadDim) attention's output
	gate []float32 // (batch, FFN), then the activated product
	up   []float32 // (batch, FFN)
	x    []float32 // (batch, Hidden or DenseWidth) normed input of dense matrices and the head
	in   quantised // input of the BitLinears

	parts []attended // (KVHeads, chunks of the context) of a token that is spread, or nil

	one    [][1]compute.Candidate // (batch) best token of rows that continue
	logits [][]float32            // (..., VocabSize) for rows whose logits nobody else holds
	spare  int                    // how many of them the batch uses

	worker []workerScratch // (workers)
}

// workerScratch is what one worker needs for itself.
type workerScratch struct {
	acc, up   []int32   // sums of a stretch of tiles; of a tile of up beside one of gate
	tile      []uint32  // (max width/16, 64) a tile as kernel words
	trits     []uint32  // (max width/20, 64) a tile as trits, of a matrix in the file
	room      []uint8   // (kernel.TritsMatRoom)
	scales    []float32 // (2, tokens of a group)
	y         []float32 // (max width) normed vector
	sums      []float32 // (max width/16) block sums of squares
	codes     []int8    // (max width)
	score     []float32 // (4, 64)
	sum, next attended  // of the heads that share keys
	line      []float32 // (max width) one widened row of a dense matrix
	numeric   bool      // a vector left the contract's range
	failed    error     // of a tile in the file
}

// unpacked returns room for the kernel words of a tile of m.
func (w *workerScratch) unpacked(m *matrix) []uint32 {
	return w.tile[:m.cols/ternary.WordWeights*kernel.TileRows]
}

func (b *backend) allocate() {
	m := b.model
	width := max(m.Hidden, m.FFN, m.Heads*m.HeadDim)
	b.cache = b.newCache()
	s := &b.scratch
	s.rows = make([]row, 0, b.batch)
	s.one = make([][1]compute.Candidate, b.batch)
	s.h = make([]float32, b.batch*m.Hidden)
	s.x = make([]float32, b.batch*max(m.Hidden, m.DenseWidth()))
	s.q = make([]float32, b.batch*m.Heads*m.HeadDim)
	s.kqv = make([]float32, b.batch*m.Heads*m.HeadDim)
	s.k = make([]float32, b.batch*m.KVHeads*m.HeadDim)
	s.v = make([]float32, b.batch*m.KVHeads*m.HeadDim)
	s.gate = make([]float32, b.batch*m.FFN)
	s.up = make([]float32, b.batch*m.FFN)
	s.in = newQuantised(b.batch, width, b.Path)
	for range b.spreadChunks() * m.KVHeads {
		s.parts = append(s.parts, newAttended(m.Heads/m.KVHeads, m.HeadDim))
	}
	s.worker = make([]workerScratch, b.workers)
	for i := range s.worker {
		w := &s.worker[i]
		group := b.Panel
		if b.TritsMat != nil {
			group = min(matGroup, (b.batch+15)/16*16)
			w.room = make([]uint8, kernel.TritsMatRoom)
			w.trits = make([]uint32, tileWords(b.Path, width))
			w.up = make([]int32, group*kernel.TileRows)
		}
		w.acc = make([]int32, max(group, tiles(width), 2)*kernel.TileRows)
		w.tile = make([]uint32, width/16*kernel.TileRows)
		w.scales = make([]float32, 2*group)
		w.y = make([]float32, width)
		w.sums = make([]float32, width/16)
		w.codes = make([]int8, width)
		w.score = make([]float32, 4*kernel.Chunk)
		w.sum = newAttended(m.Heads/m.KVHeads, m.HeadDim)
		w.next = newAttended(m.Heads/m.KVHeads, m.HeadDim)
		w.line = make([]float32, width)
	}
	b.scoreScale = scoreScale(m.HeadDim)
	if !m.SubNorms {
		b.ones = slices.Repeat([]float32{1}, width)
	}
	b.regions, b.guarded = b.bindRegions(), b.forwardSteps
}

// regions are the parallel parts of a forward pass, as functions of the worker.
// They are bound once: a method value made at each call would be garbage.
type regions struct {
	embed, attnNorm, qkv, rope, attend, subNorm, o     func(int)
	attendParts, attendJoin                            func(int)
	ffnNorm, gateUp, ffnSubNorm, down, outNorm, logits func(int)
	screen, rescore                                    func(int)
}

func (b *backend) bindRegions() regions {
	return regions{
		embed: b.embed, attnNorm: b.attnNorm, qkv: b.qkv, rope: b.rope, attend: b.attend,
		attendParts: b.attendParts, attendJoin: b.attendJoin, subNorm: b.subNorm, o: b.attnOut,
		ffnNorm: b.ffnNorm, gateUp: b.gateUp, ffnSubNorm: b.ffnSubNorm, down: b.down,
		outNorm: b.outNorm, logits: b.head,
		screen: b.screenTiles, rescore: b.rescore,
	}
}

// forward runs the transformer over the rows of the scratch: the cache gains
// their keys and values, rows that ask for logits or candidates get them. It
// reports false where one of these is not finite.
func (b *backend) forward() (ok bool) {
	s, r, m := &b.scratch, &b.regions, b.model
	b.byToken(r.embed)
	b.tap("inp_embd", -1, s.h)
	for s.l = range b.layers {
		l := &b.layers[s.l]
		b.normed(r.attnNorm, m.Hidden)
		b.tapNormed("attn_norm", l.qkvIn)
		b.pool.run(r.qkv)
		b.byToken(r.rope)
		b.tap("Qcur", s.l, s.q)
		b.tap("Kcur", s.l, s.k)
		b.tap("Vcur", s.l, s.v)
		if b.spread() {
			b.pool.run(r.attendParts)
			b.pool.run(r.attendJoin)
		} else {
			b.pool.run(r.attend)
		}
		b.tap("kqv_out", s.l, s.kqv)
		b.normed(r.subNorm, m.Heads*m.HeadDim)
		b.tapNormed("attn_sub_norm", l.oIn)
		b.pool.run(r.o)
		b.tap("ffn_inp", s.l, s.h)
		b.normed(r.ffnNorm, m.Hidden)
		b.tapNormed("ffn_norm", l.ffnIn)
		b.pool.run(r.gateUp)
		b.tap("ffn_out", s.l, s.gate)
		b.normed(r.ffnSubNorm, m.FFN)
		b.tapNormed("ffn_sub_norm", l.downIn)
		b.pool.run(r.down)
		b.tap("l_out", s.l, s.h)
	}
	return b.output()
}

// normed runs one of the norms, whose vectors are n long.
func (b *backend) normed(norm func(worker int), n int) {
	b.scratch.in.n = n
	b.byToken(norm)
}

// byToken runs a region that works token by token: on all workers for a prompt,
// on this one alone for a few tokens, which costs less than to meet.
func (b *backend) byToken(region func(worker int)) {
	if len(b.scratch.rows) >= 2*b.workers && b.workers > 1 {
		b.pool.run(region)
		return
	}
	b.pool.alone(region)
}

// tokens returns the next rows of a worker in a byToken region, none at its end.
func (b *backend) tokens() (lo, hi int) {
	return b.pool.take(len(b.scratch.rows), 1)
}

// vector returns row t of a (batch, n) buffer.
func vector(x []float32, t, n int) []float32 { return x[t*n : t*n+n : t*n+n] }

func (b *backend) embed(int) {
	for lo, hi := b.tokens(); lo < hi; lo, hi = b.tokens() {
		for t := lo; t < hi; t++ {
			h := vector(b.scratch.h, t, b.model.Hidden)
			b.model.TokenEmbd.Row(h, int(b.scratch.rows[t].token))
			for i := range h {
				h[i] = kernel.FZ(h[i])
			}
		}
	}
}

func (b *backend) attnNorm(worker int) {
	l := &b.layers[b.scratch.l]
	b.normLayer(worker, b.scratch.h, b.model.Hidden, l.AttnNorm, l.qkvIn)
}

func (b *backend) qkv(worker int) {
	s, l := &b.scratch, &b.layers[b.scratch.l]
	q, k, v := l.q.tiles(), l.k.tiles(), l.v.tiles()
	for lo, hi := b.pool.take(q+k+v, 1); lo < hi; lo, hi = b.pool.take(q+k+v, 1) {
		b.product(worker, l.q, lo, hi, s.q, false)
		b.product(worker, l.k, lo-q, hi-q, s.k, false)
		b.product(worker, l.v, lo-q-k, hi-q-k, s.v, false)
	}
}

func (b *backend) subNorm(worker int) {
	l := &b.layers[b.scratch.l]
	b.normLayer(worker, b.scratch.kqv, b.model.Heads*b.model.HeadDim, l.AttnSubNorm, l.oIn)
}

func (b *backend) attnOut(worker int) { b.residual(worker, b.layers[b.scratch.l].o) }

// residual adds a matrix's product to the residual stream.
func (b *backend) residual(worker int, m *matrix) {
	for lo, hi := b.pool.take(m.tiles(), 1); lo < hi; lo, hi = b.pool.take(m.tiles(), 1) {
		b.product(worker, m, lo, hi, b.scratch.h, true)
	}
}

func (b *backend) ffnNorm(worker int) {
	l := &b.layers[b.scratch.l]
	b.normLayer(worker, b.scratch.h, b.model.Hidden, l.FFNNorm, l.ffnIn)
}

// gateUp computes the rows of both matrices that belong together, then their
// activated product, in place of the gate.
func (b *backend) gateUp(worker int) {
	s, l, n := &b.scratch, &b.layers[b.scratch.l], b.model.FFN
	tiles := l.gate.tiles()
	blocks := !l.ffnIn.x && s.in.inBlocks(len(s.rows)) && b.model.Activation == weights.ReLU2 && n%kernel.TileRows == 0
	for lo, hi := b.pool.take(tiles, 1); lo < hi; lo, hi = b.pool.take(tiles, 1) {
		if blocks {
			for tile := lo; tile < hi; tile++ {
				b.gateUpBlocks(&s.worker[worker], l.gate, l.up, tile, s.gate)
			}
			continue
		}
		b.product(worker, l.gate, lo, hi, s.gate, false)
		b.product(worker, l.up, lo, hi, s.up, false)
		first, last := lo*kernel.TileRows, min(hi*kernel.TileRows, n)
		for t := range s.rows {
			gate, up := vector(s.gate, t, n)[first:last], vector(s.up, t, n)[first:last]
			if b.model.Activation == weights.SiLU {
				kernel.SiLU(gate, gate, up)
			} else {
				b.ReLU2(gate, gate, up)
			}
		}
	}
}

func (b *backend) ffnSubNorm(worker int) {
	l := &b.layers[b.scratch.l]
	b.normLayer(worker, b.scratch.gate, b.model.FFN, l.FFNSubNorm, l.downIn)
}

func (b *backend) down(worker int) { b.residual(worker, b.layers[b.scratch.l].down) }
