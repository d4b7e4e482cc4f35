// Package npy reads matrices of floats in NumPy's format, version 1.0
// (numpy.lib.format), for tests.
package npy

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
)

// header is the text of a two-dimensional little-endian array in C order.
var header = regexp.MustCompile(`^\{'descr': '<f([48])', 'fortran_order': False, 'shape': \((\d+), (\d+)\), \} *\n$`)

// Read returns the rows of a two-dimensional float32 or float64 array.
func Read(path string) ([][]float64, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rows, err := parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}

func parse(file []byte) ([][]float64, error) {
	const magic = "\x93NUMPY\x01\x00"
	if len(file) < len(magic)+2 || string(file[:len(magic)]) != magic {
		return nil, fmt.Errorf("not a version 1.0 .npy file")
	}
	start := len(magic) + 2 + int(binary.LittleEndian.Uint16(file[len(magic):]))
	if start > len(file) {
		return nil, fmt.Errorf("cut short in its header")
	}
	text := file[len(magic)+2 : start]
	match := header.FindSubmatch(text)
	if match == nil {
		return nil, fmt.Errorf("not a matrix of floats in C order: %q", text)
	}
	size, _ := strconv.Atoi(string(match[1]))
	n, errN := strconv.Atoi(string(match[2]))
	width, errWidth := strconv.Atoi(string(match[3]))
	data := file[start:]
	if errN != nil || errWidth != nil || n == 0 || width == 0 ||
		len(data)%size != 0 || len(data)/size%n != 0 || len(data)/size/n != width {
		return nil, fmt.Errorf("%d bytes of data for the shape in %q", len(data), text)
	}
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, width)
		for j := range rows[i] {
			if size == 4 {
				rows[i][j] = float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))
			} else {
				rows[i][j] = math.Float64frombits(binary.LittleEndian.Uint64(data))
			}
			data = data[size:]
		}
	}
	return rows, nil
}
