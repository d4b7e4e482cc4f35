//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"
	"time"
	"unsafe"

	"bitnet-gpu/gpu/driver"

	vk "github.com/vulkan-go/vulkan"
)

// Run implements driver.Device.
func (d *device) Run(l *driver.List) error { return d.run(l, vk.NullQueryPool) }

// run runs a list; where queries is not null it is recorded with them.
func (d *device) run(l *driver.List, queries vk.QueryPool) error {
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
	if err := d.submit(r.buffer[0], d.fence); err != nil {
		return fmt.Errorf("list %s: %w", l.Label, err)
	}
	if err := d.fence.wait(d); err != nil {
		return fmt.Errorf("list %s: %w", l.Label, err)
	}
	r.download(l)
	return nil
}

func (r *recorded) record(d *device, queries vk.QueryPool) error {
	r.fresh = true
	if err := d.record(r.buffer[0], r.commands, queries); err != nil {
		return err
	}
	r.queries = queries
	r.fresh = queries != vk.NullQueryPool // the queries end with their run
	return nil
}

// Time implements driver.Device.
func (d *device) Time(l *driver.List) ([]time.Duration, error) {
	if d.facts.timestampBits == 0 || d.facts.timestampPeriod <= 0 {
		return nil, nil
	}
	r, err := d.recorded(l)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", l.Label, err)
	}
	stamps, err := d.stamps(l, len(r.commands)+1)
	if err != nil {
		return nil, err
	}
	times := make([]time.Duration, len(l.Commands))
	mask := ^uint64(0) >> (64 - d.facts.timestampBits)
	for i := range times {
		ticks := (stamps[i+2] - stamps[i+1]) & mask // the command before the first is a barrier
		times[i] = time.Duration(float64(ticks) * float64(d.facts.timestampPeriod))
	}
	return times, nil
}

// stamps runs a list with n timestamps, and returns them.
func (d *device) stamps(l *driver.List, n int) ([]uint64, error) {
	info := vk.QueryPoolCreateInfo{
		SType:      vk.StructureTypeQueryPoolCreateInfo,
		QueryType:  vk.QueryTypeTimestamp,
		QueryCount: uint32(n),
	}
	defer info.Free()
	var queries vk.QueryPool
	if err := d.check("vkCreateQueryPool", vk.CreateQueryPool(d.handle, &info, nil, &queries)); err != nil {
		return nil, err
	}
	defer vk.DestroyQueryPool(d.handle, queries, nil)
	if err := d.run(l, queries); err != nil {
		return nil, err
	}
	stamps := make([]uint64, n)
	const flags = vk.QueryResultFlags(vk.QueryResult64Bit | vk.QueryResultWaitBit)
	r := vk.GetQueryPoolResults(d.handle, queries, 0, uint32(n), uint(8*n), unsafe.Pointer(&stamps[0]), 8, flags)
	return stamps, d.check("vkGetQueryPoolResults", r)
}
