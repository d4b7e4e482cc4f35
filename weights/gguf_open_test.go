package weights

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bitnet-gpu/weights/gguf"
)

// splitFile writes the GGUF file at path in parts, each but the last with as many
// tensors as counts say, as llama.cpp's gguf-split does. edit may change a part's
// keys. It returns the parts' paths.
func splitFile(t *testing.T, path string, counts []int, edit func(part int, kv []gguf.KV) []gguf.KV) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := gguf.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(t.TempDir(), "m")
	rest, n := whole.Tensors, len(counts)+1
	var paths []string
	for i := range n {
		kv := []gguf.KV{{Key: "split.no", Value: uint16(i)}, {Key: "split.count", Value: uint16(n)}, {Key: "split.tensors.count", Value: int32(len(whole.Tensors))}}
		if i == 0 {
			kv = append(whole.KV[:len(whole.KV):len(whole.KV)], kv...)
		}
		if edit != nil {
			kv = edit(i, kv)
		}
		here := rest
		if i < len(counts) {
			here = rest[:counts[i]]
		}
		rest = rest[len(here):]
		paths = append(paths, fmt.Sprintf("%s-%05d-of-%05d.gguf", base, i+1, n))
		writeTensors(t, paths[i], kv, here)
	}
	return paths
}

