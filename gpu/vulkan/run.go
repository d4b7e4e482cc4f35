//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

import (
	"fmt"
	"time"
	"unsafe"

	"bitnet-gpu/gpu/driver"
)

// Run implements driver.Device.
func (d *device) Run(l *driver.List) error { return d.run(l, 0) }

// run runs a list; where queries is not 0 it is recorded with them.
func (d *device) run(l *driver.List, queries C.VkQueryPool) error {
	if d.lost != nil {
		return d.lost
	}
	r, err := d.recorded(l)
	if err != nil {
		return fmt.Errorf("list %s: %w", l.Label, err)
	}
	if r.gatherParams(l) || queries != r.queries {
		if err := r.record(d, queries); err != nil {
			return fmt.Errorf("list %s: %w", l.Label, err)
		}
	}
	r.upload(l)
	if err := d.submit(r.buffer, d.fence); err != nil {
		return fmt.Errorf("list %s: %w", l.Label, err)
	}
	if err := d.check(C.shim_wait(d.c, d.fence)); err != nil {
		return fmt.Errorf("list %s: %w", l.Label, err)
	}
	r.download(l)
	return nil
}

// Time implements driver.Device.
func (d *device) Time(l *driver.List) ([]time.Duration, error) {
	if d.facts.timestamp_bits == 0 || d.facts.limits.timestampPeriod <= 0 {
		return nil, nil
	}
	r, err := d.recorded(l)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", l.Label, err)
	}
	stamps := make([]uint64, len(r.commands)+1)
	var queries C.VkQueryPool
	if err := d.check(C.shim_queries_new(d.c, C.uint32_t(len(stamps)), &queries)); err != nil {
		return nil, err
	}
	defer C.shim_queries_free(d.c, queries)
	if err := d.run(l, queries); err != nil {
		return nil, err
	}
	if err := d.check(C.shim_queries(d.c, queries, C.uint32_t(len(stamps)), (*C.uint64_t)(unsafe.Pointer(&stamps[0])))); err != nil {
		return nil, err
	}
	times := make([]time.Duration, len(l.Commands))
	mask := ^uint64(0) >> (64 - d.facts.timestamp_bits)
	for i := range times {
		ticks := (stamps[i+2] - stamps[i+1]) & mask // the command before the first is a barrier
		times[i] = time.Duration(float64(ticks) * float64(d.facts.limits.timestampPeriod))
	}
	return times, nil
}
