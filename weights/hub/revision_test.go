package hub

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRevision pulls branches, tags and commits, and finds them again without the
// network under their names, as those that huggingface_hub pulled.
func TestRevision(t *testing.T) {
	h := newHub(t, randomBytes(1000))
	old := strings.Repeat("ab12", 10)
	h.tags = map[string]string{"v1.0": old, "refs/pr/1": commit}
	for _, revision := range []string{"v1.0", old, "refs/pr/1", "main"} {
		c := h.client(t)
		ref := testRef
		ref.Revision = revision
		path, err := c.Fetch(background, ref, nil)
		if err != nil {
			t.Fatal(revision, err)
		}
		want := commit
		if revision == "v1.0" || revision == old {
			want = old
		}
		if path != c.repo(ref.Repo).snapshot(want, ref.File) {
			t.Errorf("%s is at %s", revision, path)
		}
		if data, err := os.ReadFile(c.repo(ref.Repo).refFile(revision)); revision != old && (err != nil || string(data) != want) {
			t.Errorf("refs/%s holds %q, %v", revision, data, err)
		}
		for _, name := range []string{revision, want, want[:7], ""} { // "": nothing else is there
			ref.Revision = name
			if cached, err := c.Cached(ref); cached != path || err != nil {
				t.Errorf("%s as %q: %s, %v", revision, name, cached, err)
			}
		}
		for _, name := range []string{"v2", want[:3], "0000"} {
			ref.Revision = name
			if _, err := c.Cached(ref); !errors.Is(err, ErrNotCached) {
				t.Errorf("%s as %q: %v", revision, name, err)
			}
		}
	}
	ref := testRef
	for _, file := range []string{"", testRef.File} {
		ref.Revision, ref.File = "v2", file
		if _, err := h.client(t).Fetch(background, ref, nil); !errors.Is(err, ErrNetwork) || !strings.Contains(err.Error(), "has no revision v2 of owner/model") {
			t.Error(err)
		}
	}
}

// TestListedNames: what List returns is found by Cached and taken by Remove, each
// version for itself.
func TestListedNames(t *testing.T) {
	h := newHub(t, randomBytes(1000))
	c := h.client(t)
	h.tags = map[string]string{"v1.0": strings.Repeat("ab12", 10), "v2.0": strings.Repeat("cd34", 10)}
	for _, revision := range []string{"", "v1.0", "v2.0"} {
		h.files[testRef.File] = append(h.files[testRef.File], 1) // another version
		ref := testRef
		ref.Revision = revision
		if _, err := c.Fetch(background, ref, nil); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.List()
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for left := 3; left > 0; left-- {
		e := list[3-left]
		parsed, err := ParseRef(e.Ref.String())
		if err != nil || parsed != e.Ref {
			t.Errorf("%s: %v, %v", e.Ref, parsed, err)
		}
		if path, err := c.Cached(parsed); path != e.Path || err != nil {
			t.Errorf("%s: %s, %v, expected %s", e.Ref, path, err, e.Path)
		}
		if e.Newest { // the name of all versions
			parsed.Revision = e.Commit
		}
		if freed, err := c.Remove(parsed); freed != e.Size || err != nil {
			t.Errorf("%s: %d bytes freed, %v", parsed, freed, err)
		}
		if now, err := c.List(); len(now) != left-1 || err != nil {
			t.Errorf("%d are left, %v", len(now), err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(c.Cache, "models--*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestRemoveVersion removes one version of a repository, and the tag of it.
func TestRemoveVersion(t *testing.T) {
	h := newHub(t, randomBytes(1000))
	c := h.client(t)
	h.tags = map[string]string{"v1.0": strings.Repeat("ab12", 10)}
	for _, revision := range []string{"", "v1.0"} {
		ref := testRef
		ref.Revision = revision
		if _, err := c.Fetch(background, ref, nil); err != nil {
			t.Fatal(err)
		}
	}
	ref := Ref{Repo: testRef.Repo, Revision: "v1.0"}
	if freed, err := c.Remove(ref); freed != 0 || err != nil { // the other shares its bytes
		t.Errorf("%d freed, %v", freed, err)
	}
	if _, err := os.Lstat(c.repo(ref.Repo).refFile("v1.0")); err == nil {
		t.Error("the tag is still there")
	}
	if _, err := c.Remove(ref); !errors.Is(err, ErrNotCached) {
		t.Error(err)
	}
	if _, err := c.Cached(testRef); err != nil {
		t.Error(err)
	}
}
