package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestSplit pulls a split GGUF file: with any of its parts, or none, named, all
// come, and only all of them are a model in the cache.
func TestSplit(t *testing.T) {
	h := newHub(t, randomBytes(100))
	delete(h.files, testRef.File)
	name := func(i int) string { return fmt.Sprintf("sub/m-0000%d-of-00003.gguf", i) }
	for i := 1; i <= 3; i++ {
		h.files[name(i)] = randomBytes(1000 * i)
	}
	for asked, want := range map[string]string{"": name(1), "m": name(1), name(1): name(1), name(3): name(3)} {
		c, ref := h.client(t), Ref{Repo: testRef.Repo, File: asked}
		path, err := c.Fetch(background, ref, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := filepath.Rel(c.repo(testRef.Repo).snapshot(commit, ""), path); filepath.ToSlash(got) != want {
			t.Errorf("%s gives %s, expected %s", ref, path, want)
		}
		for i := 1; i <= 3; i++ {
			compare(t, c.repo(testRef.Repo).snapshot(commit, name(i)), h.files[name(i)])
		}
		if cached, err := c.Cached(ref); cached != path || err != nil {
			t.Errorf("cached %s, %v", cached, err)
		}
		if err := os.Remove(c.repo(testRef.Repo).snapshot(commit, name(2))); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Cached(ref); !errors.Is(err, ErrNotCached) {
			t.Errorf("without one part: %v", err)
		}
		if _, err := c.Remove(ref.with(name(3))); err != nil {
			t.Errorf("Remove: %v", err)
		}
		if list, err := c.List(); len(list) > 0 || err != nil {
			t.Errorf("left behind: %v, %v", list, err)
		}
	}
	delete(h.files, name(2))
	if _, err := h.client(t).Fetch(background, Ref{Repo: testRef.Repo}, nil); err == nil {
		t.Error("a part that the hub lacks is no error")
	} else {
		t.Log(err)
	}
}
