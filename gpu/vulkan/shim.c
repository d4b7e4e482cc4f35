//go:build cgo && (linux || windows) && (amd64 || arm64)

#include "shim.h"

#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

static const result OK = {VK_SUCCESS, NULL};

// TRY calls a function of an instance or a device, and returns where it fails.
#define TRY(table, name, ...) \
	do { \
		VkResult r_ = (table)->name(__VA_ARGS__); \
		if (r_ != VK_SUCCESS) return (result){r_, #name}; \
	} while (0)

// The library, instances and physical devices.

static PFN_vkGetInstanceProcAddr get_proc;

const char *shim_load(const char *name) {
#ifdef _WIN32
	HMODULE lib = LoadLibraryA(name);
	if (lib == NULL) return "cannot be loaded";
	get_proc = (PFN_vkGetInstanceProcAddr)(void *)GetProcAddress(lib, "vkGetInstanceProcAddr");
#else
	void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL) return dlerror();
	get_proc = (PFN_vkGetInstanceProcAddr)dlsym(lib, "vkGetInstanceProcAddr");
#endif
	return get_proc == NULL ? "has no vkGetInstanceProcAddr" : NULL;
}

#define VERSION(major, minor) ((uint32_t)(major) << 22 | (uint32_t)(minor) << 12)

// Newer parts of the interface than this are not used.
#define NEWEST VERSION(1, 3)

result shim_instance_new(instance **out) {
	PFN_vkCreateInstance create = (PFN_vkCreateInstance)get_proc(NULL, "vkCreateInstance");
	PFN_vkEnumerateInstanceVersion version = (PFN_vkEnumerateInstanceVersion)get_proc(NULL, "vkEnumerateInstanceVersion");
	uint32_t api = VERSION(1, 0);
	if (version != NULL) version(&api);
	if (create == NULL || api < VERSION(1, 1)) return (result){VK_ERROR_INITIALIZATION_FAILED, "vkEnumerateInstanceVersion"};
	if (api > NEWEST) api = NEWEST;

	VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, .pApplicationName = "bitnet-gpu", .apiVersion = api};
	VkInstanceCreateInfo info = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
	VkInstance handle;
	VkResult r = create(&info, NULL, &handle);
	if (r != VK_SUCCESS) return (result){r, "vkCreateInstance"};

	instance *in = calloc(1, sizeof *in);
	in->handle = handle;
	in->version = api;
#define LOAD(type, name, args) in->name = (type(*) args)get_proc(handle, #name);
	INSTANCE_FUNCTIONS(LOAD)
#undef LOAD
	*out = in;
	return OK;
}

void shim_instance_free(instance *in) {
	in->vkDestroyInstance(in->handle, NULL);
	free(in);
}

result shim_devices(instance *in, uint32_t *n, VkPhysicalDevice *out) {
	VkResult r = in->vkEnumeratePhysicalDevices(in->handle, n, out);
	if (r != VK_SUCCESS && r != VK_INCOMPLETE) return (result){r, "vkEnumeratePhysicalDevices"};
	return OK;
}

static int has_extension(const VkExtensionProperties *list, uint32_t n, const char *name) {
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(list[i].extensionName, name) == 0) return 1;
	return 0;
}

static void extensions(instance *in, VkPhysicalDevice p, facts *f, int *driver, int *dot) {
	uint32_t n = 0;
	if (in->vkEnumerateDeviceExtensionProperties(p, NULL, &n, NULL) != VK_SUCCESS || n == 0) return;
	VkExtensionProperties *list = calloc(n, sizeof *list);
	in->vkEnumerateDeviceExtensionProperties(p, NULL, &n, list);
	*driver = has_extension(list, n, "VK_KHR_driver_properties");
	*dot = has_extension(list, n, "VK_KHR_shader_integer_dot_product");
	f->budget_extension = has_extension(list, n, "VK_EXT_memory_budget");
	free(list);
}

// chain puts a structure into a list behind its head.
static void chain(void *head, void *s) {
	((VkBaseOutStructure *)s)->pNext = ((VkBaseOutStructure *)head)->pNext;
	((VkBaseOutStructure *)head)->pNext = s;
}

