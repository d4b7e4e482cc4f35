package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

var testRef = Ref{Repo: "owner/model", File: "sub/model.i2_s.gguf"}

// A fakeHub serves one repository as the hub does. A twist may answer instead.
type fakeHub struct {
	*httptest.Server

	mu     sync.Mutex
	twist  func(w http.ResponseWriter, r *http.Request) (handled bool)
	commit string
	tags   map[string]string // commits of other revisions than main; nil: whatever is asked for is commit
	files  map[string][]byte
	gets   []span // of the requests for testRef's bytes
	heads  int
}

// newHub serves data as testRef, and a small file beside it.
func newHub(t testing.TB, data []byte) *fakeHub {
	h := &fakeHub{commit: commit, files: map[string][]byte{testRef.File: data, "README.md": []byte("read me\n")}}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *fakeHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Accept-Encoding") != "identity" {
		http.Error(w, "compressed bytes asked for", http.StatusNotAcceptable)
		return
	}
	h.mu.Lock()
	twist := h.twist
	h.mu.Unlock()
	if twist == nil || !twist(w, r) {
		h.serve(w, r)
	}
}

func (h *fakeHub) twisted(twist func(w http.ResponseWriter, r *http.Request) bool) {
	h.mu.Lock()
	h.twist = twist
	h.mu.Unlock()
}

func (h *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	if revision, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/models/"+testRef.Repo+"/revision/"); ok {
		version, ok := h.version(w, revision)
		if !ok {
			return
		}
		var names []string
		for name := range h.files {
			names = append(names, fmt.Sprintf(`{"rfilename":%q}`, name))
		}
		fmt.Fprintf(w, `{"sha":%q,"siblings":[%s]}`, version, strings.Join(names, ","))
		return
	}
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/"+testRef.Repo+"/resolve/")
	if !ok {
		w.Header().Set("X-Error-Code", "RepoNotFound")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	revision, name, _ := strings.Cut(path, "/")
	name, _ = url.PathUnescape(name)
	version, ok := h.version(w, revision)
	if !ok {
		return
	}
	h.mu.Lock()
	data, ok := h.files[name]
	h.mu.Unlock()
	if !ok {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h.count(r, int64(len(data)))
	w.Header().Set("X-Repo-Commit", version)
	w.Header().Set("Etag", `"`+etagOf(name, data)+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// version is the commit of a revision, as it stands in an address.
func (h *fakeHub) version(w http.ResponseWriter, revision string) (string, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	revision, err := url.PathUnescape(revision)
	if commit, ok := h.tags[revision]; ok {
		return commit, true
	}
	if h.tags == nil || revision == "main" || revision == h.commit {
		return h.commit, true
	}
	for _, commit := range h.tags {
		if revision == commit {
			return commit, true
		}
	}
	w.Header().Set("X-Error-Code", "RevisionNotFound")
	http.Error(w, fmt.Sprint("no revision ", revision, err), http.StatusNotFound)
	return "", false
}

// count remembers what was asked for.
func (h *fakeHub) count(r *http.Request, size int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.Method == http.MethodHead {
		h.heads++
		return
	}
	s := span{0, size}
	if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &s.start, &s.end); n == 2 {
		s.end++
	}
	h.gets = append(h.gets, s)
}

// taken returns the requests for bytes since the last call.
func (h *fakeHub) taken() []span {
	h.mu.Lock()
	defer h.mu.Unlock()
	gets := h.gets
	h.gets = nil
	return gets
}

// sent is how many bytes spans hold.
func sent(spans []span) (n int64) {
	for _, s := range spans {
		n += s.end - s.start
	}
	return n
}

// etagOf is the checksum by which the hub names a file.
func etagOf(name string, data []byte) string {
	if strings.HasSuffix(name, ".gguf") || strings.HasSuffix(name, ".safetensors") {
		return fmt.Sprintf("%x", sha256.Sum256(data))
	}
	d := download{meta: meta{etag: strings.Repeat("0", 40)}}
	h := d.newHash(int64(len(data)))
	h.Write(data)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// client returns one in an empty cache that is small and impatient.
func (h *fakeHub) client(t testing.TB) *Client {
	return &Client{
		Endpoint: h.URL, Cache: filepath.Join(t.TempDir(), "hub"),
		block: 4096, span: 8, workers: 4, tries: 4, pause: time.Millisecond, idle: 400 * time.Millisecond, patient: time.Second,
	}
}

func randomBytes(n int) []byte {
	r, data := rand.New(rand.NewPCG(1, 2)), make([]byte, n)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

// fetch pulls testRef and compares it.
func fetch(t *testing.T, c *Client, want []byte) string {
	t.Helper()
	path, err := c.Fetch(context.Background(), testRef, nil)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, path, want)
	return path
}

func compare(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: a wrong file of %d bytes", path, len(got))
	}
}

// tree lists a cache: directories, files with their sizes, links with their
// targets.
func tree(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, _ := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		switch info, _ := e.Info(); {
		case e.IsDir():
			name += "/"
		case e.Type().IsRegular():
			name += fmt.Sprintf(" %d", info.Size())
		default:
			target, _ := os.Readlink(path)
			name += " -> " + target
		}
		b.WriteString(name + "\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
