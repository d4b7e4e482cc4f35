package weights

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestShrunk cuts a file short while it is mapped.
func TestShrunk(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not cut a mapped file")
	}
	data, err := os.ReadFile(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := os.Truncate(path, 8192); err != nil {
		t.Fatal(err)
	}
	row := make([]float32, m.Hidden)
	err = m.Guard(func() error {
		for r := range m.VocabSize {
			m.TokenEmbd.Row(row, r)
		}
		return nil
	})
	want := path + ": the file changed or shrank while in use"
	if err == nil || err.Error() != want || !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v, expected %s", err, want)
	}
	// A worker's goroutine, and the writer.
	done := make(chan error)
	go func() {
		done <- m.Guard(func() error { return m.Layers[1].Down.Ternary.Row(make([]uint32, m.FFN/16), 0) })
	}()
	if err := <-done; err == nil || err.Error() != want {
		t.Errorf("error %v, expected %s", err, want)
	}
	if err := m.WriteGGUF(filepath.Join(t.TempDir(), "copy.gguf"), WriteOptions{}); err == nil || err.Error() != want {
		t.Errorf("error %v, expected %s", err, want)
	}
}

func TestGuard(t *testing.T) {
	m, err := Open(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Guard(func() error { return nil }); err != nil {
		t.Error(err)
	}
	fault := errors.New("row 3 is odd")
	err = m.Guard(func() error { return m.Guard(func() error { return fault }) })
	if err == nil || err.Error() != tinyA+": row 3 is odd" || !errors.Is(err, fault) || !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v", err)
	}
	for name, f := range map[string]func() error{
		"BUG: of our own":    func() error { panic("BUG: of our own") },
		"nil pointer":        func() error { var p *Model; p.Arch = ""; return nil },
		"index out of range": func() error { m.Layers[len(m.Layers)].Q.Ternary.Scale = 1; return nil },
	} {
		func() {
			defer func() {
				if r := recover(); r == nil {
					t.Errorf("%s did not pass", name)
				}
			}()
			m.Guard(f)
		}()
	}
	memory := &Model{}
	if err := memory.Guard(func() error { return fault }); err == nil || err.Error() != "row 3 is odd" || !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

// TestRelease reads a matrix again after it was released.
func TestRelease(t *testing.T) {
	m, err := Open(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for i := range m.Layers {
		for _, matrix := range m.Layers[i].Tensors() {
			before := string(matrix.Data)
			m.Release(matrix.Data)
			if string(matrix.Data) != before {
				t.Errorf("%s changed", matrix.Name)
			}
		}
	}
	memory := &Model{}
	memory.Release(m.Layers[0].Q.Ternary.Data) // nothing to do
}

func TestClose(t *testing.T) {
	m, err := Open(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Close(), m.Close(), (&Model{}).Close()); err != nil {
		t.Error(err)
	}
}

func TestUnreadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, []byte("GGUF"), 0); err != nil {
		t.Fatal(err)
	}
	if file, err := os.Open(path); err == nil {
		file.Close()
		t.Skip("this user may read everything")
	}
	if _, err := Open(path); !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), path+": permission denied") {
		t.Error(err)
	}
}
