package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bitnet-gpu/test/tiny"
)

// dirServer serves a tiny model of two shards as every repository, as Hugging
// Face has models, and returns its folder. The twist may answer instead.
func dirServer(t *testing.T, twist func(w http.ResponseWriter, r *http.Request) bool) (dir, cache string) {
	t.Helper()
	dir = t.TempDir()
	if err := tiny.WriteHF(dir, tiny.New(tiny.Relatives()[2], 1), tiny.HFOptions{Shards: 2}); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config.json")
	text, _ := os.ReadFile(config)
	if err := os.WriteFile(config, append([]byte(`{"model_type":"llama",`), text[1:]...), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "modeling_bitnet.py", "pytorch_model.bin", "consolidated.00.pt", "figure.png"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cache = pullServer(t, func(w http.ResponseWriter, r *http.Request) bool {
		if twist != nil && twist(w, r) {
			return true
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			serveListing(w, dir)
			return true
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.Base(r.URL.Path)))
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		w.Header().Set("X-Repo-Commit", strings.Repeat("c", 40))
		w.Header().Set("Etag", fmt.Sprintf(`"%x"`, sha256.Sum256(data)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
		return true
	})
	return dir, cache
}

func serveListing(w http.ResponseWriter, dir string) {
	files, _ := os.ReadDir(dir)
	var names []string
	for _, f := range files {
		names = append(names, fmt.Sprintf(`{"rfilename":%q}`, f.Name()))
	}
	fmt.Fprintf(w, `{"sha":%q,"siblings":[%s]}`, strings.Repeat("c", 40), strings.Join(names, ","))
}

// TestPullDirectory pulls a repository without a GGUF file and runs it.
func TestPullDirectory(t *testing.T) {
	dir, cache := dirServer(t, nil)
	text := ok(t, "", "generate", "-m", dir, "-p", "The", "-n", "5", "--temp", "0")
	if got := ok(t, "", "generate", "-hf", "owner/tiny", "-p", "The", "-n", "5", "--temp", "0"); got != text {
		t.Errorf("generate -hf: %q, want %q", got, text)
	}
	out, errs, code := command(t, "", "pull", "owner/tiny", "falcon3-1b")
	paths := strings.Fields(out)
	if code != exitOK || len(paths) != 2 || !strings.HasPrefix(errs, "owner/tiny: is here already\n") || strings.Count(errs, "verified\n") != 7 ||
		!strings.Contains(errs, "tiiuae/Falcon3-1B-Instruct-1.58bit:model-00002-of-00002.safetensors: ") {
		t.Fatalf("exit code %d, standard output %q, standard error %q", code, out, errs)
	}

	// Every verb, from the cache, without the network.
	t.Setenv("HF_HUB_OFFLINE", "1")
	t.Setenv("HF_ENDPOINT", "http://127.0.0.1:1")
	for _, args := range [][]string{{"-m", "falcon3-1b"}, {"-hf", "falcon3-1b"}, {"-hf", "owner/tiny"}, {"-m", paths[0]}} {
		if got := ok(t, "", append([]string{"generate", "-p", "The", "-n", "5", "--temp", "0"}, args...)...); got != text {
			t.Errorf("generate %v: %q, want %q", args, got, text)
		}
	}
	if got, want := ok(t, "", "tokenize", "-hf", "owner/tiny", "The"), ok(t, "", "tokenize", "--tokenizer", filepath.Join(dir, "tokenizer.json"), "The"); got != want {
		t.Errorf("tokenize: %q, want %q", got, want)
	}
	ok(t, "", "inspect", "-hf", "owner/tiny")
	ok(t, "", "logits", "-hf", "owner/tiny", "--tokens", "1,2", "-o", filepath.Join(t.TempDir(), "x.npy"))

	var models []listed
	if err := json.Unmarshal([]byte(ok(t, "", "list", "--json")), &models); err != nil || len(models) != 2 {
		t.Fatalf("list: %v, %v", models, err)
	}
	var size int64
	for _, pattern := range []string{"*.safetensors", "*.json"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, file := range files {
			info, _ := os.Stat(file)
			size += info.Size()
		}
	}
	if l := models[0]; l.Model != "owner/tiny" || l.Family != "llama" || l.Format != "safetensors, uint8" || l.Size != size || l.Path != paths[0] || !l.Newest {
		t.Errorf("list: %+v, want %d bytes in %s", l, size, paths[0])
	}
	if l := models[1]; l.Name != "falcon3-1b" || l.Family != "falcon3-1b" || l.Path != paths[1] {
		t.Errorf("list: %+v", l)
	}
	ok(t, "", "rm", "falcon3-1b", "owner/tiny")
	if left, _ := filepath.Glob(filepath.Join(cache, "models--*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestPullDirectoryCut ends a pull inside a shard: that is no model yet, and the
// next pull goes on.
func TestPullDirectoryCut(t *testing.T) {
	var off atomic.Bool
	_, cache := dirServer(t, func(w http.ResponseWriter, r *http.Request) bool {
		if off.Load() || r.Method == http.MethodHead || !strings.Contains(r.URL.Path, "-00002-of-") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	out, _, code := command(t, "", "pull", "--json", "owner/tiny")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var last pullEvent
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || code != exitNetwork || last.Event != "error" || !strings.Contains(last.Error, "forbids to read owner/tiny:model-00002-of-00002.safetensors") {
		t.Errorf("exit code %d, %+v, %v", code, last, err)
	}
	t.Setenv("HF_HUB_OFFLINE", "1")
	out, errs, code := command(t, "", "generate", "-hf", "owner/tiny", "-p", "x")
	refused(t, out, errs, code, exitNetwork, "owner/tiny is not in the cache "+cache)
	if text := ok(t, "", "list"); !strings.Contains(text, "owner/tiny:model-00001-of-00002.safetensors") || !strings.Contains(text, "safetensors, one file of a model") || !strings.Contains(text, "unfinished; pull goes on") {
		t.Errorf("list: %q", text)
	}

	off.Store(true)
	t.Setenv("HF_HUB_OFFLINE", "")
	files := map[string]bool{}
	var total int64
	for line := range strings.Lines(ok(t, "", "pull", "--json", "owner/tiny")) {
		last = pullEvent{}
		if err := json.Unmarshal([]byte(line), &last); err != nil || last.Repo != "owner/tiny" {
			t.Errorf("%s: %v", line, err)
		}
		files[last.File] = true
		total = max(total, last.Total)
	}
	if info, err := os.Stat(last.Path); err != nil || !info.IsDir() || last.Event != "done" || last.Total != total || last.Done != total ||
		len(files) != 2 || !files["model-00002-of-00002.safetensors"] || !files[""] {
		t.Errorf("%+v, files %v, %v", last, files, err)
	}
}

// TestPullDirectoryLacks lists a repository without one of its shards.
func TestPullDirectoryLacks(t *testing.T) {
	dir, _ := dirServer(t, nil)
	os.Remove(filepath.Join(dir, "model-00002-of-00002.safetensors"))
	out, errs, code := command(t, "", "pull", "-q", "owner/tiny")
	refused(t, out, errs, code, exitNetwork, `owner/tiny lacks "model-00002-of-00002.safetensors", which its model.safetensors.index.json names`)
}
