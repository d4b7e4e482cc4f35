package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"unsafe"

	"bitnet-gpu/weights/demo"
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
	text := e.err.Error()
	if len(text) > maxErrorText { // such as JSON's errors, which quote what they find
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "..."
	}
	if e.path == "" {
		return text
	}
	return e.path + ": " + text
}

// maxErrorText bounds the line that an error is, in bytes.
const maxErrorText = 400

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
	path   string
	data   []byte
	mapped bool // data are a file's pages, which come back when they are dropped
	close  func() error
}

// IsDemo reports whether path stands for the model inside the program: it is its
// name, and there is no file of that name.
func IsDemo(path string) bool {
	_, err := os.Lstat(path)
	return path == demo.Name && errors.Is(err, fs.ErrNotExist)
}

// openMapping maps the regular file at path for reading.
func openMapping(path string) (*mapping, error) {
	if IsDemo(path) {
		return &mapping{path: path, data: demo.File(), close: func() error { return nil }}, nil
	}
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
		m.mapped = err == nil
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

// guard runs f, which reads the map.
func (m *mapping) guard(f func() error) error {
	return guard([]*mapping{m}, m.path, f)
}

// guard runs f, which reads the maps of files, and makes its error one of path.
// A file can shrink while it is mapped; the fault that reading on then is
// becomes an error. Other panics pass.
func guard(files []*mapping, path string, f func() error) (err error) {
	if len(files) > 0 {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // of this goroutine
		defer func() {
			if r := recover(); r != nil {
				fault, ok := r.(interface{ Addr() uintptr })
				at := -1
				if ok {
					at = slices.IndexFunc(files, func(m *mapping) bool { return m.holds(fault.Addr()) })
				}
				if at < 0 {
					panic(r)
				}
				err = invalid(files[at].path, errors.New("the file changed or shrank while in use"))
			}
		}()
	}
	return invalid(path, f())
}

// closeAll closes the maps of files.
func closeAll(files []*mapping) (err error) {
	for _, file := range files {
		err = errors.Join(err, file.close())
	}
	return err
}

// Guard runs f, which reads weights of the model, in Go code and not through a
// system call or C. An error of f becomes one of the model's file, beginning
// with its path and wrapping ErrInvalid; so does the fault of reading a file
// that was cut short after it was opened, which would kill the process
// elsewhere. Every goroutine that reads weights needs a Guard of its own.
func (m *Model) Guard(f func() error) error { return guard(m.files, m.Path, f) }

// Release says that weights have been copied and their pages of the file's map
// are not needed soon: the operating system may drop them from memory. They come
// back when they are read again. Without a map nothing happens.
func (m *Model) Release(data []byte) {
	if len(data) == 0 {
		return
	}
	for _, file := range m.files {
		if file.mapped && file.holds(uintptr(unsafe.Pointer(unsafe.SliceData(data)))) {
			dropPages(data)
		}
	}
}

// Close releases the files' maps. Nothing of the model may be used after it.
func (m *Model) Close() error {
	files := m.files
	m.files = nil
	return closeAll(files)
}
