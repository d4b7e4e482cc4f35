//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"fmt"
	"strings"

	"github.com/go-gl/gl/v4.3-core/gl"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/shaders"
)

// Load implements driver.Device. What has to be compiled is begun all together,
// since drivers that have threads for it work side by side.
func (d *device) Load(kernels ...*shaders.Kernel) error {
	if d.lost != nil {
		return d.lost
	}
	for _, k := range kernels {
		if err := d.supports(k); err != nil {
			return fmt.Errorf("kernel %s: %w", k.Name, err)
		}
	}
	return d.thread.do(func() error {
		begun := map[*shaders.Kernel]uint32{}
		for _, k := range kernels {
			if d.programs[k] != 0 || begun[k] != 0 {
				continue
			}
			if p := d.cache.program(d, k); p != 0 {
				d.programs[k] = p
				continue
			}
			begun[k] = start(source(k))
		}
		return d.end(begun)
	})
}

// start begins to compile a program.
func start(source string) (program uint32) {
	text, free := gl.Strs(source)
	defer free()
	length := int32(len(source))
	shader := gl.CreateShader(gl.COMPUTE_SHADER)
	gl.ShaderSource(shader, 1, text, &length)
	gl.CompileShader(shader)
	program = gl.CreateProgram()
	gl.ProgramParameteri(program, gl.PROGRAM_BINARY_RETRIEVABLE_HINT, 1)
	gl.AttachShader(program, shader)
	gl.LinkProgram(program)
	gl.DeleteShader(shader) // as soon as the program is
	return program
}

// end waits for what was begun, and returns one of the errors.
func (d *device) end(begun map[*shaders.Kernel]uint32) (err error) {
	for k, p := range begun {
		if e := d.linked(p); e != nil {
			err = fmt.Errorf("kernel %s: %w", k.Name, e)
			gl.DeleteProgram(p)
			continue
		}
		d.programs[k] = p
		d.cache.add(d, k, p)
	}
	if len(begun) > 0 {
		d.cache.save()
	}
	return err
}

// linked returns why a program was not linked, or nil.
func (d *device) linked(p uint32) error {
	var ok int32
	gl.GetProgramiv(p, gl.LINK_STATUS, &ok)
	if err := d.check("glLinkProgram"); err != nil || ok != 0 {
		return err
	}
	return fmt.Errorf("%w%s", failure("glLinkProgram", gl.LINK_STATUS), complaint(p))
}

// complaint returns what the compiler says of a program, or the linker, in one
// line behind a colon; or nothing.
func complaint(p uint32) string {
	log := make([]byte, 4096)
	var shader uint32
	gl.GetAttachedShaders(p, 1, nil, &shader)
	gl.GetShaderInfoLog(shader, int32(len(log)), nil, &log[0])
	if log[0] == 0 {
		gl.GetProgramInfoLog(p, int32(len(log)), nil, &log[0])
	}
	text, _, _ := strings.Cut(string(log), "\x00")
	if text == "" {
		return ""
	}
	return ": " + strings.Join(strings.Fields(text), " ")
}

// source is a kernel's text with its constants behind the line of the version.
func source(k *shaders.Kernel) string {
	version, rest, _ := strings.Cut(k.Source, "\n")
	var b strings.Builder
	b.WriteString(version + "\n")
	for _, c := range k.Consts {
		fmt.Fprintf(&b, "#define %s %du\n", c.Name, c.Value)
	}
	b.WriteString(rest)
	return b.String()
}

// supports says whether the device has what a kernel needs.
func (d *device) supports(k *shaders.Kernel) error {
	lim := d.info.Limits
	switch {
	case !strings.HasPrefix(k.Source, "#version ") || len(k.Consts) == 0:
		panic(fmt.Sprintf("BUG: kernel %s: %d bytes of source, %d constants", k.Name, len(k.Source), len(k.Consts)))
	case k.Dot:
		return fmt.Errorf("OpenGL has no integer dot product: %w", compute.ErrUnavailable)
	case k.GroupSize() > lim.GroupSize:
		return fmt.Errorf("work groups of %d, the device has %d: %w", k.GroupSize(), lim.GroupSize, compute.ErrUnavailable)
	case len(k.Bindings) > lim.Bindings:
		return fmt.Errorf("%d bindings, the device has %d: %w", len(k.Bindings), lim.Bindings, compute.ErrUnavailable)
	case k.Params > lim.Params:
		return fmt.Errorf("%d parameters, the device has %d: %w", k.Params, lim.Params, compute.ErrUnavailable)
	}
	return nil
}
