//go:build cgo && opengl && (linux || windows)

package opengl

// #include <stdint.h>
//
// // transfer calls glBufferSubData or glGetBufferSubData.
// static void transfer(void *f, unsigned target, intptr_t offset, intptr_t size, void *data) {
//	((void (*)(unsigned, intptr_t, intptr_t, void *))f)(target, offset, size, data);
// }
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/go-gl/gl/v4.3-core/gl"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

// buffer is a driver.Buffer.
type buffer struct {
	d     *device
	name  uint32 // OpenGL's; 0: released
	label string
	size  int
}

func (b *buffer) Label() string { return b.label }
func (b *buffer) Size() int     { return b.size }

// NewBuffer implements driver.Device.
func (d *device) NewBuffer(label string, size int, use driver.Use) (driver.Buffer, error) {
	if size <= 0 || size%4 != 0 {
		panic(fmt.Sprintf("BUG: buffer %s of %d bytes", label, size))
	}
	usage := uint32(gl.DYNAMIC_COPY) // kernels write and kernels read
	if use == driver.Host {
		usage = gl.STREAM_DRAW // the host writes, and little is read
	}
	b, err := d.newBuffer(label, size, usage)
	if err != nil {
		return nil, err // and not a nil *buffer in an interface
	}
	return b, nil
}

func (d *device) newBuffer(label string, size int, usage uint32) (*buffer, error) {
	if d.lost != nil {
		return nil, d.lost
	}
	if d.fault.Hit("oom") {
		return nil, fmt.Errorf("opengl: injected fault: buffer %s: %w", label, compute.ErrMemory)
	}
	b := &buffer{d: d, label: label, size: size}
	err := d.thread.do(func() error {
		gl.GenBuffers(1, &b.name)
		gl.BindBuffer(gl.COPY_WRITE_BUFFER, b.name)
		gl.BufferData(gl.COPY_WRITE_BUFFER, size, nil, usage)
		err := d.check("glBufferData")
		if err != nil {
			gl.DeleteBuffers(1, &b.name)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("buffer %s of %d MiB: %w", label, size>>20, err)
	}
	d.buffers[b] = true
	return b, nil
}

func (b *buffer) Release() {
	if b.name == 0 { // released, or its device closed
		return
	}
	_ = b.d.thread.do(func() error {
		gl.DeleteBuffers(1, &b.name)
		return nil
	})
	delete(b.d.buffers, b)
	b.name = 0
}

func (b *buffer) Write(offset int, data []byte) error {
	if offset < 0 || offset > b.size-len(data) || (offset|len(data))%4 != 0 {
		panic(fmt.Sprintf("BUG: write of [%d:%d] to buffer %s, which has %d bytes", offset, offset+len(data), b.label, b.size))
	}
	d := b.d
	if d.lost != nil {
		return d.lost
	}
	if b.name == 0 {
		panic("BUG: buffer " + b.label + " was released")
	}
	if len(data) == 0 {
		return nil
	}
	return d.thread.do(func() error { return b.write(offset, data) })
}

// write fills part of the buffer; it runs on the device's thread.
func (b *buffer) write(offset int, data []byte) error {
	upload(span{b.name, offset, len(data)}, data)
	return b.d.check("glBufferSubData")
}

// The two functions that are not called through package gl. It would take the
// address of data as a pointer to anything, and the check of pointers that go to
// C panics where a caller's bytes lie in an object that holds pointers as well,
// as a field does. Of a slice of bytes the check sees that it is bytes.
var bufferSubData, getBufferSubData unsafe.Pointer

func upload(to span, data []byte) {
	gl.BindBuffer(gl.COPY_WRITE_BUFFER, to.buffer)
	C.transfer(bufferSubData, gl.COPY_WRITE_BUFFER, C.intptr_t(to.offset), C.intptr_t(to.size), unsafe.Pointer(&data[0]))
}

func download(from span, data []byte) {
	gl.BindBuffer(gl.COPY_READ_BUFFER, from.buffer)
	C.transfer(getBufferSubData, gl.COPY_READ_BUFFER, C.intptr_t(from.offset), C.intptr_t(from.size), unsafe.Pointer(&data[0]))
}
