package gguf

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/test/badfiles"
)

// mini is a file of one I2_S tensor, written out by hand.
func mini() []byte {
	header := "47475546 03000000 0100000000000000 0200000000000000" +
		"1400000000000000" + hex.EncodeToString([]byte("general.architecture")) +
		"08000000 0c00000000000000" + hex.EncodeToString([]byte("bitnet-b1.58")) +
		"1800000000000000" + hex.EncodeToString([]byte("bitnet-b1.58.block_count")) + "04000000 1e000000" +
		"0100000000000000 77 02000000 8000000000000000 0400000000000000 24000000 0000000000000000 000000"
	data, err := hex.DecodeString(strings.ReplaceAll(header, " ", ""))
	if err != nil {
		panic(err)
	}
	return append(data, make([]byte, 160)...)
}

// everyType is one value of each type.
var everyType = []KV{
	{"a", uint8(200)}, {"b", int8(-3)}, {"c", uint16(60000)}, {"d", int16(-30000)}, {"e", uint32(4e9)}, {"f", int32(-2e9)},
	{"g", float32(1.5)}, {"h", true}, {"i", "text"}, {"j", uint64(1 << 63)}, {"k", int64(-5)}, {"l", 2.5},
	{"m", []string{"", "one", "two"}}, {"n", []int32{1, -1}}, {"o", []float32{0.5}}, {"p", Array{Bool, 2, []byte{1, 0}}},
}

