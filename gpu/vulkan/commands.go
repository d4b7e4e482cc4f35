//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

// #include "shim.h"
import "C"

import (
	"unsafe"

	"bitnet-gpu/gpu/driver"

	vk "github.com/vulkan-go/vulkan"
)

// A barrier is a driver.Barrier in Vulkan's words: stages wait for stages, and
// see what was written. It is for all memory, since between kernels barriers of
// single buffers buy nothing. The zero value is none.
type barrier struct {
	from, to      vk.PipelineStageFlagBits
	written, seen vk.AccessFlagBits
}

func newBarrier(b driver.Barrier) (o barrier) {
	for _, s := range stages {
		if b.From&s.stage != 0 {
			o.from |= s.vk
			o.written |= s.writes
		}
		if b.To&s.stage != 0 {
			o.to |= s.vk
			o.seen |= s.reads | s.writes
		}
	}
	return o
}

var stages = []struct {
	stage         driver.Stage
	vk            vk.PipelineStageFlagBits
	reads, writes vk.AccessFlagBits
}{
	{driver.Compute, vk.PipelineStageComputeShaderBit, vk.AccessShaderReadBit, vk.AccessShaderWriteBit},
	{driver.Transfer, vk.PipelineStageTransferBit, vk.AccessTransferReadBit, vk.AccessTransferWriteBit},
	{driver.Indirect, vk.PipelineStageDrawIndirectBit, vk.AccessIndirectCommandReadBit, 0},
}

// beforeHost lets the host see what downloads wrote.
var beforeHost = barrier{vk.PipelineStageTransferBit, vk.PipelineStageHostBit, vk.AccessTransferWriteBit, vk.AccessHostReadBit}

// record writes commands into a command buffer; where queries is not null, with a
// timestamp before the first and behind each.
func (d *device) record(b vk.CommandBuffer, commands []command, queries vk.QueryPool) error {
	if err := d.check("vkBeginCommandBuffer", vk.BeginCommandBuffer(b, &d.begin)); err != nil {
		return err
	}
	stamp := func(i int) {
		if queries != vk.NullQueryPool {
			vk.CmdWriteTimestamp(b, vk.PipelineStageBottomOfPipeBit, queries, uint32(i))
		}
	}
	if queries != vk.NullQueryPool {
		vk.CmdResetQueryPool(b, queries, 0, uint32(len(commands)+1))
	}
	stamp(0)
	var bound vk.Pipeline
	for i := range commands {
		c := &commands[i]
		if c.barrier != (barrier{}) {
			C.shim_barrier(raw(b), C.uint32_t(c.barrier.from), C.uint32_t(c.barrier.to), C.uint32_t(c.barrier.written), C.uint32_t(c.barrier.seen))
		}
		if c.size > 0 {
			C.shim_copy(raw(b), raw(c.src), raw(c.dst), C.uint64_t(c.srcOffset), C.uint64_t(c.dstOffset), C.uint64_t(c.size))
		}
		if c.pipeline != nil {
			if c.pipeline.pipeline != bound {
				bound = c.pipeline.pipeline
				vk.CmdBindPipeline(b, vk.PipelineBindPointCompute, bound)
			}
			c.dispatch(b)
		}
		stamp(i + 1)
	}
	return d.check("vkEndCommandBuffer", vk.EndCommandBuffer(b))
}

func (c *command) dispatch(b vk.CommandBuffer) {
	layout := c.pipeline.layout
	vk.CmdBindDescriptorSets(b, vk.PipelineBindPointCompute, layout, 0, 1, c.set, 0, nil)
	if n := len(c.params); n > 0 {
		vk.CmdPushConstants(b, layout, vk.ShaderStageFlags(vk.ShaderStageComputeBit), 0, uint32(4*n), unsafe.Pointer(&c.params[0]))
	}
	if c.indirect != vk.NullBuffer {
		vk.CmdDispatchIndirect(b, c.indirect, c.indirectOffset)
		return
	}
	vk.CmdDispatch(b, c.groups[0], c.groups[1], c.groups[2])
}
