// Package driver is the contract between the GPU backend and the two APIs that
// run its kernels, Vulkan and OpenGL. What crosses it is data: a List of
// uploads, dispatches and downloads, built once for each shape of a batch and
// run many times. A device keeps no state that a caller has to know of.
//
// Where a barrier has to stand is derived in this package, from what each
// kernel says it reads and writes, and from the ranges it is given; neither the
// caller nor a driver says it. A List can be printed, checked and counted
// without a device.
package driver

import (
	"time"
	"unsafe"

	"bitnet-gpu/shaders"
)

// A Device runs lists. Its methods are called by one goroutine at a time.
//
// Errors of all methods are compute.ErrMemory where memory was not to be had
// and compute.ErrLost where the device is gone. After ErrLost only Release and
// Close may be called. What breaks the contract is a bug of the caller and
// panics.
type Device interface {
	Info() Info

	// Load compiles kernels. A kernel must be loaded before a list with it
	// runs. compute.ErrUnavailable: the device lacks what a kernel needs.
	Load(kernels ...*shaders.Kernel) error

	// NewBuffer returns a buffer of size bytes, a multiple of 4, of unknown
	// content. The label serves messages only.
	NewBuffer(label string, size int, use Use) (Buffer, error)

	// Run runs the commands of a list as if in order, and returns when every
	// download is filled. The bytes of uploads and the values of parameters
	// are read anew at each Run; all else of a list must stay as it was at
	// its first Run. New values of parameters may cost a driver a recording,
	// so what changes with every token belongs into an uploaded buffer.
	Run(l *List) error

	// Time runs a list once and returns how long the device took for each
	// command. Commands that may overlap share their time as they end. It
	// returns nil where the device cannot tell.
	Time(l *List) ([]time.Duration, error)

	// Forget frees what the device keeps of a list that will not run again.
	Forget(l *List)

	// Close frees everything, buffers included.
	Close() error
}

// A Buffer is memory that kernels read and write.
type Buffer interface {
	Label() string
	Size() int // bytes

	// Write fills part of the buffer at load time, at an offset and a length
	// that are multiples of 4. It returns when data may be used again.
	Write(offset int, data []byte) error

	// Release frees the buffer, and Forgets no list: the caller does.
	Release()
}

// Use says where a buffer's memory lies.
type Use int

const (
	Local Use = iota // memory of the device: weights, activations, cache
	Host             // memory of the host that the device can read: large tables of which little is read
)

// Info describes a device.
type Info struct {
	API    string // "Vulkan 1.3.230", the name of the backend first
	Device string // its own name
	Driver string // name and version
	ID     string // stays the same over starts: the UUID in hex
	Type   Type

	Memory int64 // bytes of its own memory; of what it shares with the host where it has none; 0: not known
	Free   int64 // how many of them may be used now, as far as the driver tells; 0: not known

	Unified  bool // its memory is the host's
	Subgroup int  // invocations in a subgroup
	Dot      bool // has the integer dot product instructions
	FastDot  bool // in hardware
	Limits   Limits
}

// Type is the kind of a device, the better ones first.
type Type int

const (
	Discrete Type = iota
	Integrated
	Virtual
	Other
	Software // runs on the CPU: right, and slower than the CPU backend
)

func (t Type) String() string {
	return [...]string{"discrete", "integrated", "virtual", "other", "software"}[t]
}

// Limits bound what a list may ask of a device.
type Limits struct {
	Range     int    // most bytes that one binding covers
	Align     int    // alignment in bytes of a range's offset
	Bindings  int    // of one kernel
	Params    int    // 32-bit words
	Groups    [3]int // in each dimension of a dispatch
	GroupSize int    // invocations of one work group
	Shared    int    // bytes of shared memory
}

// Least is what every device offers that we accept. A list that keeps to it
// runs everywhere.
var Least = Limits{
	Range:     128 << 20,
	Align:     256,
	Bindings:  4,
	Params:    32,
	Groups:    [3]int{65535, 65535, 65535},
	GroupSize: 128,
	Shared:    16 << 10,
}

// Bytes returns the memory of s. Devices and hosts are little-endian.
func Bytes[T ~int32 | ~uint32 | ~float32](s []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
}
