package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bitnet-gpu/weights/outfile"
)

// A repoDir is the folder of a repository in the cache: blobs/<etag> holds the
// bytes, snapshots/<commit>/<path> are relative links to them, refs/<revision>
// holds the commit that a branch or tag was when last asked.
type repoDir string

func (c *Client) repo(name string) repoDir {
	return repoDir(filepath.Join(c.Cache, "models--"+strings.ReplaceAll(name, "/", "--")))
}

func (d repoDir) blobs() string           { return filepath.Join(string(d), "blobs") }
func (d repoDir) blob(etag string) string { return filepath.Join(d.blobs(), etag) }
func (d repoDir) snapshots() string       { return filepath.Join(string(d), "snapshots") }

func (d repoDir) snapshot(commit, file string) string {
	return filepath.Join(d.snapshots(), commit, filepath.FromSlash(file))
}

func (d repoDir) refFile(revision string) string {
	return filepath.Join(string(d), "refs", filepath.FromSlash(revision))
}

// setRef writes which commit a branch or tag is, whole or not at all. It is for
// when all of that was pulled.
func (c *Client) setRef(ref Ref, commit string) error {
	d, revision := c.repo(ref.Repo), ref.revision()
	if old, err := d.ref(revision); err == nil && old == commit || revision == commit {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(d.refFile(revision)), 0o777)
	if err == nil {
		err = outfile.Replace(d.refFile(revision), func(f *os.File) error {
			_, err := f.WriteString(commit)
			return err
		})
	}
	if err != nil && !readOnly(err) { // a read-only cache still serves
		return c.writable(err)
	}
	return nil
}

// ref reads the commit that a branch or tag was when last asked.
func (d repoDir) ref(revision string) (string, error) {
	data, err := os.ReadFile(d.refFile(revision))
	if err != nil {
		return "", err
	}
	commit := strings.TrimSpace(string(data))
	if !isHex(commit, 40) {
		return "", fmt.Errorf("%s holds no commit", d.refFile(revision))
	}
	return commit, nil
}

// commit finds the version here that a revision means: a branch or tag that was
// pulled, or a commit, which may be cut short. Without a revision it is main, or
// where only another revision was pulled, that.
func (d repoDir) commit(revision string) (string, error) {
	if commit, err := d.ref(or(revision, "main")); err == nil {
		return commit, nil
	}
	entries, err := os.ReadDir(d.snapshots())
	var fit []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), revision) && (revision == "" || len(revision) >= shortest) {
			fit = append(fit, e.Name())
		}
	}
	if err != nil || len(fit) != 1 {
		return "", ErrNotCached
	}
	return fit[0], nil
}

// shortest is how many digits of a commit are enough, as for git.
const shortest = 4

// isFile reports whether path leads to a file of this size; -1 is any size.
func isFile(path string, size int64) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && (size < 0 || info.Size() == size)
}

// link makes path lead to the blob. Where links are not to be had, the file
// itself goes there and there is no blob, as the hub's own tools do it.
func (c *Client) link(blob, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	target, err := filepath.Rel(filepath.Dir(path), blob)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // a link to nowhere or a file of the wrong size stood there
	}
	symlink := c.symlink
	if symlink == nil {
		symlink = os.Symlink
	}
	err = symlink(target, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return os.Rename(blob, path)
	}
	return nil
}