func write(t testing.TB, kv []KV, tensors []Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, kv, tensors)
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range tensors {
		if err := w.WriteTensor(tensor.Name, tensor.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParseMini(t *testing.T) {
	f, err := Parse(mini())
	if err != nil {
		t.Fatal(err)
	}
	want := []KV{{"general.architecture", "bitnet-b1.58"}, {"bitnet-b1.58.block_count", uint32(30)}}
	if !reflect.DeepEqual(f.KV, want) {
		t.Errorf("keys %v, expected %v", f.KV, want)
	}
	w := f.Tensor("w")
	if w == nil || w.Type != I2_S || !slices.Equal(w.Dims, []int{128, 4}) || w.Offset != 160 || len(w.Data) != 160 {
		t.Errorf("tensor %+v, expected w of type I2_S, [128 4], 160 bytes at 160", w)
	}
}

func TestGolden(t *testing.T) {
	for name, sizes := range map[string][2]int{"tinyA-i2_s.gguf": {23, 24}, "tinyA-tq2_0-b158.gguf": {0, 24}} {
		data, err := os.ReadFile("../../test/testdata/golden/" + name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Parse(data)
		if err != nil {
			t.Fatal(name, err)
		}
		if len(f.Tensors) != sizes[1] {
			t.Errorf("%s: %d keys, %d tensors", name, len(f.KV), len(f.Tensors))
		}
		last := slices.MaxFunc(f.Tensors, func(a, b Tensor) int { return a.Offset - b.Offset })
		if end := (last.Offset + len(last.Data) + 31) / 32 * 32; end != len(data) {
			t.Errorf("%s: the last tensor ends at %d of %d bytes", name, end, len(data))
		}
	}
}

func TestGetters(t *testing.T) {
	f, err := Parse(write(t, everyType, nil))
	if err != nil {
		t.Fatal(err)
	}
	ints := map[string]int{"a": 200, "b": -3, "c": 60000, "d": -30000, "f": -2e9, "k": -5}
	for key, want := range ints {
		if got, err := f.Int(key); err != nil || got != want {
			t.Errorf("Int(%q) = %d, %v, expected %d", key, got, err, want)
		}
	}
	for key, want := range map[string]float64{"g": 1.5, "l": 2.5} {
		if got, err := f.Float(key); err != nil || got != want {
			t.Errorf("Float(%q) = %v, %v, expected %v", key, got, err, want)
		}
	}
	flag, err1 := f.Bool("h")
	text, err2 := f.Text("i")
	list, err3 := f.Strings("m")
	numbers, err4 := f.Int32s("n")
	if floats, err := f.Float32s("o"); err != nil || !slices.Equal(floats, []float32{0.5}) {
		t.Error(floats, err)
	}
	if !flag || text != "text" || !slices.Equal(list, []string{"", "one", "two"}) || !slices.Equal(numbers, []int32{1, -1}) {
		t.Error(flag, text, list, numbers, err1, err2, err3, err4)
	}
	for _, c := range []struct {
		want string
		get  func() error
	}{
		{`key "x" is missing`, func() error { _, err := f.Int("x"); return err }},
		{`key "x" is missing`, func() error { _, err := f.Float("x"); return err }},
		{`key "x" is missing`, func() error { _, err := f.Strings("x"); return err }},
		{`key "j" is 9223372036854775808, too large for this machine`, func() error { _, err := f.Int("j"); return err }},
		{`key "i" is of type string, expected an integer`, func() error { _, err := f.Int("i"); return err }},
		{`key "a" is of type uint8, expected a float`, func() error { _, err := f.Float("a"); return err }},
		{`key "a" is of type uint8, expected a bool`, func() error { _, err := f.Bool("a"); return err }},
		{`key "n" is of type array of int32, expected a string`, func() error { _, err := f.Text("n"); return err }},
		{`key "n" is of type array of int32, expected an array of string`, func() error { _, err := f.Strings("n"); return err }},
		{`key "i" is of type string, expected an array of int32`, func() error { _, err := f.Int32s("i"); return err }},
	} {
		if err := c.get(); err == nil || err.Error() != c.want {
			t.Errorf("error %v, expected %s", err, c.want)
		}
	}
}

// TestStringsChanged changes the file between Parse and Strings.
func TestStringsChanged(t *testing.T) {
	data := write(t, []KV{{"m", []string{"abc", "def"}}}, nil)
	f, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	data[bytes.Index(data, []byte("abc"))-8] = 200
	if _, err := f.Strings("m"); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Error(err)
	}
}

func TestRoundTrip(t *testing.T) {
	tensors := []Tensor{
		{Name: "a", Type: F32, Dims: []int{3}, Data: bytes.Repeat([]byte{1}, 12)},
		{Name: "b", Type: Q6_K, Dims: []int{256, 2}, Data: bytes.Repeat([]byte{2}, 420)},
		{Name: "c", Type: I2_S, Dims: []int{16, 8}, Data: bytes.Repeat([]byte{3}, 64)},
		{Name: "d", Type: BF16, Dims: []int{1, 2, 3, 4}, Data: bytes.Repeat([]byte{4}, 48)},
	}
	first := write(t, everyType, tensors)
	f, err := Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range tensors {
		got := f.Tensors[i]
		if got.Name != want.Name || got.Type != want.Type || !slices.Equal(got.Dims, want.Dims) || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("tensor %+v, expected %+v", got, want)
		}
		if got.Offset%32 != 0 {
			t.Errorf("tensor %s at %d", got.Name, got.Offset)
		}
	}
	if second := write(t, f.KV, f.Tensors); !bytes.Equal(first, second) {
		t.Error("what was read is written differently")
	}
}

// TestAlignment parses a file that asks for more than the usual alignment.
func TestAlignment(t *testing.T) {
	data := write(t, []KV{{"general.alignmenX", uint32(64)}}, []Tensor{{Name: "a", Type: F32, Dims: []int{8}, Data: make([]byte, 32)}})
	data = append(bytes.Replace(data, []byte("alignmenX"), []byte("alignment"), 1), make([]byte, 64)...)
	f, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if f.Alignment != 64 || f.Tensors[0].Offset%64 != 0 {
		t.Errorf("alignment %d, data at %d", f.Alignment, f.Tensors[0].Offset)
	}
}

func TestTypeNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{I2_S.String(), "I2_S"}, {Type(38).String(), "type 38 (TL1 of bitnet.cpp)"}, {Type(77).String(), "type 77"},
		{Float64.String(), "float64"}, {ValueType(13).String(), "value type 13"},
	} {
		if c.got != c.want {
			t.Errorf("%s, expected %s", c.got, c.want)
		}
	}
}

