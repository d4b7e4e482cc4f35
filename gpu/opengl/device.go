//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"fmt"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
	"bitnet-gpu/shaders"
)

// device is a driver.Device.
type device struct {
	thread  *thread
	context *context // current in the thread
	info    driver.Info

	programs map[*shaders.Kernel]uint32
	cache    cache
	buffers  map[*buffer]bool // that are not released
	lists    map[*driver.List]*prepared

	fault  driver.Fault
	inject func(call string, code uint32) uint32 // has a check find another code, for tests; or nil
	lost   error                                 // of the call that found the device gone
	closed bool
}

// Devices lists all devices there are, in the order in which indices count
// them, and why each was chosen or not.
func Devices(opt Options) ([]driver.Candidate, error) {
	all, err := find()
	if err != nil {
		return nil, err
	}
	return candidates(all, opt), nil
}

func candidates(all []found, opt Options) []driver.Candidate {
	list := make([]driver.Candidate, len(all))
	for i, f := range all {
		list[i].Info = f.info
		if f.reject != nil {
			list[i].Why = f.reject.Error()
		}
	}
	driver.Mark(list, opt.Device, opt.Software)
	return list
}

// Open opens the best device there is, see Devices. compute.ErrUnavailable:
// there is no library, or no device to use.
func Open(opt Options) (driver.Device, error) {
	d, err := open(opt)
	if err != nil {
		return nil, err // and not a nil *device in an interface
	}
	return d, nil
}

// open tries the next best device where one cannot be opened.
func open(opt Options) (*device, error) {
	fault, err := driver.FaultFromEnv()
	if err != nil {
		return nil, err
	}
	all, err := find()
	if err != nil {
		return nil, err
	}
	for {
		i, err := driver.Chosen("opengl", candidates(all, opt))
		if err != nil {
			return nil, err
		}
		d, err := newDevice(all[i])
		if err == nil {
			d.fault = fault
			return d, nil
		}
		all[i].reject = err
	}
}

func newDevice(f found) (*device, error) {
	d := &device{
		thread:   newThread(),
		info:     f.info,
		programs: map[*shaders.Kernel]uint32{},
		buffers:  map[*buffer]bool{},
		lists:    map[*driver.List]*prepared{},
	}
	err := d.thread.do(func() (err error) {
		d.context, err = newContext(f.place)
		return err
	})
	if err != nil {
		d.thread.stop()
		return nil, err
	}
	d.cache.open(d)
	return d, nil
}

// Info implements driver.Device.
func (d *device) Info() driver.Info { return d.info }

// Close implements driver.Device. What the context has made goes with it.
func (d *device) Close() error {
	if d.closed {
		return nil
	}
	d.closed, d.lost = true, fmt.Errorf("opengl: device is closed: %w", compute.ErrLost)
	_ = d.thread.do(func() error {
		d.context.free()
		return nil
	})
	d.thread.stop()
	for b := range d.buffers {
		b.name = 0
	}
	clear(d.buffers)
	clear(d.lists)
	return nil
}
