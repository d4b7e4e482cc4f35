// Package vulkan runs lists on a GPU through Vulkan 1.1 or newer.
//
// It needs cgo to build, but neither Vulkan's headers nor its library: vk.h
// declares the part of the interface that is used, and libvulkan.so.1
// (vulkan-1.dll) is opened at run time, so that a program with this package
// starts where there is none. Without cgo, and on systems other than Linux and
// Windows, Open says that Vulkan is not in this build.
//
// All that touches C is in shim.c, which takes plain arguments and makes
// Vulkan's structures on the C stack. The binding github.com/vulkan-go/vulkan
// could stand in its place for everything but the calls that take slices of
// structures, which it may free too early; the module proxy does not serve it
// at present.
//
// Two variables of the environment are read. BITNET_GPU_SOFTWARE=1 allows
// devices that run on the CPU, which otherwise are never chosen unless named.
// BITNET_GPU_FAULT=oom@N makes the Nth allocation of memory fail, and lost@N
// lose the device at the Nth submission: for tests of what follows.
package vulkan

// Options choose a device.
type Options struct {
	Device   string // its index, the start of its ID, or part of its name; "" leaves the choice to Open
	Software bool   // devices that run on the CPU may be chosen
}