func TestWriterMisuse(t *testing.T) {
	a := Tensor{Name: "a", Type: F32, Dims: []int{3}, Data: make([]byte, 12)}
	for _, c := range []struct {
		want    string
		kv      []KV
		tensors []Tensor
	}{
		{`key "" cannot`, []KV{{"", true}}, nil},
		{`key "k" cannot`, []KV{{"k", true}, {"k", true}}, nil},
		{`key "general.alignment" cannot`, []KV{{"general.alignment", uint32(32)}}, nil},
		{"of type int cannot", []KV{{"k", 1}}, nil},
		{`tensor "a" cannot`, nil, []Tensor{a, a}},
		{"0 dimensions", nil, []Tensor{{Name: "x"}}},
		{"dimensions [0]", nil, []Tensor{{Name: "x", Dims: []int{0}}}},
		{"type 99 is not known", nil, []Tensor{{Name: "x", Dims: []int{1}, Type: 99}}},
		{"rows of 16 elements of type Q8_0", nil, []Tensor{{Name: "x", Dims: []int{16, 2}, Type: Q8_0}}},
	} {
		if _, err := NewWriter(&bytes.Buffer{}, c.kv, c.tensors); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected %q", err, c.want)
		}
	}
	w, err := NewWriter(&bytes.Buffer{}, nil, []Tensor{a})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want string
		err  error
	}{
		{"never written", w.Close()},
		{"out of turn", w.WriteTensor("b", a.Data)},
		{"11 bytes, expected 12", w.WriteTensor("a", a.Data[1:])},
		{"", w.WriteTensor("a", a.Data[:4], a.Data[4:])},
		{"out of turn", w.WriteTensor("a", a.Data)},
		{"", w.Close()},
	} {
		if got := errorText(c.err); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("error %q, expected %q", got, c.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestTruncated cuts a file at every length: it must fail, and not panic.
func TestTruncated(t *testing.T) {
	data := write(t, everyType, []Tensor{{Name: "a", Type: F32, Dims: []int{8}, Data: make([]byte, 32)}})
	for n := range data {
		if _, err := Parse(data[:n:n]); err == nil {
			t.Errorf("the first %d of %d bytes parse", n, len(data))
		}
	}
}

// TestFlipped flips every bit of the mini file's header: no result, good or
// bad, may panic or give a tensor that is not in the file.
func TestFlipped(t *testing.T) {
	for bit := range 8 * 160 {
		data := mini()
		data[bit/8] ^= 1 << (bit % 8)
		check(t, data)
	}
}

// check parses data and looks at what a caller would rely on.
func check(t *testing.T, data []byte) {
	var f *File
	var err error
	badfiles.Within(t, len(data), func() { f, err = Parse(data) })
	if err != nil {
		badfiles.OneLine(t, err)
		return
	}
	for _, kv := range f.KV {
		f.Int(kv.Key)
		f.Float(kv.Key)
		f.Bool(kv.Key)
		f.Text(kv.Key)
		f.Int32s(kv.Key)
		f.Float32s(kv.Key)
		if list, err := f.Strings(kv.Key); err == nil && 8*len(list) > len(data) {
			t.Errorf("%d strings from %d bytes", len(list), len(data))
		}
	}
	for i := range f.Tensors {
		tensor := &f.Tensors[i]
		n := 1
		for _, dim := range tensor.Dims {
			n *= dim
		}
		if len(tensor.Data) != tensor.Type.Size(n, tensor.Dims[0]) || !bytes.Equal(tensor.Data, data[tensor.Offset:][:len(tensor.Data)]) {
			t.Errorf("tensor %+v is not in the file", tensor)
		}
		if f.Tensor(tensor.Name) != tensor {
			t.Errorf("tensor %q is not found", tensor.Name)
		}
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		typ     Type
		n, want int // elements, in rows of 2560 where these are as many; bytes
	}{
		{I2_S, 2560 * 2560, 1638432}, {I2_S, 640 * 2560, 409632}, {I2_S, 6912 * 2560, 4423712},
		{F16, 128256 * 2560, 656670720}, {Q8_0, 128256 * 2560, 348856320}, {Q6_K, 128256 * 2560, 269337600},
		{Q4_0, 128256 * 2560, 184688640}, {TQ2_0, 256, 66}, {TQ1_0, 256, 54}, {F32, 3, 12}, {BF16, 3, 6},
		{IQ2_BN, 640 * 2560, 640 * (4 + 640)}, {IQ1_BN, 640 * 2560, 640 * (2 + 520)},
	} {
		if got := c.typ.Size(c.n, min(c.n, 2560)); got != c.want {
			t.Errorf("%d elements of %s take %d bytes, expected %d", c.n, c.typ, got, c.want)
		}
	}
}

// TestHostile mutates one place of a good file at a time.
func TestHostile(t *testing.T) {
	put := binary.LittleEndian.PutUint64
	for _, c := range []struct {
		want string
		edit func(b []byte)
	}{
		{"9223372036854775808 tensors, but only 296 bytes follow", func(b []byte) { put(b[8:], 1<<63) }},
		{"9223372036854775808 keys, but only", func(b []byte) { put(b[16:], 1<<63) }},
		{"key 1 of 2: 1152921504606846976 bytes of key, but only", func(b []byte) { put(b[24:], 1<<60) }},
		{"key 1 of 2: the key is empty", func(b []byte) { put(b[24:], 0) }},
		{"value type 13, expected 0 to 12", func(b []byte) { b[52] = 13 }},
		{`key "general.architecture": 1099511627788 bytes of text, but only`, func(b []byte) { b[61] = 1 }},
		{`tensor 1 of 1: the name is empty`, func(b []byte) { b[116] = 0 }},
		{`tensor "w": has 0 dimensions, expected 1 to 4`, func(b []byte) { b[125] = 0 }},
		{`tensor "w": has 5 dimensions, expected 1 to 4`, func(b []byte) { b[125] = 5 }},
		{`tensor "w": dimension 0 is 0, expected 1 to`, func(b []byte) { put(b[129:], 0) }},
		{`tensor "w": dimension 1 is 18446744073709551615, expected`, func(b []byte) { put(b[137:], math.MaxUint64) }},
		{`tensor "w": dimensions [128 4611686018427387905] overflow`, func(b []byte) { put(b[137:], 1<<62+1) }},
		{`tensor "w": 516 elements of type I2_S, expected a multiple of 128`, func(b []byte) { put(b[129:], 129) }},
		{`tensor "w": type 43 is not known`, func(b []byte) { b[145] = 43 }},
		{`tensor "w": type 39 is MXFP4 of ggml or TL2`, func(b []byte) { b[145] = 39 }},
		{`tensor "w": type 42 is Q2_0 of ggml or TL2`, func(b []byte) { b[145] = 42 }},
		{`tensor "w": its data is at offset 16, expected a multiple of 32`, func(b []byte) { b[149] = 16 }},
		{`tensor "w": its 160 bytes at offset 32 of the data end behind the file's 320 bytes`, func(b []byte) { b[149] = 32 }},
		{`tensor "w": its 160 bytes at offset 4611686018427387904 of the data end behind`, func(b []byte) { b[156] = 0x40 }},
	} {
		data := mini()
		c.edit(data)
		var err error
		badfiles.Within(t, len(data), func() { _, err = Parse(data) })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected %q", err, c.want)
		}
	}
}

// TestLimits has files with more of all than any that is real.
func TestLimits(t *testing.T) {
	text := func(s string) []byte { return append(binary.LittleEndian.AppendUint64(nil, uint64(len(s))), s...) }
	file := func(tensors, keys uint64, body ...[]byte) []byte {
		b := binary.LittleEndian.AppendUint64([]byte("GGUF\x03\x00\x00\x00"), tensors)
		return append(binary.LittleEndian.AppendUint64(b, keys), slices.Concat(body...)...)
	}
	for _, c := range []struct {
		want string
		data []byte
	}{
		{"65537 keys, expected at most 65536", file(0, 65537, make([]byte, 65537*minKV))},
		{"65537 tensors, expected at most 65536", file(65537, 0, make([]byte, 65537*minTensor))},
		{`key "k": 16777217 bytes of text, expected at most 16777216`, file(0, 1, text("k"), []byte{8, 0, 0, 0}, text(string(make([]byte, maxString+1))))},
		{`key "k": 67108865 elements of uint8, expected at most 67108864`,
			file(0, 1, text("k"), []byte{9, 0, 0, 0, 0, 0, 0, 0}, binary.LittleEndian.AppendUint64(nil, maxArray+1), make([]byte, maxArray+1))},
	} {
		var err error
		badfiles.Within(t, len(c.data), func() { _, err = Parse(c.data) })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected %s", err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(mini())
	f.Add(write(f, everyType, nil))
	for _, kv := range everyType {
		f.Add(write(f, []KV{kv}, []Tensor{{Name: "a", Type: F16, Dims: []int{2, 2}, Data: make([]byte, 8)}}))
	}
	golden, err := filepath.Glob("../../test/testdata/golden/*.gguf")
	if err != nil || len(golden) == 0 {
		f.Fatal("no golden files", err)
	}
	for _, path := range golden {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:16<<10]) // the header and some data
	}
	badfiles.Seed(f)
	f.Fuzz(check)
}

// BenchmarkParse opens the metadata of a file with the 2B4T's vocabulary.
func BenchmarkParse(b *testing.B) {
	words := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = strings.Repeat("x", 3+i%13)
		}
		return list
	}
	data := write(b, []KV{
		{"tokens", words(128256)}, {"scores", make([]float32, 128256)}, {"types", make([]int32, 128256)}, {"merges", words(280147)},
	}, nil)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		f, err := Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		tokens, _ := f.Strings("tokens")
		merges, _ := f.Strings("merges")
		if len(tokens) != 128256 || len(merges) != 280147 {
			b.Fatal("strings are missing")
		}
	}
}