static void properties(instance *in, VkPhysicalDevice p, facts *f, uint32_t usable, int driver, int dot) {
	VkPhysicalDeviceProperties2 head = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
	VkPhysicalDeviceIDProperties id = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
	VkPhysicalDeviceSubgroupProperties subgroup = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
	VkPhysicalDeviceMaintenance3Properties m3 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES};
	VkPhysicalDeviceDriverProperties drv = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
	VkPhysicalDeviceFloatControlsProperties floats = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES};
	VkPhysicalDeviceShaderIntegerDotProductProperties dots = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES};
	chain(&head, &id);
	chain(&head, &subgroup);
	chain(&head, &m3);
	if (driver) chain(&head, &drv);
	if (usable >= VERSION(1, 2)) chain(&head, &floats);
	if (dot) chain(&head, &dots);
	in->vkGetPhysicalDeviceProperties2(p, &head);

	memcpy(f->name, head.deviceName, sizeof f->name);
	memcpy(f->driver, drv.driverName, sizeof f->driver);
	memcpy(f->driver_info, drv.driverInfo, sizeof f->driver_info);
	memcpy(f->uuid, id.deviceUUID, sizeof f->uuid);
	memcpy(f->cache_uuid, head.pipelineCacheUUID, sizeof f->cache_uuid);
	f->driver_version = head.driverVersion;
	f->vendor_id = head.vendorID;
	f->device_id = head.deviceID;
	f->type = head.deviceType;
	f->limits = head.limits;
	f->max_allocation = m3.maxMemoryAllocationSize;
	f->subgroup = subgroup.subgroupSize;
	f->rte = floats.shaderRoundingModeRTEFloat32;
	f->fast_dot = dots.integerDotProduct4x8BitPackedSignedAccelerated;
}

static void queues(instance *in, VkPhysicalDevice p, facts *f) {
	VkQueueFamilyProperties q[16];
	uint32_t n = 16;
	in->vkGetPhysicalDeviceQueueFamilyProperties(p, &n, q);
	f->queue_family = -1;
	for (uint32_t i = 0; i < n && f->queue_family < 0; i++) {
		if (q[i].queueCount > 0 && q[i].queueFlags & VK_QUEUE_COMPUTE_BIT) {
			f->queue_family = i;
			f->timestamp_bits = q[i].timestampValidBits;
		}
	}
}

void shim_facts(instance *in, VkPhysicalDevice p, facts *f) {
	memset(f, 0, sizeof *f);
	VkPhysicalDeviceProperties2 head = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
	f->queue_family = -1;
	in->vkGetPhysicalDeviceProperties(p, &head.apiVersion);
	f->api = head.apiVersion;
	memcpy(f->name, head.deviceName, sizeof f->name);
	f->type = head.deviceType;
	f->driver_version = head.driverVersion;
	if (f->api < VERSION(1, 1)) return;
	uint32_t usable = f->api < in->version ? f->api : in->version;

	int driver = 0, dot = 0;
	extensions(in, p, f, &driver, &dot);
	int core_dot = usable >= VERSION(1, 3);
	f->dot_extension = dot && !core_dot;
	properties(in, p, f, usable, driver || usable >= VERSION(1, 2), dot || core_dot);
	queues(in, p, f);

	if (dot || core_dot) {
		VkPhysicalDeviceFeatures2 features = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
		VkPhysicalDeviceShaderIntegerDotProductFeatures d = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES};
		chain(&features, &d);
		in->vkGetPhysicalDeviceFeatures2(p, &features);
		f->dot = d.shaderIntegerDotProduct;
	}
	VkPhysicalDeviceMemoryProperties2 m = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
	in->vkGetPhysicalDeviceMemoryProperties2(p, &m);
	f->types = m.memoryTypeCount;
	f->heaps = m.memoryHeapCount;
	memcpy(f->type_of, m.memoryTypes, sizeof f->type_of);
	memcpy(f->heap_of, m.memoryHeaps, sizeof f->heap_of);
}

void shim_budget(instance *in, VkPhysicalDevice p, uint64_t budget[16], uint64_t usage[16]) {
	VkPhysicalDeviceMemoryProperties2 m = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
	VkPhysicalDeviceMemoryBudgetPropertiesEXT b = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
	chain(&m, &b);
	in->vkGetPhysicalDeviceMemoryProperties2(p, &m);
	memcpy(budget, b.heapBudget, sizeof b.heapBudget);
	memcpy(usage, b.heapUsage, sizeof b.heapUsage);
}

// Devices.

