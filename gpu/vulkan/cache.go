//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"bitnet-gpu/gpu/driver"
)

// A pipelineCache keeps compiled kernels between starts, in the user's cache
// directory, a file for each device and version of a driver. A file that cannot
// be read, was damaged, or is another device's is no error: it is made anew.
type pipelineCache struct {
	handle C.VkPipelineCache
	path   string // "" where there is no directory for it
	saved  [sha256.Size]byte
}

func (c *pipelineCache) open(d *device) error {
	c.path = cachePath(&d.facts)
	data := c.read(&d.facts)
	var p unsafe.Pointer
	if len(data) > 0 {
		p = unsafe.Pointer(&data[0])
	}
	if err := d.check(C.shim_cache_new(d.c, p, C.size_t(len(data)), &c.handle)); err != nil {
		return d.check(C.shim_cache_new(d.c, nil, 0, &c.handle))
	}
	return nil
}

func cachePath(f *C.facts) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "bitnet-gpu", fmt.Sprintf("vulkan-%04x-%04x-%08x-%s.bin",
		uint32(f.vendor_id), uint32(f.device_id), uint32(f.driver_version), hex.EncodeToString(cacheUUID(f))))
}

func cacheUUID(f *C.facts) []byte {
	return C.GoBytes(unsafe.Pointer(&f.cache_uuid[0]), C.int(len(f.cache_uuid)))
}

// read returns what an earlier start saved: a checksum and then the driver's
// data, which begin with a header that must be this device's.
func (c *pipelineCache) read(f *C.facts) []byte {
	file, err := os.ReadFile(c.path)
	if err != nil || len(file) < sha256.Size {
		return nil
	}
	data := file[sha256.Size:]
	c.saved = sha256.Sum256(data)
	if !bytes.Equal(c.saved[:], file[:sha256.Size]) || !headerOf(data, uint32(f.vendor_id), uint32(f.device_id), cacheUUID(f)) {
		return nil
	}
	return data
}

// headerOf says whether data start with the header that the specification
// gives to a cache of that device.
func headerOf(data []byte, vendor, device uint32, uuid []byte) bool {
	const size, version = 32, 1
	if len(data) < size {
		return false
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(data[4*i:]) }
	return word(0) == size && word(1) == version && word(2) == vendor && word(3) == device && bytes.Equal(data[16:size], uuid)
}

// save writes the cache where it has changed; another process that does the
// same at that time does no harm.
func (c *pipelineCache) save(d *device) {
	if c.path == "" {
		return
	}
	var size C.size_t
	if check(C.shim_cache_data(d.c, c.handle, nil, &size)) != nil || size == 0 {
		return
	}
	file := make([]byte, sha256.Size+int(size))
	if check(C.shim_cache_data(d.c, c.handle, unsafe.Pointer(&file[sha256.Size]), &size)) != nil {
		return
	}
	file = file[:sha256.Size+int(size)]
	sum := sha256.Sum256(file[sha256.Size:])
	if sum == c.saved {
		return
	}
	copy(file, sum[:])
	if driver.WriteByRename(c.path, file) == nil {
		c.saved = sum
	}
}

func (c *pipelineCache) free(d *device) {
	C.shim_cache_free(d.c, c.handle)
	c.handle = 0
}
