package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExample builds the program of test/example as a stranger's, a module that
// requires this one, without a network, and runs it.
func TestExample(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() // go completes go.mod there
	if err := os.CopyFS(dir, os.DirFS("example")); err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) (out, errs string, code int) {
		var stdout, stderr strings.Builder
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off", "GOWORK=off", "CGO_ENABLED=0")
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	}
	program := filepath.Join(dir, "program")
	for _, args := range [][]string{
		{"mod", "edit", "-replace", "bitnet-gpu=" + root},
		{"vet", "."},
		{"build", "-o", program, "."},
	} {
		if _, errs, code := run("go", args...); code != 0 {
			t.Fatalf("go %s: %s", strings.Join(args, " "), errs)
		}
	}
	question := "What is 2 plus 3?"
	out, errs, code := run(program, question, question)
	if want := strings.Repeat(question+"\n  2 plus 3 is 5.\n", 2); code != 0 || out != want || errs != "" {
		t.Errorf("exit code %d, %q, %q, expected %q", code, out, errs, want)
	}
	if out, _, code := run(program, "-time", "0s", question); code != 0 || !strings.Contains(out, "no more time") {
		t.Errorf("without time: exit code %d, %q", code, out)
	}
	if _, errs, code := run(program, "-m", "none.gguf", question); code != 1 || !strings.Contains(errs, "none.gguf") {
		t.Errorf("without a model: exit code %d, %q", code, errs)
	}
}