result shim_device_new(instance *in, VkPhysicalDevice p, const facts *f, device **out) {
	float priority = 1;
	const char *names[2];
	uint32_t n = 0;
	if (f->dot && f->dot_extension) names[n++] = "VK_KHR_shader_integer_dot_product";
	if (f->budget_extension) names[n++] = "VK_EXT_memory_budget";
	VkPhysicalDeviceShaderIntegerDotProductFeatures dot = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES, .shaderIntegerDotProduct = 1};
	VkDeviceQueueCreateInfo queue = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueFamilyIndex = f->queue_family, .queueCount = 1, .pQueuePriorities = &priority};
	VkDeviceCreateInfo info = {
		VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.pNext = f->dot ? &dot : NULL,
		.queueCreateInfoCount = 1,
		.pQueueCreateInfos = &queue,
		.enabledExtensionCount = n,
		.ppEnabledExtensionNames = names,
	};
	VkDevice handle;
	TRY(in, vkCreateDevice, p, &info, NULL, &handle);

	device *d = calloc(1, sizeof *d);
	d->handle = handle;
#define LOAD(type, name, args) d->name = (type(*) args)in->vkGetDeviceProcAddr(handle, #name);
	DEVICE_FUNCTIONS(LOAD)
#undef LOAD
	d->vkGetDeviceQueue(handle, f->queue_family, 0, &d->queue);
	VkCommandPoolCreateInfo pool = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT, .queueFamilyIndex = f->queue_family};
	VkResult r = d->vkCreateCommandPool(handle, &pool, NULL, &d->pool);
	if (r != VK_SUCCESS) {
		shim_device_free(d);
		return (result){r, "vkCreateCommandPool"};
	}
	*out = d;
	return OK;
}

void shim_device_free(device *d) {
	if (d->pool != 0) d->vkDestroyCommandPool(d->handle, d->pool, NULL);
	d->vkDestroyDevice(d->handle, NULL);
	free(d);
}

void shim_idle(device *d) { d->vkDeviceWaitIdle(d->handle); }

// Memory.

result shim_buffer_new(device *d, uint64_t size, VkBuffer *out, VkMemoryRequirements *need) {
	VkBufferCreateInfo info = {
		VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.size = size,
		.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT,
	};
	TRY(d, vkCreateBuffer, d->handle, &info, NULL, out);
	d->vkGetBufferMemoryRequirements(d->handle, *out, need);
	return OK;
}

static result fill_block(device *d, uint64_t size, uint32_t type, int map, block *b) {
	VkMemoryAllocateInfo info = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = size, .memoryTypeIndex = type};
	TRY(d, vkAllocateMemory, d->handle, &info, NULL, &b->memory);
	TRY(d, vkBindBufferMemory, d->handle, b->buffer, b->memory, 0);
	if (map) TRY(d, vkMapMemory, d->handle, b->memory, 0, size, 0, &b->mapped);
	return OK;
}

result shim_block_new(device *d, VkBuffer buffer, uint64_t size, uint32_t type, int map, block *out) {
	block b = {.buffer = buffer};
	result r = fill_block(d, size, type, map, &b);
	if (r.code != VK_SUCCESS)
		shim_block_free(d, b);
	else
		*out = b;
	return r;
}

void shim_block_free(device *d, block b) {
	d->vkDestroyBuffer(d->handle, b.buffer, NULL);
	d->vkFreeMemory(d->handle, b.memory, NULL); // unmaps it
}

// Pipelines.

static result fill_pipeline(device *d, VkPipelineCache cache, VkShaderModule module, uint32_t bindings, uint32_t params,
	const VkSpecializationInfo *consts, pipeline *p) {
	VkDescriptorSetLayoutBinding b[32];
	for (uint32_t i = 0; i < bindings; i++)
		b[i] = (VkDescriptorSetLayoutBinding){i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL};
	VkDescriptorSetLayoutCreateInfo set = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = bindings, .pBindings = b};
	TRY(d, vkCreateDescriptorSetLayout, d->handle, &set, NULL, &p->set_layout);

	VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 4 * params};
	VkPipelineLayoutCreateInfo layout = {
		VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
		.setLayoutCount = 1,
		.pSetLayouts = &p->set_layout,
		.pushConstantRangeCount = params > 0,
		.pPushConstantRanges = &range,
	};
	TRY(d, vkCreatePipelineLayout, d->handle, &layout, NULL, &p->layout);

	VkComputePipelineCreateInfo info = {VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO, .layout = p->layout};
	info.stage = (VkPipelineShaderStageCreateInfo){
		VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
		.stage = VK_SHADER_STAGE_COMPUTE_BIT,
		.module = module,
		.pName = "main",
		.pSpecializationInfo = consts,
	};
	TRY(d, vkCreateComputePipelines, d->handle, cache, 1, &info, NULL, &p->pipeline);
	return OK;
}

