//go:build cgo && opengl && (linux || windows)

package opengl

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

	"github.com/go-gl/gl/v4.3-core/gl"

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
	if dir, err := os.UserCacheDir(); err == nil && d.context.binaries {
		c.path = filepath.Join(dir, "bitnet-gpu", "opengl-"+d.info.ID+".bin")
	}
	f := &d.context.facts
	c.file = readCache(c.path, f.vendor+"\n"+f.renderer+"\n"+f.version)
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
func (c *cache) program(d *device, k *shaders.Kernel) uint32 {
	b, ok := c.file.Programs[cacheKey(k)]
	if !ok || len(b.Data) == 0 {
		return 0
	}
	p := gl.CreateProgram()
	gl.ProgramBinary(p, b.Format, unsafe.Pointer(&b.Data[0]), int32(len(b.Data)))
	var linked int32
	gl.GetProgramiv(p, gl.LINK_STATUS, &linked)
	if d.code("glProgramBinary") != 0 || linked == 0 {
		gl.DeleteProgram(p)
		return 0
	}
	c.used[cacheKey(k)] = b
	return p
}

// add takes in a program that was compiled.
func (c *cache) add(d *device, k *shaders.Kernel, p uint32) {
	if c.path == "" {
		return
	}
	var size, n int32
	gl.GetProgramiv(p, gl.PROGRAM_BINARY_LENGTH, &size)
	if size <= 0 {
		return
	}
	b := program{Data: make([]byte, size)}
	gl.GetProgramBinary(p, size, &n, &b.Format, unsafe.Pointer(&b.Data[0]))
	if d.code("glGetProgramBinary") != 0 || n <= 0 || n > size {
		return
	}
	b.Data = b.Data[:n]
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