func writeTensors(t *testing.T, path string, kv []gguf.KV, tensors []gguf.Tensor) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w, err := gguf.NewWriter(out, kv, tensors)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tensors {
		if err := w.WriteTensor(tensors[i].Name, tensors[i].Data); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSplit opens a split model from each of its parts, the first with and
// without tensors, and under the name of a link.
func TestSplit(t *testing.T) {
	whole, err := Open(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	for _, counts := range [][]int{{5}, {0, 9}, {3, 1, 1}} {
		paths := splitFile(t, tinyA, counts, nil)
		link := filepath.Join(t.TempDir(), "model.gguf")
		if err := os.Symlink(paths[1], link); err == nil { // not everybody may on Windows
			paths = append(paths, link)
		}
		for _, path := range paths {
			m, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("GGUF v3 in %d parts, I2_S", len(counts)+1); m.Format != want {
				t.Errorf("format %q, expected %q", m.Format, want)
			}
			m.Format = whole.Format
			sameModel(t, m, whole)
			if m.Path != path {
				t.Errorf("path %s, expected %s", m.Path, path)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			if v, err := ReadVocab(path); err != nil || len(v.Tokens) != len(whole.Vocab.Tokens) {
				t.Error(v, err)
			}
			copied := filepath.Join(t.TempDir(), "copy.gguf")
			if err := Convert(path, copied, OpenOptions{}, WriteOptions{}, nil); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(copied); err != nil {
				t.Error(err)
			}
			s, err := Inspect(path)
			if err != nil || s.Problem != nil || s.Files != len(counts)+1 {
				t.Fatal(err, s)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	set := func(part int, key string, value any) func(int, []gguf.KV) []gguf.KV {
		return func(i int, kv []gguf.KV) []gguf.KV {
			if i != part {
				return kv
			}
			for j := range kv {
				if kv[j].Key == key {
					kv[j].Value = value
					return kv
				}
			}
			return append(kv, gguf.KV{Key: key, Value: value})
		}
	}
	for _, c := range []struct {
		name   string
		edit   func(int, []gguf.KV) []gguf.KV
		change func(paths []string) error
		want   string
	}{
		{"missing", nil, func(p []string) error { return os.Remove(p[1]) }, "part 2 of 3 of the split model is missing: "},
		{"first missing", nil, func(p []string) error { return os.Remove(p[0]) }, "part 1 of 3 of the split model is missing: "},
		{"renamed", nil, func(p []string) error { return os.Rename(p[2], filepath.Join(filepath.Dir(p[2]), "x.gguf")) }, "part 3 of 3"},
		{"twice", nil, func(p []string) error { return copyFile(p[2], p[1]) }, "part 2 of 3: the file is part 3 of 3: "},
		{"no", set(1, "split.no", uint16(2)), nil, "part 2 of 3: the file is part 3 of 3: it has another's name"},
		{"no beyond", set(1, "split.no", uint16(7)), nil, `key "split.no" is 7 and key "split.count" is 3`},
		{"no negative", set(2, "split.no", int32(-1)), nil, `key "split.no" is -1`},
		{"no as text", set(2, "split.no", "2"), nil, `key "split.no" is of type string`},
		{"count", set(1, "split.count", uint16(4)), nil, "part 2 of 4"},
		{"huge count", set(2, "split.count", uint32(1<<31)), nil, `key "split.count" is 2147483648`},
		{"tensors", set(1, "split.tensors.count", int32(7)), nil, `part 2 of 3: key "split.tensors.count" is not what it is in part 1`},
		{"all tensors", func(i int, kv []gguf.KV) []gguf.KV { return set(i, "split.tensors.count", int32(7))(i, kv) }, nil, `but key "split.tensors.count" is 7: they are not of one model`},
		{"another key", set(1, "general.architecture", "llama"), nil, `part 2 of 3: key "general.architecture" is not what it is in part 1`},
		{"a key too many", set(2, "bitnet-b1.58.rope.scaling.type", "yarn"), nil, `key "bitnet-b1.58.rope.scaling.type" is not what it is in part 1`},
		{"no GGUF", nil, func(p []string) error { return os.WriteFile(p[1], []byte("<html>"), 0o644) }, "an HTML page"},
		{"tensor twice", nil, func(p []string) error { return copyTensors(t, p[1], p[2]) }, "stands in another part too"},
	} {
		t.Run(c.name, func(t *testing.T) {
			paths := splitFile(t, tinyA, []int{4, 4}, c.edit)
			if c.change != nil {
				if err := c.change(paths); err != nil {
					t.Fatal(err)
				}
			}
			said := false
			for _, path := range paths {
				if _, err := os.Stat(path); err != nil {
					continue
				}
				m, err := Open(path)
				if err == nil {
					m.Close()
					t.Fatal("opened")
				}
				if !strings.HasPrefix(err.Error(), filepath.Dir(path)) || strings.Contains(err.Error(), "\n") {
					t.Error(err)
				}
				said = said || strings.Contains(err.Error(), c.want)
			}
			if !said {
				t.Errorf("no error says %q", c.want)
			}
		})
	}
}

// TestSplitName opens a part that has lost its name: the error says what to do.
func TestSplitName(t *testing.T) {
	paths := splitFile(t, tinyA, []int{4}, nil)
	name := filepath.Join(t.TempDir(), "model.gguf")
	if err := copyFile(paths[1], name); err != nil {
		t.Fatal(err)
	}
	_, err := Open(name)
	if want := name + ": is part 2 of 2 of a split model, and its name does not end in -00002-of-00002.gguf"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, expected %s", err, want)
	}
	s, err := Inspect(name) // shows the part
	if err != nil || s.Problem == nil || len(s.KV) != 3 || len(s.Tensors) == 0 {
		t.Fatal(s, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestVersion2 opens a file of the version before, which differs by its number.
func TestVersion2(t *testing.T) {
	data, err := os.ReadFile(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(data[4:], 2)
	path := filepath.Join(t.TempDir(), "v2.gguf")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Format != "GGUF v2, I2_S" {
		t.Error(m.Format)
	}
	whole, err := Open(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	m.Format = whole.Format
	sameModel(t, m, whole)
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// copyTensors gives a part the tensors of another one.
func copyTensors(t *testing.T, from, to string) error {
	var files [2]*gguf.File
	for i, path := range []string{from, to} {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if files[i], err = gguf.Parse(data); err != nil {
			return err
		}
	}
	writeTensors(t, to, files[1].KV, files[0].Tensors)
	return nil
}
