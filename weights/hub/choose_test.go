package hub

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	files := []string{
		"README.md", "ggml-model-i2_s.gguf", "m-Q4_K.gguf", "m-Q4_K_M.gguf", "m-Q5_K_M.gguf", "m-Q5_K_S.gguf", "mmproj-TQ2_0.gguf",
		"TQ1_0/m-TQ1_0-00001-of-00002.gguf", "TQ1_0/m-TQ1_0-00002-of-00002.gguf", "TQ2_0/m.gguf",
	}
	for want, file := range map[string]string{ // of the file, or of the error
		"": "ggml-model-i2_s.gguf", "I2_S": "ggml-model-i2_s.gguf", "i2_s": "ggml-model-i2_s.gguf",
		"ggml-model-i2_s.gguf": "ggml-model-i2_s.gguf", "README.md": "README.md",
		"q4_k": "m-Q4_K.gguf", "q4_k_m": "m-Q4_K_M.gguf", "tq2_0": "TQ2_0/m.gguf",
		"TQ1_0": "TQ1_0/m-TQ1_0-00001-of-00002.gguf", "TQ1_0/m-TQ1_0-00002-of-00002.gguf": "TQ1_0/m-TQ1_0-00002-of-00002.gguf",
		"Q5_K": "Q5_K fits 2 files of owner/name: m-Q5_K_M.gguf, m-Q5_K_S.gguf",
		"Q8_0": "owner/name has no file Q8_0, and no GGUF file with this in its name: there is README.md, ggml-model-i2_s.gguf,",
	} {
		got, err := choose(Ref{Repo: "owner/name", File: want}, files)
		if got != file && (!errors.Is(err, ErrRef) || !strings.Contains(err.Error(), file)) {
			t.Errorf("%q: %q, %v", want, got, err)
		}
	}
}

func TestSplitParts(t *testing.T) {
	want := []string{"a/m-00001-of-00003.gguf", "a/m-00002-of-00003.gguf", "a/m-00003-of-00003.gguf"}
	for _, file := range want {
		if got := splitParts(file); !slices.Equal(got, want) {
			t.Errorf("%s: %q", file, got)
		}
	}
	for _, file := range []string{"m.gguf", "m-00000-of-00002.gguf", "m-00003-of-00002.gguf", "m-00001-of-99999.gguf", "m-1-of-2.gguf"} {
		if got := splitParts(file); !slices.Equal(got, []string{file}) {
			t.Errorf("%s: %q", file, got)
		}
	}
}

// TestQuantisation pulls and finds a file by what it is quantised to.
func TestQuantisation(t *testing.T) {
	h := newHub(t, randomBytes(1000))
	h.files = map[string][]byte{"m-I2_S.gguf": randomBytes(100), "m-TQ2_0.gguf": randomBytes(200)}
	c := h.client(t)
	path, err := c.Fetch(background, Ref{Repo: testRef.Repo, File: "tq2_0"}, nil)
	if err != nil || filepath.Base(path) != "m-TQ2_0.gguf" {
		t.Fatal(path, err)
	}
	if cached, err := c.Cached(Ref{Repo: testRef.Repo, File: "TQ2_0"}); cached != path || err != nil {
		t.Errorf("%s, %v", cached, err)
	}
	if _, err := c.Cached(Ref{Repo: testRef.Repo, File: "I2_S"}); !errors.Is(err, ErrNotCached) {
		t.Error(err)
	}
	if _, err := c.Fetch(background, Ref{Repo: testRef.Repo, File: "Q8_0"}, nil); !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), "m-I2_S.gguf") {
		t.Error(err)
	}
	if freed, err := c.Remove(Ref{Repo: testRef.Repo, File: "tq2_0"}); freed != 200 || err != nil {
		t.Errorf("%d freed, %v", freed, err)
	}
}
