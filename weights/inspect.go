package weights

import (
	"bitnet-gpu/weights/gguf"
)

// A Summary is what a GGUF file says of itself, whether this package can make a
// model of it or not. It points into the file's map until Close.
type Summary struct {
	Path    string
	Size    int64 // bytes
	KV      []gguf.KV
	Tensors []gguf.Tensor
	Model   *Model // nil where Problem says why there is none
	Problem error

	file *mapping
}

// Inspect opens a GGUF file of any architecture. Errors wrap ErrInvalid.
func Inspect(path string) (*Summary, error) {
	file, err := openMapping(path)
	if err != nil {
		return nil, err
	}
	s := &Summary{Path: path, Size: int64(len(file.data)), file: file}
	err = file.guard(func() error {
		container, err := gguf.Parse(file.data)
		if err != nil {
			return err
		}
		s.KV, s.Tensors = container.KV, container.Tensors
		if s.Model, s.Problem = fromGGUF(container); s.Model != nil {
			s.Model.Path, s.Model.file = path, file
		}
		return nil
	})
	if err != nil {
		_ = file.close() // the first error says more
		return nil, err
	}
	return s, nil
}

// Close releases the file's map.
func (s *Summary) Close() error { return s.file.close() }

// Guard runs f, which reads what the summary points to: see Model.Guard.
func (s *Summary) Guard(f func() error) error { return s.file.guard(f) }
