//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import vk "github.com/vulkan-go/vulkan"

// A fence tells when a submission has ended. It is the slice of one that the
// binding's functions take, made once so that a run makes no garbage.
type fence []vk.Fence

func (d *device) newFence() (fence, error) {
	info := vk.FenceCreateInfo{SType: vk.StructureTypeFenceCreateInfo}
	defer info.Free()
	f := make(fence, 1)
	if err := d.check("vkCreateFence", vk.CreateFence(d.handle, &info, nil, &f[0])); err != nil {
		return nil, err
	}
	return f, nil
}

// wait waits for a submission and makes its fence ready for the next one.
func (f fence) wait(d *device) error {
	if err := d.check("vkWaitForFences", vk.WaitForFences(d.handle, 1, f, vk.True, vk.MaxUint64)); err != nil {
		return err
	}
	return d.check("vkResetFences", vk.ResetFences(d.handle, 1, f))
}

func (f fence) free(d *device) {
	if f != nil {
		vk.DestroyFence(d.handle, f[0], nil)
	}
}
