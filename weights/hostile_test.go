package weights_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
			var m *weights.Model
			var err error
			badfiles.Within(t, size(c.Path), func() {
				if m, err = weights.Open(c.Path); err == nil && !c.Text {
					err = m.Guard(func() error { return readAll(m) })
				}
			})
			if m != nil {
				defer m.Close()
			}
			if opens := c.Late || c.Text; (m != nil) != opens {
				t.Errorf("opened: %v, expected %v", m != nil, opens)
			}
			if c.Text && err == nil {
				return // engine/tokenizer and engine/chat say what is wrong
			}
			badLine(t, err, c.Path, c.Want)
		})
	}
}

// badLine checks for the error of a bad file: one line that begins with a path.
func badLine(t *testing.T, err error, path, want string) {
	t.Helper()
	if err == nil {
		t.Fatal("opened")
	}
	text, isPath := strings.CutPrefix(err.Error(), path+": ")
	if !isPath || !strings.Contains(text, want) {
		t.Errorf("error %q, expected %s: %s", err, path, want)
	}
	badfiles.OneLine(t, errors.New(text))
	if !errors.Is(err, weights.ErrInvalid) {
		t.Error("not ErrInvalid")
	}
}

// size returns the bytes of a file, or of the files in a directory; 0 of
// anything else.
func size(path string) (n int) {
	_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if info, e := os.Stat(path); err == nil && e == nil && (info.Mode().IsRegular() || info.IsDir()) {
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
				n += int(info.Size())
			}
		}
		return nil
	})
	return n
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
	words := make([]uint32, max(m.Hidden, m.FFN, m.Heads*m.HeadDim)/16)
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
