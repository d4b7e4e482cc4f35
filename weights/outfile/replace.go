package outfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Replace lets write make a file, under a name beside path. When it returns nil
// and the bytes are on the disk, the file gets the name path; otherwise what was
// there stays, and nothing of the new file. What is no regular file is ErrTarget.
func Replace(path string, write func(f *os.File) error) error {
	p, err := Target{Path: path}.find()
	if err != nil {
		return err
	}
	if p.streams() {
		return p.refuse(errors.New("is no regular file"))
	}
	return replace(p, write)
}

func replace(p place, write func(f *os.File) error) error {
	f, err := createBeside(p)
	if err != nil {
		return err
	}
	defer discard(f.Name()) // once renamed it is not there
	defer f.Close()
	err = write(f)
	if err == nil && p.info != nil {
		err = keep(f, p.info)
	}
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(f.Name(), p.path)
	}
	if system := (*fs.PathError)(nil); errors.As(err, &system) && system.Path == f.Name() {
		system.Path = p.path // the other name says nothing to the user
	}
	return err
}

// keep gives a new file the owner, where that can be, and the mode of the old one.
func keep(f *os.File, old fs.FileInfo) error {
	keepOwner(f, old)
	return f.Chmod(old.Mode().Perm())
}

// createBeside makes an empty file beside a place. A file there which may not be
// written to is not replaced either.
func createBeside(p place) (*os.File, error) {
	mode := fs.FileMode(0o666)
	if p.info != nil {
		old, err := os.OpenFile(p.path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		old.Close()
		mode = p.info.Mode().Perm()
	}
	dir, base := filepath.Split(p.path)
	base = strings.ToValidUTF8(base[:min(len(base), 200)], "") // names have at most 255 bytes
	path := filepath.Join(dir, base+"."+rand.Text()[:8]+".part")
	unfinished.add(path)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		unfinished.remove(path)
		var system *fs.PathError
		if errors.As(err, &system) {
			system.Path = p.path
		}
		return nil, err
	}
	return f, nil
}

// TempDir makes a folder for what is written on the way to a result; remove takes
// it away again.
func TempDir() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "bitnet-gpu-")
	if err != nil {
		return "", nil, err
	}
	unfinished.add(dir)
	return dir, func() { discard(dir) }, nil
}

// DiscardAll removes what is not finished, for a program that ends at once.
func DiscardAll() {
	for _, path := range unfinished.all() {
		os.RemoveAll(path)
	}
}

func discard(path string) {
	os.RemoveAll(path)
	unfinished.remove(path)
}

// unfinished are the files and folders that are to go if the program ends.
var unfinished = set{paths: map[string]bool{}}

type set struct {
	mu    sync.Mutex
	paths map[string]bool
}

func (s *set) add(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths[path] = true
}

func (s *set) remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.paths, path)
}

func (s *set) all() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path := range s.paths {
		list = append(list, path)
	}
	return list
}
