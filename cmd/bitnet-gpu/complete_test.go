package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fillCache makes a cache with two models of a repository, a second version of one
// of them, and a file that is no model. The environment leads to it.
func fillCache(t *testing.T) (names []string) {
	t.Helper()
	cache := t.TempDir()
	for name, value := range map[string]string{"HF_ENDPOINT": "http://127.0.0.1:1", "HF_HUB_CACHE": cache, "HF_HOME": t.TempDir(), "HF_HUB_OFFLINE": ""} {
		t.Setenv(name, value)
	}
	repo := filepath.Join(cache, "models--acme--tiny")
	newest, older := strings.Repeat("ab12", 10), strings.Repeat("cd34", 10)
	data := read(t, tinyA)
	for file, content := range map[string]string{
		"refs/main": newest, "snapshots/" + newest + "/tiny-i2_s.gguf": data, "snapshots/" + newest + "/sub/tiny-tq2_0.gguf": data,
		"snapshots/" + older + "/tiny-i2_s.gguf": data, "snapshots/" + newest + "/README.md": "read me",
	} {
		path := filepath.Join(repo, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"acme/tiny:sub/tiny-tq2_0.gguf", "acme/tiny:tiny-i2_s.gguf", "acme/tiny@" + older[:12] + ":tiny-i2_s.gguf"}
}

// TestListedNames: what list shows, every verb takes.
func TestListedNames(t *testing.T) {
	want := fillCache(t)
	var names []string
	for line := range strings.Lines(ok(t, "", "list")) {
		if name := strings.Fields(line)[0]; name != "MODEL" {
			names = append(names, name)
		}
	}
	if strings.Join(names, "\n") != strings.Join(want, "\n") {
		t.Fatalf("listed: %q, expected %q", names, want)
	}
	text := ok(t, "", "generate", "-m", tinyA, "-p", "The", "-n", "3", "--temp", "0")
	for _, name := range append(names, "acme/tiny", "acme/tiny:TQ2_0", "acme/tiny@abab:i2_s", "acme/tiny@cd34") {
		args := []string{"generate", "-m", name, "-p", "The", "-n", "3", "--temp", "0"}
		if name == "acme/tiny@abab:i2_s" { // no commit begins so
			_, errs, code := command(t, "", args...)
			refused(t, "", errs, code, exitModel, "acme/tiny@abab:i2_s: no such file, and no such model in the cache")
			continue
		}
		for _, flag := range []string{"-m", "-hf"} {
			args[1] = flag
			if got := ok(t, "", args...); got != text {
				t.Errorf("%s %s: %q, expected %q", flag, name, got, text)
			}
		}
		ok(t, "", "inspect", name)
	}
	if got := ok(t, "", "generate", "-hf", "acme/tiny", "-hff", "sub/tiny-tq2_0.gguf", "-p", "The", "-n", "3", "--temp", "0"); got != text {
		t.Errorf("-hff: %q", got)
	}
	for i := range names { // the versions first: a name without one means all
		ok(t, "", "rm", names[len(names)-1-i])
		if left := strings.Count(ok(t, "", "list"), "\n"); left != len(names)-i && i < len(names)-1 {
			t.Errorf("%d lines are left", left)
		}
	}
	if out := ok(t, "", "list"); out != "" {
		t.Errorf("left: %q", out)
	}
}

// TestCompletion offers values of flags, short names, and models in the cache.
func TestCompletion(t *testing.T) {
	cached := fillCache(t)
	offers := func(args ...string) string { return ok(t, "", append([]string{"__complete"}, args...)...) }
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"generate", "--backend", ""}, []string{"auto\n", "cpu\n"}},
		{[]string{"convert", "--type", ""}, []string{"i2_s\n", "iq2_bn\n", "tq1_0\n", "tq2_0\n"}},
		{[]string{"convert", "--embd", ""}, []string{"q6_k\n"}},
		{[]string{"bench", "--synthetic", ""}, []string{"2b-4t\n"}},
		{[]string{"bench", "-o", ""}, []string{"csv\n", "md\n"}},
		{[]string{"pull", ""}, append([]string{"2b4t\tBitNet b1.58 2B4T\n"}, cached...)},
		{[]string{"generate", "-m", ""}, append([]string{"demo\t"}, cached...)},
		{[]string{"generate", "--hf-repo", "fal"}, []string{"falcon3-1b\t"}},
		{[]string{"run", ""}, cached}, {[]string{"rm", "acme/"}, cached}, {[]string{"inspect", ""}, cached},
		{[]string{""}, []string{"generate\t", "completion\t", "version\t", "run\t"}},
	} {
		got := offers(c.args...)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%q: no %q in %q", c.args, want, got)
			}
		}
		if strings.Contains(got, "README") {
			t.Errorf("%q: %q", c.args, got)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if script := ok(t, "", "completion", shell); !strings.Contains(script, "bitnet-gpu") {
			t.Errorf("%s: %.100q", shell, script)
		}
	}
}
