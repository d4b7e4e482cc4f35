//go:build cgo && opengl && (linux || windows)

package opengl

// #include "shim.h"
import "C"

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"unsafe"

	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"
)

// A cache keeps compiled programs between starts, where the driver gives them
// out: a file for each device in the user's cache directory. A file that cannot
// be read, was damaged, or is another driver's is no error: it is made anew.
type cache struct {
	path string // "" where there is no directory for it, or nothing to keep
	file cacheFile
	used map[string]program // of file.Programs, by this process
}

type cacheFile struct {
	Driver   string             // that made them
	Programs map[string]program // by the checksum of their source
}

// A program is what a driver gives out.
type program struct {
	Format uint32
	Data   []byte
}

// mostPrograms is how many a file keeps before it is cut to those in use.
const mostPrograms = 128

func (c *cache) open(d *device) {
	c.used = map[string]program{}
	if dir, err := os.UserCacheDir(); err == nil && d.facts.binary_formats > 0 {
		c.path = filepath.Join(dir, "bitnet-gpu", "opengl-"+d.info.ID+".bin")
	}
	name := C.GoString(&d.facts.vendor[0]) + "\n" + C.GoString(&d.facts.renderer[0]) + "\n" + C.GoString(&d.facts.version[0])
	c.file = readCache(c.path, name)
}

// readCache returns what an earlier start saved for a driver, or nothing: a
// checksum, and then the cacheFile.
func readCache(path, driver string) cacheFile {
	empty := cacheFile{Driver: driver, Programs: map[string]program{}}
	data, err := os.ReadFile(path)
	if err != nil || len(data) < sha256.Size {
		return empty
	}
	sum := sha256.Sum256(data[sha256.Size:])
	if !bytes.Equal(sum[:], data[:sha256.Size]) {
		return empty
	}
	var f cacheFile
	if gob.NewDecoder(bytes.NewReader(data[sha256.Size:])).Decode(&f) != nil || f.Driver != driver || f.Programs == nil {
		return empty
	}
	return f
}

func cacheKey(k *shaders.Kernel) string {
	sum := sha256.Sum256([]byte(source(k)))
	return hex.EncodeToString(sum[:])
}

// program returns the program of a kernel, or 0 where there is none that the
// driver takes.
func (c *cache) program(d *device, k *shaders.Kernel) C.GLuint {
	b, ok := c.file.Programs[cacheKey(k)]
	if !ok || len(b.Data) == 0 {
		return 0
	}
	p := C.ogl_program_from(d.c, C.GLenum(b.Format), unsafe.Pointer(&b.Data[0]), C.GLsizei(len(b.Data)))
	if p != 0 {
		c.used[cacheKey(k)] = b
	}
	return p
}

// add takes in a program that was compiled.
func (c *cache) add(d *device, k *shaders.Kernel, p C.GLuint) {
	if c.path == "" {
		return
	}
	size := C.ogl_binary_size(d.c, p)
	if size <= 0 {
		return
	}
	data := make([]byte, size)
	var format C.GLenum
	n := C.ogl_binary(d.c, p, unsafe.Pointer(&data[0]), size, &format)
	if n <= 0 || n > size {
		return
	}
	b := program{uint32(format), data[:n]}
	c.file.Programs[cacheKey(k)], c.used[cacheKey(k)] = b, b
}

// save writes the file; another process that does the same at that time does no
// harm, nor does a failure.
func (c *cache) save() {
	if c.path == "" {
		return
	}
	if len(c.file.Programs) > mostPrograms {
		c.file.Programs = maps.Clone(c.used)
	}
	var b bytes.Buffer
	b.Write(make([]byte, sha256.Size))
	if err := gob.NewEncoder(&b).Encode(c.file); err != nil {
		panic(fmt.Sprintf("BUG: opengl: cache: %v", err))
	}
	sum := sha256.Sum256(b.Bytes()[sha256.Size:])
	copy(b.Bytes(), sum[:])
	_ = driver.WriteByRename(c.path, b.Bytes())
}
