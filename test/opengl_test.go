package test

import (
	"errors"
	"testing"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/gpu/opengl"
	"bitnet-gpu/test/backends"
	"bitnet-gpu/test/tiny"
	"bitnet-gpu/weights"
)

// openOpenGL opens the backend on the first OpenGL device, a software one too.
func openOpenGL(t *testing.T) backends.Open {
	dev := openGLDevice(t)
	entry(t, "OpenGL", dev.Info().Device)
	dev.Close()
	return func(m *weights.Model, opt compute.Options) (compute.Backend, error) {
		return gpu.New(openGLDevice(t), m, opt)
	}
}

func openGLDevice(t *testing.T) driver.Device {
	t.Helper()
	dev, err := opengl.Open(opengl.Options{Software: true})
	if errors.Is(err, compute.ErrUnavailable) {
		need(t, "opengl", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

// TestOpenGL runs the suite on synthetic models of every shape.
func TestOpenGL(t *testing.T) {
	t.Setenv("BITNET_HEAD", "screen") // small as it is
	backends.Run(t, reference(t), openOpenGL(t))
}

// TestOpenGLRelatives runs it on models like those of the 2B4T's relatives.
func TestOpenGLRelatives(t *testing.T) {
	backends.Relatives(t, reference(t), openOpenGL(t))
}

// TestOpenGLDense runs it on models with dense matrices.
func TestOpenGLDense(t *testing.T) { backends.Dense(t, reference(t), openOpenGL(t)) }

// TestOpenGLNumeric runs it on numbers out of range.
func TestOpenGLNumeric(t *testing.T) { backends.Numeric(t, openOpenGL(t)) }

// TestOpenGLGolden runs it on the model of the golden data.
func TestOpenGLGolden(t *testing.T) {
	m, prompt := tinyA(t)
	ids := append(append(append([]int32{}, prompt...), prompt...), prompt...)
	backends.Model(t, "tinyA", m, ids, reference(t), openOpenGL(t))
}

// TestOpenGLDemo compares the trained model in the program.
func TestOpenGLDemo(t *testing.T) { runDemo(t, openOpenGL(t)) }

// TestOpenGLHead compares a model whose head is large enough to be screened.
func TestOpenGLHead(t *testing.T) { largeHead(t, openOpenGL(t)) }

// TestOpenGLRanges runs it on a device that binds no more than 120 KiB at once,
// so that head and embedding have parts.
func TestOpenGLRanges(t *testing.T) {
	m, prompt := tinyA(t)
	const limit = 120 << 10
	if whole := m.VocabSize * m.Hidden * 2; whole < 2*limit {
		t.Fatalf("the head has %d bytes: too few for parts", whole)
	}
	ids := append(append(append([]int32{}, prompt...), prompt...), prompt...)
	backends.Model(t, "tinyA", m, ids, reference(t), openNarrow(t, limit))
}

// TestOpenGLWide compares a model of two layers with the widths of the 2B4T, on
// a device that binds 16 MiB at once, the least that OpenGL 4.3 allows.
func TestOpenGLWide(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the model takes 1.4 GB")
	}
	ids := []int32{128000, 9906, 11, 1917, 0, 220, 72803}
	backends.Logits(t, "2B4T of 2 layers, 7 tokens", tiny.Big(2), ids, reference(t), openNarrow(t, 16<<20))
}

// A narrow device binds less than it could.
type narrow struct {
	driver.Device
	limit int // bytes
}

func openNarrow(t *testing.T, limit int) backends.Open {
	openOpenGL(t)
	return func(m *weights.Model, opt compute.Options) (compute.Backend, error) {
		return gpu.New(&narrow{openGLDevice(t), limit}, m, opt)
	}
}

func (n *narrow) Info() driver.Info {
	info := n.Device.Info()
	info.Limits.Range = n.limit
	return info
}

func (n *narrow) Run(l *driver.List) error {
	if err := l.Check(n.Info().Limits); err != nil {
		return err
	}
	return n.Device.Run(l)
}
