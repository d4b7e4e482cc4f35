//go:build unix

package outfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPipe writes to a pipe, which stays one and gives what was written to its
// reader.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o644); err != nil {
		t.Skip("no pipes here: ", err)
	}
	target := Target{Path: path, Binary: true}
	if err := target.Check(); err != nil || !target.Streams() { // without waiting
		t.Errorf("streams %v, %v", target.Streams(), err)
	}
	read := make(chan string)
	go func() {
		data, _ := os.ReadFile(path)
		read <- string(data)
	}()
	if err := put(path, "text"); err != nil || <-read != "text" {
		t.Error(err)
	}
	if mode(t, path)&fs.ModeNamedPipe == 0 {
		t.Error("the pipe is gone")
	}
	if err := Replace(path, func(*os.File) error { return nil }); !errors.Is(err, ErrTarget) {
		t.Errorf("replaced: %v", err)
	}
}

// TestPipeWithoutReader: an end of the context ends the wait for one, and that
// for one who does not read on.
func TestPipeWithoutReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o644); err != nil {
		t.Skip("no pipes here: ", err)
	}
	endless := func(w io.Writer) error {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return err
			}
		}
	}
	for name, reads := range map[string]bool{"nobody": false, "somebody who stops": true} {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		if reads {
			reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
		}
		if err := (Target{Path: path}).Write(ctx, endless); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

// TestDevices writes to copies of /dev/null and /dev/full, never to those of the
// machine, and refuses a disk.
func TestDevices(t *testing.T) {
	dir := t.TempDir()
	node := func(name string, mode uint32, major, minor uint32) string {
		path := filepath.Join(dir, name)
		if err := unix.Mknod(path, mode|0o666, int(unix.Mkdev(major, minor))); err != nil {
			t.Skip("no devices for us here: ", err)
		}
		return path
	}
	if null := node("null", unix.S_IFCHR, 1, 3); put(null, "text") != nil || mode(t, null)&fs.ModeCharDevice == 0 {
		t.Error("null: ", put(null, "text"), mode(t, null))
	}
	if full := node("full", unix.S_IFCHR, 1, 7); !errors.Is(put(full, "text"), syscall.ENOSPC) {
		t.Error("full: ", put(full, "text"))
	}
	disk := node("disk", unix.S_IFBLK, 240, 77) // a number for experiments: nothing is behind it
	if err := put(disk, "text"); !errors.Is(err, ErrTarget) || mode(t, disk)&fs.ModeDevice == 0 {
		t.Error("disk: ", err)
	}
}

func TestSocket(t *testing.T) {
	t.Chdir(t.TempDir()) // for a name that is short enough
	l, err := net.Listen("unix", "socket")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	if err := put("socket", "text"); !errors.Is(err, ErrTarget) {
		t.Error(err)
	}
}

// TestOpenFiles: what a descriptor leads to goes on where it is, and is not
// replaced.
func TestOpenFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("before "); err != nil {
		t.Fatal(err)
	}
	number, err := unix.Dup(int(f.Fd())) // Write's, which closes it at some time
	if err != nil {
		t.Fatal(err)
	}
	if err := put(filepath.Join("/dev/fd", strconv.Itoa(number)), "behind"); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "before behind")
	f.Close()
}

// TestProtected: a file that may not be written to is not replaced.
func TestProtected(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write to everything")
	}
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, []byte("old"), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := put(path, "new"); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	holds(t, path, "old")
}

// TestOwner: a file that belongs to somebody else does so afterwards.
func TestOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, 23456); err != nil {
		t.Skip("files cannot be given away: ", err)
	}
	if err := put(path, "new"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Uid != 12345 || st.Gid != 23456 {
		t.Errorf("it belongs to %d and %d", st.Uid, st.Gid)
	}
	holds(t, path, "new")
}
