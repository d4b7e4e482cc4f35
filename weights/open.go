package weights

import "bitnet-gpu/weights/gguf"

// Open maps the model file at path and checks every size in it against its
// shape; the weights themselves stay in the file. Errors wrap ErrInvalid and
// begin with the path.
func Open(path string) (*Model, error) {
	file, err := openMapping(path)
	if err != nil {
		return nil, err
	}
	var m *Model
	err = file.guard(func() error {
		container, err := gguf.Parse(file.data)
		if err == nil {
			m, err = fromGGUF(container)
		}
		return err
	})
	if err != nil {
		_ = file.close() // the first error says more
		return nil, err
	}
	m.Path, m.file = path, file
	return m, nil
}
