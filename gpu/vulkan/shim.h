// What the binding cannot do: opening the library, calls that take slices of
// structures, and what came to Vulkan after the binding's headers. Each function
// makes Vulkan's structures on the C stack from plain arguments, so that nothing
// of Go's is kept and the garbage collector has nothing to move or free.

#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint64_t handle; // of any object: systems are 64-bit
typedef int32_t result;  // VkResult

// load returns NULL and the library's vkGetInstanceProcAddr, or why it could not.
const char *shim_load(const char *name, void **get_instance_proc_addr);
uint32_t shim_version(void); // of the library's instances
void shim_use(handle instance); // its functions are called from now on

int shim_has_extension(handle physical, const char *name);
// compute_queue returns the first family of queues that compute, or -1.
int shim_compute_queue(handle physical, uint32_t *timestamp_bits);

// newer than the binding's headers: integer dot product, and whether the rounding
// of float32 to nearest, ties to even, may be asked for.
typedef struct { uint32_t dot, fast_dot, rte; } newer;
// properties fills a VkPhysicalDeviceProperties2 with its chain, and of newer
// what the device can be asked for.
void shim_properties(handle physical, void *properties2, int floats, int dots, newer *out);
// budget fills for each of 16 heaps how much may be used, and then how much is.
void shim_budget(handle physical, uint64_t heaps[32]);

result shim_device_new(handle physical, uint32_t family, int dot, const char *const *extensions, uint32_t n, handle *out);
// A set has storage buffers alone, push constants are words, and specialisation
// constants count from id 0.
result shim_set_layout_new(handle device, uint32_t bindings, handle *out);
result shim_pipeline_layout_new(handle device, handle set_layout, uint32_t params, handle *out);
result shim_compute_pipeline_new(handle device, handle cache, handle module, handle layout, const uint32_t *consts, uint32_t n, handle *out);

typedef struct { handle buffer; uint64_t offset, size; } buffer_range; // VkDescriptorBufferInfo
result shim_descriptor_pool_new(handle device, uint32_t sets, uint32_t buffers, handle *out);
void shim_write_set(handle device, handle set, uint32_t n, const buffer_range *ranges); // bindings 0 to n-1

void shim_barrier(handle commands, uint32_t from, uint32_t to, uint32_t written, uint32_t seen);
void shim_copy(handle commands, handle src, handle dst, uint64_t src_offset, uint64_t dst_offset, uint64_t size);
result shim_submit(handle queue, handle commands, handle fence);
