package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	dirRef = Ref{Repo: testRef.Repo}

	shards = []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}

	// dirFiles are those of a directory that are needed, in the order of the pull.
	dirFiles = append([]string{"config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json", "model.safetensors.index.json"}, shards...)
)

// newDirHub serves a directory with two shards and what else such repositories
// hold.
func newDirHub(t *testing.T) *fakeHub {
	h := newHub(t, nil)
	h.files = map[string][]byte{}
	for _, name := range []string{
		"config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json", "special_tokens_map.json", "README.md", ".gitattributes",
		"modeling_bitnet.py", "pytorch_model.bin", "consolidated.00.pt", "figure.png", "original/model.safetensors", "onnx/config.json",
	} {
		h.files[name] = []byte(name)
	}
	h.files[indexFile] = []byte(`{"weight_map":{"a":"` + shards[1] + `","b":"` + shards[0] + `","c":"` + shards[1] + `"}}`)
	h.files[shards[0]] = randomBytes(100_000)
	h.files[shards[1]] = randomBytes(400_001)
	return h
}

// dirSize is the size of the files that are needed.
func (h *fakeHub) dirSize() (n int64) {
	for _, name := range dirFiles {
		n += int64(len(h.files[name]))
	}
	return n
}

func notCached(t *testing.T, c *Client) {
	t.Helper()
	if path, err := c.Cached(dirRef); !errors.Is(err, ErrNotCached) {
		t.Errorf("Cached: %q, %v", path, err)
	}
}

func TestDirectory(t *testing.T) {
	h := newDirHub(t)
	c := h.client(t)
	var order []string
	path, err := c.Fetch(background, dirRef, func(p Progress) {
		if len(order) == 0 || order[len(order)-1] != p.File {
			order = append(order, p.File)
		}
	})
	if want := filepath.Join(c.Cache, "models--owner--model", "snapshots", commit); path != want || err != nil {
		t.Fatalf("%q, %v, want %q", path, err, want)
	}
	if diff := cmp.Diff(dirFiles, order); diff != "" {
		t.Errorf("the order (-want +got):\n%s", diff)
	}
	want := slices.Sorted(slices.Values(dirFiles))
	if diff := cmp.Diff(want, snapshotFiles(path)); diff != "" {
		t.Errorf("the files (-want +got):\n%s", diff)
	}
	for _, name := range dirFiles {
		compare(t, filepath.Join(path, name), h.files[name])
	}
	if n := sent(h.taken()); n != h.dirSize() {
		t.Errorf("%d bytes were sent, want %d", n, h.dirSize())
	}
	if again, err := c.Fetch(background, dirRef, nil); again != path || err != nil || len(h.taken()) > 0 {
		t.Errorf("again: %q, %v, or bytes were sent", again, err)
	}

	h.Close()
	offline := &Client{Cache: c.Cache, Offline: true}
	if p, err := offline.Fetch(background, dirRef, nil); p != path || err != nil || offline.web != nil {
		t.Errorf("offline: %q, %v, or it has a transport", p, err)
	}
	list, err := offline.List()
	if diff := cmp.Diff([]Entry{{dirRef, commit, true, h.dirSize(), path}}, list); diff != "" || err != nil {
		t.Errorf("List: %v (-want +got):\n%s", err, diff)
	}
	if freed, err := offline.Remove(dirRef); freed != h.dirSize()+40 || err != nil { // and refs/main
		t.Errorf("Remove: %d, %v", freed, err)
	}
	notCached(t, c)
}

