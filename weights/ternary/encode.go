package ternary

// EncodeBlock returns how many weights Encode stores together, and in how many
// bytes: those of I2_S, TQ1_0, TQ2_0 and IQ2_BN.
func (f Format) EncodeBlock() (weights, bytes int) {
	switch f {
	case I2S:
		return block, block / 4
	case TQ1_0:
		return tqBlock, tq1Bytes
	case TQ2_0:
		return tqBlock, tq2Bytes
	case IQ2_BN:
		return bnBlock, bnBlock / 4
	}
	panic("BUG: ternary: Encode to " + f.String())
}

// Encode stores weights in a format: words, the kernel words of consecutive rows
// of cols weights and whole blocks of the format, go to dst. level are the bits of
// the scale: a float16 that blocks of TQ1_0 and TQ2_0 repeat, where their weights
// are not all 0, or a float32 in front of each row of IQ2_BN.
func (f Format) Encode(dst []byte, words []uint32, cols int, level uint32) {
	if f == IQ2_BN {
		encodeIQ2(dst, words, cols, level)
		return
	}
	weights, bytes := f.EncodeBlock()
	n, d := weights/WordWeights, uint16(level)
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
