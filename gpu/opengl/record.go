//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"fmt"

	"github.com/go-gl/gl/v4.3-core/gl"

	"bitnet-gpu/gpu/driver"
)

// prepared is what the device keeps of a list.
type prepared struct {
	d        *device
	list     *driver.List
	commands []command
	words    []uint32 // of the uniform buffer, as it stands there
	uniforms *buffer  // the parameters of all dispatches, or nil
	fresh    bool     // the uniform buffer was not yet written
	run      func() error
}

// A command is what OpenGL is told of a command of a list. All but the barrier
// is of dispatches.
type command struct {
	barrier  uint32 // bits of what comes behind it; 0: none
	program  uint32
	buffers  []span
	params   span // of the uniform buffer; size 0: none
	groups   [3]uint32
	indirect span // of the group counts; size 0: they are groups
}

// A span is a range of a buffer.
type span struct {
	buffer       uint32
	offset, size int
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
	p := &prepared{d: d, list: l, fresh: true, commands: make([]command, len(l.Commands))}
	p.run = func() error { return p.execute(nil) }
	for i, b := range l.Barriers() {
		p.commands[i].barrier = barrierBits(b)
	}
	for i, c := range l.Commands {
		switch c := c.(type) {
		case driver.Upload:
			at(c.To)
		case driver.Download:
			at(c.From)
		case driver.Dispatch:
			p.translate(&c, &p.commands[i])
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
func barrierBits(b driver.Barrier) (bits uint32) {
	if b.To&driver.Compute != 0 {
		bits |= gl.SHADER_STORAGE_BARRIER_BIT
	}
	if b.To&driver.Transfer != 0 {
		bits |= gl.BUFFER_UPDATE_BARRIER_BIT
	}
	if b.To&driver.Indirect != 0 {
		bits |= gl.COMMAND_BARRIER_BIT
	}
	return bits
}

// at returns where a range lies for OpenGL.
func at(r driver.Range) span {
	b := r.Buffer.(*buffer)
	if b.name == 0 {
		panic("BUG: buffer " + b.label + " was released")
	}
	return span{b.name, r.Offset, r.Size}
}

// translate fills a command; its parameters get room in words, each dispatch's
// where the uniform buffer may be bound.
func (p *prepared) translate(c *driver.Dispatch, o *command) {
	program, ok := p.d.programs[c.Kernel]
	if !ok {
		panic(fmt.Sprintf("BUG: list %s: kernel %s was not loaded", p.list.Label, c.Kernel.Name))
	}
	o.program = program
	for _, r := range c.Buffers {
		o.buffers = append(o.buffers, at(r))
	}
	for i, n := range c.Groups {
		o.groups[i] = uint32(n)
	}
	if c.Indirect.Buffer != nil {
		o.indirect = at(c.Indirect)
	}
	if n := len(c.Params); n > 0 {
		align := p.d.context.uniformAlign
		o.params = span{offset: 4 * len(p.words), size: (4*n + 15) &^ 15} // the rules of std140
		room := (4*n + align - 1) / align * align
		p.words = append(p.words, make([]uint32, room/4)...)
	}
}

// reserve makes the uniform buffer.
func (p *prepared) reserve() (err error) {
	if len(p.words) == 0 {
		return nil
	}
	p.uniforms, err = p.d.newBuffer("parameters of list "+p.list.Label, 4*len(p.words), gl.STREAM_DRAW)
	if err != nil {
		return err
	}
	for i := range p.commands {
		p.commands[i].params.buffer = p.uniforms.name
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

// Forget implements driver.Device.
func (d *device) Forget(l *driver.List) {
	if p, ok := d.lists[l]; ok {
		delete(d.lists, l)
		if p.uniforms != nil {
			p.uniforms.Release()
		}
	}
}
