//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/go-gl/gl/v4.3-core/gl"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

// Run implements driver.Device.
func (d *device) Run(l *driver.List) error {
	p, err := d.prepare(l)
	if err == nil {
		err = d.submit(p.run)
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", l.Label, err)
	}
	return nil
}

// submit runs a list on the thread of the device.
func (d *device) submit(run func() error) error {
	if d.fault.Hit("lost") {
		d.lost = fmt.Errorf("opengl: injected fault: %w", compute.ErrLost)
		return d.lost
	}
	return d.thread.do(run)
}

// execute runs the list; with clocks, one before each command and one behind
// the last.
func (p *prepared) execute(clocks []uint32) error {
	if p.gather() {
		if err := p.uniforms.write(0, driver.Bytes(p.words)); err != nil {
			return err
		}
		p.fresh = false
	}
	for i := range p.commands {
		if clocks != nil {
			gl.QueryCounter(clocks[i], gl.TIMESTAMP)
		}
		if bits := p.commands[i].barrier; bits != 0 {
			gl.MemoryBarrier(bits)
		}
		switch c := p.list.Commands[i].(type) {
		case driver.Upload:
			upload(at(c.To), c.Data)
		case driver.Download:
			if err := p.d.download(at(c.From), c.Data); err != nil {
				return err
			}
		case driver.Dispatch:
			dispatch(&p.commands[i])
		}
	}
	if clocks != nil {
		gl.QueryCounter(clocks[len(p.commands)], gl.TIMESTAMP)
	}
	gl.MemoryBarrier(gl.SHADER_STORAGE_BARRIER_BIT | gl.BUFFER_UPDATE_BARRIER_BIT | gl.COMMAND_BARRIER_BIT)
	return p.d.wait()
}

func upload(to span, data []byte) {
	gl.BindBuffer(gl.COPY_WRITE_BUFFER, to.buffer)
	gl.BufferSubData(gl.COPY_WRITE_BUFFER, to.offset, to.size, unsafe.Pointer(&data[0]))
}

func (d *device) download(from span, data []byte) error {
	if err := d.wait(); err != nil {
		return err
	}
	gl.BindBuffer(gl.COPY_READ_BUFFER, from.buffer)
	gl.GetBufferSubData(gl.COPY_READ_BUFFER, from.offset, from.size, unsafe.Pointer(&data[0]))
	return nil
}

func dispatch(c *command) {
	gl.UseProgram(c.program)
	for i, b := range c.buffers {
		gl.BindBufferRange(gl.SHADER_STORAGE_BUFFER, uint32(i), b.buffer, b.offset, b.size)
	}
	if c.params.size != 0 {
		gl.BindBufferRange(gl.UNIFORM_BUFFER, 0, c.params.buffer, c.params.offset, c.params.size)
	}
	if c.indirect.size == 0 {
		gl.DispatchCompute(c.groups[0], c.groups[1], c.groups[2])
	} else {
		gl.BindBuffer(gl.DISPATCH_INDIRECT_BUFFER, c.indirect.buffer)
		gl.DispatchComputeIndirect(c.indirect.offset)
	}
}

// patience is how long one wait lasts before the driver is asked whether the
// device is lost; a variable for the tests.
var patience = time.Second

// wait waits for all that was asked for, and checks it. A driver that loses its
// device lets waits end, or tells by the reset status while they do not.
func (d *device) wait() error {
	sync := gl.FenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0)
	defer gl.DeleteSync(sync)
	for sync != 0 {
		switch gl.ClientWaitSync(sync, gl.SYNC_FLUSH_COMMANDS_BIT, uint64(patience)) {
		default:
			return d.check("glDispatchCompute")
		case gl.TIMEOUT_EXPIRED:
			if err := d.check("glClientWaitSync"); err != nil {
				return err
			}
		case gl.WAIT_FAILED:
			sync = 0
		}
	}
	if err := d.check("glClientWaitSync"); err != nil {
		return err
	}
	return d.fail("glClientWaitSync", gl.WAIT_FAILED)
}

// Time implements driver.Device.
func (d *device) Time(l *driver.List) ([]time.Duration, error) {
	if d.lost == nil && d.context.clockBits == 0 {
		return nil, d.Run(l)
	}
	p, err := d.prepare(l)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", l.Label, err)
	}
	stamps := make([]uint64, len(l.Commands)+1)
	if err := d.submit(func() error { return p.clock(stamps) }); err != nil {
		return nil, fmt.Errorf("list %s: %w", l.Label, err)
	}
	times := make([]time.Duration, len(l.Commands))
	mask := ^uint64(0) >> (64 - d.context.clockBits)
	for i := range times {
		times[i] = time.Duration((stamps[i+1] - stamps[i]) & mask)
	}
	return times, nil
}

// clock runs the list and reads a clock before each command and behind the
// last, in nanoseconds.
func (p *prepared) clock(stamps []uint64) error {
	clocks := make([]uint32, len(stamps))
	gl.GenQueries(int32(len(clocks)), &clocks[0])
	defer gl.DeleteQueries(int32(len(clocks)), &clocks[0])
	if err := p.execute(clocks); err != nil {
		return err
	}
	for i, c := range clocks {
		gl.GetQueryObjectui64v(c, gl.QUERY_RESULT, &stamps[i])
	}
	return p.d.check("glGetQueryObject")
}