result shim_pipeline_new(device *d, VkPipelineCache cache, const uint32_t *code, size_t words, uint32_t bindings,
	uint32_t params, const uint32_t *consts, uint32_t nconsts, pipeline *out) {
	VkShaderModuleCreateInfo info = {VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = 4 * words, .pCode = code};
	VkShaderModule module;
	TRY(d, vkCreateShaderModule, d->handle, &info, NULL, &module);

	VkSpecializationMapEntry entries[32];
	for (uint32_t i = 0; i < nconsts; i++) entries[i] = (VkSpecializationMapEntry){i, 4 * i, 4};
	VkSpecializationInfo spec = {nconsts, entries, 4 * (size_t)nconsts, consts};
	pipeline p = {0};
	result r = fill_pipeline(d, cache, module, bindings, params, &spec, &p);
	d->vkDestroyShaderModule(d->handle, module, NULL);
	if (r.code != VK_SUCCESS)
		shim_pipeline_free(d, p);
	else
		*out = p;
	return r;
}

void shim_pipeline_free(device *d, pipeline p) {
	d->vkDestroyPipeline(d->handle, p.pipeline, NULL);
	d->vkDestroyPipelineLayout(d->handle, p.layout, NULL);
	d->vkDestroyDescriptorSetLayout(d->handle, p.set_layout, NULL);
}

result shim_cache_new(device *d, const void *data, size_t size, VkPipelineCache *out) {
	VkPipelineCacheCreateInfo info = {VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO, .initialDataSize = size, .pInitialData = data};
	TRY(d, vkCreatePipelineCache, d->handle, &info, NULL, out);
	return OK;
}

result shim_cache_data(device *d, VkPipelineCache cache, void *data, size_t *size) {
	TRY(d, vkGetPipelineCacheData, d->handle, cache, size, data);
	return OK;
}

void shim_cache_free(device *d, VkPipelineCache cache) { d->vkDestroyPipelineCache(d->handle, cache, NULL); }

// Descriptor sets.

static result fill_sets(device *d, uint32_t n, const VkDescriptorSetLayout *layouts, const uint32_t *counts,
	const VkDescriptorBufferInfo *infos, VkDescriptorPool pool, VkDescriptorSet *out) {
	VkDescriptorSetAllocateInfo info = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorPool = pool, .descriptorSetCount = n, .pSetLayouts = layouts};
	TRY(d, vkAllocateDescriptorSets, d->handle, &info, out);
	for (uint32_t i = 0; i < n; infos += counts[i++]) {
		if (counts[i] == 0) continue;
		VkWriteDescriptorSet write = {
			VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
			.dstSet = out[i],
			.descriptorCount = counts[i], // of consecutive bindings, from 0
			.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
			.pBufferInfo = infos,
		};
		d->vkUpdateDescriptorSets(d->handle, 1, &write, 0, NULL);
	}
	return OK;
}

result shim_sets_new(device *d, uint32_t n, const VkDescriptorSetLayout *layouts, const uint32_t *counts,
	const VkDescriptorBufferInfo *infos, VkDescriptorPool *pool, VkDescriptorSet *out) {
	uint32_t buffers = 1; // a pool of none is not allowed
	for (uint32_t i = 0; i < n; i++) buffers += counts[i];
	VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, buffers};
	VkDescriptorPoolCreateInfo info = {VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = n, .poolSizeCount = 1, .pPoolSizes = &size};
	TRY(d, vkCreateDescriptorPool, d->handle, &info, NULL, pool);
	result r = fill_sets(d, n, layouts, counts, infos, *pool, out);
	if (r.code != VK_SUCCESS) shim_sets_free(d, *pool);
	return r;
}

void shim_sets_free(device *d, VkDescriptorPool pool) { d->vkDestroyDescriptorPool(d->handle, pool, NULL); }

// Command buffers.

result shim_commands_new(device *d, VkCommandBuffer *out) {
	VkCommandBufferAllocateInfo info = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = d->pool, .commandBufferCount = 1};
	TRY(d, vkAllocateCommandBuffers, d->handle, &info, out);
	return OK;
}

void shim_commands_free(device *d, VkCommandBuffer cb) { d->vkFreeCommandBuffers(d->handle, d->pool, 1, &cb); }

