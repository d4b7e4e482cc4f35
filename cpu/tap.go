package cpu

import "bitnet-gpu/engine/compute"

// tap shows a (tokens, n) intermediate to the tracer, token by token.
func (b *backend) tap(name string, layer int, data []float32) {
	if b.trace == nil {
		return
	}
	n := len(data) / b.batch
	for t, r := range b.scratch.rows {
		b.trace(compute.Tap{Name: name, Layer: layer, Slot: r.slot, Pos: r.pos, Data: vector(data, t, n)})
	}
}

// tapNormed shows the input of the next matrices: codes where one is ternary.
func (b *backend) tapNormed(name string, in kinds) {
	if b.trace == nil {
		return
	}
	x := &b.scratch.in
	if !in.codes {
		b.tap(name, b.scratch.l, b.scratch.x[:b.batch*x.n])
		return
	}
	codes := make([]float32, x.n)
	for t, r := range b.scratch.rows {
		x.get(codes, t, len(b.scratch.rows))
		b.trace(compute.Tap{Name: name, Layer: b.scratch.l, Slot: r.slot, Pos: r.pos, Data: codes})
	}
}

// tapLogits shows what the head computed.
func (b *backend) tapLogits() {
	if b.trace == nil {
		return
	}
	for t, r := range b.scratch.rows {
		if r.logits == nil {
			continue
		}
		b.trace(compute.Tap{Name: "result_norm", Layer: -1, Slot: r.slot, Pos: r.pos, Data: vector(b.scratch.x, t, b.model.Hidden)})
		b.trace(compute.Tap{Name: "result_output", Layer: -1, Slot: r.slot, Pos: r.pos, Data: r.logits})
	}
}
