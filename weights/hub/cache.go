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
// bytes, snapshots/<commit>/<path> are relative links to them, refs/main holds
// the commit that was the newest when last asked.
type repoDir string

func (c *Client) repo(name string) repoDir {
	return repoDir(filepath.Join(c.Cache, "models--"+strings.ReplaceAll(name, "/", "--")))
}

func (d repoDir) blobs() string           { return filepath.Join(string(d), "blobs") }
func (d repoDir) blob(etag string) string { return filepath.Join(d.blobs(), etag) }
func (d repoDir) snapshots() string       { return filepath.Join(string(d), "snapshots") }
func (d repoDir) main() string            { return filepath.Join(string(d), "refs", "main") }

func (d repoDir) snapshot(commit, file string) string {
	return filepath.Join(d.snapshots(), commit, filepath.FromSlash(file))
}

// setRef writes the newest commit, whole or not at all.
func (d repoDir) setRef(commit string) error {
	if old, err := d.ref(); err == nil && old == commit {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(d.main()), 0o755); err != nil {
		return err
	}
	return outfile.Replace(d.main(), func(f *os.File) error {
		_, err := f.WriteString(commit)
		return err
	})
}

// setRef is that of a repository whose newest version was pulled.
func (c *Client) setRef(d repoDir, commit string) error {
	if err := d.setRef(commit); err != nil && !readOnly(err) { // a read-only cache still serves
		return c.writable(err)
	}
	return nil
}

// ref reads the newest commit that is known here.
func (d repoDir) ref() (string, error) {
	data, err := os.ReadFile(d.main())
	if err != nil {
		return "", err
	}
	commit := strings.TrimSpace(string(data))
	if !isHex(commit, 40) {
		return "", fmt.Errorf("%s holds no commit", d.main())
	}
	return commit, nil
}

// isFile reports whether path leads to a file of this size; -1 is any size.
func isFile(path string, size int64) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && (size < 0 || info.Size() == size)
}

// link makes path lead to the blob. Where links are not to be had, the file
// itself goes there and there is no blob, as the hub's own tools do it.
func (c *Client) link(blob, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
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
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, c.writable(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
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
	commit, err := dir.ref()
	if err != nil {
		return "", missing
	}
	if ref.File == "" {
		if dir.directory(commit) != nil {
			return dir.snapshot(commit, ""), nil
		}
		files := snapshotFiles(dir.snapshot(commit, ""))
		if !slices.ContainsFunc(files, isGGUF) {
			return "", missing
		}
		if ref.File, err = choose(ref.Repo, files); err != nil {
			return "", err
		}
	}
	if path = dir.snapshot(commit, ref.File); !isFile(path, -1) {
		return "", missing
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
	Ref           // File is "" for a directory and for a pull that is not finished
	Commit string // the version; "" for a pull that is not finished
	Newest bool   // the version that refs/main names
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
		newest, _ := dir.ref() // without one, none is the newest
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
	together := d.directory(commit)
	if together != nil {
		list = append(list, Entry{Ref{Repo: repo}, commit, newest, 0, d.snapshot(commit, "")})
	}
	for _, file := range snapshotFiles(d.snapshot(commit, "")) {
		path := d.snapshot(commit, file)
		info, err := os.Stat(path)
		switch {
		case err != nil || !info.Mode().IsRegular():
		case slices.Contains(together, file):
			list[0].Size += info.Size()
		default:
			list = append(list, Entry{Ref{repo, file}, commit, newest, info.Size(), path})
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

// Remove takes a file, in all its versions, or without a file a repository out
// of the cache, and of the blobs those that nothing else refers to. It returns
// the bytes that this freed. What is not there is ErrNotCached.
func (c *Client) Remove(ref Ref) (freed int64, err error) {
	if err := ref.check(); err != nil {
		return 0, err
	}
	dir := c.repo(ref.Repo)
	if _, err := os.Lstat(string(dir)); err != nil {
		return 0, fmt.Errorf("%s: %w", ref, ErrNotCached)
	}
	for _, path := range dir.unfinished() {
		if ref.File != "" {
			break
		}
		etag := strings.TrimSuffix(filepath.Base(path), partsSuffix)
		ctx, cancel := context.WithCancel(context.Background())
		unlock, err := c.lock(ctx, dir, etag, cancel)
		cancel()
		if errors.Is(err, context.Canceled) {
			return 0, fmt.Errorf("%s is being pulled: stop that first", ref)
		}
		if err != nil {
			return 0, err
		}
		defer unlock()
	}
	if ref.File == "" {
		return removeTree(string(dir))
	}
	return dir.removeFile(ref)
}

// removeFile removes a file from every snapshot, then its blobs.
func (d repoDir) removeFile(ref Ref) (freed int64, err error) {
	commits, _ := os.ReadDir(d.snapshots())
	var blobs []string
	found := false
	for _, commit := range commits {
		path := d.snapshot(commit.Name(), ref.File)
		info, err := os.Lstat(path)
		if err != nil || info.IsDir() {
			continue
		}
		found = true
		if info.Mode().IsRegular() {
			freed += info.Size()
		} else if blob, ok := d.target(path); ok {
			blobs = append(blobs, blob)
		}
		if err := os.Remove(path); err != nil {
			return freed, err
		}
		for dir := filepath.Dir(path); dir != d.snapshots() && os.Remove(dir) == nil; dir = filepath.Dir(dir) {
			// folders that are empty now
		}
	}
	if !found {
		return 0, fmt.Errorf("%s: %w", ref, ErrNotCached)
	}
	slices.Sort(blobs)
	used := d.used()
	for _, blob := range slices.Compact(blobs) {
		if used[blob] {
			continue
		}
		info, err := os.Lstat(blob)
		if err != nil {
			continue // it was not there
		}
		if err := os.Remove(blob); err != nil {
			return freed, err
		}
		freed += info.Size()
	}
	if left, _ := os.ReadDir(d.snapshots()); len(left) == 0 && len(d.unfinished()) == 0 {
		return freed, os.RemoveAll(string(d)) // what is left says nothing
	}
	return freed, nil
}

// target returns the blob that a link in a snapshot leads to. A link that leads
// anywhere else is none of the hub's, and nothing behind it is touched.
func (d repoDir) target(link string) (blob string, ok bool) {
	to, err := os.Readlink(link)
	if err != nil {
		return "", false
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(link), to)
	}
	return to, filepath.Dir(to) == d.blobs()
}

// used returns the blobs that a snapshot refers to.
func (d repoDir) used() map[string]bool {
	used := map[string]bool{}
	for _, file := range snapshotFiles(d.snapshots()) {
		if blob, ok := d.target(filepath.Join(d.snapshots(), filepath.FromSlash(file))); ok {
			used[blob] = true
		}
	}
	return used
}

// removeTree removes a folder and returns how many bytes its files held on the
// disk.
func removeTree(root string) (freed int64, err error) {
	_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			freed += onDisk(path)
		}
		return nil
	})
	return freed, os.RemoveAll(root)
}

// onDisk is the size of a file, of an unfinished pull without its holes.
func onDisk(path string) int64 {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	if strings.HasSuffix(path, partsSuffix) {
		return min(info.Size(), allocated(info))
	}
	return info.Size()
}
