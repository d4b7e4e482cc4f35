package cpu

// A cache holds the keys and values of every slot as float16, so that the
// positions of one head lie together: attention reads them as one stream.
type cache struct {
	k, v    []uint16 // (Blocks, slots, KVHeads, context, HeadDim)
	kvHeads int
	slots   int
	context int
	dim     int
}

func (b *backend) newCache() cache {
	m := b.model
	n := m.Blocks * b.slots * m.KVHeads * b.context * m.HeadDim
	return cache{
		k: make([]uint16, n), v: make([]uint16, n),
		kvHeads: m.KVHeads, slots: b.slots, context: b.context, dim: m.HeadDim,
	}
}

// at returns the offset of a position of one head.
func (c *cache) at(layer, slot, head, pos int) int {
	return (((layer*c.slots+slot)*c.kvHeads+head)*c.context + pos) * c.dim
}
