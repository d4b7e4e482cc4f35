package gguf

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

const (
	magic      = "GGUF"
	version    = 3 // which differs from 2 in nothing but big-endian files
	oldVersion = 2
	headerSize = 24 // magic, version, number of tensors, number of keys

	// What an entry needs at least: a key of one byte with a value of one; a
	// name of one byte with one dimension. They bound the counts.
	minKV     = 8 + 1 + 4 + 1
	minTensor = 8 + 1 + 4 + 8 + 4 + 8
)

// Parse reads the container in data, which the File then points into.
func Parse(data []byte) (*File, error) {
	if err := checkHeader(data); err != nil {
		return nil, err
	}
	r := &reader{data: data, at: 8, where: "header"}
	nTensors, nKV := r.uint64(), r.uint64()
	r.count(nTensors, minTensor, maxTensors, "tensors")
	r.count(nKV, minKV, maxKeys, "keys")

	f := &File{Version: int(binary.LittleEndian.Uint32(data[4:])), Alignment: defaultAlignment, keys: map[string]int{}, tensors: map[string]int{}}
	for i := uint64(0); i < nKV && r.err == nil; i++ {
		r.where = fmt.Sprintf("key %d of %d", i+1, nKV)
		f.addKV(r)
	}
	f.setAlignment(r)
	for i := uint64(0); i < nTensors && r.err == nil; i++ {
		r.where = fmt.Sprintf("tensor %d of %d", i+1, nTensors)
		f.addTensor(r)
	}
	if r.err == nil {
		f.placeTensors(r)
	}
	if r.err != nil {
		return nil, r.err
	}
	return f, nil
}

// checkHeader sees to what GGUF begins with, and names what people most often
// have in its place.
func checkHeader(data []byte) error {
	if !bytes.HasPrefix(data, []byte(magic)) {
		return notGGUF(data)
	}
	if len(data) < headerSize {
		return fmt.Errorf("%d bytes, too short for a GGUF header of %d: truncated download?", len(data), headerSize)
	}
	v := binary.LittleEndian.Uint32(data[4:])
	if v&0xFFFF == 0 { // no version is that high
		return fmt.Errorf("big-endian GGUF (version %d), expected little-endian: convert it with llama.cpp's gguf_convert_endian.py", bits.ReverseBytes32(v))
	}
	if v != version && v != oldVersion {
		return fmt.Errorf("GGUF version %d, expected %d or %d", v, oldVersion, version)
	}
	return nil
}

func notGGUF(data []byte) error {
	starts := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return bytes.HasPrefix(data, []byte(p)) })
	}
	page := bytes.TrimLeft(data[:min(len(data), 64)], "\xef\xbb\xbf \t\r\n")
	page = bytes.ToLower(page[:min(len(page), 5)])
	switch {
	case len(data) == 0:
		return fmt.Errorf("the file is empty, expected GGUF")
	case starts("version https://git-lfs"):
		return fmt.Errorf("a Git LFS pointer, not the file itself: run git lfs pull, or download the file")
	case slices.Contains([]string{"<!doc", "<html", "<head", "<?xml"}, string(page)):
		return fmt.Errorf("an HTML page, not a model: the download gave a web page, such as an error or a login")
	case starts("FUGG"):
		return fmt.Errorf("big-endian GGUF, expected little-endian")
	case starts("PK\x03\x04"), starts("\x80\x02"):
		return fmt.Errorf("a zip or pickle file, perhaps a PyTorch checkpoint, expected GGUF")
	case starts("\x1f\x8b", "\x28\xb5\x2f\xfd", "BZh", "\xfd7zxz"):
		return fmt.Errorf("a compressed file, expected GGUF: unpack it first")
	case starts("lmgg", "tjgg", "fmgg", "algg"):
		return fmt.Errorf("a ggml file from before GGUF, expected GGUF version %d", version)
	case len(data) > 9 && data[8] == '{' && binary.LittleEndian.Uint64(data) < uint64(len(data)):
		return fmt.Errorf("a safetensors file, expected GGUF")
	}
	return fmt.Errorf("starts with %q, expected %q: not a GGUF file", data[:min(len(data), 4)], magic)
}

