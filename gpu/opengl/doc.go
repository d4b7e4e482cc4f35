// Package opengl runs lists on a GPU through OpenGL 4.3 or newer, for machines
// that have no Vulkan.
//
// It is built with cgo and the tag opengl, for Linux and Windows; in other
// builds Open says that OpenGL is not in this build. Neither its headers nor its
// libraries are needed to build: gl.h declares the part of the interface that is
// used, and libEGL.so.1 (opengl32.dll) is opened at run time, so that a program
// with this package starts where there is none. The binding github.com/go-gl/gl
// could stand in the place of gl.h; the module proxy does not serve it at
// present.
//
// A context needs no window. It belongs to one OS thread, on which all calls of
// its device are made (thread.go). What makes it is in egl_linux.c and
// wgl_windows.c, and all other calls are in shim.c.
//
// The kernels are the GLSL sources of package shaders, which the driver
// compiles; parameters are a uniform buffer. A barrier stands where the list
// says. Of the environment BITNET_GPU_SOFTWARE and BITNET_GPU_FAULT are read, see
// package driver.
package opengl

// Options choose a device.
type Options struct {
	Device   string // its index, the start of its ID, or part of its name; "" leaves the choice to Open
	Software bool   // devices that run on the CPU may be chosen
}
