package weights

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"bitnet-gpu/weights/gguf"
	"bitnet-gpu/weights/safetensors"
)

// A Summary is what a GGUF file, with all parts of a split one, or a directory of
// Hugging Face says of itself, whether this package can make a model of it or
// not. It points into the files' maps until Close.
type Summary struct {
	Path      string
	Container string // such as "GGUF v3", or "safetensors"
	Files     int    // that it is made of, besides those that describe it
	Size      int64  // bytes of these files
	KV        []gguf.KV
	Tensors   []TensorFact
	Model     *Model // nil where Problem says why there is none
	Problem   error

	files []*mapping
}

// A TensorFact is what a file says of a tensor.
type TensorFact struct {
	Name string
	Type string
	Dims []int // as the container orders them
	Size int   // bytes
}

// Inspect opens a model of any architecture. Errors wrap ErrInvalid.
func Inspect(path string) (*Summary, error) {
	if isHF(path) {
		return inspectHF(path)
	}
	files, container, problem := openGGUF(path)
	if problem != nil { // but a part of a split model may be there alone
		file, part, err := openPart(path)
		if err != nil {
			return nil, err
		}
		files, container = []*mapping{file}, part
	}
	s := &Summary{Path: path, Container: containerName(container), Files: len(files), KV: container.KV, Problem: problem, files: files}
	for _, file := range files {
		s.Size += int64(len(file.data))
	}
	err := s.Guard(func() error {
		for _, t := range container.Tensors {
			s.Tensors = append(s.Tensors, TensorFact{t.Name, t.Type.String(), slices.Clone(t.Dims), len(t.Data)})
		}
		if problem != nil {
			return nil
		}
		if s.Model, s.Problem = fromGGUF(container, OpenOptions{}); s.Model != nil {
			s.Model.Path, s.Model.files = path, s.files
		}
		return nil
	})
	return s.closeOn(err)
}

// inspectHF is Inspect for a directory: the configuration's members stand for
// metadata. Master weights are not read.
func inspectHF(path string) (*Summary, error) {
	m, problem := open(path, OpenOptions{})
	s := &Summary{Path: path, Container: "safetensors", Model: m, Problem: problem}
	dir := path
	if m != nil {
		dir, s.files = m.Path, m.files
	} else {
		if filepath.Ext(path) == ".safetensors" {
			dir = filepath.Dir(path)
		}
		var err error
		if s.files, err = openShards(dir); err != nil {
			return nil, problem
		}
	}
	s.Files = len(s.files)
	err := s.Guard(func() (err error) {
		for _, file := range s.files {
			s.Size += int64(len(file.data))
			container, err := safetensors.Parse(file.data)
			if err != nil {
				return invalid(file.path, err)
			}
			for _, t := range container.Tensors {
				s.Tensors = append(s.Tensors, TensorFact{t.Name, t.Type, t.Shape, len(t.Data)})
			}
		}
		s.KV, err = configKV(filepath.Join(dir, "config.json"))
		return err
	})
	return s.closeOn(err)
}

// configKV returns the members of a config.json, those that are no number, bool
// or string as JSON.
func configKV(path string) (kv []gguf.KV, err error) {
	data, err := readText(path, maxConfig)
	if err != nil {
		return nil, invalid(path, err)
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, invalid(path, err)
	}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		var value any = string(config[key])
		if !strings.ContainsAny(value.(string)[:1], "[{n") {
			if err := json.Unmarshal(config[key], &value); err != nil {
				return nil, invalid(path, err)
			}
		}
		kv = append(kv, gguf.KV{Key: key, Value: value})
	}
	return kv, nil
}

// closeOn returns s, or closes it for an error.
func (s *Summary) closeOn(err error) (*Summary, error) {
	if err != nil {
		_ = s.Close() // the first error says more
		return nil, err
	}
	return s, nil
}

// Close releases the files' maps.
func (s *Summary) Close() error { return closeAll(s.files) }

// Guard runs f, which reads what the summary points to: see Model.Guard.
func (s *Summary) Guard(f func() error) error { return guard(s.files, s.Path, f) }
