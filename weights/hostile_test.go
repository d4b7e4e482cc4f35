package weights_test

import (
	"errors"
	"strings"
	"testing"

	"bitnet-gpu/test/badfiles"
	"bitnet-gpu/weights"
)

// TestBadFiles opens files with one fault each. Every one ends in one line that
// begins with the path, says what is wrong, and is of ErrInvalid's kind.
func TestBadFiles(t *testing.T) {
	cases, err := badfiles.Cases(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			m, err := weights.Open(c.Path)
			if c.Late && err == nil {
				defer m.Close()
				err = m.Guard(func() error { return readAll(m) })
			}
			if err == nil {
				t.Fatal("opened")
			}
			text, isPath := strings.CutPrefix(err.Error(), c.Path+": ")
			if !isPath || !strings.Contains(text, c.Want) {
				t.Errorf("error %q, expected %q", err, c.Want)
			}
			if strings.ContainsAny(text, "\n\r\x1b") || len(text) > 300 {
				t.Errorf("not one line: %q", text)
			}
			if !errors.Is(err, weights.ErrInvalid) {
				t.Error("not ErrInvalid")
			}
		})
	}
}

// TestGoodFile shows that what the bad files are made of is good.
func TestGoodFile(t *testing.T) {
	path, err := badfiles.Good(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Guard(func() error { return readAll(m) }); err != nil {
		t.Error(err)
	}
}

// readAll reads every ternary weight of m.
func readAll(m *weights.Model) error {
	words := make([]uint32, 1024)
	for i := range m.Layers {
		for _, matrix := range m.Layers[i].Tensors() {
			for row := range matrix.Rows {
				if err := matrix.Row(words[:matrix.Cols/16], row); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