func (f *File) addKV(r *reader) {
	key := r.string(maxKey, "key")
	if key == "" {
		r.fail("the key is empty")
		return
	}
	r.where = fmt.Sprintf("key %.80q", key)
	if _, ok := f.keys[key]; ok {
		r.fail("stands there twice")
		return
	}
	value := r.value(ValueType(r.uint32()))
	f.keys[key] = len(f.KV)
	f.KV = append(f.KV, KV{key, value})
}

func (f *File) setAlignment(r *reader) {
	const key = "general.alignment"
	if r.err != nil || !f.Has(key) {
		return
	}
	r.where = fmt.Sprintf("key %.80q", key)
	v, err := typed[uint32](f, key, "uint32")
	switch {
	case err != nil:
		r.err = err
	case v < minAlignment || v > maxAlignment || v&(v-1) != 0:
		r.fail("is %d, expected a power of two from %d to %d", v, minAlignment, maxAlignment)
	default:
		f.Alignment = int(v)
	}
}

// addTensor reads what the header says of a tensor. Offset is still relative to
// the data.
func (f *File) addTensor(r *reader) {
	t := Tensor{Name: r.string(maxName, "name")}
	if t.Name == "" {
		r.fail("the name is empty")
		return
	}
	r.where = fmt.Sprintf("tensor %q", t.Name)
	if _, ok := f.tensors[t.Name]; ok {
		r.fail("stands there twice")
		return
	}
	nDims := r.uint32()
	if nDims < 1 || nDims > maxDims {
		r.fail("has %d dimensions, expected 1 to %d", nDims, maxDims)
		return
	}
	t.Dims = make([]int, nDims)
	for i := range t.Dims {
		dim := r.uint64()
		if dim == 0 || dim > math.MaxInt {
			r.fail("dimension %d is %d, expected 1 to %d", i, dim, math.MaxInt)
			return
		}
		t.Dims[i] = int(dim)
	}
	t.Type = Type(r.uint32())
	offset := r.uint64()
	if err := t.check(); err != nil {
		r.fail("%v", err)
		return
	}
	if offset%uint64(f.Alignment) != 0 || offset > math.MaxInt {
		r.fail("its data is at offset %d, expected a multiple of %d within the file", offset, f.Alignment)
		return
	}
	t.Offset = int(offset)
	f.tensors[t.Name] = len(f.Tensors)
	f.Tensors = append(f.Tensors, t)
}

// check sees to it that the type is known and the dimensions make a size.
func (t *Tensor) check() error {
	block := t.Type.Block()
	if block == 0 {
		if name, ok := refused[t.Type]; ok {
			return fmt.Errorf("type %d is %s: not supported", uint32(t.Type), name)
		}
		return fmt.Errorf("type %d is not known", uint32(t.Type))
	}
	n, ok := t.elements()
	if !ok {
		return fmt.Errorf("dimensions %v overflow", t.Dims)
	}
	if t.Type == I2_S && n%block != 0 {
		return fmt.Errorf("%d elements of type I2_S, expected a multiple of %d", n, block)
	}
	if t.Type != I2_S && t.Dims[0]%block != 0 {
		return fmt.Errorf("rows of %d elements of type %s, expected a multiple of %d", t.Dims[0], t.Type, block)
	}
	return nil
}

// elements returns the product of the dimensions, or false where its size in
// bytes (8 an element at most) would not fit an int.
func (t *Tensor) elements() (int, bool) {
	n := uint64(1)
	for _, dim := range t.Dims {
		hi, lo := bits.Mul64(n, uint64(dim))
		if hi != 0 || lo > math.MaxInt/16 {
			return 0, false
		}
		n = lo
	}
	return int(n), true
}

// placeTensors finds the data of all tensors, which must lie in the file and
// apart from each other.
func (f *File) placeTensors(r *reader) {
	start := r.at + (f.Alignment-r.at%f.Alignment)%f.Alignment
	order := make([]*Tensor, len(f.Tensors))
	for i := range f.Tensors {
		t := &f.Tensors[i]
		order[i] = t
		n, _ := t.elements()
		size := t.Type.Size(n, t.Dims[0])
		if start > len(r.data) || t.Offset > len(r.data)-start || size > len(r.data)-start-t.Offset {
			r.where = fmt.Sprintf("tensor %q", t.Name)
			r.fail("its %d bytes at offset %d of the data end behind the file's %d bytes: truncated download?", size, t.Offset, len(r.data))
			return
		}
		t.Offset += start
		t.Data = r.data[t.Offset:][:size:size]
	}
	slices.SortFunc(order, func(a, b *Tensor) int { return cmp.Compare(a.Offset, b.Offset) })
	for i := 1; i < len(order); i++ {
		if a, b := order[i-1], order[i]; a.Offset+len(a.Data) > b.Offset {
			r.where = fmt.Sprintf("tensor %q", b.Name)
			r.fail("its data overlaps that of %q", a.Name)
			return
		}
	}
	for i, t := range order {
		end := len(r.data)
		if i+1 < len(order) {
			end = order[i+1].Offset
		}
		if n, _ := t.elements(); t.Type == I2_S && end-t.Offset >= n/32*18 {
			r.where = fmt.Sprintf("tensor %q", t.Name)
			r.fail("type %d with room for %d bytes is not I2_S, which takes %d, but perhaps IQ4_NL_4_4, which ggml has retired: not supported",
				uint32(I2_S), end-t.Offset, len(t.Data))
			return
		}
	}
}

