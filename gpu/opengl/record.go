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
	words    []uint32 // the parameters of all dispatches
	uniforms *buffer  // that holds them, or nil
	stale    bool     // it does not hold these words
	run      func() error
}

// A command is what OpenGL is told of a command of a list. All but the barrier
// is of dispatches. What an earlier dispatch of the list has set is not set
// again.
type command struct {
	barrier  uint32 // bits of what comes behind it; 0: none
	program  uint32 // 0: as before
	bindings []binding
	params   span // of the uniform buffer; size 0: none
	groups   [3]uint32
	indirect span // of the group counts; size 0: they are groups
}

// A binding puts a span where a kernel finds it.
type binding struct {
	index uint32
	span
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
	p := &prepared{d: d, list: l, stale: true, commands: make([]command, len(l.Commands))}
	p.run = func() error { return p.execute(nil) }
	for i, b := range l.Barriers() {
		p.commands[i].barrier = barrierBits(b)
	}
	set := state{}
	for i, c := range l.Commands {
		switch c := c.(type) {
		case driver.Upload:
			at(c.To)
		case driver.Download:
			at(c.From)
		case driver.Dispatch:
			p.translate(&c, &p.commands[i], &set)
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

// state is what the dispatches of a list have set so far.
type state struct {
	program uint32
	buffers [mostBindings]span
}

// translate fills a command; its parameters get room in words, each dispatch's
// where the uniform buffer may be bound.
func (p *prepared) translate(c *driver.Dispatch, o *command, set *state) {
	program, ok := p.d.programs[c.Kernel]
	if !ok {
		panic(fmt.Sprintf("BUG: list %s: kernel %s was not loaded", p.list.Label, c.Kernel.Name))
	}
	if program != set.program {
		o.program, set.program = program, program
	}
	for i, r := range c.Buffers {
		if s := at(r); s != set.buffers[i] {
			o.bindings = append(o.bindings, binding{uint32(i), s})
			set.buffers[i] = s
		}
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

// gather reads the parameters of all dispatches.
func (p *prepared) gather() {
	for i, c := range p.list.Commands {
		if c, ok := c.(driver.Dispatch); ok && len(c.Params) > 0 {
			words := p.words[p.commands[i].params.offset/4:]
			for j, v := range c.Params {
				p.stale = p.stale || words[j] != v
				words[j] = v
			}
		}
	}
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
