package hub

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzMeta reads the headers that describe a file: what is accepted can be put
// into a path and has a believable size.
func FuzzMeta(f *testing.F) {
	sha := strings.Repeat("ab", 32)
	f.Add(commit, `"`+sha+`"`, "1234", "", "")
	f.Add(commit, "", "", `W/"`+sha[:40]+`"`, "99")
	f.Add("../../x", `"../../y"`, "-1", "", "")
	f.Add(commit, sha, "99999999999999999999", `"x"`, "1e9")
	f.Fuzz(func(t *testing.T, version, linked, linkedSize, etag, length string) {
		h := http.Header{}
		for k, v := range map[string]string{"X-Repo-Commit": version, "X-Linked-Etag": linked, "X-Linked-Size": linkedSize, "Etag": etag, "Content-Length": length} {
			h.Set(k, v)
		}
		m, err := parseMeta(h, testRef, "host")
		if err != nil {
			if !errors.Is(err, ErrNetwork) {
				t.Errorf("%v is no ErrNetwork", err)
			}
			return
		}
		if filepath.Base(m.commit) != m.commit || len(m.commit) != 40 || filepath.Base(m.etag) != m.etag || len(m.etag) != 40 && len(m.etag) != 64 {
			t.Errorf("%+v", m)
		}
		if m.size < -1 || m.size > maxSize {
			t.Errorf("size %d", m.size)
		}
	})
}

// FuzzFiles reads the hub's list of files: every name stays in its folder.
func FuzzFiles(f *testing.F) {
	f.Add([]byte(`{"siblings":[{"rfilename":"a.gguf"},{"rfilename":"sub/b.bin"}]}`))
	f.Add([]byte(`{"siblings":[{"rfilename":"../a"}]}`))
	f.Add([]byte(`{"siblings":[{"rfilename":"a\u0000b"}]}`))
	f.Add([]byte(`{"siblings":{}}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseListing(data, testRef, "host")
		if err != nil {
			if !errors.Is(err, ErrNetwork) {
				t.Errorf("%v is no ErrNetwork", err)
			}
			return
		}
		c := &Client{Cache: "/cache"}
		for _, name := range l.files {
			inside(t, c, Ref{Repo: testRef.Repo, File: name})
		}
		_, _ = choose(testRef.whole(), l.files)
		_, _ = choose(testRef, l.files)
	})
}

// FuzzIndex reads which files hold the weights: they stand beside the index.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"weight_map":{"a":"model-00002-of-00002.safetensors","b":"model-00001-of-00002.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../a.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"b/../../a.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{}}`))
	f.Add([]byte(`{"weight_map":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := parseIndex(data, indexFile)
		if err != nil {
			if !errors.Is(err, ErrNetwork) {
				t.Errorf("%v is no ErrNetwork", err)
			}
			return
		}
		if len(files) == 0 {
			t.Error("no file")
		}
		for _, name := range files {
			inside(t, &Client{Cache: "/cache"}, Ref{Repo: testRef.Repo, File: name})
			if filepath.Base(name) != name {
				t.Errorf("%q stands elsewhere", name)
			}
		}
	})
}

// inside checks that a file lands in its snapshot.
func inside(t *testing.T, c *Client, r Ref) {
	root := filepath.Join(c.Cache, "models--"+strings.ReplaceAll(r.Repo, "/", "--"), "snapshots", commit)
	path := c.repo(r.Repo).snapshot(commit, r.File)
	rel, err := filepath.Rel(root, path)
	if err != nil || !filepath.IsLocal(rel) || filepath.ToSlash(rel) != r.File {
		t.Errorf("%q lands at %s", r, path)
	}
	if filepath.Dir(string(c.repo(r.Repo))) != c.Cache {
		t.Errorf("%q has its folder at %s", r, c.repo(r.Repo))
	}
}

// FuzzRef reads what a user writes.
func FuzzRef(f *testing.F) {
	for _, text := range []string{"2b4t", "owner/name", "owner/name:a/b.gguf", "../x:y", "a/b:../c", "a/b:c\\d", "a/b:"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRef(text)
		if err != nil {
			if !errors.Is(err, ErrRef) {
				t.Errorf("%v is no ErrRef", err)
			}
			return
		}
		if r.File != "" {
			inside(t, &Client{Cache: "/cache"}, r)
		}
		if again, err := ParseRef(r.String()); again != r || err != nil {
			t.Errorf("%q: %q again: %v, %v", text, r, again, err)
		}
	})
}

// FuzzContentRange reads the header of a part: what is accepted lies in what was
// asked for.
func FuzzContentRange(f *testing.F) {
	f.Add("bytes 10-19/100", int64(10), int64(20), int64(100))
	f.Add("bytes 10-14/*", int64(10), int64(20), int64(100))
	f.Add("bytes 9223372036854775807-9223372036854775807/1", int64(0), int64(1), int64(1))
	f.Fuzz(func(t *testing.T, text string, start, end, size int64) {
		if start < 0 || end <= start || size < end || size > maxSize {
			return
		}
		if got, ok := contentRange(text, span{start, end}, size); ok && (got <= start || got > end) {
			t.Errorf("%q for [%d, %d) of %d: up to %d", text, start, end, size, got)
		}
	})
}
