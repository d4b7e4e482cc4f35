package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bitnet-gpu/test/npy"
)

// results are the verbs that write files, without their -o.
var results = map[string][]string{
	"convert": {"convert", tinyA, "-o"},
	"logits":  {"logits", "-m", tinyA, "--tokens", "1", "-o"},
	"bench":   {"bench", "-m", tinyA, "-p", "2", "-n", "0", "-r", "1", "--plot"},
}

// names that a verb takes for its result.
func resultName(verb, name string) string {
	return name + map[string]string{"convert": ".gguf", "logits": ".npy", "bench": ".png"}[verb]
}

// TestResultLinks: a link stays one and its target is replaced, with its mode.
func TestResultLinks(t *testing.T) {
	for verb, args := range results {
		dir := t.TempDir()
		file, link := filepath.Join(dir, resultName(verb, "file")), filepath.Join(dir, resultName(verb, "link"))
		if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Base(file), link); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
		ok(t, "", append(args, link)...)
		if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s: the link became %v, %v", verb, info, err)
		}
		if info, err := os.Stat(file); err != nil || info.Size() < 20 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: the file behind the link: %v, %v", verb, info, err)
		}
		if names, _ := os.ReadDir(dir); len(names) != 2 {
			t.Errorf("%s: left behind: %v", verb, names)
		}
	}
}

// TestResultStandardOutput: - is standard output, with the bytes of a file.
func TestResultStandardOutput(t *testing.T) {
	for _, verb := range []string{"convert", "logits"} {
		path := filepath.Join(t.TempDir(), "out")
		ok(t, "", append(results[verb], path)...)
		out, errs, code := command(t, "", append(results[verb], "-")...)
		if code != exitOK || out != read(t, path) {
			t.Errorf("%s: %d bytes, exit code %d: %s", verb, len(out), code, errs)
		}
	}
}

// TestResultPlaces: where nothing can be written, nothing is computed.
func TestResultPlaces(t *testing.T) {
	for verb, args := range results {
		dir := filepath.Join(t.TempDir(), resultName(verb, "dir"))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		out, errs, code := command(t, "", append(args, dir)...)
		refused(t, out, errs, code, exitUsage, "is a directory")
		out, errs, code = command(t, "", append(args, filepath.Join(dir, "none", resultName(verb, "x")))...)
		refused(t, out, errs, code, exitFailure, "no such file or directory")
		if strings.Contains(errs, ".part") {
			t.Errorf("%s: the name of a temporary file in %q", verb, errs)
		}
	}
}

func TestLogitsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.npy")
	ok(t, "", append(results["logits"], path)...)
	if rows, err := npy.Read(path); err != nil || len(rows) != 1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
