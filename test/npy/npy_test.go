package npy

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// file puts an .npy file together as NumPy does.
func file(dict string, data any) []byte {
	b := []byte("\x93NUMPY\x01\x00")
	text := fmt.Sprintf("%-117s\n", dict)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	b = append(b, text...)
	b, _ = binary.Append(b, binary.LittleEndian, data)
	return b
}

func dict(descr, shape string) string {
	return fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
}

func TestRead(t *testing.T) {
	for name, b := range map[string][]byte{
		"float32": file(dict("<f4", "(2, 3)"), []float32{1, -2, 0.5, 4, 5, float32(math.Inf(1))}),
		"float64": file(dict("<f8", "(2, 3)"), []float64{1, -2, 0.5, 4, 5, math.Inf(1)}),
	} {
		path := filepath.Join(t.TempDir(), "m.npy")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		rows, err := Read(path)
		if got := fmt.Sprint(rows); err != nil || got != "[[1 -2 0.5] [4 5 +Inf]]" {
			t.Errorf("%s: got %s, error %v", name, got, err)
		}
	}
}

func TestReadErrors(t *testing.T) {
	whole := file(dict("<f4", "(2, 3)"), make([]float32, 6))
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "not a version 1.0", nil},
		{"cut in the header", "cut short in its header", whole[:40]},
		{"cut in the data", "20 bytes of data", whole[:len(whole)-4]},
		{"integers", "not a matrix of floats", file(dict("<i4", "(2, 3)"), make([]int32, 6))},
		{"big-endian", "not a matrix of floats", file(dict(">f4", "(2, 3)"), make([]float32, 6))},
		{"a vector", "not a matrix of floats", file(dict("<f4", "(6,)"), make([]float32, 6))},
		{"no rows", "0 bytes of data", file(dict("<f4", "(0, 3)"), []float32{})},
		{"too many rows", "24 bytes of data", file(dict("<f4", "(9223372036854775808, 3)"), make([]float32, 6))},
		{"overflow", "24 bytes of data", file(dict("<f4", "(4611686018427387904, 1)"), make([]float32, 6))},
	} {
		_, err := parse(c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}
