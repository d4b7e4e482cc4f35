//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"slices"

	"bitnet-gpu/gpu/driver"
)

// A found is a device that was found.
type found struct {
	place  place
	info   driver.Info
	reject error // why it cannot be used at all
}

// find lists the devices. A platform is asked only where no one before it has a
// device to use that is more than software: of the same hardware one would give
// another name, another driver, or none.
func find() ([]found, error) {
	if err := loadLibrary(); err != nil {
		return nil, err
	}
	var all []found
	var problems []error
	for _, platform := range places() {
		var some []found
		for _, p := range platform {
			f, err := describe(p)
			if err != nil {
				problems = append(problems, err)
			} else if !slices.ContainsFunc(all, func(o found) bool { return o.info.ID == f.info.ID }) {
				some = append(some, f)
			}
		}
		all = append(all, some...)
		if slices.ContainsFunc(some, func(f found) bool { return f.reject == nil && f.info.Type != driver.Software }) {
			break
		}
	}
	if len(all) == 0 && len(problems) > 0 {
		return nil, problems[0]
	}
	return all, nil
}

// describe makes a context for a moment.
func describe(p place) (f found, err error) {
	t := newThread()
	defer t.stop()
	err = t.do(func() error {
		c, err := newContext(p)
		if err != nil {
			return err
		}
		defer c.free()
		f = found{place: p, info: c.info(), reject: c.usable()}
		return nil
	})
	return f, err
}
