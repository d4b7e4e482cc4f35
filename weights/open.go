package weights

import (
	"os"
	"path/filepath"
	"strings"
)

// OpenOptions say how to read what files do not say themselves.
type OpenOptions struct {
	// I2SLayout is the block of I2_S matrices: 128, as official files have it, or
	// 64, as ARM builds of bitnet.cpp write them. 0 is 128 with a look at whether
	// that can be.
	I2SLayout int

	// Progress, where not nil, hears how many bytes of master weights of the
	// total have been read. It may be called from several goroutines.
	Progress func(done, total int64)
}

// Open opens the model at path: a GGUF file, any part of a split one (its other
// parts lie beside it), or a directory of Hugging Face with
// config.json and safetensors, for which the name of such a file stands too, or
// "demo", the model inside the program (package demo).
// Files are mapped and every size in them is checked against their shape; the
// weights themselves stay there. Errors wrap ErrInvalid and begin with the
// path.
func Open(path string) (*Model, error) { return OpenWith(path, OpenOptions{}) }

// OpenWith is Open with options.
func OpenWith(path string, opt OpenOptions) (*Model, error) {
	m, err := open(path, opt)
	if err == nil {
		err = m.absmean(m.masters(), opt.Progress)
	}
	if err != nil && m != nil {
		_ = m.Close() // the first error says more
		return nil, err
	}
	return m, err
}

// open opens a model whose master weights have no scale yet, see absmean.
func open(path string, opt OpenOptions) (*Model, error) {
	if strings.HasSuffix(path, ".safetensors") {
		return openHF(filepath.Dir(path))
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return openHF(path)
	}
	files, container, err := openGGUF(path)
	if err != nil {
		return nil, err
	}
	var m *Model
	err = guard(files, path, func() (err error) { m, err = fromGGUF(container, opt); return err })
	if err != nil {
		_ = closeAll(files) // the first error says more
		return nil, err
	}
	m.Path, m.files = path, files
	return m, nil
}
