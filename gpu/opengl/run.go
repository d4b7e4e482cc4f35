//go:build cgo && opengl && (linux || windows)

package opengl

// #include "shim.h"
import "C"

import (
	"fmt"
	"time"
	"unsafe"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

// prepared is what the device keeps of a list.
type prepared struct {
	d        *device
	list     *driver.List
	barriers []C.GLbitfield // before each command
	commands []C.command    // of each command that is a dispatch
	words    []uint32       // of the uniform buffer, as it stands there
	uniforms *buffer        // the parameters of all dispatches, or nil
	fresh    bool           // the uniform buffer was not yet written
	run      func() error
}

// prepare returns what is kept of a list, or makes it.
func (d *device) prepare(l *driver.List) (*prepared, error) {
	if d.lost != nil {
		return nil, d.lost
	}
	if p, ok := d.lists[l]; ok {
		return p, nil
	}
	if err := l.Check(d.info.Limits); err != nil {
		panic("BUG: " + err.Error())
	}
	p := &prepared{d: d, list: l, fresh: true, commands: make([]C.command, len(l.Commands))}
	p.run = func() error { return p.execute(nil) }
	for _, b := range l.Barriers() {
		p.barriers = append(p.barriers, barrierBits(b))
	}
	for i, c := range l.Commands {
		switch c := c.(type) {
		case driver.Upload:
			at(c.To)
		case driver.Download:
			at(c.From)
		case driver.Dispatch:
			p.translate(&c, &p.commands[i], p.barriers[i])
		}
	}
	if err := p.reserve(); err != nil {
		return nil, err
	}
	d.lists[l] = p
	return p, nil
}

// barrierBits says what the commands behind a barrier do. OpenGL orders the
// rest by itself.
func barrierBits(b driver.Barrier) (bits C.GLbitfield) {
	if b.To&driver.Compute != 0 {
		bits |= C.GL_SHADER_STORAGE_BARRIER_BIT
	}
	if b.To&driver.Transfer != 0 {
		bits |= C.GL_BUFFER_UPDATE_BARRIER_BIT
	}
	if b.To&driver.Indirect != 0 {
		bits |= C.GL_COMMAND_BARRIER_BIT
	}
	return bits
}

// at returns where a range lies for OpenGL.
func at(r driver.Range) C.span {
	b := r.Buffer.(*buffer)
	if b.name == 0 {
		panic("BUG: buffer " + b.label + " was released")
	}
	return C.span{buffer: b.name, offset: C.int64_t(r.Offset), size: C.int64_t(r.Size)}
}

// translate fills a command; its parameters get room in words, each dispatch's
// where the uniform buffer may be bound.
func (p *prepared) translate(c *driver.Dispatch, o *C.command, barrier C.GLbitfield) {
	program, ok := p.d.programs[c.Kernel]
	if !ok {
		panic(fmt.Sprintf("BUG: list %s: kernel %s was not loaded", p.list.Label, c.Kernel.Name))
	}
	o.barrier, o.program, o.nranges = barrier, program, C.int32_t(len(c.Buffers))
	for i, r := range c.Buffers {
		o.ranges[i] = at(r)
	}
	for i, n := range c.Groups {
		o.groups[i] = C.uint32_t(n)
	}
	if c.Indirect.Buffer != nil {
		r := at(c.Indirect)
		o.indirect, o.indirect_offset = r.buffer, r.offset
	}
	if n := len(c.Params); n > 0 {
		align := max(int(p.d.facts.uniform_align), 16)
		o.params.offset = C.int64_t(4 * len(p.words))
		o.params.size = C.int64_t(4*n+15) &^ 15 // the rules of std140
		room := (4*n + align - 1) / align * align
		p.words = append(p.words, make([]uint32, room/4)...)
	}
}

// reserve makes the uniform buffer.
func (p *prepared) reserve() error {
	if len(p.words) == 0 {
		return nil
	}
	var err error
	p.uniforms, err = p.d.newBuffer("parameters of list "+p.list.Label, 4*len(p.words), C.GL_STREAM_DRAW)
	if err != nil {
		return err
	}
	for i := range p.commands {
		if p.commands[i].params.size != 0 {
			p.commands[i].params.buffer = p.uniforms.name
		}
	}
	return nil
}

// gather reads the parameters of all dispatches, and says whether they are not
// as the device has them.
func (p *prepared) gather() (changed bool) {
	for i, c := range p.list.Commands {
		if c, ok := c.(driver.Dispatch); ok && len(c.Params) > 0 {
			words := p.words[p.commands[i].params.offset/4:]
			for j, v := range c.Params {
				changed = changed || words[j] != v
				words[j] = v
			}
		}
	}
	return changed || p.fresh && p.uniforms != nil
}

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

// execute runs the list, dispatches that stand side by side in one call to C;
// with clocks, one before each command and one behind the last, one by one.
func (p *prepared) execute(clocks []C.GLuint) error {
	d := p.d
	if p.gather() {
		if err := d.check(C.ogl_write(d.c, p.uniforms.name, 0, unsafe.Pointer(&p.words[0]), C.int64_t(4*len(p.words)))); err != nil {
			return err
		}
		p.fresh = false
	}
	for i := 0; i < len(p.commands); {
		n := 1
		if clocks != nil {
			C.ogl_query(d.c, clocks[i])
		}
		switch c := p.list.Commands[i].(type) {
		case driver.Upload:
			C.ogl_upload(d.c, p.barriers[i], at(c.To), unsafe.Pointer(&c.Data[0]))
		case driver.Download:
			if err := d.check(C.ogl_download(d.c, p.barriers[i], at(c.From), unsafe.Pointer(&c.Data[0]))); err != nil {
				return err
			}
		case driver.Dispatch:
			for clocks == nil && i+n < len(p.commands) && p.commands[i+n].program != 0 {
				n++
			}
			C.ogl_dispatch(d.c, &p.commands[i], C.int32_t(n))
		}
		i += n
	}
	if clocks != nil {
		C.ogl_query(d.c, clocks[len(p.commands)])
	}
	return d.check(C.ogl_finish(d.c))
}

// Time implements driver.Device.
func (d *device) Time(l *driver.List) ([]time.Duration, error) {
	if d.lost == nil && d.facts.timestamp_bits == 0 {
		return nil, d.Run(l)
	}
	p, err := d.prepare(l)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", l.Label, err)
	}
	n := len(l.Commands) + 1
	clocks, stamps := make([]C.GLuint, n), make([]C.GLuint64, n)
	err = d.submit(func() error {
		C.ogl_queries_new(d.c, C.int32_t(n), &clocks[0])
		defer C.ogl_queries_free(d.c, C.int32_t(n), &clocks[0])
		if err := p.execute(clocks); err != nil {
			return err
		}
		C.ogl_queries(d.c, C.int32_t(n), &clocks[0], &stamps[0])
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", l.Label, err)
	}
	times := make([]time.Duration, len(l.Commands))
	mask := ^uint64(0) >> (64 - d.facts.timestamp_bits)
	for i := range times {
		times[i] = time.Duration(uint64(stamps[i+1]-stamps[i]) & mask)
	}
	return times, nil
}

// Forget implements driver.Device.
func (d *device) Forget(l *driver.List) {
	if p, ok := d.lists[l]; ok {
		delete(d.lists, l)
		if p.uniforms != nil {
			p.uniforms.Release()
		}
	}
}
