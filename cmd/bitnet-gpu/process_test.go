//go:build linux

package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain lets tests start the command as a process of its own: this very
// binary, told so by its environment.
func TestMain(m *testing.M) {
	if os.Getenv("BITNET_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// process prepares a command line, run by the shell after some set-up.
func process(t *testing.T, setup string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if signal.Ignored(syscall.SIGHUP) { // by a nohup around the tests: a process would inherit that
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	cmd := exec.Command("sh", append([]string{"-c", setup + ` exec "$0" "$@"`, self}, args...)...)
	cmd.Env = append(os.Environ(), "BITNET_TEST_MAIN=1")
	return cmd
}

func exitOf(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// TestNoMemory asks for a cache of 1.3 GB under a limit of 2 GB, of which the
// runtime already takes most. No GPU is tried: libraries of drivers take so much of
// the rest that at times no thread can be started.
func TestNoMemory(t *testing.T) {
	var errs bytes.Buffer
	cmd := process(t, "ulimit -v 2000000;", "generate", "-m", tinyA, "-p", "Hello", "-n", "1", "-c", "1048576", "--backend", "cpu")
	cmd.Stderr = &errs
	if code := exitOf(cmd.Run()); code != exitMemory || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), "smaller context") {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
}

// endless is a command line that generates without end.
var endless = []string{"generate", "-m", tinyA, "-p", "Hello", "-l", "510-inf", "-l", "511-inf", "-c", "100000"}

// TestInterrupt sends one Ctrl-C, which ends the text and keeps it: all of the
// tokens that were generated. The exit code says that it came.
func TestInterrupt(t *testing.T) {
	seeded := append(slices.Clone(endless), "-s", "1", "--backend", "cpu")
	cmd := process(t, "", seeded...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out := start(t, cmd)
	text := make([]byte, 1)
	if _, err := io.ReadFull(out, text); err != nil { // it has begun
		t.Fatal(err, errs.String())
	}
	cmd.Process.Signal(os.Interrupt)
	others, err := io.ReadAll(out)
	text = append(text, others...)
	if code := exitOf(cmd.Wait()); err != nil || code != exitInterrupted || !strings.Contains(errs.String(), "; interrupted; seed 1\n") {
		t.Fatalf("exit code %d: %s, %v", code, errs.String(), err)
	}
	generated := regexp.MustCompile(`generated (\d+) tokens`).FindStringSubmatch(errs.String())
	if generated == nil {
		t.Fatal(errs.String())
	}
	whole, err := process(t, "", append(seeded, "-n", generated[1])...).Output()
	if err != nil || len(whole) == 0 || !bytes.Equal(text, whole) {
		t.Errorf("%s tokens: %q, expected %q; %v", generated[1], text, whole, err)
	}
}

// TestInterruptTwice does so to a process that cannot end its text, because
// nobody reads it: the second one ends it all.
func TestInterruptTwice(t *testing.T) {
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	defer in.Close()
	if _, err := unix.FcntlInt(in.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	const filled = 4000
	if _, err := in.Write(make([]byte, filled)); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd := process(t, "", endless...)
	cmd.Stdout, cmd.Stderr = in, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer kill.Stop()
	began := time.Now()
	for before, still := filled, 0; still < 40; time.Sleep(50 * time.Millisecond) { // until it waits for room, as two seconds without a byte show
		n, err := unix.IoctlGetInt(int(out.Fd()), unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		if still++; n == filled || n > before {
			before, still = n, 0
		}
		if time.Since(began) > time.Minute {
			cmd.Wait()
			t.Fatal("no text in a minute: ", errs.String())
		}
	}
	cmd.Process.Signal(os.Interrupt)
	time.Sleep(100 * time.Millisecond) // signals sent at once may arrive as one
	cmd.Process.Signal(os.Interrupt)
	if code := exitOf(cmd.Wait()); code != exitInterrupted {
		t.Errorf("%s, expected exit code %d: %s", cmd.ProcessState, exitInterrupted, errs.String())
	}
}

// start starts a command and returns its output; a minute later it is killed.
func start(t *testing.T, cmd *exec.Cmd) io.Reader {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	t.Cleanup(func() { kill.Stop() })
	return out
}

// TestPullInterrupt stops a pull with Ctrl-C and goes on with the next one.
func TestPullInterrupt(t *testing.T) {
	stalled := make(chan bool)
	var seen atomic.Bool
	pullServer(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/resolve/") || seen.Swap(true) {
			return false
		}
		close(stalled)
		<-r.Context().Done()
		return true
	})
	var errs bytes.Buffer
	cmd := process(t, "", "pull", "owner/tiny")
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-stalled
	cmd.Process.Signal(os.Interrupt)
	if code := exitOf(cmd.Wait()); code != exitInterrupted || errs.String() != "bitnet-gpu: stopped; the next pull goes on from here\n" {
		t.Errorf("exit code %d: %q", code, errs.String())
	}
	ok(t, "", "pull", "owner/tiny")
}
