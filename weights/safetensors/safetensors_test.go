package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/test/badfiles"
)

// mini is the packed 8 x 4 matrix of the format's worked example.
func mini() []byte {
	b, err := hex.DecodeString("7800000000000000" +
		hex.EncodeToString([]byte(`{"w":{"dtype":"U8","shape":[2,4],"data_offsets":[0,8]},"w_scale":{"dtype":"BF16","shape":[1],"data_offsets":[8,10]}}    `)) +
		"1898869886868666c03f")
	if err != nil {
		panic(err)
	}
	return b
}

// file puts a header and data together.
func file(header string, data ...byte) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), data...)
}

func TestParse(t *testing.T) {
	f, err := Parse(mini())
	if err != nil {
		t.Fatal(err)
	}
	want := []Tensor{
		{"w", "U8", []int{2, 4}, []byte{0x18, 0x98, 0x86, 0x98, 0x86, 0x86, 0x86, 0x66}},
		{"w_scale", "BF16", []int{1}, []byte{0xC0, 0x3F}},
	}
	if !reflect.DeepEqual(f.Tensors, want) {
		t.Errorf("tensors %v, expected %v", f.Tensors, want)
	}
	if w := f.Tensor("w_scale"); w == nil || w.Type != "BF16" || f.Tensor("x") != nil {
		t.Error("tensors are not found by their names")
	}
}

// TestOrder has the header in another order than the data, empty tensors, a
// scalar and metadata.
func TestOrder(t *testing.T) {
	f, err := Parse(file(`{"b":{"shape":[2],"data_offsets":[1,5],"dtype":"F16"},"__metadata__":{"format":"pt"},`+
		`"e":{"dtype":"I64","shape":[0,9],"data_offsets":[1,1]},"a":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}}`, 1, 2, 3, 4, 5))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range f.Tensors {
		names = append(names, x.Name)
	}
	if got := strings.Join(names, " "); got != "a e b" {
		t.Errorf("order %s, expected a e b", got)
	}
}

func TestWrite(t *testing.T) {
	f, err := Parse(mini())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Write(&b, f.Tensors); err != nil || !bytes.Equal(b.Bytes(), mini()) {
		t.Errorf("written %q, %v, expected %q", b.Bytes(), err, mini())
	}
}

// hostile are files with one fault each.
var hostile = []struct {
	want string
	data []byte
}{
	{"0 bytes, too short", nil},
	{"3 bytes, too short", []byte("abc")},
	{"a header of 1152921504606846976 bytes, expected at most 2", append(binary.LittleEndian.AppendUint64(nil, 1<<60), "{}"...)},
	{"a header of 3 bytes, expected at most 2", append(binary.LittleEndian.AppendUint64(nil, 3), "{}"...)},
	{`the header starts with "", expected {`, file("")},
	{`the header starts with "[]", expected {`, file("[]")},
	{"HTML page", []byte("<!DOCTYPE html><html>")},
	{"Git LFS pointer", []byte("version https://git-lfs.github.com/spec/v1\n")},
	{"a GGUF file", []byte("GGUF\x03\x00\x00\x00\x00\x00")},
	{"not JSON", file(`{"w":`)},
	{"not JSON", file(`{"__metadata__":{},}`)},
	{"not JSON", file(`{1:2}`)},
	{`more behind the JSON object: "{}"`, file(`{} {}`)},
	{"more behind the JSON object", file("{}\x00")},
	{`tensor "w" stands there twice`, file(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1)},
	{`tensor "w": "dtype" stands there twice`, file(`{"w":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1)},
	{`tensor "w": "DTYPE" is not known`, file(`{"w":{"DTYPE":"U8","shape":[1],"data_offsets":[0,1]}}`, 1)},
	{`tensor "w": not a JSON object`, file(`{"w":[]}`)},
	{`dtype "Q4" is not known`, file(`{"w":{"dtype":"Q4","shape":[1],"data_offsets":[0,1]}}`, 1)},
	{`dtype "" is not known`, file(`{"w":{"shape":[1],"data_offsets":[0,1]}}`, 1)},
	{"shape", file(`{"w":{"dtype":"U8","data_offsets":[0,1]}}`, 1)},
	{"a shape of 9 dimensions", file(`{"w":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}`, 1)},
	{"cannot unmarshal", file(`{"w":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, 1)},
	{"cannot unmarshal", file(`{"w":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}`, 1)},
	{"overflows", file(`{"w":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`)},
	{"overflows", file(`{"w":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}`)},
	{"data_offsets [1 0]", file(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, 1)},
	{"data_offsets [0]", file(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0]}}`, 1)},
	{"2 bytes of data, but shape [1] of U8 takes 1", file(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,2]}}`, 1, 2)},
	{`tensor "b": its data overlaps that of "a"`, file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 1, 2, 3)},
	{`tensor "b": 1 bytes in front of its data belong to no tensor`, file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 1, 2, 3)},
	{"1 bytes behind the last tensor belong to none", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1, 2)},
	{`tensor "a": its data ends at 2, but the file has only 1 bytes of data`, file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 1)},
	{"__metadata__ is not an object of strings", file(`{"__metadata__":{"a":1}}`)},
}

