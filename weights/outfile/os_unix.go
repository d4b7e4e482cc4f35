//go:build unix

package outfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// keepOwner is without effect where the user may not give files away.
func keepOwner(f *os.File, old fs.FileInfo) {
	st, ok := old.Sys().(*syscall.Stat_t)
	if ok && f.Chown(int(st.Uid), int(st.Gid)) != nil {
		_ = f.Chown(-1, int(st.Gid)) // the group is better than nothing
	}
}

// openStream opens a device or a pipe. That of a pipe waits until somebody reads
// it, or ctx ends.
func openStream(ctx context.Context, p place) (*os.File, error) {
	if p.info.Mode()&fs.ModeNamedPipe == 0 {
		return os.OpenFile(p.path, os.O_WRONLY|syscall.O_NOCTTY, 0)
	}
	for {
		f, err := os.OpenFile(p.path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if !errors.Is(err, syscall.ENXIO) { // what a pipe without a reader says
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// interrupt ends a write to a pipe that nobody reads.
func interrupt(f *os.File) { _ = f.SetWriteDeadline(time.Unix(0, 0)) }
