package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
)

// A choice is a backend to try.
type choice struct {
	name string
	open func(m *weights.Model, opt compute.Options, device string) (compute.Backend, error)
}

// backends is what there is to choose from, the best first.
var backends = []choice{
	{"vulkan", openVulkan},
	{"opengl", openOpenGL},
	{"cpu", openCPU},
}

func openCPU(m *weights.Model, opt compute.Options, _ string) (compute.Backend, error) {
	return cpu.New(m, opt)
}

// Backends returns the names that Options.Backend knows beside "auto".
func Backends() []string {
	var names []string
	for _, c := range backends {
		names = append(names, c.name)
	}
	return names
}

// choices returns the backends that a name allows: for "auto" all of them, else
// the one, which is never replaced by another. A device that is named allows
// only those that have devices: "cpu" is the CPU backend's.
func choices(name, device string) ([]choice, error) {
	var from []choice
	for _, c := range backends {
		if (name == "" || name == "auto" || name == c.name) && (device == "" || (device == "cpu") == (c.name == "cpu")) {
			from = append(from, c)
		}
	}
	switch {
	case from != nil:
		return from, nil
	case slices.Contains(Backends(), name):
		return nil, fmt.Errorf("%w: backend %s has no device %q", ErrUsage, name, device)
	}
	return nil, fmt.Errorf("%w: unknown backend %q; there are auto, %s", ErrUsage, name, strings.Join(Backends(), ", "))
}

// pick opens the first backend that works. It returns those behind it, and the
// reasons, a line each, why those before it did not.
func pick(from []choice, m *weights.Model, opt compute.Options, device string) (b compute.Backend, rest []choice, reasons []string, err error) {
	for i, c := range from {
		if b, err = c.open(m, opt, device); err == nil {
			return b, from[i+1:], reasons, nil
		}
		if !errors.Is(err, compute.ErrUnavailable) && !errors.Is(err, compute.ErrMemory) && !errors.Is(err, compute.ErrLost) {
			return nil, nil, nil, err
		}
		reasons = append(reasons, strip(err))
	}
	kind := compute.ErrUnavailable
	if errors.Is(err, compute.ErrMemory) {
		kind = compute.ErrMemory
	}
	return nil, nil, nil, fmt.Errorf("%s: %w", strings.Join(reasons, "; "), kind)
}

// errRefeed says that a slot's cache is void, since another backend took over:
// its tokens are to be fed again from the first on.
var errRefeed = errors.New("feed the slot again")

// forward runs one step of a slot. One goroutine at a time has the backend. If
// the backend fails for good, the next one takes over, where the choice of the
// backend was left to the engine: equal arithmetic makes the text the same.
func (e *Engine) forward(s *slot, step compute.Step) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	if s.epoch != e.epoch {
		s.epoch, s.tokens = e.epoch, nil
		return errRefeed
	}
	err := e.backend.Forward([]compute.Step{step})
	if (errors.Is(err, compute.ErrLost) || errors.Is(err, compute.ErrMemory)) && len(e.rest) > 0 {
		return e.replace(err)
	}
	return err
}

// replace opens the next backend in place of one that failed.
func (e *Engine) replace(cause error) error {
	failed := e.info.Backend
	_ = e.backend.Close() // it is gone: what it says now changes nothing
	b, rest, reasons, err := pick(e.rest, e.model, e.options, e.device)
	if err != nil {
		e.rest, e.backend = nil, broken{cause}
		return errors.Join(cause, err)
	}
	e.reasons = append(append(e.reasons, fmt.Sprintf("%s: %v", failed, cause)), reasons...)
	e.backend, e.rest, e.info = b, rest, b.Info()
	e.epoch++
	if e.notice != nil {
		e.notice(fmt.Sprintf("%s: %v; going on with %s", failed, cause, e.info.Backend))
	}
	return errRefeed
}

// broken stands for a backend that is gone.
type broken struct{ cause error }

func (b broken) Info() compute.Info           { return compute.Info{} }
func (b broken) Forward([]compute.Step) error { return b.cause }
func (b broken) Close() error                 { return nil }
