// Package gguf reads the GGUF container, versions 2 and 3, little endian, and
// writes version 3: typed metadata and named tensors. It knows no model.
//
// Files come from strangers. Every count, length, dimension, type and offset is
// checked against the bytes that are there before anything is allocated or
// sliced, so that a hostile file costs no more than a small multiple of its own
// size and ends in an error that says where, what was found and what was
// expected.
//
// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// Limits beyond those that the file's size sets. Real files stay far below.
const (
	maxKeys    = 1 << 16
	maxTensors = 1 << 16

	maxKey    = 1<<16 - 1
	maxName   = 64
	maxString = 16 << 20
	maxArray  = 64 << 20
	maxDims   = 4

	minAlignment     = 8
	maxAlignment     = 1 << 16
	defaultAlignment = 32
)

// A File is a parsed container. Its slices point into the parsed bytes.
type File struct {
	Version   int
	KV        []KV     // in the file's order
	Tensors   []Tensor // in the file's order
	Alignment int      // of the tensors' data

	keys    map[string]int // key -> index in KV
	tensors map[string]int // name -> index in Tensors
}

// A KV is one metadata entry. Value is a uint8, int8, uint16, int16, uint32,
// int32, float32, bool, string, uint64, int64, float64 or Array.
type KV struct {
	Key   string
	Value any
}

// An Array is a metadata value of many elements, none of them an array.
type Array struct {
	Elem ValueType
	Len  int
	raw  []byte // as the file has them
}

// A Tensor is a named array of up to four dimensions.
type Tensor struct {
	Name   string
	Type   Type
	Dims   []int  // the fastest first: (columns, rows)
	Offset int    // of Data in the file
	Data   []byte // Type.Size of the product of Dims
}

// Tensor returns the tensor of that name, or nil.
func (f *File) Tensor(name string) *Tensor {
	if i, ok := f.tensors[name]; ok {
		return &f.Tensors[i]
	}
	return nil
}

// Has reports whether the file has the key.
func (f *File) Has(key string) bool {
	_, ok := f.keys[key]
	return ok
}

// Int returns the integer at key, of whatever width.
func (f *File) Int(key string) (int, error) {
	value, err := f.get(key)
	if err != nil {
		return 0, err
	}
	n, wide := int64(0), uint64(0)
	switch v := value.(type) {
	case uint8:
		n = int64(v)
	case int8:
		n = int64(v)
	case uint16:
		n = int64(v)
	case int16:
		n = int64(v)
	case uint32:
		n = int64(v)
	case int32:
		n = int64(v)
	case int64:
		n = v
	case uint64:
		n, wide = int64(v), v
	default:
		return 0, wrongType(key, value, "an integer")
	}
	if wide > math.MaxInt64 || int64(int(n)) != n {
		return 0, fmt.Errorf("key %q is %v, too large for this machine", key, value)
	}
	return int(n), nil
}

// Float returns the float at key, of either width.
func (f *File) Float(key string) (float64, error) {
	value, err := f.get(key)
	switch v := value.(type) {
	case float32:
		return float64(v), err
	case float64:
		return v, err
	case nil:
		return 0, err
	}
	return 0, wrongType(key, value, "a float")
}

// Bool returns the bool at key.
func (f *File) Bool(key string) (bool, error) { return typed[bool](f, key, "a bool") }

// Text returns the string at key.
func (f *File) Text(key string) (string, error) { return typed[string](f, key, "a string") }

// Strings returns the array of strings at key. They share one copy of the
// file's bytes.
func (f *File) Strings(key string) ([]string, error) {
	array, err := f.array(key, String)
	if err != nil {
		return nil, err
	}
	text := string(array.raw)
	list := make([]string, array.Len)
	at := 0
	for i := range list {
		// Parse has checked all lengths, but the bytes may be a map of a file
		// that changes under us.
		if at+8 > len(text) {
			return nil, fmt.Errorf("key %q changed while it was read", key)
		}
		n := binary.LittleEndian.Uint64(array.raw[at:])
		at += 8
		if n > uint64(len(text)-at) {
			return nil, fmt.Errorf("key %q changed while it was read", key)
		}
		list[i] = text[at : at+int(n)]
		at += int(n)
	}
	return list, nil
}

// Int32s returns the array of int32 at key.
func (f *File) Int32s(key string) ([]int32, error) {
	array, err := f.array(key, Int32)
	if err != nil {
		return nil, err
	}
	list := make([]int32, array.Len)
	for i := range list {
		list[i] = int32(binary.LittleEndian.Uint32(array.raw[4*i:]))
	}
	return list, nil
}

// Bytes returns the array of bytes at key, with a sign or without.
func (f *File) Bytes(key string) ([]byte, error) {
	array, err := f.array(key, Uint8)
	if err != nil {
		if array, err := f.array(key, Int8); err == nil {
			return bytes.Clone(array.raw), nil
		}
		return nil, err
	}
	return bytes.Clone(array.raw), nil
}

// Float32s returns the array of float32 at key.
func (f *File) Float32s(key string) ([]float32, error) {
	array, err := f.array(key, Float32)
	if err != nil {
		return nil, err
	}
	list := make([]float32, array.Len)
	for i := range list {
		list[i] = math.Float32frombits(binary.LittleEndian.Uint32(array.raw[4*i:]))
	}
	return list, nil
}

func (f *File) array(key string, elem ValueType) (Array, error) {
	want := "an array of " + elem.String()
	array, err := typed[Array](f, key, want)
	if err == nil && array.Elem != elem {
		err = wrongType(key, array, want)
	}
	return array, err
}

func typed[T any](f *File, key, want string) (T, error) {
	value, err := f.get(key)
	v, ok := value.(T)
	if err == nil && !ok {
		err = wrongType(key, value, want)
	}
	return v, err
}

func (f *File) get(key string) (any, error) {
	i, ok := f.keys[key]
	if !ok {
		return nil, fmt.Errorf("key %q is missing", key)
	}
	return f.KV[i].Value, nil
}

func wrongType(key string, value any, want string) error {
	found := fmt.Sprintf("%T", value)
	if array, ok := value.(Array); ok {
		found = "array of " + array.Elem.String()
	}
	return fmt.Errorf("key %q is of type %s, expected %s", key, found, want)
}
