package ternary

// EncodeBlock returns how many weights Encode stores together, and in how many
// bytes: those of I2_S, TQ1_0 and TQ2_0.
func (f Format) EncodeBlock() (weights, bytes int) {
	switch f {
	case I2S:
		return block, block / 4
	case TQ1_0:
		return tqBlock, tq1Bytes
	case TQ2_0:
		return tqBlock, tq2Bytes
	}
	panic("BUG: ternary: Encode to " + f.String())
}

// Encode stores weights in a format: words, the kernel words of consecutive
// weights and whole blocks of the format, go to dst. d is the float16 scale
// that blocks of TQ1_0 and TQ2_0 repeat, where their weights are not all 0.
func (f Format) Encode(dst []byte, words []uint32, d uint16) {
	weights, bytes := f.EncodeBlock()
	n := weights / WordWeights
	for ; len(words) > 0; words, dst = words[n:], dst[bytes:] {
		scale := uint16(0)
		for _, word := range words[:n] {
			if word != zeros {
				scale = d
			}
		}
		switch f {
		case I2S:
			encodeI2S(dst, words[:n])
		case TQ1_0:
			encodeTQ1(dst, words[:n], scale)
		case TQ2_0:
			encodeTQ2(dst, words[:n], scale)
		}
	}
}
