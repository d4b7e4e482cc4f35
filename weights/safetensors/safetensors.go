// Package safetensors reads the safetensors container of Hugging Face: a JSON
// header that names tensors, then their bytes. It knows no model.
//
// Files come from strangers. The header is checked as the reference
// implementation does it: every tensor's bytes are as many as its type and shape
// make, and all of them together cover the data without a hole or an overlap.
//
// Source: https://github.com/huggingface/safetensors
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"path/filepath"
	"slices"
	"strings"
)

// Limits beyond those that the file's size sets.
const (
	maxHeader  = 100_000_000
	maxTensors = 1 << 16
	maxDims    = 8
)

// A File is a parsed container. Its slices point into the parsed bytes.
type File struct {
	Tensors []Tensor // in the order of their data

	tensors map[string]int // name -> index in Tensors
}

// A Tensor is a named array.
type Tensor struct {
	Name  string
	Type  string // as the format names it: "BF16", "U8", ...
	Shape []int  // the slowest first: (rows, columns)
	Data  []byte
}

// sizes holds the bytes of an element of each type.
var sizes = map[string]int{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
	"U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}

// Tensor returns the tensor of that name, or nil.
func (f *File) Tensor(name string) *Tensor {
	if i, ok := f.tensors[name]; ok {
		return &f.Tensors[i]
	}
	return nil
}

// Parse reads the header of a container.
func Parse(data []byte) (*File, error) {
	if len(data) < 8 {
		return nil, fmt.Errorf("%d bytes, too short for a safetensors file: truncated download?", len(data))
	}
	if err := notSafetensors(data); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint64(data)
	if size > maxHeader || size > uint64(len(data)-8) {
		return nil, fmt.Errorf("a header of %d bytes, expected at most %d: not a safetensors file, or a truncated download", size, min(maxHeader, len(data)-8))
	}
	header, rest := data[8:8+size], data[8+size:]
	if len(header) == 0 || header[0] != '{' {
		return nil, fmt.Errorf("the header starts with %q, expected {: not a safetensors file", header[:min(len(header), 4)])
	}
	f := &File{tensors: map[string]int{}}
	if err := f.parseHeader(header, rest); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return f, nil
}

// notSafetensors names what people have in place of a model file.
func notSafetensors(data []byte) error {
	start := bytes.ToLower(bytes.TrimLeft(data[:min(len(data), 64)], " \t\r\n"))
	switch {
	case bytes.HasPrefix(start, []byte("version https://git-lfs")):
		return fmt.Errorf("a Git LFS pointer, not the file itself: run git lfs pull, or download the file")
	case bytes.HasPrefix(start, []byte("<!doc")), bytes.HasPrefix(start, []byte("<html")):
		return fmt.Errorf("an HTML page, not a model: the download gave a web page, such as an error or a login")
	case bytes.HasPrefix(start, []byte("gguf")):
		return fmt.Errorf("a GGUF file, expected safetensors: give it a name that ends in .gguf")
	}
	return nil
}

// A place is where a tensor's data lies.
type place struct {
	Tensor
	begin, end uint64
}

func (f *File) parseHeader(header, data []byte) error {
	places := make([]place, 0, min(bytes.Count(header, []byte(`"data_offsets"`)), maxTensors))
	seen := map[string]bool{}
	d := json.NewDecoder(bytes.NewReader(header))
	err := eachMember(d, func(name string) error {
		if seen[name] {
			return fmt.Errorf("tensor %.80q stands there twice", name)
		}
		seen[name] = true
		if name == "__metadata__" {
			var metadata map[string]string
			if err := d.Decode(&metadata); err != nil {
				return fmt.Errorf("__metadata__ is not an object of strings")
			}
			return nil
		}
		p, err := parseTensor(d)
		if err != nil {
			return fmt.Errorf("tensor %.80q: %w", name, err)
		}
		if len(places) == maxTensors {
			return fmt.Errorf("more than %d tensors", maxTensors)
		}
		p.Name = name
		places = append(places, p)
		return nil
	})
	if err == nil {
		if rest := bytes.Trim(header[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
			err = fmt.Errorf("more behind the JSON object: %.20q", rest)
		}
	}
	if err != nil {
		return err
	}
	slices.SortStableFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	f.Tensors = make([]Tensor, 0, len(places))
	at := uint64(0)
	for i, p := range places {
		switch {
		case p.begin < at:
			return fmt.Errorf("tensor %.80q: its data overlaps that of %.80q", p.Name, places[i-1].Name)
		case p.begin > at:
			return fmt.Errorf("tensor %.80q: %d bytes in front of its data belong to no tensor", p.Name, p.begin-at)
		case p.end > uint64(len(data)):
			return fmt.Errorf("tensor %.80q: its data ends at %d, but the file has only %d bytes of data: truncated download?", p.Name, p.end, len(data))
		}
		p.Data = data[p.begin:p.end:p.end]
		f.tensors[p.Name] = len(f.Tensors)
		f.Tensors = append(f.Tensors, p.Tensor)
		at = p.end
	}
	if at != uint64(len(data)) {
		return fmt.Errorf("%d bytes behind the last tensor belong to none", uint64(len(data))-at)
	}
	return nil
}

// parseTensor reads a tensor's entry and checks its size against its type and
// shape.
func parseTensor(d *json.Decoder) (p place, err error) {
	var shape, offsets []uint64
	seen := make([]string, 0, 3)
	err = eachMember(d, func(key string) error {
		if slices.Contains(seen, key) {
			return fmt.Errorf("%.40q stands there twice", key)
		}
		seen = append(seen, key)
		switch key {
		case "dtype":
			return d.Decode(&p.Type)
		case "shape":
			return d.Decode(&shape)
		case "data_offsets":
			return d.Decode(&offsets)
		}
		return fmt.Errorf("%.40q is not known", key)
	})
	if err != nil {
		return p, err
	}
	size := sizes[p.Type]
	switch {
	case size == 0:
		return p, fmt.Errorf("dtype %.40q is not known", p.Type)
	case !slices.Contains(seen, "shape") || len(shape) > maxDims:
		return p, fmt.Errorf("a shape of %d dimensions, expected at most %d", len(shape), maxDims)
	case len(offsets) != 2 || offsets[0] > offsets[1]:
		return p, fmt.Errorf("data_offsets %v, expected begin and end", offsets[:min(len(offsets), 4)])
	}
	n := uint64(size)
	p.Shape = make([]int, len(shape))
	for i, dim := range shape {
		hi, lo := bits.Mul64(n, dim)
		if hi != 0 || lo > math.MaxInt || dim > math.MaxInt {
			return p, fmt.Errorf("shape %v overflows", shape)
		}
		n, p.Shape[i] = lo, int(dim)
	}
	p.begin, p.end = offsets[0], offsets[1]
	if p.end-p.begin != n {
		return p, fmt.Errorf("%d bytes of data, but shape %v of %s takes %d", p.end-p.begin, shape, p.Type, n)
	}
	return p, nil
}

// eachMember calls f for each member of the JSON object that d comes to next, in
// its order; f takes the member's value off d. Unlike Unmarshal it sees members
// of the same name. One decoder for all of a header: each has a buffer.
func eachMember(d *json.Decoder, f func(name string) error) error {
	switch t, err := d.Token(); {
	case err != nil:
		return fmt.Errorf("not JSON: %w", err)
	case t != json.Delim('{'):
		return fmt.Errorf("not a JSON object: starts with %.20q", fmt.Sprint(t))
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return fmt.Errorf("not JSON: %w", err)
		}
		name, _ := t.(string) // the decoder takes nothing else for a name
		if err := f(name); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return nil
}

// ParseIndex reads a model.safetensors.index.json and returns the names of the
// files that hold the tensors, sorted. They are plain names: a file elsewhere
// is an error.
func ParseIndex(data []byte) ([]string, error) {
	var index struct {
		Map map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, fmt.Errorf("not an index of safetensors: %w", err)
	}
	if len(index.Map) == 0 {
		return nil, fmt.Errorf("not an index of safetensors: no weight_map")
	}
	seen := map[string]bool{}
	var files []string
	for tensor, file := range index.Map {
		if file != filepath.Base(file) || strings.ContainsAny(file, `/\:`) || !strings.HasSuffix(file, ".safetensors") {
			return nil, fmt.Errorf("tensor %.80q is said to be in %.80q, expected the name of a .safetensors file beside the index", tensor, file)
		}
		if !seen[file] {
			seen[file] = true
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return files, nil
}
