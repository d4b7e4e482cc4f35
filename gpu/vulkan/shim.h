// What Go calls: each function makes Vulkan's structures on the C stack from
// plain arguments, so that no pointer to Go memory is ever kept and the garbage
// collector has nothing to move or free during a call.

#ifndef SHIM_H
#define SHIM_H

#include "vk.h"

// A result names the call that failed. code is VK_SUCCESS otherwise.
typedef struct {
	VkResult code;
	const char *call;
} result;

#define FIELD(type, name, args) type(*name) args;

typedef struct {
	VkInstance handle;
	uint32_t version;
	INSTANCE_FUNCTIONS(FIELD)
} instance;

typedef struct {
	VkDevice handle;
	VkQueue queue;
	VkCommandPool pool;
	DEVICE_FUNCTIONS(FIELD)
} device;

// facts describes a physical device.
typedef struct {
	uint32_t api, driver_version, vendor_id, device_id;
	int32_t type;
	char name[256], driver[256], driver_info[256];
	uint8_t uuid[16], cache_uuid[16];
	VkPhysicalDeviceLimits limits;
	uint64_t max_allocation;
	uint32_t subgroup;
	VkBool32 dot, fast_dot, dot_extension; // dot_extension: must be enabled by its name
	VkBool32 rte;                          // float32 rounding mode may be asked for
	VkBool32 budget_extension;
	int32_t queue_family; // -1: none computes
	uint32_t timestamp_bits;
	uint32_t types, heaps;
	VkMemoryType type_of[32];
	VkMemoryHeap heap_of[16];
} facts;

// load opens the library and returns NULL, or why it could not.
const char *shim_load(const char *name);

result shim_instance_new(instance **out);
void shim_instance_free(instance *in);
result shim_devices(instance *in, uint32_t *n, VkPhysicalDevice *out);
void shim_facts(instance *in, VkPhysicalDevice p, facts *out);
// budget fills for each heap how much may be used and how much is.
void shim_budget(instance *in, VkPhysicalDevice p, uint64_t budget[16], uint64_t usage[16]);

result shim_device_new(instance *in, VkPhysicalDevice p, const facts *f, device **out);
void shim_device_free(device *d);

// A buffer that fills memory of its own.
typedef struct {
	VkBuffer buffer;
	VkDeviceMemory memory;
	void *mapped; // NULL where not asked for
} block;

result shim_buffer_new(device *d, uint64_t size, VkBuffer *out, VkMemoryRequirements *need);
result shim_block_new(device *d, VkBuffer b, uint64_t size, uint32_t type, int map, block *out);
void shim_block_free(device *d, block b);

typedef struct {
	VkDescriptorSetLayout set_layout;
	VkPipelineLayout layout;
	VkPipeline pipeline;
} pipeline;

result shim_pipeline_new(device *d, VkPipelineCache cache, const uint32_t *code, size_t words, uint32_t bindings,
	uint32_t params, const uint32_t *consts, uint32_t nconsts, pipeline *out);
void shim_pipeline_free(device *d, pipeline p);

result shim_cache_new(device *d, const void *data, size_t size, VkPipelineCache *out);
result shim_cache_data(device *d, VkPipelineCache cache, void *data, size_t *size);
void shim_cache_free(device *d, VkPipelineCache cache);

// sets_new makes a pool of n descriptor sets; set i has counts[i] buffers, which
// stand one behind the other in infos.
result shim_sets_new(device *d, uint32_t n, const VkDescriptorSetLayout *layouts, const uint32_t *counts,
	const VkDescriptorBufferInfo *infos, VkDescriptorPool *pool, VkDescriptorSet *out);
void shim_sets_free(device *d, VkDescriptorPool pool);

// Stages as package driver counts them, and the host behind them.
enum { STAGE_COMPUTE = 1, STAGE_TRANSFER = 2, STAGE_INDIRECT = 4, STAGE_HOST = 8 };

// A command is a copy where size is not 0, and a dispatch otherwise, behind a
// barrier where from is not 0. Neither, with a size of 0 and no pipeline, is a
// barrier alone.
typedef struct {
	uint32_t from, to;
	VkBuffer src, dst;
	uint64_t src_offset, dst_offset, size;
	VkPipeline pipeline;
	VkPipelineLayout layout;
	VkDescriptorSet set;
	uint32_t params, nparams; // words[params : params+nparams]
	uint32_t groups[3];
	VkBuffer indirect; // 0: groups counts
	uint64_t indirect_offset;
} command;

result shim_commands_new(device *d, VkCommandBuffer *out);
void shim_commands_free(device *d, VkCommandBuffer cb);
// record writes n commands; where queries is not 0, with n+1 timestamps round them.
result shim_record(device *d, VkCommandBuffer cb, const command *c, uint32_t n, const uint32_t *words, VkQueryPool queries);

result shim_fence_new(device *d, VkFence *out);
void shim_fence_free(device *d, VkFence f);
result shim_submit(device *d, VkCommandBuffer cb, VkFence f);
// wait waits for a submission and makes its fence ready for the next one.
result shim_wait(device *d, VkFence f);
void shim_idle(device *d);

result shim_queries_new(device *d, uint32_t n, VkQueryPool *out);
result shim_queries(device *d, VkQueryPool p, uint32_t n, uint64_t *out);
void shim_queries_free(device *d, VkQueryPool p);

#endif
