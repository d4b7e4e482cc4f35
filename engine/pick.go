package engine

import (
	"errors"
	"fmt"
	"strings"

	"bitnet-gpu/cpu"
	"bitnet-gpu/engine/compute"
	"bitnet-gpu/weights"
)

// backends is what there is to choose from, the best first. A nil open means
// that this build lacks it.
var backends = []struct {
	name string
	open func(*weights.Model, compute.Options) (compute.Backend, error)
}{
	{"vulkan", nil},
	{"opengl", nil},
	{"cpu", cpu.New},
}

// Backends returns the names that Options.Backend knows beside "auto".
func Backends() []string {
	var names []string
	for _, b := range backends {
		names = append(names, b.name)
	}
	return names
}

// pick opens the backend of that name, or for "auto" the first that works, with
// the reasons why those before it did not. A backend that was named is never
// replaced by another.
func pick(name string, m *weights.Model, opt compute.Options) (b compute.Backend, reasons []string, err error) {
	known := false
	for _, c := range backends {
		if name != "auto" && name != c.name {
			continue
		}
		known = true
		if c.open == nil {
			err = fmt.Errorf("%s: not in this build: %w", c.name, compute.ErrUnavailable)
		} else if b, err = c.open(m, opt); err == nil {
			return b, reasons, nil
		}
		if !errors.Is(err, compute.ErrUnavailable) && !errors.Is(err, compute.ErrMemory) {
			return nil, nil, err
		}
		reasons = append(reasons, strings.TrimSuffix(err.Error(), ": "+compute.ErrUnavailable.Error()))
	}
	if !known {
		return nil, nil, fmt.Errorf("%w: unknown backend %q; there are auto, %s", ErrUsage, name, strings.Join(Backends(), ", "))
	}
	return nil, nil, err
}
