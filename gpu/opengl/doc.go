// Package opengl runs lists on a GPU through OpenGL 4.3 or newer, for machines
// that have no Vulkan.
//
// It is built with cgo and the tag opengl, for Linux and Windows; in other
// builds Open says that OpenGL is not in this build. OpenGL is called through the
// binding github.com/go-gl/gl, which needs pkg-config and libgl-dev to build on
// Linux, and nothing on Windows. To run, none of its libraries has to be there:
// egl_linux.c (wgl_windows.c) opens libEGL.so.1 (opengl32.dll) at run time, and
// defines the one function that the binding would be linked to a library for.
// On Linux the linker must be told to leave out libraries of which nothing is
// used, by a flag in package main.
//
// A context needs no window. It belongs to one OS thread, on which all calls of
// its device are made (thread.go). What makes it is C, since the platforms'
// interfaces are (context.h); it gives the binding the addresses of OpenGL's
// functions (context.go). Two things the binding does not do:
//   - It calls a function that the driver does not have, and crashes. Those of
//     4.3 are there, or there is no device; the one that is newer, which tells of
//     a reset, is asked for first (facts.go).
//   - It cannot say that what a caller's pointer leads to is bytes. The two
//     functions that copy a caller's bytes are called by a line of C (memory.go).
//
// A call through it costs 35 ns beside what the driver does, and leaves no
// garbage. Of a list of a hundred dispatches, six hundred calls, they are some
// 25 µs that one call to a loop in C would save; on llvmpipe such a list takes
// 3 ms. So what a dispatch has in common with those before it is not set again
// (record.go).
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
