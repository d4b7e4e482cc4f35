package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pullServer serves tinyA as every file of every repository, and what twist
// does instead. The environment leads to it and to an empty cache.
func pullServer(t *testing.T, twist func(w http.ResponseWriter, r *http.Request) bool) (cache string) {
	t.Helper()
	data, err := os.ReadFile(tinyA)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if twist != nil && twist(w, r) {
			return
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			fmt.Fprint(w, `{"siblings":[{"rfilename":"README.md"},{"rfilename":"tiny-i2_s.gguf"}]}`)
			return
		}
		w.Header().Set("X-Repo-Commit", strings.Repeat("c", 40))
		w.Header().Set("Etag", fmt.Sprintf(`"%x"`, sha256.Sum256(data)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	t.Cleanup(server.Close)
	cache = t.TempDir()
	for name, value := range map[string]string{"HF_ENDPOINT": server.URL, "HF_HUB_CACHE": cache, "HF_HOME": t.TempDir(), "HF_TOKEN": "", "HF_TOKEN_PATH": "", "HF_HUB_OFFLINE": ""} {
		t.Setenv(name, value)
	}
	return cache
}

func TestPull(t *testing.T) {
	cache := pullServer(t, nil)
	want, _ := os.ReadFile(tinyA)
	_, errs, code := command(t, "", "generate", "-m", "2b4t", "-p", "x")
	refused(t, "", errs, code, exitModel, "2b4t (microsoft/bitnet-b1.58-2B-4T-gguf:ggml-model-i2_s.gguf) is not on this machine: fetch it with bitnet-gpu pull 2b4t")

	out, errs, code := command(t, "", "pull", "2b4t", "owner/tiny")
	if code != exitOK || strings.Count(errs, "\n") != 2 || !strings.Contains(errs, "owner/tiny:tiny-i2_s.gguf: ") || !strings.Contains(errs, "verified") {
		t.Errorf("exit code %d, standard error %q", code, errs)
	}
	paths := strings.Fields(out)
	if len(paths) != 2 {
		t.Fatalf("standard output %q", out)
	}
	for _, path := range paths {
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) || !strings.HasPrefix(path, cache) {
			t.Errorf("%s: %d bytes, %v", path, len(got), err)
		}
	}
	if out, errs, code = command(t, "", "pull", "-q", "2b4t"); out != paths[0]+"\n" || errs != "" || code != exitOK {
		t.Errorf("pull -q: %q, %q, %d", out, errs, code)
	}

	// Every verb, from the cache, without the network.
	t.Setenv("HF_HUB_OFFLINE", "1")
	text := ok(t, "", "generate", "-m", tinyA, "-p", "The", "-n", "5", "--temp", "0")
	for _, args := range [][]string{{"-m", "2b4t"}, {"-hf", "2b4t"}, {"-hf=owner/tiny"}, {"--hf-repo", "owner/tiny:tiny-i2_s.gguf"}} {
		if got := ok(t, "", append([]string{"generate", "-p", "The", "-n", "5", "--temp", "0"}, args...)...); got != text {
			t.Errorf("generate %v: %q, want %q", args, got, text)
		}
	}
	ok(t, "", "tokenize", "-hf", "2b4t", "x")
	ok(t, "", "inspect", "2b4t")
	ok(t, "", "inspect", "-hf", "owner/tiny")
	ok(t, "", "logits", "-hf", "2b4t", "--tokens", "1,2", "-o", filepath.Join(t.TempDir(), "x.npy"))

	var listed []listed
	if err := json.Unmarshal([]byte(ok(t, "", "list", "--json")), &listed); err != nil || len(listed) != 2 {
		t.Fatalf("list: %v, %v", listed, err)
	}
	if l := listed[0]; l.Name != "2b4t" || l.Family != "2b4t" || l.Format != "GGUF v3, I2_S" || l.Size != int64(len(want)) || l.Path != paths[0] || !l.Newest {
		t.Errorf("list: %+v", l)
	}
	if l := listed[1]; l.Model != "owner/tiny:tiny-i2_s.gguf" || l.Family == "?" {
		t.Errorf("list: %+v", l)
	}
	if text := ok(t, "", "list"); strings.Count(text, "\n") != 3 || !strings.HasPrefix(text, "MODEL ") || !strings.Contains(text, paths[1]) {
		t.Errorf("list: %q", text)
	}
	ok(t, "", "rm", "2b4t", "owner/tiny")
	if out, errs, code := command(t, "", "list"); out != "" || code != exitOK || !strings.Contains(errs, "no model in "+cache) {
		t.Errorf("list of an empty cache: %q, %q, %d", out, errs, code)
	}
	out, errs, code = command(t, "", "rm", "2b4t")
	refused(t, out, errs, code, exitFailure, "is not in the cache")
}

// TestPullJSON reads the events.
func TestPullJSON(t *testing.T) {
	pullServer(t, nil)
	lines := strings.Split(strings.TrimSpace(ok(t, "", "pull", "--json", "owner/tiny")), "\n")
	var last pullEvent
	for _, text := range lines {
		if err := json.Unmarshal([]byte(text), &last); err != nil || last.Repo != "owner/tiny" {
			t.Errorf("%s: %v", text, err)
		}
	}
	if info, err := os.Stat(last.Path); len(lines) < 2 || last.Event != "done" || err != nil || info.Size() != last.Total {
		t.Errorf("%+v, %v", last, err)
	}
	t.Setenv("HF_ENDPOINT", "http://127.0.0.1:1")
	out, _, code := command(t, "", "pull", "--json", "owner/tiny:x")
	if err := json.Unmarshal([]byte(out), &last); err != nil || code != exitNetwork || last.Event != "error" || !strings.Contains(last.Error, "refused") {
		t.Errorf("%q, %v, %d", out, err, code)
	}
}

// TestPullFetchesForHF pulls what -hf names.
func TestPullFetchesForHF(t *testing.T) {
	pullServer(t, nil)
	ok(t, "", "generate", "-hf", "owner/tiny", "-p", "The", "-n", "2")
}

func TestPullExitCodes(t *testing.T) {
	status := func(code int, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	body := func(f http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/resolve/") {
				f(w, r)
				return true
			}
			return false
		}
	}
	for _, test := range []struct {
		name  string
		twist func(http.ResponseWriter, *http.Request) bool
		env   string // set to 1
		model string
		code  int
		want  string
	}{
		{"no name", nil, "", "nosuch", exitUsage, `"nosuch" is no short name (2b4t, `},
		{"a path out of the repository", nil, "", "owner/tiny:../x", exitUsage, "expected a path inside the repository"},
		{"gated", status(403, "X-Error-Code", "GatedRepo"), "", "owner/tiny", exitNetwork, "is gated: accept its licence at http"},
		{"missing", status(404), "", "owner/tiny", exitNetwork, "has no repository owner/tiny"},
		{"no token", status(401), "", "owner/tiny:x", exitNetwork, "set HF_TOKEN"},
		{"limited", status(429, "Retry-After", "3600"), "", "owner/tiny:x", exitNetwork, "limits the rate of requests: try again in 1h0m0s"},
		{"offline", nil, "HF_HUB_OFFLINE", "owner/tiny", exitNetwork, "HF_HUB_OFFLINE forbids to pull it"},
		{"wrong checksum", body(func(w http.ResponseWriter, r *http.Request) {
			info, _ := os.Stat(tinyA)
			w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
			w.Write(make([]byte, info.Size()))
		}), "", "owner/tiny:x", exitNetwork, "arrived with the SHA-256"},
		{"redirect to a file", body(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
		}), "", "owner/tiny:x", exitNetwork, "only https is followed"},
		{"no model in the repository", func(w http.ResponseWriter, r *http.Request) bool {
			fmt.Fprint(w, `{"siblings":[{"rfilename":"model.safetensors"}]}`)
			return true
		}, "", "owner/tiny", exitUsage, "holds no GGUF file; name one of its files as owner/tiny:FILE: model.safetensors"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cache := pullServer(t, test.twist)
			if test.env != "" {
				t.Setenv(test.env, "1")
			}
			out, errs, code := command(t, "", "pull", test.model)
			refused(t, out, errs, code, test.code, test.want)
			out, errs, code = command(t, "", "generate", "-p", "x", "-hf", test.model)
			refused(t, out, errs, code, test.code, test.want)
			if files, _ := filepath.Glob(filepath.Join(cache, "*", "snapshots", "*", "*")); len(files) > 0 {
				t.Errorf("left behind: %v", files)
			}
		})
	}
}
