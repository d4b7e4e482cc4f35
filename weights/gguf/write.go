package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A Writer writes a container in one pass: the header first, then the tensors'
// data, in the order announced.
type Writer struct {
	w       io.Writer
	tensors []Tensor // still to come
}

// NewWriter writes the header: the keys, and name, type and dimensions of all
// tensors (their Data and Offset are not looked at). Besides what reading
// gives, a value may be a []string, []byte, []int32 or []float32.
func NewWriter(w io.Writer, kv []KV, tensors []Tensor) (*Writer, error) {
	b := []byte(magic)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(tensors)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(kv)))
	seen := map[string]bool{"general.alignment": true} // a key this package would have to obey
	var err error
	for _, entry := range kv {
		if len(entry.Key) == 0 || len(entry.Key) > maxKey || seen[entry.Key] {
			return nil, fmt.Errorf("key %.80q cannot be written: empty, too long, or there twice", entry.Key)
		}
		seen[entry.Key] = true
		b = appendString(b, entry.Key)
		if b, err = appendValue(b, entry.Value); err != nil {
			return nil, fmt.Errorf("key %q: %w", entry.Key, err)
		}
	}
	if b, err = appendTensors(b, tensors); err != nil {
		return nil, err
	}
	if _, err := w.Write(pad(b, len(b))); err != nil {
		return nil, err
	}
	return &Writer{w, tensors}, nil
}

// WriteTensor writes the data of the next tensor, given in parts.
func (w *Writer) WriteTensor(name string, parts ...[]byte) error {
	return w.StreamTensor(name, func(out io.Writer) error {
		for _, part := range parts {
			if _, err := out.Write(part); err != nil {
				return err
			}
		}
		return nil
	})
}

// StreamTensor writes the next tensor, whose data write writes to out.
func (w *Writer) StreamTensor(name string, write func(out io.Writer) error) error {
	if len(w.tensors) == 0 || w.tensors[0].Name != name {
		return fmt.Errorf("tensor %q is written out of turn", name)
	}
	n, _ := w.tensors[0].elements()
	want := w.tensors[0].Type.Size(n, w.tensors[0].Dims[0])
	out := counter{w.w, 0}
	if err := write(&out); err != nil {
		return err
	}
	if out.n != want {
		return fmt.Errorf("tensor %q is written with %d bytes, expected %d", name, out.n, want)
	}
	w.tensors = w.tensors[1:]
	_, err := w.w.Write(pad(nil, want))
	return err
}

// A counter counts what is written.
type counter struct {
	w io.Writer
	n int
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += n
	return n, err
}

// Close checks that all tensors were written. It does not close the file.
func (w *Writer) Close() error {
	if len(w.tensors) > 0 {
		return fmt.Errorf("tensor %q was never written", w.tensors[0].Name)
	}
	return nil
}

// pad appends the zeros that bring size to the alignment.
func pad(b []byte, size int) []byte {
	return append(b, make([]byte, -size&(defaultAlignment-1))...)
}

func appendTensors(b []byte, tensors []Tensor) ([]byte, error) {
	seen := map[string]bool{}
	offset := 0
	for i := range tensors {
		t := &tensors[i]
		if len(t.Name) == 0 || len(t.Name) > maxName || seen[t.Name] {
			return nil, fmt.Errorf("tensor %.80q cannot be written: empty, too long, or there twice", t.Name)
		}
		seen[t.Name] = true
		if len(t.Dims) < 1 || len(t.Dims) > maxDims {
			return nil, fmt.Errorf("tensor %q has %d dimensions, expected 1 to %d", t.Name, len(t.Dims), maxDims)
		}
		b = appendString(b, t.Name)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Dims)))
		for _, dim := range t.Dims {
			if dim < 1 {
				return nil, fmt.Errorf("tensor %q has dimensions %v", t.Name, t.Dims)
			}
			b = binary.LittleEndian.AppendUint64(b, uint64(dim))
		}
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(t.Type))
		b = binary.LittleEndian.AppendUint64(b, uint64(offset))
		n, _ := t.elements()
		size := t.Type.Size(n, t.Dims[0])
		offset += size + -size&(defaultAlignment-1)
	}
	return b, nil
}

// appendValue appends type and value.
func appendValue(b []byte, value any) ([]byte, error) {
	u32 := func(t ValueType) { b = binary.LittleEndian.AppendUint32(b, uint32(t)) }
	array := func(elem ValueType, n int) {
		u32(ArrayType)
		u32(elem)
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	switch v := value.(type) {
	case string:
		u32(String)
		return appendString(b, v), nil
	case []string:
		array(String, len(v))
		for _, s := range v {
			b = appendString(b, s)
		}
		return b, nil
	case Array:
		array(v.Elem, v.Len)
		return append(b, v.raw...), nil
	case []byte:
		array(Uint8, len(v))
	case []int32:
		array(Int32, len(v))
	case []float32:
		array(Float32, len(v))
	case uint8:
		u32(Uint8)
	case int8:
		u32(Int8)
	case uint16:
		u32(Uint16)
	case int16:
		u32(Int16)
	case uint32:
		u32(Uint32)
	case int32:
		u32(Int32)
	case float32:
		u32(Float32)
	case bool:
		u32(Bool)
	case uint64:
		u32(Uint64)
	case int64:
		u32(Int64)
	case float64:
		u32(Float64)
	default:
		return nil, fmt.Errorf("a value of type %T cannot be written", value)
	}
	return binary.Append(b, binary.LittleEndian, value)
}

func appendString(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
	return append(b, s...)
}