func TestHostile(t *testing.T) {
	for _, c := range hostile {
		var err error
		badfiles.Within(t, len(c.data), func() { _, err = Parse(c.data) })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, expected %s", c.data, err, c.want)
		}
	}
}

func TestTruncated(t *testing.T) {
	data := mini()
	for n := range data {
		if _, err := Parse(data[:n]); err == nil {
			t.Errorf("the first %d bytes are a file", n)
		}
	}
}

func TestIndex(t *testing.T) {
	files, err := ParseIndex([]byte(`{"metadata":{"total_size":3},"weight_map":{"a":"model-00002-of-00002.safetensors","b":"model-00001-of-00002.safetensors","c":"model-00001-of-00002.safetensors"}}`))
	if err != nil || strings.Join(files, " ") != "model-00001-of-00002.safetensors model-00002-of-00002.safetensors" {
		t.Error(files, err)
	}
	for _, c := range hostileIndexes {
		if _, err := ParseIndex([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected %s", c.data, err, c.want)
		}
	}
}

var hostileIndexes = []struct{ want, data string }{
	{"not an index", "["},
	{"no weight_map", "{}"},
	{`tensor "a" is said to be in "../../etc/x.safetensors"`, `{"weight_map":{"a":"../../etc/x.safetensors"}}`},
	{"is said to be in", `{"weight_map":{"a":"/etc/passwd"}}`},
	{"is said to be in", `{"weight_map":{"a":"C:\\x.safetensors"}}`},
	{"is said to be in", `{"weight_map":{"a":".."}}`},
	{"is said to be in", `{"weight_map":{"a":""}}`},
	{"is said to be in", `{"weight_map":{"a":"config.json"}}`},
}

// FuzzIndex reads which files hold the weights: they stand beside the index.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":3},"weight_map":{"a":"model-00002-of-00002.safetensors","b":"model-00001-of-00002.safetensors"}}`))
	for _, c := range hostileIndexes {
		f.Add([]byte(c.data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var files []string
		var err error
		badfiles.Within(t, len(data), func() { files, err = ParseIndex(data) })
		if err == nil && (len(files) == 0 || !slices.IsSorted(files)) {
			t.Errorf("files %q", files)
		}
		for _, file := range files {
			if filepath.Base(file) != file || !filepath.IsLocal(file) {
				t.Errorf("%q stands elsewhere", file)
			}
		}
	})
}

// FuzzParse parses any bytes: what is accepted covers its data exactly.
func FuzzParse(f *testing.F) {
	f.Add(mini())
	f.Add(file(`{"__metadata__":{"format":"pt"},"e":{"dtype":"I64","shape":[0,9],"data_offsets":[0,0]}}`))
	f.Add(file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 1, 2))
	for _, c := range hostile {
		f.Add(c.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var file *File
		var err error
		badfiles.Within(t, len(data), func() { file, err = Parse(data) })
		if err != nil {
			badfiles.OneLine(t, err)
			return
		}
		total := 0
		for i := range file.Tensors {
			x := &file.Tensors[i]
			total += len(x.Data)
			if file.Tensor(x.Name) != x {
				t.Errorf("tensor %q is not found", x.Name)
			}
		}
		if header := int(binary.LittleEndian.Uint64(data)); total != len(data)-8-header {
			t.Errorf("tensors of %d bytes in a file of %d", total, len(data))
		}
	})
}
