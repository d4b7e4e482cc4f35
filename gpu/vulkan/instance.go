//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"bitnet-gpu/engine/compute"

	vk "github.com/vulkan-go/vulkan"
)

// libraryName is what drivers install, and not the link that only their
// development packages have, which is what the binding would look for.
var libraryName = map[string]string{"linux": "libvulkan.so.1", "windows": "vulkan-1.dll"}[runtime.GOOS]

// loadLibrary opens the library, once for the process: drivers do not like to
// be unloaded.
var loadLibrary = sync.OnceValue(func() error { return load(libraryName) })

func load(name string) error {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	var getProc unsafe.Pointer
	if why := C.shim_load(s, &getProc); why != nil {
		return fmt.Errorf("vulkan: no library: %s: %w", C.GoString(why), compute.ErrUnavailable)
	}
	vk.SetGetInstanceProcAddr(getProc)
	if err := vk.Init(); err != nil {
		return fmt.Errorf("vulkan: %w: %w", err, compute.ErrUnavailable)
	}
	return nil
}

// newest is the newest version of Vulkan of which anything is used.
var newest = vk.MakeVersion(1, 3, 0)

// instance is what all devices of the process share: the functions that the
// binding calls belong to one instance at a time. It lives while it has users.
var instance struct {
	sync.Mutex
	handle  vk.Instance
	version uint32
	users   int
}

// acquire makes the instance if there is none, and adds a user.
func acquire() error {
	instance.Lock()
	defer instance.Unlock()
	if instance.users == 0 {
		if err := loadLibrary(); err != nil {
			return err
		}
		if err := newInstance(); err != nil {
			return err
		}
	}
	instance.users++
	return nil
}

func newInstance() error {
	version := uint32(C.shim_version())
	if version < vk.MakeVersion(1, 1, 0) {
		return fmt.Errorf("vulkan: the library is of version %s, 1.1 is needed: %w", vk.Version(version), compute.ErrUnavailable)
	}
	instance.version = min(version, newest)
	info := vk.InstanceCreateInfo{
		SType: vk.StructureTypeInstanceCreateInfo,
		PApplicationInfo: &vk.ApplicationInfo{
			SType:            vk.StructureTypeApplicationInfo,
			PApplicationName: "bitnet-gpu\x00",
			ApiVersion:       instance.version,
		},
	}
	defer info.Free()
	var handle vk.Instance
	if err := check("vkCreateInstance", vk.CreateInstance(&info, nil, &handle)); err != nil {
		return err
	}
	if err := vk.InitInstance(handle); err != nil {
		return fmt.Errorf("vulkan: %w: %w", err, compute.ErrUnavailable)
	}
	C.shim_use(raw(handle))
	instance.handle = handle
	return nil
}

// release takes a user away, and the instance with the last of them.
func release() {
	instance.Lock()
	defer instance.Unlock()
	if instance.users--; instance.users == 0 {
		vk.DestroyInstance(instance.handle, nil)
	}
}

// raw is an object's handle for the shim. The binding's types of handles are
// pointers, which some drivers' are not: they are never made Go's.
func raw[T any](object T) C.handle { return *(*C.handle)(unsafe.Pointer(&object)) }

// out is where the shim puts the handle of a new object.
func out[T any](object *T) *C.handle { return (*C.handle)(unsafe.Pointer(object)) }
