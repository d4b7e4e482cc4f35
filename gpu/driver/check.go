package driver

import (
	"fmt"

	"bitnet-gpu/shaders"
)

// Check says what of a list breaks the contract or a device's limits. It needs
// no device.
func (l *List) Check(lim Limits) error {
	for i, c := range l.Commands {
		if err := c.check(lim); err != nil {
			return fmt.Errorf("list %s: command %d: %w", l.Label, i, err)
		}
	}
	return nil
}

func (c Upload) check(Limits) error { return checkCopy("upload", c.To, len(c.Data)) }

func (c Download) check(Limits) error { return checkCopy("download", c.From, len(c.Data)) }

func checkCopy(what string, r Range, n int) error {
	if err := r.check(4); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if n != r.Size {
		return fmt.Errorf("%s: %d bytes for a range of %d", what, n, r.Size)
	}
	return nil
}

// check verifies that a range lies in its buffer, in whole words, its offset a
// multiple of align.
func (r Range) check(align int) error {
	if r.Buffer == nil {
		return fmt.Errorf("no buffer")
	}
	if r.Offset < 0 || r.Size <= 0 || r.Offset > r.Buffer.Size()-r.Size {
		return fmt.Errorf("bytes [%d:%d] of buffer %s, which has %d", r.Offset, r.Offset+r.Size, r.Buffer.Label(), r.Buffer.Size())
	}
	if r.Offset%align != 0 || r.Size%4 != 0 {
		return fmt.Errorf("buffer %s: offset %d must be a multiple of %d and size %d of 4", r.Buffer.Label(), r.Offset, align, r.Size)
	}
	return nil
}

func (c Dispatch) check(lim Limits) error {
	if c.Kernel == nil {
		return fmt.Errorf("dispatch without a kernel")
	}
	if err := c.checkKernel(lim); err != nil {
		return fmt.Errorf("%s: %w", c.Kernel.Name, err)
	}
	for i, r := range c.Buffers {
		name := c.Kernel.Bindings[i].Name
		if err := r.check(lim.Align); err != nil {
			return fmt.Errorf("%s: binding %s: %w", c.Kernel.Name, name, err)
		}
		if r.Size > lim.Range {
			return fmt.Errorf("%s: binding %s: %d bytes, the device binds at most %d", c.Kernel.Name, name, r.Size, lim.Range)
		}
	}
	if err := c.checkOverlap(); err != nil {
		return fmt.Errorf("%s: %w", c.Kernel.Name, err)
	}
	return c.checkGroups(lim)
}

// checkOverlap verifies that nothing that a binding writes stands in another:
// within a dispatch nothing orders them.
func (c Dispatch) checkOverlap() error {
	for i, a := range c.Buffers {
		for j, b := range c.Buffers[:i] {
			x, y := c.Kernel.Bindings[i], c.Kernel.Bindings[j]
			if (x.Access|y.Access)&shaders.Write != 0 && overlap(a, b) {
				return fmt.Errorf("bindings %s and %s overlap in %s and %s", y.Name, x.Name, b, a)
			}
		}
	}
	return nil
}

func (c Dispatch) checkKernel(lim Limits) error {
	k := c.Kernel
	switch {
	case len(c.Buffers) != len(k.Bindings):
		return fmt.Errorf("%d buffers for %d bindings", len(c.Buffers), len(k.Bindings))
	case len(k.Bindings) > lim.Bindings:
		return fmt.Errorf("%d bindings, the device has %d", len(k.Bindings), lim.Bindings)
	case len(c.Params) != k.Params:
		return fmt.Errorf("%d parameters for %d", len(c.Params), k.Params)
	case k.Params > lim.Params:
		return fmt.Errorf("%d parameters, the device has %d", k.Params, lim.Params)
	case len(k.Consts) == 0 || k.GroupSize() < 1:
		return fmt.Errorf("no size of a work group")
	case k.GroupSize() > lim.GroupSize:
		return fmt.Errorf("work groups of %d, the device has %d", k.GroupSize(), lim.GroupSize)
	}
	return nil
}

func (c Dispatch) checkGroups(lim Limits) error {
	if c.Indirect.Buffer != nil {
		if err := c.Indirect.check(4); err != nil {
			return fmt.Errorf("%s: group counts: %w", c.Kernel.Name, err)
		}
		if c.Indirect.Size != 12 {
			return fmt.Errorf("%s: group counts: %d bytes, not 12", c.Kernel.Name, c.Indirect.Size)
		}
		return nil
	}
	for d, n := range c.Groups {
		if n < 1 || n > lim.Groups[d] {
			return fmt.Errorf("%s: %d groups in dimension %d, not 1 to %d", c.Kernel.Name, n, d, lim.Groups[d])
		}
	}
	return nil
}
