package vocab

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/test/badfiles"
)

// A field of a protocol buffer: of a number, a float32, or bytes.
func field(number int, value any) []byte {
	switch v := value.(type) {
	case int:
		return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number<<3)), uint64(v))
	case float32:
		return binary.LittleEndian.AppendUint32(binary.AppendUvarint(nil, uint64(number<<3|5)), math.Float32bits(v))
	case []byte:
		b := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number<<3|2)), uint64(len(v)))
		return append(b, v...)
	}
	panic("BUG: field")
}

func piece(text string, score float32, kind int) []byte {
	m := slices.Concat(field(1, []byte(text)), field(2, score))
	if kind != 1 { // the default
		m = append(m, field(3, kind)...)
	}
	return field(1, m)
}

// sentencePiece is a small tokenizer.model.
func sentencePiece() []byte {
	b := slices.Concat(piece("<unk>", 0, 2), piece("<s>", 0, 3), piece("</s>", 0, 3))
	for i := range 256 {
		b = append(b, piece(fmt.Sprintf("<0x%02X>", i), 0, 6)...)
	}
	b = slices.Concat(b, piece("▁t", -1, 1), piece("he", -2.5, 1))
	trainer := slices.Concat(field(1, []byte("input.txt")), field(3, 2), field(40, 0), field(41, 1), field(42, 2))
	return slices.Concat(b, field(2, trainer), field(3, slices.Concat(field(1, []byte("nmt")), field(3, 1))))
}

func TestSentencePiece(t *testing.T) {
	v, err := Parse(sentencePiece())
	if err != nil {
		t.Fatal(err)
	}
	n := len(v.Tokens)
	if n != 261 || v.Tokens[260] != "he" || v.Scores[260] != -2.5 || v.Types[260] != TokenNormal || v.Types[3] != TokenByte || v.Types[0] != TokenUnknown ||
		v.BOS != 1 || v.EOS != 2 || v.Pad != -1 || !v.AddBOS || !v.SpacePrefix || v.Model != "llama" {
		t.Errorf("%d tokens, %+v", n, Vocab{BOS: v.BOS, EOS: v.EOS, Pad: v.Pad, AddBOS: v.AddBOS, SpacePrefix: v.SpacePrefix})
	}
	sameInGGUF(t, v)
	if !v.TrimBlanks || v.Charsmap != nil { // the format's default
		t.Error("the normaliser is read otherwise")
	}
	v, err = Parse(slices.Concat(sentencePiece(), field(3, slices.Concat(field(2, []byte("\x04\x00\x00\x00abcdx\x00")), field(3, 0), field(4, 0), field(5, 1)))))
	if err != nil || v.SpacePrefix || v.TrimBlanks || string(v.Charsmap) != "\x04\x00\x00\x00abcdx\x00" {
		t.Errorf("%v, %v, %q, %v", v.SpacePrefix, v.TrimBlanks, v.Charsmap, err)
	}
	v.TrimBlanks = true
	sameInGGUF(t, v)
}

// refusedPieces are files with one fault each.
var refusedPieces = func() []struct{ data, want string } {
	good := string(sentencePiece())
	return []struct{ data, want string }{
		{good + "\x00", "a field without a number"},
		{good + "\x0a\x7f", "field 1: its bytes end behind the file"},
		{good + "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "field 1: its bytes end behind the file"},
		{good + "\x08", "field 1: its value is cut off"},
		{good + "\x0d\x01", "field 1: its value is cut off"},
		{good + "\x09\x01", "field 1: its value is cut off"},
		{good + "\x0b", "field 1 is of wire type 3"},
		{good + "\x0a\x00", "piece 261 is empty"},
		{good + string(piece("x", 0, 7)), "piece 261 is of type 7"},
		{good + string(field(2, field(3, 1))), "of type 1 is not supported, only BPE (2)"},
		{good + string(field(2, field(41, 261))), "token id 261 of begin or end"},
		{good + string(field(2, field(42, -7))), "token id -7 of begin or end"},
		{"\x12\x00", "no pieces"},
		{good + string(field(2, field(24, 1))), "treat_whitespace_as_suffix is not supported"},
		{good + string(field(3, field(5, 0))), "without escape_whitespaces is not supported"},
		{good + string(field(5, field(2, []byte("x")))), "its denormalizer_spec has rules"},
	}
}()

func TestSentencePieceRefuses(t *testing.T) {
	for _, c := range refusedPieces {
		if _, err := ParseSentencePiece([]byte(c.data), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected %s", err, c.want)
		}
	}
}

// FuzzParseSentencePiece reads any bytes, into no more than they hold.
func FuzzParseSentencePiece(f *testing.F) {
	f.Add(sentencePiece()[:200])
	f.Add(slices.Concat(piece("<unk>", 0, 2), piece("a", -1, 1), field(2, field(3, 2)), field(2, slices.Concat(field(41, 0), field(42, 1)))))
	f.Add(sentencePiece())
	for _, c := range refusedPieces {
		f.Add([]byte(c.data[max(0, len(c.data)-100):]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v *Vocab
		var err error
		badfiles.Within(t, len(data), func() { v, err = ParseSentencePiece(data, nil) })
		if err != nil {
			badfiles.OneLine(t, err)
			return
		}
		if n := len(v.Tokens); n > len(data) || len(v.Types) != n || len(v.Scores) != n || int(v.BOS) >= n || int(v.EOS) >= n {
			t.Errorf("%d tokens of %d bytes, %d types, %d scores, BOS %d, EOS %d", n, len(data), len(v.Types), len(v.Scores), v.BOS, v.EOS)
		}
	})
}
