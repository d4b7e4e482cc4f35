//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"fmt"
	"time"

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
	if err := p.writeParams(); err != nil {
		return err
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
			if err := p.d.wait(); err != nil {
				return err
			}
			download(at(c.From), c.Data)
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

// writeParams has the uniform buffer hold the parameters as they are now.
func (p *prepared) writeParams() error {
	p.gather()
	if p.uniforms == nil || !p.stale {
		return nil
	}
	err := p.uniforms.write(0, driver.Bytes(p.words))
	p.stale = err != nil
	return err
}

func dispatch(c *command) {
	if c.program != 0 {
		gl.UseProgram(c.program)
	}
	for _, b := range c.bindings {
		gl.BindBufferRange(gl.SHADER_STORAGE_BUFFER, b.index, b.buffer, b.offset, b.size)
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

// clientWaitSync is a variable for the tests: no driver that they run on lets a
// wait end early.
var clientWaitSync = gl.ClientWaitSync

// wait waits for all that was asked for, and checks it. A driver that loses its
// device lets waits end, or tells by the reset status while they do not.
func (d *device) wait() error {
	sync := gl.FenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0)
	if sync == 0 {
		return d.failedWait("glFenceSync")
	}
	defer gl.DeleteSync(sync)
	for {
		switch clientWaitSync(sync, gl.SYNC_FLUSH_COMMANDS_BIT, uint64(time.Second)) {
		default:
			return d.check("glDispatchCompute")
		case gl.TIMEOUT_EXPIRED:
			if err := d.check("glClientWaitSync"); err != nil {
				return err
			}
		case gl.WAIT_FAILED:
			return d.failedWait("glClientWaitSync")
		}
	}
}

// failedWait returns why it failed, as far as that is known.
func (d *device) failedWait(call string) error {
	if err := d.check(call); err != nil {
		return err
	}
	return d.fail(call, gl.WAIT_FAILED)
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
