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
)

// Remove takes a file or a repository out of the cache, in all its versions or,
// where ref has a revision, in that one, and of the blobs those that nothing else
// refers to. It returns the bytes that this freed. What is not there is
// ErrNotCached.
func (c *Client) Remove(ref Ref) (freed int64, err error) {
	if err := ref.check(); err != nil {
		return 0, err
	}
	dir := c.repo(ref.Repo)
	missing := fmt.Errorf("%s: %w", ref, ErrNotCached)
	if _, err := os.Lstat(string(dir)); err != nil {
		return 0, missing
	}
	if ref == (Ref{Repo: ref.Repo}) {
		return c.removeRepo(dir, ref)
	}
	commits, err := dir.versions(ref.Revision)
	if err != nil {
		return 0, missing
	}
	var paths []string
	for _, commit := range commits {
		files, err := dir.meant(commit, ref)
		if err != nil {
			return 0, err
		}
		for _, file := range files {
			paths = append(paths, dir.snapshot(commit, file))
		}
	}
	if len(paths) == 0 {
		return 0, missing
	}
	if freed, err = dir.removeFiles(paths); err != nil {
		return freed, err
	}
	if left, _ := os.ReadDir(dir.snapshots()); len(left) == 0 && len(dir.unfinished()) == 0 {
		return freed, os.RemoveAll(string(dir)) // what is left says nothing
	}
	return freed, dir.removeRefs()
}

// versions returns the commits that a revision means, without one all.
func (d repoDir) versions(revision string) (commits []string, err error) {
	if revision != "" {
		commit, err := d.commit(revision)
		return []string{commit}, err
	}
	entries, err := os.ReadDir(d.snapshots())
	for _, e := range entries {
		commits = append(commits, e.Name())
	}
	return commits, err
}

// meant returns the files of a version that ref means, which may be none.
func (d repoDir) meant(commit string, ref Ref) ([]string, error) {
	files := snapshotFiles(d.snapshot(commit, ""))
	if ref.File == "" {
		return files, nil
	}
	if !slices.Contains(files, ref.File) && len(ofQuantisation(models(files), ref.File)) == 0 {
		return nil, nil
	}
	file, err := choose(ref, files)
	return slices.DeleteFunc(splitParts(file), func(file string) bool { return !slices.Contains(files, file) }), err
}

// removeRepo removes all of a repository, which no pull may be under way to.
func (c *Client) removeRepo(dir repoDir, ref Ref) (freed int64, err error) {
	for _, path := range dir.unfinished() {
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
	return removeTree(string(dir))
}

// removeFiles removes files of snapshots, then their blobs.
func (d repoDir) removeFiles(paths []string) (freed int64, err error) {
	var blobs []string
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			return freed, err
		}
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
	return freed, nil
}

// removeRefs removes the branches and tags whose version is gone.
func (d repoDir) removeRefs() error {
	for _, revision := range snapshotFiles(filepath.Join(string(d), "refs")) {
		commit, err := d.ref(revision)
		if err != nil {
			continue
		}
		if _, err := os.Lstat(d.snapshot(commit, "")); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Remove(d.refFile(revision)); err != nil {
			return err
		}
	}
	return nil
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
