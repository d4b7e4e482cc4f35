package hub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var background = context.Background()

// TestLayout holds a pull against the layout that the hub documents.
func TestLayout(t *testing.T) {
	data := randomBytes(20_000)
	h := newHub(t, data)
	c := h.client(t)
	path := fetch(t, c, data)
	if want := filepath.Join(c.Cache, "models--owner--model", "snapshots", commit, "sub", "model.i2_s.gguf"); path != want {
		t.Errorf("path %s, want %s", path, want)
	}
	if _, err := c.Fetch(background, Ref{Repo: testRef.Repo, File: "README.md"}, nil); err != nil {
		t.Fatal(err)
	}
	large, small := etagOf("x.gguf", data), etagOf("README.md", []byte("read me\n"))
	if small != "d9b401251bb36c51ca5c56c2ffc8a24a78ff20ae" { // git hash-object
		t.Errorf("etag %s", small)
	}
	blobs := []string{fmt.Sprintf("models--owner--model/blobs/%s 20000", large), fmt.Sprintf("models--owner--model/blobs/%s 8", small)}
	slices.Sort(blobs)
	locks := []string{".locks/models--owner--model/" + large + ".lock 0", ".locks/models--owner--model/" + small + ".lock 0"}
	slices.Sort(locks)
	want := ".locks/\n.locks/models--owner--model/\n" + strings.Join(locks, "\n") + `
models--owner--model/
models--owner--model/blobs/
` + strings.Join(blobs, "\n") + `
models--owner--model/refs/
models--owner--model/refs/main 40
models--owner--model/snapshots/
models--owner--model/snapshots/` + commit + `/
models--owner--model/snapshots/` + commit + `/README.md -> ../../blobs/` + small + `
models--owner--model/snapshots/` + commit + `/sub/
models--owner--model/snapshots/` + commit + `/sub/model.i2_s.gguf -> ../../../blobs/` + large + "\n"
	if diff := cmp.Diff(want, tree(t, c.Cache)); diff != "" {
		t.Errorf("the cache (-want +got):\n%s", diff)
	}
	if ref, _ := os.ReadFile(c.repo(testRef.Repo).refFile("main")); string(ref) != commit {
		t.Errorf("refs/main holds %q", ref)
	}
}

// TestNewVersion pulls again after the repository changed: what did not change
// is not pulled, and the old version stays.
func TestNewVersion(t *testing.T) {
	data := randomBytes(20_000)
	h := newHub(t, data)
	c := h.client(t)
	old := fetch(t, c, data)
	h.taken()
	h.commit = strings.Repeat("a", 40)
	path := fetch(t, c, data)
	if gets := h.taken(); path == old || len(gets) > 0 {
		t.Errorf("%d requests for bytes that are there; path %s", len(gets), path)
	}
	compare(t, old, data)
	if cached, err := c.Cached(testRef); cached != path || err != nil {
		t.Errorf("Cached %s, %v", cached, err)
	}
}

// layByHand makes a tree of the documented form.
func layByHand(t *testing.T, cache string, data []byte) string {
	t.Helper()
	etag := etagOf("x.gguf", data)
	root := filepath.Join(cache, "models--owner--model")
	for path, text := range map[string]string{"refs/main": commit, "blobs/" + etag: string(data)} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(root, "snapshots", commit, "sub", "model.i2_s.gguf")
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../../blobs/"+etag, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	return link
}

// TestLaidByHand uses such a tree without a download, and offline without a
// socket.
func TestLaidByHand(t *testing.T) {
	data := randomBytes(20_000)
	h := newHub(t, data)
	c := h.client(t)
	link := layByHand(t, c.Cache, data)
	if path := fetch(t, c, data); path != link || len(h.taken()) > 0 {
		t.Errorf("path %s, or requests for bytes", path)
	}
	for _, ref := range []Ref{testRef, {Repo: testRef.Repo}} {
		if path, err := c.Cached(ref); path != link || err != nil {
			t.Errorf("Cached(%v): %s, %v", ref, path, err)
		}
	}
}

func TestOffline(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled := make(chan bool, 1)
	go func() {
		if conn, err := l.Accept(); err == nil {
			conn.Close()
			dialled <- true
		}
	}()
	data := randomBytes(1000)
	t.Setenv("HF_HUB_OFFLINE", "1")
	t.Setenv("HF_ENDPOINT", "http://"+l.Addr().String())
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	c, err := FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	layByHand(t, c.Cache, data)
	fetch(t, c, data)
	for _, ref := range []Ref{{Repo: "owner/other"}, {Repo: "owner/model", File: "other.gguf"}} {
		_, err := c.Fetch(background, ref, nil)
		if !errors.Is(err, ErrNetwork) || !errors.Is(err, ErrNotCached) || !strings.Contains(err.Error(), "HF_HUB_OFFLINE forbids to pull it") {
			t.Errorf("%v: %v", ref, err)
		}
	}
	if files, err := c.Files(background, testRef.Repo); err != nil || !slices.Equal(files, []string{testRef.File}) {
		t.Errorf("Files: %v, %v", files, err)
	}
	if c.web != nil {
		t.Error("the offline client has a transport")
	}
	select {
	case <-dialled:
		t.Error("the offline client opened a socket")
	case <-time.After(50 * time.Millisecond):
	}
}

