//go:build !unix

package outfile

import (
	"context"
	"io/fs"
	"os"
)

// keepOwner does nothing: a file has the owner of its folder's rules here.
func keepOwner(*os.File, fs.FileInfo) {}

// openStream opens a device or a pipe.
func openStream(_ context.Context, p place) (*os.File, error) {
	return os.OpenFile(p.path, os.O_WRONLY, 0)
}

// interrupt does nothing: a second Ctrl-C ends the program.
func interrupt(*os.File) {}
