package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"bitnet-gpu/weights/gguf"
)

// openGGUF maps the GGUF file at path and, where it is a part of a split one, all
// parts in their order.
func openGGUF(path string) ([]*mapping, *gguf.File, error) {
	file, f, err := openPart(path)
	if err != nil {
		return nil, nil, err
	}
	no, count, err := f.Part()
	if err == nil && count == 1 {
		return []*mapping{file}, f, nil
	}
	if err == nil {
		err = fmt.Errorf("is part %d of %d of a split model, and its name does not end in -%05d-of-%05d.gguf, by which the others would be found: rename it, or join the parts with llama-gguf-split --merge",
			no+1, count, no+1, count)
		if names := partsBeside(path); len(names) == count {
			_ = file.close() // it comes again
			return joinParts(path, names)
		}
	}
	_ = file.close() // the first error says more
	return nil, nil, invalid(path, err)
}

// openPart maps and parses one file.
func openPart(path string) (*mapping, *gguf.File, error) {
	file, err := openMapping(path)
	if err != nil {
		return nil, nil, err
	}
	var f *gguf.File
	err = file.guard(func() (err error) { f, err = gguf.Parse(file.data); return err })
	if err != nil {
		_ = file.close() // the first error says more
		return nil, nil, err
	}
	return file, f, nil
}

// partsBeside returns the names of the parts beside path, or beside what a link
// of another name leads to.
func partsBeside(path string) []string {
	names := gguf.PartNames(path)
	if names == nil {
		if path, err := filepath.EvalSymlinks(path); err == nil {
			return gguf.PartNames(path)
		}
	}
	return names
}

// joinParts opens all parts of the split model of which path is one.
func joinParts(path string, names []string) (files []*mapping, f *gguf.File, err error) {
	var parts []*gguf.File
	for i, name := range names {
		file, part, err := openPart(name)
		if errors.Is(err, fs.ErrNotExist) {
			err = invalid(path, fmt.Errorf("part %d of %d of the split model is missing: %s", i+1, len(names), name))
		}
		if err != nil {
			_ = closeAll(files)
			return nil, nil, err
		}
		files, parts = append(files, file), append(parts, part)
	}
	err = guard(files, path, func() (err error) { f, err = gguf.Join(parts); return err })
	if err != nil {
		_ = closeAll(files)
		return nil, nil, err
	}
	return files, f, nil
}
