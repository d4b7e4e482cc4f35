package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDemo runs every verb without a model: the one in the program is taken, and
// a line says so.
func TestDemo(t *testing.T) {
	const note = "the demo model in this program"
	dir := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"tokenize": {[]string{"tokenize", "Once upon a time"}, " "},
		"inspect":  {[]string{"inspect", "--sha256"}, "bitnet-b1.58"},
		"logits":   {[]string{"logits", "--tokens", "1,2,3", "-o", filepath.Join(dir, "out.npy")}, ""},
		"generate": {[]string{"generate", "-p", "Once upon a time", "-n", "5"}, " "},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs, code := command(t, "", c.args...)
			if code != exitOK || !strings.Contains(out, c.want) || strings.Count(errs, note) != 1 || !strings.Contains(errs, "pull 2b4t") {
				t.Errorf("exit code %d, output %.200q, error %q", code, out, errs)
			}
			out, errs, code = command(t, "", append(c.args, "-m", "demo")...)
			if code != exitOK || !strings.Contains(out, c.want) || strings.Contains(errs, note) {
				t.Errorf("with -m demo: exit code %d, output %.200q, error %q", code, out, errs)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "out.npy")); err != nil {
		t.Error("logits wrote nothing: ", err)
	}
	written := filepath.Join(dir, "demo.gguf")
	ok(t, "", "convert", "demo", "-o", written)
	from, to := ok(t, "", "inspect", "--sha256", "demo"), ok(t, "", "inspect", "--sha256", written)
	if _, sum, _ := strings.Cut(from, "\n"); !strings.HasSuffix(to, sum) {
		t.Errorf("convert demo writes another file: %.300s, not %.300s", to, from)
	}
}

// TestDemoFile takes a file of the name before the model in the program.
func TestDemoFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("demo", []byte("no model"), 0o666); err != nil {
		t.Fatal(err)
	}
	out, errs, code := command(t, "", "generate", "-m", "demo", "-p", "x")
	refused(t, out, errs, code, exitModel, "demo: ")
}

// TestDemoStory is what a newcomer sees first: a story of some length, the same
// for a seed, and a joke.
func TestDemoStory(t *testing.T) {
	start := time.Now()
	story := ok(t, "", "generate", "-p", "Once upon a time", "-s", "1")
	if words := len(strings.Fields(story)); words < 80 || !strings.HasSuffix(strings.TrimSpace(story), ".") && !strings.HasSuffix(strings.TrimSpace(story), "\"") {
		t.Errorf("%d words, expected 80 and the end of a sentence: %s", words, story)
	}
	t.Logf("%v: Once upon a time%s", time.Since(start).Round(time.Millisecond), story)
	if again := ok(t, "", "generate", "-p", "Once upon a time", "-s", "1", "-t", "1", "--batch", "1"); again != story {
		t.Errorf("the same seed tells another story: %s", again)
	}
	joke := ok(t, "", "generate", "--chat", "-p", "Tell me a joke", "-s", "1")
	if !strings.Contains(joke, "? ") {
		t.Errorf("no joke: %s", joke)
	}
	t.Log(joke)
}