// lock takes the lock under which a blob is written, the one the hub's own tools
// take. It calls waiting once if another program holds it.
func (c *Client) lock(ctx context.Context, d repoDir, etag string, waiting func()) (unlock func(), err error) {
	path := filepath.Join(c.Cache, ".locks", filepath.Base(string(d)), etag+".lock")
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, c.writable(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, c.writable(err)
	}
	for first := true; ; first = false {
		ok, err := tryLock(f)
		if ok {
			return func() { f.Close() }, nil // which gives the lock back
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("cannot lock %s: %w", path, err)
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// writable says what to do where the cache cannot be written.
func (c *Client) writable(err error) error {
	switch {
	case diskFull(err):
		return fmt.Errorf("the disk of the cache %s is full: free some space and pull again, or set HF_HUB_CACHE to another folder: %w", c.Cache, err)
	case readOnly(err):
		return fmt.Errorf("the cache %s cannot be written: set HF_HUB_CACHE to a folder of yours: %w", c.Cache, err)
	}
	return err
}

// Cached returns the path of a file in the cache and never opens a socket. Where
// ref names no file, the GGUF files that are there must leave no choice; without
// one it is the path of a directory, if all its files are there. What is not
// there is ErrNotCached.
func (c *Client) Cached(ref Ref) (path string, err error) {
	if err := ref.check(); err != nil {
		return "", err
	}
	dir := c.repo(ref.Repo)
	missing := fmt.Errorf("%s: %w", ref, ErrNotCached)
	commit, err := dir.commit(ref.Revision)
	if err != nil {
		return "", missing
	}
	if ref.File == "" && dir.directory(commit) != nil {
		return dir.snapshot(commit, ""), nil
	}
	if path = dir.snapshot(commit, ref.File); ref.File == "" || !isFile(path, -1) {
		files := snapshotFiles(dir.snapshot(commit, ""))
		if !slices.ContainsFunc(files, isGGUF) || ref.File != "" && len(ofQuantisation(models(files), ref.File)) == 0 {
			return "", missing
		}
		if ref.File, err = choose(ref, files); err != nil {
			return "", err
		}
		path = dir.snapshot(commit, ref.File)
	}
	for _, file := range splitParts(ref.File) {
		if !isFile(dir.snapshot(commit, file), -1) {
			return "", missing
		}
	}
	return path, nil
}

// snapshotFiles lists the files in a snapshot's folder, links to nowhere too,
// with slashes.
func snapshotFiles(root string) []string {
	var files []string
	_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			if name, err := filepath.Rel(root, path); err == nil {
				files = append(files, filepath.ToSlash(name))
			}
		}
		return nil // what cannot be read is not there
	})
	return files
}

// An Entry is a file in the cache, or a directory with all its files.
type Entry struct {
	Ref           // as Cached and Remove take it; File is "" for a directory and for a pull that is not finished
	Commit string // the version; "" for a pull that is not finished
	Newest bool   // the version that a name without revision means
	Size   int64  // bytes; of an unfinished pull the bytes on the disk
	Path   string
}

// List returns the files and directories in the cache, sorted, unfinished pulls
// last.
func (c *Client) List() ([]Entry, error) {
	dirs, err := os.ReadDir(c.Cache)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list, unfinished []Entry
	for _, e := range dirs {
		name, ok := strings.CutPrefix(e.Name(), "models--")
		repo := strings.Replace(name, "--", "/", 1)
		if !ok || (Ref{Repo: repo}).check() != nil {
			continue // not a repository of this package
		}
		dir := c.repo(repo)
		newest, _ := dir.commit("") // without one, none is the newest
		commits, _ := os.ReadDir(dir.snapshots())
		for _, commit := range commits {
			list = append(list, dir.entries(repo, commit.Name(), commit.Name() == newest)...)
		}
		for _, path := range dir.unfinished() {
			unfinished = append(unfinished, Entry{Ref: Ref{Repo: repo}, Size: onDisk(path), Path: path})
		}
	}
	return append(list, unfinished...), nil
}

// entries returns what a snapshot holds.
func (d repoDir) entries(repo, commit string, newest bool) []Entry {
	var list []Entry
	ref := Ref{Repo: repo}
	if !newest {
		ref.Revision = commit[:min(len(commit), 12)]
	}
	together := d.directory(commit)
	if together != nil {
		list = append(list, Entry{ref, commit, newest, 0, d.snapshot(commit, "")})
	}
	for _, file := range snapshotFiles(d.snapshot(commit, "")) {
		path := d.snapshot(commit, file)
		info, err := os.Stat(path)
		switch {
		case err != nil || !info.Mode().IsRegular():
		case slices.Contains(together, file):
			list[0].Size += info.Size()
		default:
			list = append(list, Entry{ref.with(file), commit, newest, info.Size(), path})
		}
	}
	return list
}

// unfinished returns the data of the pulls that are not finished.
func (d repoDir) unfinished() []string {
	var paths []string
	entries, _ := os.ReadDir(d.blobs())
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), partsSuffix) {
			paths = append(paths, filepath.Join(d.blobs(), e.Name()))
		}
	}
	return paths
}
