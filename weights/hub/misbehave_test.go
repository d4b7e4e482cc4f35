package hub

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// isBody tells a request for the bytes from the others.
func isBody(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/resolve/")
}

// cut sends the right headers, some of the bytes, and then hangs up.
func cut(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc, after int) {
	serve(&cutter{ResponseWriter: w, left: after}, r)
	if after > 0 {
		w.(http.Flusher).Flush()
	}
	panic(http.ErrAbortHandler)
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	c.left -= n
	if err == nil && n < len(p) {
		c.ResponseWriter.(http.Flusher).Flush()
		err = errors.New("cut")
	}
	return n, err
}

// TestMisbehaviour pulls from a server that does one thing wrong: it ends in the
// right file, or in an error that says what is wrong and leaves no file.
func TestMisbehaviour(t *testing.T) {
	data := randomBytes(300_001)
	other := randomBytes(300_001)
	other[150_000] ^= 1
	var calls atomic.Int64 // of the twist for bodies, from 1
	var seen sync.Map
	bodies := func(f func(h *fakeHub, w http.ResponseWriter, r *http.Request, n int64) bool) func(*fakeHub, http.ResponseWriter, *http.Request) bool {
		return func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			return isBody(r) && f(h, w, r, calls.Add(1))
		}
	}
	status := func(code int, header ...string) func(*fakeHub, http.ResponseWriter, *http.Request) bool {
		return func(_ *fakeHub, w http.ResponseWriter, _ *http.Request) bool {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	redirect := func(to string) func(*fakeHub, http.ResponseWriter, *http.Request) bool {
		return bodies(func(_ *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return true
		})
	}
	noRange := func(h *fakeHub, w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		h.serve(w, r)
	}
	for _, test := range []struct {
		name  string
		token string
		twist func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool
		want  string // of the error; "": the right file
	}{
		{"well-behaved", "", func(*fakeHub, http.ResponseWriter, *http.Request) bool { return false }, ""},
		{"cut at random points", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, n int64) bool {
			if n%4 != 0 {
				cut(w, r, h.serve, rand.IntN(20_000))
			}
			return false
		}), ""},
		{"cut before the first byte, always", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, n int64) bool {
			cut(w, r, h.serve, 0)
			return true
		}), "cannot read from 127.0.0.1"},
		{"200 instead of 206", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			noRange(h, w, r)
			return true
		}), ""},
		{"200 instead of 206, once", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, n int64) bool {
			if n == 3 {
				noRange(h, w, r)
			}
			return n == 3
		}), ""},
		{"200 instead of 206, cut", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, n int64) bool {
			if n > 6 && n%3 != 0 {
				r.Header.Del("Range")
				cut(w, r, h.serve, int(n*20_000))
			}
			noRange(h, w, r)
			return true
		}), ""},
		{"wrong Content-Range: another start", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			var a, b int
			if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &a, &b); n == 2 && a > 0 {
				r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", a-1, b-1))
			}
			return false
		}), ""},
		{"wrong Content-Range: right words, other bytes", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			var a, b int
			if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &a, &b); n != 2 || a == 0 {
				return false
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", a, b, len(data)))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(data[a-1 : b])
			return true
		}), "arrived with the SHA-256"},
		{"wrong Content-Range: garbage", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.Header().Set("Content-Range", "bytes ?")
			w.WriteHeader(http.StatusPartialContent)
			return true
		}), ""},
		{"shorter ranges than asked for", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			var a, b int
			if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &a, &b); n == 2 && b-a > 5000 {
				r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", a, a+4999))
			}
			return false
		}), ""},
		{"416", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		}), ""},
		{"wrong length: too short", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			w.Header().Set("Content-Length", "200000")
			w.Write(data[:200_000])
			return true
		}), "has 300001 on the hub"},
		{"wrong length: too short and not said", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			w.Write(data[:200_000])
			return true
		}), "unexpected EOF"},
		{"wrong length: too long", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			w.(http.Flusher).Flush() // no Content-Length
			w.Write(data)
			w.Write(data)
			return true
		}), "sends more than the 300001 bytes"},
		{"wrong length: endless", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			for {
				if _, err := w.Write(data); err != nil {
					return true
				}
			}
		}), "sends more than the 300001 bytes"},
		{"wrong sha256", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			var a, b int
			fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &a, &b)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", a, b, len(data)))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(other[a : b+1])
			return true
		}), "arrived with the SHA-256"},
		{"changed etag between parts: a new version", "", func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			if r.Method == http.MethodHead && calls.Load() == 0 {
				h.files = map[string][]byte{testRef.File: other}
			}
			if isBody(r) && calls.Add(1) == 5 {
				h.files = map[string][]byte{testRef.File: data}
				h.commit = strings.Repeat("f", 40)
			}
			return false
		}, ""},
		{"changed etag between parts: each time", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, n int64) bool {
			h.serve(&retag{w, fmt.Sprintf(`"%d"`, n)}, r)
			return true
		}), "changes on the hub while it is pulled"},
		{"no Content-Length on the body", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			w.(http.Flusher).Flush()
			w.Write(data)
			return true
		}), ""},
		{"no Content-Length anywhere", "", func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.Header().Set("X-Repo-Commit", h.commit)
				w.Header().Set("Etag", `"`+etagOf(testRef.File, data)+`"`)
				w.Header().Set("Transfer-Encoding", "chunked")
				return true
			}
			if isBody(r) {
				w.(http.Flusher).Flush()
				w.Write(data)
			}
			return true
		}, ""},
		{"no Content-Length anywhere and cut", "", func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.Header().Set("X-Repo-Commit", h.commit)
				w.Header().Set("Etag", `"`+etagOf(testRef.File, data)+`"`)
				w.Header().Set("Transfer-Encoding", "chunked")
				return true
			}
			w.(http.Flusher).Flush()
			w.Write(data[:100_000])
			panic(http.ErrAbortHandler)
		}, "cannot read from"},
		{"redirect on the same host, as for small files and renamed repositories", "", func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			if r.URL.RawQuery != "" {
				return false
			}
			w.Header().Set("X-Repo-Commit", commit)
			w.Header().Set("Location", r.URL.Path+"?moved")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}, ""},
		{"redirect of the HEAD to a private address", "", func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Location", "https://192.168.0.1/")
			w.WriteHeader(http.StatusFound)
			return true
		}, "redirects to the private address 192.168.0.1"},
		{"redirect to file://", "", redirect("file:///etc/passwd"), "redirects to file://: only https is followed"},
		{"redirect to http", "", redirect("http://example.com/x"), "redirects to http://example.com: only https is followed"},
		{"redirect to a private address", "", redirect("https://10.1.2.3/x"), "redirects to the private address 10.1.2.3"},
		{"redirect to the cloud's metadata", "", redirect("https://169.254.169.254/latest"), "redirects to the private address 169.254.169.254"},
		{"redirect to a private IPv6 address", "", redirect("https://[fd00::1]/x"), "redirects to the private address [fd00::1]"},
		{"redirect in a circle", "", redirect("/owner/model/resolve/x/y"), "redirects in a circle"},
		{"gzip body", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, _ int64) bool {
			w.Header().Set("Content-Encoding", "gzip")
			g := gzip.NewWriter(w)
			g.Write(data)
			g.Close()
			return true
		}), `in the encoding "gzip", though it was asked not to`},
		{"401 without a token", "", status(401, "X-Error-Code", "RepoNotFound"), "for a private one set HF_TOKEN"},
		{"401 with a token", "hf_x", status(401), "does not accept the token in HF_TOKEN"},
		{"403 gated", "hf_x", status(403, "X-Error-Code", "GatedRepo"), "the account of HF_TOKEN may not read it: accept its licence at"},
		{"401 gated", "", status(401, "X-Error-Code", "GatedRepo"), "is gated: accept its licence at"},
		{"403", "hf_x", status(403), "forbids to read owner/model"},
		{"404 file", "", status(404, "X-Error-Code", "EntryNotFound"), "has no file sub/model.i2_s.gguf in owner/model"},
		{"404 repository", "hf_x", status(404, "X-Error-Code", "RepoNotFound"), "has no repository owner/model that the account of HF_TOKEN may read"},
		{"418", "", status(418), "answers 418"},
		{"429 with Retry-After", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, n int64) bool {
			if n == 2 {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(429)
			}
			return n == 2
		}), ""},
		{"429 with a long Retry-After", "", status(429, "Retry-After", "300"), "limits the rate of requests: try again in 5m0s; with a token"},
		{"429 for ever", "hf_x", status(429), "limits the rate of requests: try again later"},
		{"500 then fine", "", func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			if _, again := seen.LoadOrStore(r.Method+r.Header.Get("Range"), true); !again {
				w.WriteHeader(500)
				return true
			}
			return false
		}, ""},
		{"500 for ever", "", status(500), "answers 500 Internal Server Error"},
		{"stalled body", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, n int64) bool {
			if n%3 == 1 {
				h.serve(&stall{w, r}, r)
				return true
			}
			return false
		}), ""},
		{"stalled for ever", "", bodies(func(h *fakeHub, w http.ResponseWriter, r *http.Request, n int64) bool {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		}), "sends nothing for 400ms"},
		{"no headers", "", func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			<-r.Context().Done()
			return true
		}, "timeout awaiting response headers"},
		{"no version", "", func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Etag", `"`+etagOf(testRef.File, data)+`"`)
			return true
		}, "is it a mirror of the hub?"},
		{"no checksum", "", func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("X-Repo-Commit", commit)
			w.Header().Set("Etag", `"../../../x"`)
			return true
		}, "gives no checksum"},
		{"a version that is a path", "", func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("X-Repo-Commit", "../../../../../../../../../../../../../x")
			w.Header().Set("Etag", `"`+etagOf(testRef.File, data)+`"`)
			return true
		}, "is it a mirror of the hub?"},
		{"a size beyond belief", "", func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("X-Repo-Commit", commit)
			w.Header().Set("X-Linked-Etag", `"`+etagOf(testRef.File, data)+`"`)
			w.Header().Set("X-Linked-Size", "9223372036854775807")
			return true
		}, `has a size of "9223372036854775807"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls.Store(0)
			h := newHub(t, data)
			h.twisted(func(w http.ResponseWriter, r *http.Request) bool { return test.twist(h, w, r) })
			c := h.client(t)
			c.Token = test.token
			if test.want == "" {
				fetch(t, c, data)
				return
			}
			_, err := c.Fetch(context.Background(), testRef, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want ...%s...", err, test.want)
			}
			if !errors.Is(err, ErrNetwork) {
				t.Errorf("%v is no ErrNetwork", err)
			}
			dir := c.repo(testRef.Repo)
			if _, err := os.Lstat(dir.blob(etagOf(testRef.File, data))); err == nil {
				t.Error("there is a blob")
			}
			if files := snapshotFiles(dir.snapshots()); len(files) > 0 {
				t.Errorf("there is a snapshot: %v", files)
			}
		})
	}
}

// retag replaces the etag of an answer.
type retag struct {
	http.ResponseWriter
	tag string
}

func (r *retag) WriteHeader(code int) {
	r.Header().Set("Etag", r.tag)
	r.ResponseWriter.WriteHeader(code)
}

// stall sends a little and then nothing until the client hangs up.
type stall struct {
	http.ResponseWriter
	r *http.Request
}

func (s *stall) Write(p []byte) (int, error) {
	n, _ := s.ResponseWriter.Write(p[:min(len(p), 1000)])
	s.ResponseWriter.(http.Flusher).Flush()
	<-s.r.Context().Done()
	return n, errors.New("stalled")
}

// TestTokenStays redirects the bytes to another host, as the hub does for large
// files: the token goes to the endpoint only.
func TestTokenStays(t *testing.T) {
	data := randomBytes(100_000)
	var leaked, served atomic.Int64
	h := newHub(t, data)
	cdn := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		if len(r.Header["Authorization"]) > 0 || r.Header.Get("Referer") != "" {
			leaked.Add(1)
		}
		if r.URL.Path == "/back" { // and home again, where it is due
			http.Redirect(w, r, h.URL+"/bytes", http.StatusFound)
			return
		}
		h.serve(w, r)
	}))
	defer cdn.Close()
	h.twisted(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != "Bearer hf_secret" {
			t.Errorf("%s %s without the token", r.Method, r.URL)
		}
		switch {
		case r.URL.Path == "/bytes":
			http.Redirect(w, r, cdn.URL+"/owner/model/resolve/x/"+testRef.File, http.StatusFound)
		case r.Method == http.MethodHead:
			w.Header().Set("X-Repo-Commit", commit)
			w.Header().Set("X-Linked-Etag", `"`+etagOf(testRef.File, data)+`"`)
			w.Header().Set("X-Linked-Size", strconv.Itoa(len(data)))
			http.Redirect(w, r, cdn.URL+"/x", http.StatusFound)
		default:
			http.Redirect(w, r, cdn.URL+"/back", http.StatusFound)
		}
		return true
	})
	c := h.client(t)
	c.Token = "hf_secret"
	c.roots = cdn.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	fetch(t, c, data)
	if served.Load() == 0 || leaked.Load() > 0 {
		t.Errorf("%d requests to the other host, %d with the token", served.Load(), leaked.Load())
	}
}

// TestPrivateNames dials a name that resolves to a private address.
func TestPrivateNames(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := &Client{Endpoint: "https://hub.example"}
	w, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := w.dial(ctx, "tcp", net.JoinHostPort("localhost", port))
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, ErrNetwork) || !strings.Contains(err.Error(), "private address") {
		t.Errorf("localhost: %v", err)
	}
}

func TestReachable(t *testing.T) {
	for _, test := range []struct {
		home, ip string
		want     bool
	}{
		{"8.8.8.8", "1.1.1.1", true},
		{"8.8.8.8", "2606:4700::1", true},
		{"", "1.1.1.1", true},
		{"", "127.0.0.1", false},
		{"8.8.8.8", "127.0.0.1", false},
		{"8.8.8.8", "::1", false},
		{"8.8.8.8", "::ffff:127.0.0.1", false},
		{"8.8.8.8", "10.0.0.1", false},
		{"8.8.8.8", "172.16.0.1", false},
		{"8.8.8.8", "192.168.1.1", false},
		{"8.8.8.8", "169.254.169.254", false},
		{"8.8.8.8", "fe80::1", false},
		{"8.8.8.8", "fd00::1", false},
		{"8.8.8.8", "0.0.0.0", false},
		{"8.8.8.8", "0.1.2.3", false},
		{"8.8.8.8", "100.64.0.1", false},
		{"8.8.8.8", "224.0.0.1", false},
		{"8.8.8.8", "255.255.255.255", false},
		{"8.8.8.8", "64:ff9b::7f00:1", false},
		{"8.8.8.8", "2002:7f00:1::", false},
		{"127.0.0.1", "127.0.0.2", true},
		{"127.0.0.1", "10.0.0.1", false},
		{"127.0.0.1", "169.254.169.254", false},
		{"10.0.0.1", "192.168.0.1", true},
		{"10.0.0.1", "127.0.0.1", false},
		{"169.254.1.1", "169.254.169.254", false},
	} {
		w := &web{}
		if test.home != "" {
			w.home = netip.MustParseAddr(test.home)
		}
		if got := w.reachable(netip.MustParseAddr(test.ip)); got != test.want {
			t.Errorf("from an endpoint at %q to %s: %v", test.home, test.ip, got)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"x":                             0,
		"99999999999":                   1 << 20 * time.Second,
		"Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second,
		"Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