// A reader takes values off data. After the first error it gives zeros, and err
// keeps that error.
type reader struct {
	data  []byte
	at    int
	where string // what is being read, for errors
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %s", r.where, fmt.Sprintf(format, args...))
	}
}

func (r *reader) left() uint64 { return uint64(len(r.data) - r.at) }

// count checks a number of things that take at least size bytes each.
func (r *reader) count(n, size, limit uint64, what string) bool {
	if n > r.left()/size {
		r.fail("%d %s, but only %d bytes follow", n, what, r.left())
	} else if n > limit {
		r.fail("%d %s, expected at most %d", n, what, limit)
	}
	return r.err == nil
}

func (r *reader) take(n uint64, what string) []byte {
	if !r.count(n, 1, math.MaxUint64, what) {
		return nil
	}
	b := r.data[r.at:][:n:n]
	r.at += int(n)
	return b
}

func (r *reader) uint32() uint32 {
	if b := r.take(4, "bytes"); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8, "bytes"); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) string(limit uint64, what string) string {
	n := r.uint64()
	r.count(n, 1, limit, "bytes of "+what)
	return string(r.take(n, ""))
}

func (r *reader) value(t ValueType) any {
	switch {
	case r.err != nil:
		return nil
	case t == String:
		return r.string(maxString, "text")
	case t == ArrayType:
		return r.array()
	case int64(t) >= int64(len(valueTypes)):
		r.fail("value type %d, expected 0 to %d", uint32(t), len(valueTypes)-1)
		return nil
	}
	b := r.take(uint64(valueTypes[t].bytes), "bytes of "+t.String())
	if b == nil {
		return nil
	}
	var wide [8]byte
	copy(wide[:], b)
	n := binary.LittleEndian.Uint64(wide[:])
	switch t {
	case Uint8:
		return uint8(n)
	case Int8:
		return int8(n)
	case Uint16:
		return uint16(n)
	case Int16:
		return int16(n)
	case Uint32:
		return uint32(n)
	case Int32:
		return int32(n)
	case Float32:
		return math.Float32frombits(uint32(n))
	case Uint64:
		return n
	case Int64:
		return int64(n)
	case Float64:
		return math.Float64frombits(n)
	}
	if n > 1 {
		r.fail("bool of %d, expected 0 or 1", n)
	}
	return n == 1
}

func (r *reader) array() any {
	elem, n := ValueType(r.uint32()), r.uint64()
	if elem == ArrayType || int64(elem) >= int64(len(valueTypes)) {
		r.fail("array of %v, expected an array of numbers, bools or strings", elem)
		return nil
	}
	size := uint64(valueTypes[elem].bytes)
	if elem == String {
		size = 8 // for the length of an empty one
	}
	if !r.count(n, size, maxArray, "elements of "+elem.String()) {
		return nil
	}
	start := r.at
	if elem == String {
		r.skipStrings(n)
	} else {
		r.at += int(n * size)
	}
	return Array{Elem: elem, Len: int(n), raw: r.data[start:r.at:r.at]}
}

// skipStrings is a loop of its own because vocabularies have 400,000 strings.
func (r *reader) skipStrings(n uint64) {
	for i := range n {
		size := uint64(math.MaxUint64)
		if r.left() >= 8 {
			size = binary.LittleEndian.Uint64(r.data[r.at:])
			r.at += 8
		}
		if size > r.left() {
			r.fail("string %d of %d ends behind the file", i+1, n)
			return
		}
		r.at += int(size)
	}
}
