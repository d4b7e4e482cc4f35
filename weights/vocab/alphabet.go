package vocab

import "unicode/utf8"

// The byte alphabet of GPT-2: a printable character for each of the 256 bytes,
// so that a token of any bytes can stand in a JSON string. Bytes 0x21-0x7E,
// 0xA1-0xAC and 0xAE-0xFF stand for themselves as code points; the other 68
// are U+0100, U+0101, ... in the order of the bytes.
var alphabetOf, byteOf = alphabet()

// alphabet returns the character of each byte, and the byte of each character,
// -1 where a character is not in the alphabet.
func alphabet() (of [256]rune, back [0x144]int16) {
	for i := range back {
		back[i] = -1
	}
	next := rune(0x100)
	for b := range of {
		c := rune(b)
		if b < 0x21 || b > 0x7E && b < 0xA1 || b == 0xAD {
			c = next
			next++
		}
		of[b] = c
		back[c] = int16(b)
	}
	return of, back
}

// AppendAlphabet appends to dst the bytes of b, each as its character of the
// GPT-2 byte alphabet.
func AppendAlphabet(dst, b []byte) []byte {
	for _, c := range b {
		dst = utf8.AppendRune(dst, alphabetOf[c])
	}
	return dst
}

// AppendBytes appends to dst the bytes that text spells in the GPT-2 byte
// alphabet. It reports false, and returns dst as it was, if a character of text
// is not in the alphabet.
func AppendBytes(dst []byte, text string) ([]byte, bool) {
	out := dst
	for _, c := range text {
		if int(c) >= len(byteOf) || byteOf[c] < 0 {
			return dst, false
		}
		out = append(out, byte(byteOf[c]))
	}
	return out, true
}
