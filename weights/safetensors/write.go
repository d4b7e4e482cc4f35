package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"io"
)

// Write writes a container of tensors, whose names all differ, in their order.
func Write(w io.Writer, tensors []Tensor) error {
	type entry struct {
		Type    string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := []byte("{")
	at := 0
	for i, t := range tensors {
		name, err := json.Marshal(t.Name)
		if err != nil {
			return err
		}
		value, err := json.Marshal(entry{t.Type, t.Shape, [2]int{at, at + len(t.Data)}})
		if err != nil {
			return err
		}
		if i > 0 {
			header = append(header, ',')
		}
		header = append(append(append(header, name...), ':'), value...)
		at += len(t.Data)
	}
	header = append(header, '}')
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	if _, err := w.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)); err != nil {
		return err
	}
	for _, t := range tensors {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
	}
	return nil
}
