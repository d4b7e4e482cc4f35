package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestResultPipes: a pipe stays one, and its reader gets the bytes of a file.
func TestResultPipes(t *testing.T) {
	for verb, args := range results {
		if verb == "bench" {
			continue // no picture is like another
		}
		dir := t.TempDir()
		file, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
		ok(t, "", append(args, file)...)
		if err := unix.Mkfifo(pipe, 0o644); err != nil {
			t.Skip("no pipes here: ", err)
		}
		got := make(chan []byte)
		go func() {
			data, _ := os.ReadFile(pipe)
			got <- data
		}()
		ok(t, "", append(args, pipe)...)
		if data := <-got; string(data) != read(t, file) {
			t.Errorf("%s: %d bytes came", verb, len(data))
		}
		if info, err := os.Lstat(pipe); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
			t.Errorf("%s: the pipe became %v, %v", verb, info, err)
		}
	}
}

// TestResultDevices writes to a copy of /dev/null, never to the machine's.
func TestResultDevices(t *testing.T) {
	for verb, args := range results {
		node := filepath.Join(t.TempDir(), resultName(verb, "null"))
		if err := unix.Mknod(node, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
			t.Skip("no devices for us here: ", err)
		}
		ok(t, "", append(args, node)...)
		if info, err := os.Lstat(node); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
			t.Errorf("%s: the device became %v, %v", verb, info, err)
		}
	}
}

// TestResultTerminal: binary data are not for one.
func TestResultTerminal(t *testing.T) {
	for _, verb := range []string{"convert", "logits"} {
		out, code := onTerminal(t, process(t, "", append(results[verb], "-")...))
		if code != exitUsage || !bytes.Contains(out, []byte("not for a terminal")) || bytes.Contains(out, []byte("GGUF\x03")) {
			t.Errorf("%s: exit code %d, %.300q", verb, code, out)
		}
	}
}

// onTerminal runs a command whose output and errors are a terminal, and returns
// what it wrote there.
func onTerminal(t *testing.T, cmd *exec.Cmd) (out []byte, code int) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	cmd.Stdout, cmd.Stderr = terminal, terminal
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	var read bytes.Buffer
	done := make(chan bool)
	go func() {
		_, _ = read.ReadFrom(master) // ends with an error when the last writer goes
		close(done)
	}()
	kill := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer kill.Stop()
	code = exitOf(cmd.Wait())
	<-done
	return read.Bytes(), code
}

// TestResultSignals ends a verb while nobody reads its pipe, and while it writes a
// file: nothing is left behind, of the result and of temporary files.
func TestResultSignals(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		dir, temporary := t.TempDir(), t.TempDir()
		pipe := filepath.Join(dir, "pipe")
		if err := unix.Mkfifo(pipe, 0o644); err != nil {
			t.Skip("no pipes here: ", err)
		}
		t.Setenv("TMPDIR", temporary)
		var errs bytes.Buffer
		cmd := process(t, "", "convert", tinyA, "-o", pipe)
		cmd.Stderr = &errs
		start(t, cmd)
		began, since := false, time.Now() // the file may be seen too late
		waitFor(t, func() bool {          // it has written the file that it will copy
			files, _ := os.ReadDir(temporary)
			began = began || len(files) > 0
			return len(files) == 0 && (began || time.Since(since) > 2*time.Second)
		})
		cmd.Process.Signal(s)
		if code := exitOf(cmd.Wait()); code != exitInterrupted || errs.String() != "bitnet-gpu: interrupted\n" {
			t.Errorf("%v: exit code %d, %q", s, code, errs.String())
		}
		for _, folder := range []string{dir, temporary} {
			left, err := os.ReadDir(folder)
			if err != nil || len(left) > 0 && (folder == temporary || len(left) > 1) {
				t.Errorf("%v: left behind: %v, %v", s, left, err)
			}
		}
	}
}

// TestResultNoReader: a reader of standard output who goes away leaves nothing
// behind either.
func TestResultNoReader(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	cmd := process(t, "", "convert", "demo", "-o", "-")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if err := cmd.Wait(); err == nil {
		t.Error("no error")
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("nothing came of it in a minute")
		}
	}
}

// TestNoHangup: what nohup started goes on when the terminal is gone.
func TestNoHangup(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Skip("no pipes here: ", err)
	}
	cmd := process(t, "trap '' HUP;", "logits", "-m", tinyA, "--tokens", "1", "-o", pipe)
	start(t, cmd)
	time.Sleep(300 * time.Millisecond)
	cmd.Process.Signal(syscall.SIGHUP)
	data, err := os.ReadFile(pipe)
	if code := exitOf(cmd.Wait()); code != exitOK || len(data) == 0 {
		t.Errorf("exit code %d, %d bytes, %v", code, len(data), err)
	}
}
