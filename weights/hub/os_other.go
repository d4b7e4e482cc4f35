//go:build !darwin && !freebsd && !linux && !windows

package hub

import (
	"errors"
	"io/fs"
	"os"
)

// tryLock does not lock on these systems: two pulls of one file at once are
// wasted work there, and the checksum still decides.
func tryLock(*os.File) (bool, error) { return true, nil }

// allocated is how many bytes of a file have a place on the disk.
func allocated(info fs.FileInfo) int64 { return info.Size() }

// freeSpace is not to be asked for here: a full disk shows when it is full.
func freeSpace(string) (int64, error) { return 0, errors.ErrUnsupported }

func diskFull(error) bool { return false }

func readOnly(err error) bool { return errors.Is(err, fs.ErrPermission) }
