// Package outfile writes results so that nothing of the user's is lost.
//
// What is a regular file, or not there yet, gets its name when the new one is
// whole, and keeps its mode and, where that can be, its owner; a new file has what
// umask leaves. A link stays a link, and its target is replaced, wherever it is.
// A device or a pipe is written to as it is, and never renamed away. A folder, a
// disk and a socket are refused. ACLs and other names of a file (hard links) are
// not kept.
package outfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"golang.org/x/term"
)

// ErrTarget is the error of a name that no result may be written to.
var ErrTarget = errors.New("no place for a result")

// A Target is where a result goes.
type Target struct {
	Path   string    // "-" is Stdout, as /dev/stdout is
	Stdout io.Writer // nil: there is none
	Binary bool      // what a terminal must not get
}

// Check finds out, as far as that can be known, whether Write will succeed, so
// that nothing is computed in vain. Errors are those of Write.
func (t Target) Check() error {
	p, err := t.find()
	if err != nil || p.streams() {
		return err
	}
	f, err := createBeside(p)
	if err != nil {
		return err
	}
	f.Close()
	discard(f.Name())
	return nil
}

// Streams reports whether what is written goes away at once, as into a pipe, and
// cannot be read again.
func (t Target) Streams() bool {
	p, err := t.find()
	return err == nil && p.streams()
}

// Write lets write make the result. Where the target is a file, it is whole behind
// that, or as it was before. An end of ctx ends the wait for who reads a pipe.
// Errors are ErrTarget, those of the file system, and those of write.
func (t Target) Write(ctx context.Context, write func(io.Writer) error) error {
	p, err := t.find()
	switch {
	case err != nil:
		return err
	case p.stream != nil:
		return buffered(p.stream, write)
	case p.streams():
		return t.send(ctx, p, write)
	}
	return replace(p, func(f *os.File) error { return buffered(f, write) })
}

// send writes to a device or a pipe.
func (t Target) send(ctx context.Context, p place, write func(io.Writer) error) error {
	f, err := openStream(ctx, p)
	if err != nil {
		return err
	}
	if t.Binary && isTerminal(f) {
		f.Close()
		return p.refuse(errTerminal)
	}
	stop := context.AfterFunc(ctx, func() { interrupt(f) })
	err = errors.Join(buffered(f, write), f.Close())
	if !stop() {
		return ctx.Err()
	}
	return err
}

func buffered(w io.Writer, write func(io.Writer) error) error {
	buffer := bufio.NewWriterSize(w, 1<<20)
	if err := write(buffer); err != nil {
		return err
	}
	return buffer.Flush()
}

// A place is what stands behind a name, or what may.
type place struct {
	path   string      // without links
	info   fs.FileInfo // nil: nothing is there yet
	stream io.Writer   // a file that is open already
}

func (p place) streams() bool { return p.stream != nil || p.info != nil && !p.info.Mode().IsRegular() }

func (p place) refuse(why error) error {
	return &fs.PathError{Op: "write", Path: p.path, Err: fmt.Errorf("%w: %w", why, ErrTarget)}
}

var (
	errTerminal = errors.New("binary data are not for a terminal: send them to a file or a pipe")
	errNoStdout = errors.New("there is no standard output here")
	errFolder   = errors.New("is a directory")
	errDisk     = errors.New("is a disk, which a result would destroy")
	errSocket   = errors.New("is a socket")
	errOthers   = errors.New("is a file that another program has open")
	errCircle   = errors.New("too many links")
)

// find looks at what stands at the target.
func (t Target) find() (place, error) {
	if t.Path == "-" {
		return t.descriptor(place{path: "-"}, 1)
	}
	p, number, err := follow(t.Path)
	if err != nil || number < 0 {
		return p, err
	}
	return t.descriptor(p, number)
}

// descriptor is the place of a file that is open already. Opening it again would
// begin at its start and lose what is there.
func (t Target) descriptor(p place, number int) (place, error) {
	switch {
	case number != 1:
		p.stream = os.NewFile(uintptr(number), p.path)
	case t.Stdout == nil:
		return p, p.refuse(errNoStdout)
	default:
		p.stream = t.Stdout
	}
	if f, ok := p.stream.(*os.File); ok && t.Binary && isTerminal(f) {
		return p, p.refuse(errTerminal)
	}
	return p, nil
}

// Names of files that a program has open, as links lead to them (proc(5)).
var (
	ownFile   = regexp.MustCompile(`^/(?:dev|proc/(?:self|thread-self))/fd/(\d+)$`)
	otherFile = regexp.MustCompile(`^/proc/(\d+)/(?:task/\d+/)?fd/(\d+)$`)
)

// follow goes along links to what they lead to, which need not be there. Where
// that is a file which this program has open, it returns its number, else -1.
func follow(path string) (p place, number int, err error) {
	for range 40 {
		if m := ownFile.FindStringSubmatch(filepath.ToSlash(path)); m != nil {
			number, err = strconv.Atoi(m[1])
			return place{path: path}, number, err
		}
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return place{path: path}, -1, nil
		}
		if err != nil {
			return p, -1, err
		}
		p = place{path: path, info: info}
		if info.Mode()&fs.ModeSymlink == 0 {
			return p, -1, p.check()
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(path)) // what ".." in the link counts from
		if err != nil {
			return p, -1, err
		}
		if m := otherFile.FindStringSubmatch(filepath.Join(dir, filepath.Base(path))); m != nil {
			return opened(path, m[1], m[2])
		}
		to, err := os.Readlink(path)
		if err != nil {
			return p, -1, err
		}
		if path = to; !filepath.IsAbs(to) {
			path = filepath.Join(dir, to)
		}
	}
	return p, -1, p.refuse(errCircle)
}

// opened is the place of a file that a process has open: this one by its number,
// another if that is a pipe or a device.
func opened(path, process, file string) (p place, number int, err error) {
	p.path = path
	if process == strconv.Itoa(os.Getpid()) {
		number, err = strconv.Atoi(file)
		return p, number, err
	}
	if p.info, err = os.Stat(path); err != nil {
		return p, -1, err
	}
	if p.info.Mode().IsRegular() {
		return p, -1, p.refuse(errOthers)
	}
	return p, -1, p.check()
}

// check refuses what must not be written to.
func (p place) check() error {
	switch mode := p.info.Mode(); {
	case mode.IsDir():
		return p.refuse(errFolder)
	case mode&fs.ModeSocket != 0:
		return p.refuse(errSocket)
	case mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0:
		return p.refuse(errDisk)
	}
	return nil
}

func isTerminal(f *os.File) (yes bool) {
	if conn, err := f.SyscallConn(); err == nil { // Fd would let writes to a pipe block for good
		_ = conn.Control(func(fd uintptr) { yes = term.IsTerminal(int(fd)) })
	}
	return yes
}
