package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"unsafe"
)

// ErrInvalid is wrapped by every error that says of a file that no model can be
// read from it: it is missing, unreadable, no regular file, damaged, or not of
// a kind this package knows.
var ErrInvalid = errors.New("no usable model")

// A fileError is an error of ErrInvalid's kind that begins with the path.
type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string {
	if e.path == "" {
		return e.err.Error()
	}
	return e.path + ": " + e.err.Error()
}

func (e *fileError) Unwrap() []error { return []error{ErrInvalid, e.err} }

// invalid makes err an error of the file at path, once.
func invalid(path string, err error) error {
	if err == nil {
		return nil
	}
	var known *fileError
	var system *fs.PathError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &system):
		err = system.Err // which repeats no path
	}
	return &fileError{path, err}
}

// A mapping is a file's bytes, in memory by the operating system's means.
type mapping struct {
	path  string
	data  []byte
	close func() error
}

// openMapping maps the regular file at path for reading.
func openMapping(path string) (*mapping, error) {
	info, err := os.Stat(path) // before opening it: opening a FIFO blocks
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("is %s, expected a file", kind(info.Mode()))
	}
	if err != nil {
		return nil, invalid(path, err)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, invalid(path, err)
	}
	defer file.Close()
	info, err = file.Stat()
	if err != nil {
		return nil, invalid(path, err)
	}
	size := int(info.Size())
	if int64(size) != info.Size() {
		return nil, invalid(path, fmt.Errorf("%d bytes are too many for this machine's addresses", info.Size()))
	}
	m := &mapping{path: path, close: func() error { return nil }}
	if size > 0 { // an empty range cannot be mapped
		m.data, m.close, err = mapFile(file, size)
	}
	return m, invalid(path, err)
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeDevice != 0:
		return "a device"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	}
	return "not a regular file"
}

// holds reports whether address lies in the map.
func (m *mapping) holds(address uintptr) bool {
	return address-uintptr(unsafe.Pointer(unsafe.SliceData(m.data))) < uintptr(len(m.data))
}

// guard runs f, which reads the map. A file can shrink while it is mapped; the
// fault that reading on then is becomes an error. Other panics pass.
func (m *mapping) guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // of this goroutine
	defer func() {
		if r := recover(); r != nil {
			fault, ok := r.(interface{ Addr() uintptr })
			if !ok || !m.holds(fault.Addr()) {
				panic(r)
			}
			err = invalid(m.path, errors.New("the file changed or shrank while in use"))
		}
	}()
	return invalid(m.path, f())
}

// Guard runs f, which reads weights of the model, in Go code and not through a
// system call or C. An error of f becomes one of the model's file, beginning
// with its path and wrapping ErrInvalid; so does the fault of reading a file
// that was cut short after it was opened, which would kill the process
// elsewhere. Every goroutine that reads weights needs a Guard of its own.
func (m *Model) Guard(f func() error) error {
	if m.file == nil {
		return invalid(m.Path, f())
	}
	return m.file.guard(f)
}

// Release says that weights have been copied and their pages of the file's map
// are not needed soon: the operating system may drop them from memory. They come
// back when they are read again. Without a map nothing happens.
func (m *Model) Release(data []byte) {
	if m.file != nil && len(data) > 0 && m.file.holds(uintptr(unsafe.Pointer(unsafe.SliceData(data)))) {
		dropPages(data)
	}
}

// Close releases the file's map. Nothing of the model may be used after it.
func (m *Model) Close() error {
	if m.file == nil {
		return nil
	}
	file := m.file
	m.file = nil
	return file.close()
}
