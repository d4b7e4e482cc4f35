package outfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var errWrong = errors.New("something went wrong")

// put writes a text to a target.
func put(path, text string) error {
	return Target{Path: path, Binary: true}.Write(context.Background(), says(text))
}

func says(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q, expected %q; %v", path, got, want, err)
	}
}

// only makes sure that a folder holds these names and nothing that was left over.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the folder holds %q, expected %q", got, want)
	}
	if left := unfinished.all(); len(left) > 0 {
		t.Errorf("unfinished: %q", left)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
}

func TestNewFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	if err := put(path, "new"); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
	plain := filepath.Join(dir, "plain") // has what umask leaves
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if got, want := mode(t, path), mode(t, plain); got != want {
		t.Errorf("mode %v, expected %v", got, want)
	}
	only(t, dir, "out", "plain")
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

// TestOldFile: its mode stays, and all of it until the new one is whole.
func TestOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	before := mode(t, path)
	err := Target{Path: path}.Write(context.Background(), func(w io.Writer) error {
		holds(t, path, "old")
		return errors.Join(says("half")(w), errWrong)
	})
	if !errors.Is(err, errWrong) {
		t.Error(err)
	}
	holds(t, path, "old")
	only(t, dir, "out")
	if err := put(path, "new"); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
	if got := mode(t, path); got != before {
		t.Errorf("mode %v, expected %v", got, before)
	}
	only(t, dir, "out")
}

// TestLinks: a link stays one, whether it is relative, leads over a folder that is
// a link, to another link, or to what is not there yet.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	far := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(far, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "file"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	link(t, filepath.Join("a", "b"), filepath.Join(dir, "folder"))
	link(t, filepath.Join("..", "file"), filepath.Join(far, "up")) // from a/b, not from folder
	link(t, filepath.Join("folder", "up"), filepath.Join(dir, "twice"))
	link(t, filepath.Join(dir, "a", "later"), filepath.Join(dir, "ahead"))
	for i, c := range []struct{ path, file string }{
		{filepath.Join("folder", "up"), filepath.Join("a", "file")},
		{"twice", filepath.Join("a", "file")},
		{"ahead", filepath.Join("a", "later")},
	} {
		text := strings.Repeat("x", i+1)
		if err := put(filepath.Join(dir, c.path), text); err != nil {
			t.Fatal(err)
		}
		holds(t, filepath.Join(dir, c.file), text)
		if mode(t, filepath.Join(dir, c.path))&fs.ModeSymlink == 0 {
			t.Errorf("%s is no link any more", c.path)
		}
	}
	only(t, filepath.Join(dir, "a"), "b", "file", "later")
	link(t, "circle", filepath.Join(dir, "circle"))
	if err := put(filepath.Join(dir, "circle"), "x"); !errors.Is(err, ErrTarget) {
		t.Errorf("a link to itself: %v", err)
	}
}

// TestRefused leaves what it refuses as it is.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{"a folder": dir, "a folder with a slash": dir + string(filepath.Separator)} {
		if err := put(path, "x"); !errors.Is(err, ErrTarget) {
			t.Errorf("%s: %v", name, err)
		}
		if err := (Target{Path: path}).Check(); !errors.Is(err, ErrTarget) {
			t.Errorf("%s, before: %v", name, err)
		}
	}
	if err := (Target{Path: filepath.Join(dir, "none", "out")}).Check(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if err := put("-", "x"); !errors.Is(err, ErrTarget) {
		t.Errorf("no standard output: %v", err)
	}
	only(t, dir)
}

func TestStandardOutput(t *testing.T) {
	for _, path := range []string{"-", "/dev/stdout", "/dev/fd/1"} {
		if path != "-" && runtime.GOOS == "windows" {
			continue
		}
		var out bytes.Buffer
		target := Target{Path: path, Stdout: &out, Binary: true}
		if err := target.Check(); err != nil || !target.Streams() {
			t.Errorf("%s: streams %v, %v", path, target.Streams(), err)
		}
		if err := target.Write(context.Background(), says("text")); err != nil || out.String() != "text" {
			t.Errorf("%s: %q, %v", path, out.String(), err)
		}
	}
}

// TestLongName: a name of the greatest length has a temporary one too.
func TestLongName(t *testing.T) {
	dir := t.TempDir()
	name := strings.Repeat("ü", 127)
	if err := put(filepath.Join(dir, name), "x"); err != nil {
		t.Fatal(err)
	}
	only(t, dir, name)
}

func TestDiscardAll(t *testing.T) {
	dir := t.TempDir()
	old := t.TempDir()
	path := filepath.Join(dir, "out")
	t.Setenv("TMPDIR", old)
	t.Setenv("TMP", old)
	folder, remove, err := TempDir()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	err = Replace(path, func(f *os.File) error {
		DiscardAll()
		for _, gone := range []string{f.Name(), folder} {
			if _, err := os.Stat(gone); err == nil {
				t.Errorf("%s is still there", gone)
			}
		}
		return errWrong
	})
	if !errors.Is(err, errWrong) {
		t.Error(err)
	}
	remove()
	only(t, dir)
	only(t, old)
}