// One global barrier: between kernels, barriers of single buffers buy nothing.
static void barrier(device *d, VkCommandBuffer cb, uint32_t from, uint32_t to) {
	uint32_t src = 0, dst = 0;
	VkMemoryBarrier m = {VK_STRUCTURE_TYPE_MEMORY_BARRIER};
	if (from & STAGE_COMPUTE) src |= VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, m.srcAccessMask |= VK_ACCESS_SHADER_WRITE_BIT;
	if (from & STAGE_TRANSFER) src |= VK_PIPELINE_STAGE_TRANSFER_BIT, m.srcAccessMask |= VK_ACCESS_TRANSFER_WRITE_BIT;
	if (from & STAGE_INDIRECT) src |= VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT;
	if (to & STAGE_COMPUTE) dst |= VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, m.dstAccessMask |= VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
	if (to & STAGE_TRANSFER) dst |= VK_PIPELINE_STAGE_TRANSFER_BIT, m.dstAccessMask |= VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
	if (to & STAGE_INDIRECT) dst |= VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT, m.dstAccessMask |= VK_ACCESS_INDIRECT_COMMAND_READ_BIT;
	if (to & STAGE_HOST) dst |= VK_PIPELINE_STAGE_HOST_BIT, m.dstAccessMask |= VK_ACCESS_HOST_READ_BIT;
	d->vkCmdPipelineBarrier(cb, src, dst, 0, 1, &m, 0, NULL, 0, NULL);
}

static void dispatch(device *d, VkCommandBuffer cb, const command *c, const uint32_t *words) {
	d->vkCmdBindDescriptorSets(cb, VK_PIPELINE_BIND_POINT_COMPUTE, c->layout, 0, 1, &c->set, 0, NULL);
	if (c->nparams > 0) d->vkCmdPushConstants(cb, c->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, 4 * c->nparams, words + c->params);
	if (c->indirect != 0)
		d->vkCmdDispatchIndirect(cb, c->indirect, c->indirect_offset);
	else
		d->vkCmdDispatch(cb, c->groups[0], c->groups[1], c->groups[2]);
}

result shim_record(device *d, VkCommandBuffer cb, const command *c, uint32_t n, const uint32_t *words, VkQueryPool queries) {
	VkCommandBufferBeginInfo info = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
	TRY(d, vkBeginCommandBuffer, cb, &info);
	if (queries != 0) {
		d->vkCmdResetQueryPool(cb, queries, 0, n + 1);
		d->vkCmdWriteTimestamp(cb, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, 0);
	}
	VkPipeline bound = 0;
	for (uint32_t i = 0; i < n; i++, c++) {
		if (c->from != 0) barrier(d, cb, c->from, c->to);
		if (c->size > 0) {
			VkBufferCopy region = {c->src_offset, c->dst_offset, c->size};
			d->vkCmdCopyBuffer(cb, c->src, c->dst, 1, &region);
		} else if (c->pipeline != 0) {
			if (c->pipeline != bound) d->vkCmdBindPipeline(cb, VK_PIPELINE_BIND_POINT_COMPUTE, c->pipeline);
			bound = c->pipeline;
			dispatch(d, cb, c, words);
		}
		if (queries != 0) d->vkCmdWriteTimestamp(cb, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, i + 1);
	}
	TRY(d, vkEndCommandBuffer, cb);
	return OK;
}

// Submissions.

result shim_fence_new(device *d, VkFence *out) {
	VkFenceCreateInfo info = {VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
	TRY(d, vkCreateFence, d->handle, &info, NULL, out);
	return OK;
}

void shim_fence_free(device *d, VkFence f) { d->vkDestroyFence(d->handle, f, NULL); }

result shim_submit(device *d, VkCommandBuffer cb, VkFence f) {
	VkSubmitInfo info = {VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &cb};
	TRY(d, vkQueueSubmit, d->queue, 1, &info, f);
	return OK;
}

result shim_wait(device *d, VkFence f) {
	TRY(d, vkWaitForFences, d->handle, 1, &f, 1, UINT64_MAX);
	TRY(d, vkResetFences, d->handle, 1, &f);
	return OK;
}

result shim_queries_new(device *d, uint32_t n, VkQueryPool *out) {
	VkQueryPoolCreateInfo info = {VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_TIMESTAMP, .queryCount = n};
	TRY(d, vkCreateQueryPool, d->handle, &info, NULL, out);
	return OK;
}

result shim_queries(device *d, VkQueryPool p, uint32_t n, uint64_t *out) {
	TRY(d, vkGetQueryPoolResults, d->handle, p, 0, n, n * sizeof *out, out, sizeof *out, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
	return OK;
}

void shim_queries_free(device *d, VkQueryPool p) { d->vkDestroyQueryPool(d->handle, p, NULL); }