// TestDirectoryOfOneFile has no index and no tokenizer, which the cache notes.
func TestDirectoryOfOneFile(t *testing.T) {
	h := newDirHub(t)
	delete(h.files, indexFile)
	delete(h.files, tokenizerFile)
	h.files[weightsFile] = randomBytes(1000)
	c := h.client(t)
	path, err := c.Fetch(background, dirRef, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"config.json", "generation_config.json", "model.safetensors", "tokenizer_config.json"}
	if diff := cmp.Diff(want, snapshotFiles(path)); diff != "" {
		t.Errorf("the files (-want +got):\n%s", diff)
	}
	if cached, err := c.Cached(dirRef); cached != path || err != nil {
		t.Errorf("Cached: %q, %v", cached, err)
	}
	if info, err := os.Stat(filepath.Join(path, "../../.no_exist", commit, tokenizerFile)); err != nil || info.Size() != 0 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestDirectoryPartly takes a file away, or has files of single pulls only: that
// is no model.
func TestDirectoryPartly(t *testing.T) {
	h := newDirHub(t)
	c := h.client(t)
	for _, name := range []string{"README.md", "config.json", "original/model.safetensors", indexFile, shards[0], shards[1]} {
		if _, err := c.Fetch(background, Ref{Repo: dirRef.Repo, File: name}, nil); err != nil {
			t.Fatal(err)
		}
		notCached(t, c)
	}
	offline := &Client{Cache: c.Cache, Offline: true}
	if _, err := offline.Fetch(background, dirRef, nil); !errors.Is(err, ErrNotCached) || !strings.Contains(err.Error(), "HF_HUB_OFFLINE forbids to pull it") {
		t.Errorf("offline: %v", err)
	}
	if list, err := c.List(); err != nil || len(list) != 6 {
		t.Errorf("List: %v, %v", list, err)
	}
	h.taken()
	path, err := c.Fetch(background, dirRef, nil)
	if want := len("tokenizer.json") + len("tokenizer_config.json") + len("generation_config.json"); err != nil || sent(h.taken()) != int64(want) {
		t.Errorf("the rest: %v, or more than it was sent", err)
	}
	os.RemoveAll(filepath.Join(path, "original")) // which the index does not name
	for _, name := range []string{"config.json", "tokenizer.json", indexFile, shards[0], shards[1]} {
		name = filepath.Join(path, name)
		target, err := os.Readlink(name)
		if err != nil {
			t.Skip("no symbolic links here:", err)
		}
		os.Remove(name)
		notCached(t, c)
		os.Symlink(target+"x", name) // to nowhere
		notCached(t, c)
		os.Remove(name)
		os.Symlink(target, name)
		if cached, err := c.Cached(dirRef); cached != path || err != nil {
			t.Errorf("Cached: %q, %v", cached, err)
		}
	}
}

// TestDirectoryCut stops a pull in a shard. What is there is not pulled again,
// and no model is seen before it is whole.
func TestDirectoryCut(t *testing.T) {
	h := newDirHub(t)
	c := h.client(t)
	ctx, cancel := context.WithCancel(background)
	_, err := c.Fetch(ctx, dirRef, func(p Progress) {
		if p.File == shards[1] && p.Done > 200_000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	notCached(t, c)
	list, err := c.List()
	if last := len(list) - 1; err != nil || last != len(dirFiles)-1 || list[last].Commit != "" || list[last-1].Commit != commit {
		t.Errorf("List: %+v, %v", list, err)
	}
	files := h.files
	h = newDirHub(t) // the other one may still be asked by requests under way
	h.files = files
	again := h.client(t)
	again.Cache = c.Cache
	var first int64 = -1
	path, err := again.Fetch(background, dirRef, func(p Progress) {
		if p.File != shards[1] {
			t.Errorf("%s is pulled again", p.File)
		}
		if first < 0 {
			first = p.Done
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := sent(h.taken()); first <= 0 || n != int64(len(h.files[shards[1]]))-first {
		t.Errorf("began at %d and was sent %d bytes", first, n)
	}
	for _, name := range dirFiles {
		compare(t, filepath.Join(path, name), h.files[name])
	}
}

// TestDirectoryUpdate stops the pull of a new version: until it is whole the old
// one stays in use.
func TestDirectoryUpdate(t *testing.T) {
	h := newDirHub(t)
	c := h.client(t)
	old, err := c.Fetch(background, dirRef, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.taken()
	h.commit = strings.Repeat("a", 40)
	h.files[shards[1]] = bytes.Repeat([]byte("new"), 1000)
	h.twisted(func(w http.ResponseWriter, r *http.Request) bool {
		if isBody(r) && strings.HasSuffix(r.URL.Path, shards[1]) {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	})
	if _, err := c.Fetch(background, dirRef, nil); !errors.Is(err, ErrNetwork) {
		t.Fatal(err)
	}
	if cached, err := c.Cached(dirRef); cached != old || err != nil {
		t.Errorf("Cached: %q, %v", cached, err)
	}
	h.twisted(nil)
	path, err := c.Fetch(background, dirRef, nil)
	if cached, _ := c.Cached(dirRef); err != nil || path == old || cached != path {
		t.Errorf("%q, %v", path, err)
	}
	if n := sent(h.taken()); n != 3000 {
		t.Errorf("%d bytes were sent for 3000 new ones", n)
	}
	list, err := c.List()
	if err != nil || len(list) != 2 || list[0].Newest == list[1].Newest {
		t.Errorf("List: %+v, %v", list, err)
	}
}

// TestDirectoryNoRoom has room for each shard, not for both.
func TestDirectoryNoRoom(t *testing.T) {
	h := newDirHub(t)
	c := h.client(t)
	free := int64(500_000)
	c.space = func(string) (int64, error) { return free, nil }
	_, err := c.Fetch(background, dirRef, nil)
	if err == nil || errors.Is(err, ErrNetwork) || !strings.Contains(err.Error(), "owner/model needs 500001 bytes more in the cache "+c.Cache+", whose disk has 500000 bytes free") {
		t.Errorf("error %v", err)
	}
	if n := sent(h.taken()); n > 1000 {
		t.Errorf("%d bytes were sent", n)
	}
	if _, err := c.Fetch(background, Ref{Repo: dirRef.Repo, File: shards[0]}, nil); err != nil {
		t.Fatal(err)
	}
	free = 400_001 // as much as the other one has
	if _, err := c.Fetch(background, dirRef, nil); err != nil {
		t.Error(err)
	}
}

// TestLargeIndex does not read what is too large for an index.
func TestLargeIndex(t *testing.T) {
	dir := (&Client{Cache: t.TempDir()}).repo(dirRef.Repo)
	path := dir.snapshot(commit, indexFile)
	os.MkdirAll(filepath.Dir(path), 0o755)
	os.WriteFile(path, nil, 0o644)
	os.Truncate(path, maxIndex+1)
	if _, err := dir.weights(commit); err == nil || !strings.Contains(err.Error(), "has 16777217 bytes: the limit is 16777216") {
		t.Errorf("error %v", err)
	}
}

// TestIndexOfAnotherBuild: where there is one file with all weights, an index beside
// it is of another build of the model, whose shards need not be there.
func TestIndexOfAnotherBuild(t *testing.T) {
	h := newDirHub(t)
	h.files[weightsFile] = randomBytes(1000)
	delete(h.files, shards[1])
	c := h.client(t)
	path, err := c.Fetch(background, dirRef, nil)
	if err != nil {
		t.Fatal(err)
	}
	files := snapshotFiles(path)
	if slices.Contains(files, indexFile) || slices.Contains(files, shards[0]) || !slices.Contains(files, weightsFile) {
		t.Errorf("pulled: %q", files)
	}
	if err := os.WriteFile(filepath.Join(path, indexFile), h.files[indexFile], 0o644); err != nil { // of another program
		t.Fatal(err)
	}
	if cached, err := c.Cached(dirRef); cached != path || err != nil {
		t.Errorf("Cached: %s, %v", cached, err)
	}
}

func TestDirectoryRefused(t *testing.T) {
	index := func(file string) func(h *fakeHub) {
		return func(h *fakeHub) { h.files[indexFile] = fmt.Appendf(nil, `{"weight_map":{"a":%q}}`, file) }
	}
	for _, test := range []struct {
		name   string
		change func(h *fakeHub)
		want   string
	}{
		{"a missing shard", func(h *fakeHub) { delete(h.files, shards[1]) }, `owner/model lacks "model-00002-of-00002.safetensors", which its model.safetensors.index.json names`},
		{"a shard with ..", index("../../../evil.safetensors"), `names "../../../evil.safetensors", which is no safetensors file beside it`},
		{"a shard elsewhere", index("original/model.safetensors"), "which is no safetensors file beside it"},
		{"an absolute shard", index("/etc/x.safetensors"), "which is no safetensors file beside it"},
		{"a shard of another form", index("pytorch_model.bin"), "which is no safetensors file beside it"},
		{"no map", func(h *fakeHub) { h.files[indexFile] = []byte("{}") }, "has no weight_map"},
		{"no JSON", func(h *fakeHub) { h.files[indexFile] = []byte("<html>") }, "is no index of safetensors"},
		{"no version", func(h *fakeHub) { h.commit = "" }, "is it a mirror of the hub?"},
		{"another version", func(h *fakeHub) {
			h.twist = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodHead {
					h.mu.Lock()
					h.commit = strings.Repeat("b", 40)
					h.mu.Unlock()
				}
				return false
			}
		}, "answers with another version of owner/model:config.json than was asked for"},
		{"no config.json", func(h *fakeHub) { delete(h.files, configFile) }, "owner/model holds no GGUF file; name one of its files as owner/model:FILE: "},
		{"no safetensors", func(h *fakeHub) { delete(h.files, indexFile); delete(h.files, weightsFile) }, "owner/model holds no GGUF file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newDirHub(t)
			test.change(h)
			c := h.client(t)
			if _, err := c.Fetch(background, dirRef, nil); err == nil || !strings.Contains(err.Error(), test.want) || !errors.Is(err, ErrNetwork) && !errors.Is(err, ErrRef) {
				t.Errorf("error %v, want ...%s...", err, test.want)
			}
			notCached(t, c)
			for _, file := range snapshotFiles(c.repo(dirRef.Repo).snapshots()) {
				if strings.HasSuffix(file, ".safetensors") {
					t.Errorf("%s was pulled", file)
				}
			}
		})
	}
}
