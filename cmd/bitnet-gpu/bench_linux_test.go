package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestBenchInterrupt sends a Ctrl-C to a measurement, which ends it with one line
// and the results until then.
func TestBenchInterrupt(t *testing.T) {
	var errs bytes.Buffer
	cmd := process(t, "", "bench", "-m", tinyA, "--backend", "cpu", "-t", "1", "-p", "1", "-n", "1-100", "-o", "json")
	cmd.Stderr = &errs
	out := start(t, cmd)
	first := make([]byte, 1)
	if _, err := io.ReadFull(out, first); err != nil { // the first result is there
		t.Fatal(err, errs.String())
	}
	cmd.Process.Signal(os.Interrupt)
	others, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	var results []map[string]any
	if err := json.Unmarshal(append(first, others...), &results); err != nil || len(results) == 0 || len(results) == 101 {
		t.Errorf("%d results, %v", len(results), err)
	}
	if code := exitOf(cmd.Wait()); code != exitInterrupted || errs.String() != "bitnet-gpu: interrupted\n" {
		t.Errorf("exit code %d: %q", code, errs.String())
	}
}

// TestBenchTerminate ends one while it writes its model: the file goes too.
func TestBenchTerminate(t *testing.T) {
	if testing.Short() {
		t.Skip("short: writes 0.3 GB")
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	var errs bytes.Buffer
	cmd := process(t, "", "bench", "--synthetic", "0.7b", "--backend", "cpu", "-t", "1")
	cmd.Stderr = &errs
	start(t, cmd)
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if made, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(made) > 0 {
			break
		}
		if time.Since(began) > time.Minute {
			cmd.Wait()
			t.Fatal("no file in a minute: ", errs.String())
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if code := exitOf(cmd.Wait()); code != exitInterrupted || errs.String() != "bitnet-gpu: interrupted\n" {
		t.Errorf("exit code %d: %q", code, errs.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
