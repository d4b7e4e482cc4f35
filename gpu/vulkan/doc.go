// Package vulkan runs lists on a GPU through Vulkan 1.1 or newer, by the binding
// github.com/vulkan-go/vulkan, whose types it uses throughout.
//
// It needs cgo to build, but neither Vulkan's headers nor its library: the
// binding carries headers, and libvulkan.so.1 (vulkan-1.dll) is opened at run
// time, so that a program with this package starts where there is none. Without
// cgo, and on systems other than Linux and Windows, Open says that Vulkan is not
// in this build.
//
// The binding's headers are of Vulkan 1.1.88. What it does not do stands in
// shim.c:
//
//   - Opening the library: it looks for the link that development packages have.
//   - Whatever takes a slice of structures, as an argument or as a field:
//     submissions, barriers, copies, the writing of descriptor sets, the making
//     of devices, layouts, pipelines and descriptor pools. The binding copies such
//     a slice to memory of C's that a finalizer frees, which may run before the
//     call: pipelines were seen to fail for it while the garbage collector ran.
//   - Functions of Vulkan 1.1 and structures newer than its headers: integer dot
//     product, float controls, memory budget.
//
// Around the binding these habits hold. A structure is made anew for each call
// and freed behind it, because the binding copies it once and never again; the
// one that begins recordings is the exception, for it never changes, and so a
// run makes no garbage. Slices of numbers and handles within a structure are
// pinned, since C is handed their address. What C writes a handle to is a
// variable of its own, not a field beside Go's pointers. The functions that the
// binding calls are the process's, so all devices share one instance.
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
