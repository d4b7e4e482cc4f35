package weights

import (
	"bytes"
	"errors"
)

// readText reads a small file of a directory. What git clone leaves in place of a
// file that Git LFS keeps is an error that says so.
func readText(path string, limit int64) ([]byte, error) {
	data, err := readBounded(path, limit)
	if err == nil && bytes.HasPrefix(data, []byte("version https://git-lfs")) {
		return nil, errors.New("a Git LFS pointer, not the file itself: run git lfs pull, or download the file")
	}
	return data, err
}
