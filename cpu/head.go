package cpu

import (
	"math"

	"bitnet-gpu/cpu/kernel"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
)

func (b *backend) wantsLogits() bool {
	for i := range b.scratch.rows {
		if b.scratch.rows[i].logits != nil {
			return true
		}
	}
	return false
}

// outNorm makes the input of the head: point 9 of the contract.
func (b *backend) outNorm(worker int) {
	s, w := &b.scratch, &b.scratch.worker[worker]
	for lo, hi := b.tokens(); lo < hi; lo, hi = b.tokens() {
		for t := lo; t < hi; t++ {
			if s.rows[t].logits == nil {
				continue
			}
			x := vector(s.x, t, b.model.Hidden)
			_, r := b.norm(w, x, vector(s.h, t, b.model.Hidden), b.model.OutputNorm)
			for i := range x {
				x[i] = kernel.FZ(x[i] * r)
			}
		}
	}
}

// headGrain is the least number of rows of the head that a worker takes: enough
// for the memory to stream.
const headGrain = 64

// head computes the logits, one pass over the rows for all tokens.
func (b *backend) head(worker int) {
	vocab := b.model.VocabSize
	for lo, hi := b.pool.take(vocab, headGrain); lo < hi; lo, hi = b.pool.take(vocab, headGrain) {
		if b.model.Output.Type == weights.F16 {
			b.headF16(lo, hi)
		} else {
			b.headWidened(worker, lo, hi)
		}
	}
}

func (b *backend) headF16(lo, hi int) {
	s, out := &b.scratch, &b.model.Output
	for id := lo; id < hi; id++ {
		row := out.F16(id)
		for t := range s.rows {
			if logits := s.rows[t].logits; logits != nil {
				logits[id] = b.DotF16(row, vector(s.x, t, out.Cols))
			}
		}
	}
}

func (b *backend) headWidened(worker, lo, hi int) {
	s, out := &b.scratch, &b.model.Output
	line := s.worker[worker].line
	for id := lo; id < hi; id++ {
		out.Row(line, id)
		if out.Type == weights.F32 || out.Type == weights.BF16 { // the others hold nothing that small
			for i := range line {
				line[i] = kernel.FZ(line[i])
			}
		}
		for t := range s.rows {
			if logits := s.rows[t].logits; logits != nil {
				logits[id] = b.DotF32(line, vector(s.x, t, out.Cols))
			}
		}
	}
}

// greedy returns the token of the highest logit, the lowest id among equals, and
// false where a logit is NaN or infinite.
func greedy(logits []float32) (id int32, ok bool) {
	best := 0
	for id, v := range logits {
		if v > logits[best] {
			best = id
		}
		if v-v != 0 {
			return 0, false
		}
	}
	return int32(best), true
}

// top fills best with the highest logits: highest first, ties to the lowest id.
// It reports false where a logit is NaN or infinite.
func top(best []compute.Candidate, logits []float32) (ok bool) {
	n := 0
	for id, v := range logits {
		if v-v != 0 {
			return false
		}
		if n == len(best) && v <= best[n-1].Logit {
			continue
		}
		i := min(n, len(best)-1)
		for ; i > 0 && best[i-1].Logit < v; i-- {
			best[i] = best[i-1]
		}
		best[i] = compute.Candidate{ID: int32(id), Logit: v}
		n = min(n+1, len(best))
	}
	for i := n; i < len(best); i++ {
		best[i] = compute.Candidate{ID: -1, Logit: float32(math.Inf(-1))}
	}
	return true
}
