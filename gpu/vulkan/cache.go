//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"bitnet-gpu/gpu/driver"

	vk "github.com/vulkan-go/vulkan"
)

// A pipelineCache keeps compiled kernels between starts, in the user's cache
// directory, a file for each device and version of a driver. A file that cannot
// be read, was damaged, or is another device's is no error: it is made anew.
type pipelineCache struct {
	handle vk.PipelineCache
	path   string // "" where there is no directory for it
	saved  [sha256.Size]byte
}

func (c *pipelineCache) open(d *device) error {
	c.path = cachePath(&d.facts)
	if c.create(d, c.read(&d.facts)) == nil {
		return nil
	}
	return c.create(d, nil)
}

func (c *pipelineCache) create(d *device, data []byte) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	info := vk.PipelineCacheCreateInfo{SType: vk.StructureTypePipelineCacheCreateInfo, InitialDataSize: uint(len(data))}
	if len(data) > 0 {
		pin.Pin(&data[0])
		info.PInitialData = unsafe.Pointer(&data[0])
	}
	defer info.Free()
	var handle vk.PipelineCache
	if err := d.check("vkCreatePipelineCache", vk.CreatePipelineCache(d.handle, &info, nil, &handle)); err != nil {
		return err
	}
	c.handle = handle
	return nil
}

func cachePath(f *facts) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "bitnet-gpu", fmt.Sprintf("vulkan-%04x-%04x-%08x-%s.bin",
		f.vendorID, f.deviceID, f.driverVersion, hex.EncodeToString(f.cacheUUID[:])))
}

// read returns what an earlier start saved: a checksum and then the driver's
// data, which begin with a header that must be this device's.
func (c *pipelineCache) read(f *facts) []byte {
	file, err := os.ReadFile(c.path)
	if err != nil || len(file) < sha256.Size {
		return nil
	}
	data := file[sha256.Size:]
	c.saved = sha256.Sum256(data)
	if !bytes.Equal(c.saved[:], file[:sha256.Size]) || !headerOf(data, f.vendorID, f.deviceID, f.cacheUUID[:]) {
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
	var size uint
	if vk.GetPipelineCacheData(d.handle, c.handle, &size, nil) != vk.Success || size == 0 {
		return
	}
	file := make([]byte, sha256.Size+int(size))
	if vk.GetPipelineCacheData(d.handle, c.handle, &size, unsafe.Pointer(&file[sha256.Size])) != vk.Success {
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