// TestTwoPulls pulls one file with several clients at once: its bytes are sent
// once.
func TestTwoPulls(t *testing.T) {
	data := randomBytes(200_000)
	h := newHub(t, data)
	h.twisted(func(http.ResponseWriter, *http.Request) bool { time.Sleep(2 * time.Millisecond); return false })
	first := h.client(t)
	var all sync.WaitGroup
	for range 5 {
		c := h.client(t)
		c.Cache = first.Cache
		all.Go(func() {
			path, err := c.Fetch(background, testRef, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if got, _ := os.ReadFile(path); len(got) != len(data) {
				t.Errorf("%d bytes", len(got))
			}
		})
	}
	all.Wait()
	if n := sent(h.taken()); n != int64(len(data)) {
		t.Errorf("%d bytes were sent for a file of %d", n, len(data))
	}
}

// TestCancel stops a pull in the middle; the next one goes on there.
func TestCancel(t *testing.T) {
	data := randomBytes(400_000)
	h := newHub(t, data)
	c := h.client(t)
	ctx, cancel := context.WithCancel(background)
	_, err := c.Fetch(ctx, testRef, func(p Progress) {
		if p.Done > 200_000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrNetwork) {
		t.Fatalf("error %v", err)
	}
	h = newHub(t, data) // the other one may still be asked by requests under way
	c = &Client{Endpoint: h.URL, Cache: c.Cache, block: c.block}
	var first int64 = -1
	if _, err := c.Fetch(background, testRef, func(p Progress) {
		if first < 0 {
			first = p.Done
		}
	}); err != nil {
		t.Fatal(err)
	}
	if n := sent(h.taken()); first == 0 || n != int64(len(data))-first {
		t.Errorf("began at %d and was sent %d bytes of %d", first, n, len(data))
	}
}

// TestDamagedParts resumes from data that changed on the disk: the checksum
// tells, and the pull begins anew.
func TestDamagedParts(t *testing.T) {
	data := randomBytes(400_000)
	h := newHub(t, data)
	c := h.client(t)
	ctx, cancel := context.WithCancel(background)
	_, _ = c.Fetch(ctx, testRef, func(p Progress) {
		if p.Done > 200_000 {
			cancel()
		}
	})
	path := c.repo(testRef.Repo).blob(etagOf(testRef.File, data)) + partsSuffix
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := int64(0); i < 400_000; i += 1000 {
		f.WriteAt([]byte{data[i] + 1}, i)
	}
	f.Close()
	fetch(t, c, data)
	// And a map that is cut, or of another file.
	for _, text := range []string{"", "bitnet-gpu parts of", strings.Repeat("#", 1000)} {
		os.Remove(strings.TrimSuffix(path, partsSuffix))
		os.WriteFile(path, randomBytes(400_000), 0o644)
		os.WriteFile(strings.TrimSuffix(path, partsSuffix)+doneSuffix, []byte(text), 0o644)
		fetch(t, c, data)
	}
}

// TestNoSymlinks puts the file itself into the snapshot, as the hub's tools do.
func TestNoSymlinks(t *testing.T) {
	data := randomBytes(20_000)
	h := newHub(t, data)
	c := h.client(t)
	c.symlink = func(string, string) error { return errors.New("not supported here") }
	path := fetch(t, c, data)
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
	if blobs, _ := os.ReadDir(c.repo(testRef.Repo).blobs()); len(blobs) > 0 {
		t.Errorf("%d blobs beside the file", len(blobs))
	}
	h.taken()
	if fetch(t, c, data); len(h.taken()) > 0 {
		t.Error("pulled again")
	}
	if freed, err := c.Remove(testRef); freed != 20_000 || err != nil {
		t.Errorf("Remove: %d, %v", freed, err)
	}
}

func TestNoRoom(t *testing.T) {
	h := newHub(t, randomBytes(20_000))
	c := h.client(t)
	c.space = func(string) (int64, error) { return 19_999, nil }
	_, err := c.Fetch(background, testRef, nil)
	if err == nil || errors.Is(err, ErrNetwork) || !strings.Contains(err.Error(), "needs 20000 bytes more in the cache "+c.Cache+", whose disk has 19999 bytes free: free some space, or set HF_HUB_CACHE") {
		t.Errorf("error %v", err)
	}
	if len(h.taken()) > 0 {
		t.Error("bytes were asked for")
	}
}

func TestChoice(t *testing.T) {
	h := newHub(t, randomBytes(1000))
	c := h.client(t)
	for _, test := range []struct {
		files []string
		want  string // file, or part of the error
	}{
		{[]string{"a.gguf", "README.md"}, "a.gguf"},
		{[]string{"a-f16.gguf", "b-I2_S.gguf", "c-q8.gguf"}, "b-I2_S.gguf"},
		{[]string{"a.gguf", "b.gguf"}, "owner/model holds 2 GGUF files; name one as owner/model:FILE: a.gguf, b.gguf"},
		{[]string{"a.gguf", "model.safetensors", "config.json"}, "a.gguf"},
		{[]string{"model.safetensors", "tokenizer.json"}, "owner/model holds no GGUF file; name one of its files as owner/model:FILE: model.safetensors, tokenizer.json"},
	} {
		h.files = map[string][]byte{}
		for _, f := range test.files {
			h.files[f] = []byte(f)
		}
		path, err := c.Fetch(background, Ref{Repo: testRef.Repo}, nil)
		if err != nil {
			files, _ := c.Files(background, testRef.Repo)
			slices.Sort(files)
			_, err = choose(testRef.whole(), files) // the fake hub's order is random
			if !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v: %v", test.files, err)
			}
		} else if filepath.Base(path) != test.want {
			t.Errorf("%v: %s", test.files, path)
		}
	}
	h.files = map[string][]byte{"../../../evil.gguf": nil}
	if _, err := c.Fetch(background, Ref{Repo: testRef.Repo}, nil); !errors.Is(err, ErrNetwork) || !strings.Contains(err.Error(), `lists a file "../../../evil.gguf"`) {
		t.Errorf("a list with ..: %v", err)
	}
	if _, err := c.Fetch(background, Ref{Repo: testRef.Repo, File: "../evil.gguf"}, nil); !errors.Is(err, ErrRef) {
		t.Errorf("a name with ..: %v", err)
	}
}

// TestListAndRemove removes what nothing else refers to, and only that.
func TestListAndRemove(t *testing.T) {
	data, shared := randomBytes(20_000), randomBytes(5000)
	h := newHub(t, data)
	h.files["twin.gguf"], h.files["also.gguf"] = shared, shared
	c := h.client(t)
	pull := func(file string) {
		t.Helper()
		if _, err := c.Fetch(background, Ref{Repo: testRef.Repo, File: file}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := c.List(); len(list) > 0 || err != nil {
		t.Errorf("an empty cache: %v, %v", list, err)
	}
	pull(testRef.File)
	pull("twin.gguf")
	h.commit = strings.Repeat("b", 40)
	pull("also.gguf")
	pull("twin.gguf")
	pull(testRef.File)

	// What is not the hub's: a link to elsewhere, which stays untouched.
	precious := filepath.Join(t.TempDir(), "precious")
	os.WriteFile(precious, []byte("mine"), 0o644)
	dir := c.repo(testRef.Repo)
	link := dir.snapshot(commit, "link.gguf")
	os.Symlink(precious, link)

	list, err := c.List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range list {
		got = append(got, fmt.Sprintf("%s %s %v %d", e.File, e.Commit[:1], e.Newest, e.Size))
	}
	want := []string{
		"link.gguf 0 false 4", "sub/model.i2_s.gguf 0 false 20000", "twin.gguf 0 false 5000",
		"also.gguf b true 5000", "sub/model.i2_s.gguf b true 20000", "twin.gguf b true 5000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	for _, step := range []struct {
		file  string
		freed int64
	}{
		{"twin.gguf", 0}, // also.gguf has the same bytes
		{"link.gguf", 0},
		{"also.gguf", 5000},
		{testRef.File, 20_000},
	} {
		freed, err := c.Remove(Ref{Repo: testRef.Repo, File: step.file})
		if freed != step.freed || err != nil {
			t.Errorf("Remove %s: %d, %v, want %d", step.file, freed, err, step.freed)
		}
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(string(dir)); err == nil {
		t.Error("the empty repository is still there")
	}
	if _, err := c.Remove(testRef); !errors.Is(err, ErrNotCached) {
		t.Errorf("again: %v", err)
	}
}

// TestRemoveRepo removes all of a repository, an unfinished pull with it, but
// not while it runs.
func TestRemoveRepo(t *testing.T) {
	data := randomBytes(400_000)
	h := newHub(t, data)
	c := h.client(t)
	if _, err := c.Fetch(background, Ref{Repo: testRef.Repo, File: "README.md"}, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(background)
	whole := Ref{Repo: testRef.Repo}
	_, err := c.Fetch(ctx, testRef, func(p Progress) {
		if p.Done > 200_000 && ctx.Err() == nil {
			if _, err := c.Remove(whole); err == nil || !strings.Contains(err.Error(), "is being pulled") {
				t.Errorf("Remove during a pull: %v", err)
			}
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	list, err := c.List()
	if err != nil || len(list) != 2 || list[1].File != "" || list[1].Size < 100_000 {
		t.Errorf("List: %+v, %v", list, err)
	}
	freed, err := c.Remove(whole)
	if freed < 100_000 || err != nil {
		t.Errorf("Remove: %d, %v", freed, err)
	}
	if list, err := c.List(); len(list) > 0 || err != nil {
		t.Errorf("List: %+v, %v", list, err)
	}
}
