//go:build cgo && opengl

package main

// OpenGL's binding asks for libGL, of which nothing is used (package opengl).
// The flag that leaves such a library out of what the program needs to start
// stands before all others only where it is package main's.

// #cgo LDFLAGS: -Wl,--as-needed
import "C"
