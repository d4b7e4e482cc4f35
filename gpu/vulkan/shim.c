//go:build cgo && (linux || windows) && (amd64 || arm64)

#include "shim.h"

#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

static void *(*get_proc)(handle instance, const char *name);

const char *shim_load(const char *name, void **get_instance_proc_addr) {
#ifdef _WIN32
	HMODULE lib = LoadLibraryA(name);
	if (lib == NULL) return "cannot be loaded";
	void *found = (void *)GetProcAddress(lib, "vkGetInstanceProcAddr");
#else
	void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL) return dlerror();
	void *found = dlsym(lib, "vkGetInstanceProcAddr");
#endif
	if (found == NULL) return "has no vkGetInstanceProcAddr";
	get_proc = (void *(*)(handle, const char *))found;
	*get_instance_proc_addr = found;
	return NULL;
}

uint32_t shim_version(void) {
	result (*ask)(uint32_t *) = (result (*)(uint32_t *))get_proc(0, "vkEnumerateInstanceVersion");
	uint32_t version = 1 << 22; // 1.0 has no such function
	if (ask != NULL) ask(&version);
	return version;
}

// Structures have the names and the layout of the specification, and only those
// that this file fills. Each starts with its type and a pointer to the next.
#define BASE int32_t sType; const void *pNext

typedef struct { BASE; } VkBase;
typedef struct { char extensionName[256]; uint32_t specVersion; } VkExtensionProperties;
typedef struct { uint32_t queueFlags, queueCount, timestampValidBits, minImageTransferGranularity[3]; } VkQueueFamilyProperties;
typedef struct { BASE; uint32_t features[55]; } VkPhysicalDeviceFeatures2;
typedef struct { BASE; uint64_t memoryProperties[65]; } VkPhysicalDeviceMemoryProperties2;
typedef struct { BASE; uint64_t heaps[32]; } VkPhysicalDeviceMemoryBudgetPropertiesEXT;
typedef struct { BASE; uint32_t shaderIntegerDotProduct; } VkPhysicalDeviceShaderIntegerDotProductFeatures;
typedef struct { BASE; uint32_t unpacked8[3], packed4x8UnsignedAccelerated, packed4x8SignedAccelerated, others[25]; } VkPhysicalDeviceShaderIntegerDotProductProperties;
typedef struct { BASE; int32_t independence[2]; uint32_t others[9], rteFloat16, rteFloat32, rteFloat64, rtz[3]; } VkPhysicalDeviceFloatControlsProperties;

typedef struct { BASE; uint32_t flags, queueFamilyIndex, queueCount; const float *pQueuePriorities; } VkDeviceQueueCreateInfo;
typedef struct { BASE; uint32_t flags, queueCreateInfoCount; const VkDeviceQueueCreateInfo *pQueueCreateInfos; uint32_t layers; const void *pLayers; uint32_t enabledExtensionCount; const char *const *ppEnabledExtensionNames; const void *pEnabledFeatures; } VkDeviceCreateInfo;
typedef struct { uint32_t binding; int32_t descriptorType; uint32_t descriptorCount, stageFlags; const void *pImmutableSamplers; } VkDescriptorSetLayoutBinding;
typedef struct { BASE; uint32_t flags, bindingCount; const VkDescriptorSetLayoutBinding *pBindings; } VkDescriptorSetLayoutCreateInfo;
typedef struct { uint32_t stageFlags, offset, size; } VkPushConstantRange;
typedef struct { BASE; uint32_t flags, setLayoutCount; const handle *pSetLayouts; uint32_t pushConstantRangeCount; const VkPushConstantRange *pPushConstantRanges; } VkPipelineLayoutCreateInfo;
typedef struct { uint32_t constantID, offset; size_t size; } VkSpecializationMapEntry;
typedef struct { uint32_t mapEntryCount; const VkSpecializationMapEntry *pMapEntries; size_t dataSize; const void *pData; } VkSpecializationInfo;
typedef struct { BASE; uint32_t flags, stage; handle module; const char *pName; const VkSpecializationInfo *pSpecializationInfo; } VkPipelineShaderStageCreateInfo;
typedef struct { BASE; uint32_t flags; VkPipelineShaderStageCreateInfo stage; handle layout, basePipelineHandle; int32_t basePipelineIndex; } VkComputePipelineCreateInfo;
typedef struct { int32_t type; uint32_t descriptorCount; } VkDescriptorPoolSize;
typedef struct { BASE; uint32_t flags, maxSets, poolSizeCount; const VkDescriptorPoolSize *pPoolSizes; } VkDescriptorPoolCreateInfo;
typedef struct { BASE; handle dstSet; uint32_t dstBinding, dstArrayElement, descriptorCount; int32_t descriptorType; const void *pImageInfo; const buffer_range *pBufferInfo; const void *pTexelBufferView; } VkWriteDescriptorSet;
typedef struct { BASE; uint32_t srcAccessMask, dstAccessMask; } VkMemoryBarrier;
typedef struct { uint64_t srcOffset, dstOffset, size; } VkBufferCopy;
typedef struct { BASE; uint32_t waitSemaphoreCount; const handle *pWaitSemaphores; const uint32_t *pWaitDstStageMask; uint32_t commandBufferCount; const handle *pCommandBuffers; uint32_t signalSemaphoreCount; const handle *pSignalSemaphores; } VkSubmitInfo;

enum { // numbers of the structures' types
	DEVICE_QUEUE_CREATE_INFO = 2, DEVICE_CREATE_INFO = 3, SUBMIT_INFO = 4, SHADER_STAGE_CREATE_INFO = 18,
	COMPUTE_PIPELINE_CREATE_INFO = 29, PIPELINE_LAYOUT_CREATE_INFO = 30, DESCRIPTOR_SET_LAYOUT_CREATE_INFO = 32,
	DESCRIPTOR_POOL_CREATE_INFO = 33, WRITE_DESCRIPTOR_SET = 35, MEMORY_BARRIER = 46,
	FEATURES_2 = 1000059000, MEMORY_PROPERTIES_2 = 1000059006, FLOAT_CONTROLS_PROPERTIES = 1000197000,
	MEMORY_BUDGET_PROPERTIES = 1000237000, DOT_PRODUCT_FEATURES = 1000280000, DOT_PRODUCT_PROPERTIES = 1000280001,
	QUEUE_COMPUTE = 2, STORAGE_BUFFER = 7, STAGE_COMPUTE = 0x20, // and bits and kinds
};

#define FUNCTIONS(F) \
	F(result, EnumerateDeviceExtensionProperties, (handle, const char *, uint32_t *, VkExtensionProperties *)) \
	F(void, GetPhysicalDeviceQueueFamilyProperties, (handle, uint32_t *, VkQueueFamilyProperties *)) \
	F(void, GetPhysicalDeviceProperties2, (handle, void *)) \
	F(void, GetPhysicalDeviceFeatures2, (handle, VkPhysicalDeviceFeatures2 *)) \
	F(void, GetPhysicalDeviceMemoryProperties2, (handle, VkPhysicalDeviceMemoryProperties2 *)) \
	F(result, CreateDevice, (handle, const VkDeviceCreateInfo *, const void *, handle *)) \
	F(result, CreateDescriptorSetLayout, (handle, const VkDescriptorSetLayoutCreateInfo *, const void *, handle *)) \
	F(result, CreatePipelineLayout, (handle, const VkPipelineLayoutCreateInfo *, const void *, handle *)) \
	F(result, CreateComputePipelines, (handle, handle, uint32_t, const VkComputePipelineCreateInfo *, const void *, handle *)) \
	F(result, CreateDescriptorPool, (handle, const VkDescriptorPoolCreateInfo *, const void *, handle *)) \
	F(void, UpdateDescriptorSets, (handle, uint32_t, const VkWriteDescriptorSet *, uint32_t, const void *)) \
	F(void, CmdPipelineBarrier, (handle, uint32_t, uint32_t, uint32_t, uint32_t, const VkMemoryBarrier *, uint32_t, const void *, uint32_t, const void *)) \
	F(void, CmdCopyBuffer, (handle, handle, handle, uint32_t, const VkBufferCopy *)) \
	F(result, QueueSubmit, (handle, uint32_t, const VkSubmitInfo *, handle))

#define FIELD(type, name, args) type(*name) args;
static struct { FUNCTIONS(FIELD) } vk;
void shim_use(handle instance) {
#define LOAD(type, name, args) vk.name = (type(*) args)get_proc(instance, "vk" #name);
	FUNCTIONS(LOAD)
}

int shim_has_extension(handle physical, const char *name) {
	VkExtensionProperties list[512]; // a page of a list that no driver fills
	uint32_t n = 512;
	if (vk.EnumerateDeviceExtensionProperties(physical, NULL, &n, list) < 0) return 0;
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(list[i].extensionName, name) == 0) return 1;
	return 0;
}

int shim_compute_queue(handle physical, uint32_t *timestamp_bits) {
	VkQueueFamilyProperties q[16];
	uint32_t n = 16;
	vk.GetPhysicalDeviceQueueFamilyProperties(physical, &n, q);
	uint32_t i = 0;
	while (i < n && !(q[i].queueCount > 0 && q[i].queueFlags & QUEUE_COMPUTE)) i++;
	if (i < n) *timestamp_bits = q[i].timestampValidBits;
	return i < n ? (int)i : -1;
}

// chain puts a structure into a list behind its head.
static void chain(void *head, void *s) {
	((VkBase *)s)->pNext = ((VkBase *)head)->pNext;
	((VkBase *)head)->pNext = s;
}

void shim_properties(handle physical, void *properties2, int floats, int dots, newer *out) {
	VkPhysicalDeviceFloatControlsProperties f = {FLOAT_CONTROLS_PROPERTIES};
	VkPhysicalDeviceShaderIntegerDotProductProperties p = {DOT_PRODUCT_PROPERTIES};
	const void *rest = ((VkBase *)properties2)->pNext; // the binding's own
	if (floats) chain(properties2, &f);
	if (dots) chain(properties2, &p);
	vk.GetPhysicalDeviceProperties2(physical, properties2);
	((VkBase *)properties2)->pNext = rest;
	VkPhysicalDeviceShaderIntegerDotProductFeatures d = {DOT_PRODUCT_FEATURES};
	VkPhysicalDeviceFeatures2 features = {FEATURES_2};
	chain(&features, &d);
	if (dots) vk.GetPhysicalDeviceFeatures2(physical, &features);
	*out = (newer){d.shaderIntegerDotProduct, p.packed4x8SignedAccelerated, f.rteFloat32};
}

void shim_budget(handle physical, uint64_t heaps[32]) {
	VkPhysicalDeviceMemoryProperties2 m = {MEMORY_PROPERTIES_2};
	VkPhysicalDeviceMemoryBudgetPropertiesEXT b = {MEMORY_BUDGET_PROPERTIES};
	chain(&m, &b);
	vk.GetPhysicalDeviceMemoryProperties2(physical, &m);
	memcpy(heaps, b.heaps, sizeof b.heaps);
}

result shim_device_new(handle physical, uint32_t family, int dot, const char *const *extensions, uint32_t n, handle *out) {
	float priority = 1;
	VkPhysicalDeviceShaderIntegerDotProductFeatures d = {DOT_PRODUCT_FEATURES, .shaderIntegerDotProduct = 1};
	VkDeviceQueueCreateInfo queue = {DEVICE_QUEUE_CREATE_INFO, .queueFamilyIndex = family, .queueCount = 1, .pQueuePriorities = &priority};
	VkDeviceCreateInfo info = {DEVICE_CREATE_INFO, dot ? &d : NULL, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue,
		.enabledExtensionCount = n, .ppEnabledExtensionNames = extensions};
	return vk.CreateDevice(physical, &info, NULL, out);
}

result shim_set_layout_new(handle device, uint32_t bindings, handle *out) {
	VkDescriptorSetLayoutBinding b[32];
	for (uint32_t i = 0; i < bindings; i++) b[i] = (VkDescriptorSetLayoutBinding){i, STORAGE_BUFFER, 1, STAGE_COMPUTE, NULL};
	VkDescriptorSetLayoutCreateInfo info = {DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = bindings, .pBindings = b};
	return vk.CreateDescriptorSetLayout(device, &info, NULL, out);
}

result shim_pipeline_layout_new(handle device, handle set_layout, uint32_t params, handle *out) {
	VkPushConstantRange range = {STAGE_COMPUTE, 0, 4 * params};
	VkPipelineLayoutCreateInfo info = {PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &set_layout,
		.pushConstantRangeCount = params > 0, .pPushConstantRanges = &range};
	return vk.CreatePipelineLayout(device, &info, NULL, out);
}

result shim_compute_pipeline_new(handle device, handle cache, handle module, handle layout, const uint32_t *consts, uint32_t n, handle *out) {
	VkSpecializationMapEntry entries[32];
	for (uint32_t i = 0; i < n; i++) entries[i] = (VkSpecializationMapEntry){i, 4 * i, 4};
	VkSpecializationInfo special = {n, entries, 4 * (size_t)n, consts};
	VkComputePipelineCreateInfo info = {COMPUTE_PIPELINE_CREATE_INFO, .layout = layout,
		.stage = {SHADER_STAGE_CREATE_INFO, .stage = STAGE_COMPUTE, .module = module, .pName = "main", .pSpecializationInfo = &special}};
	return vk.CreateComputePipelines(device, cache, 1, &info, NULL, out);
}

result shim_descriptor_pool_new(handle device, uint32_t sets, uint32_t buffers, handle *out) {
	VkDescriptorPoolSize size = {STORAGE_BUFFER, buffers};
	VkDescriptorPoolCreateInfo info = {DESCRIPTOR_POOL_CREATE_INFO, .maxSets = sets, .poolSizeCount = 1, .pPoolSizes = &size};
	return vk.CreateDescriptorPool(device, &info, NULL, out);
}

void shim_write_set(handle device, handle set, uint32_t n, const buffer_range *ranges) {
	VkWriteDescriptorSet write = {WRITE_DESCRIPTOR_SET, .dstSet = set, .descriptorCount = n, .descriptorType = STORAGE_BUFFER, .pBufferInfo = ranges};
	vk.UpdateDescriptorSets(device, 1, &write, 0, NULL);
}

void shim_barrier(handle commands, uint32_t from, uint32_t to, uint32_t written, uint32_t seen) {
	VkMemoryBarrier m = {MEMORY_BARRIER, .srcAccessMask = written, .dstAccessMask = seen};
	vk.CmdPipelineBarrier(commands, from, to, 0, 1, &m, 0, NULL, 0, NULL);
}

void shim_copy(handle commands, handle src, handle dst, uint64_t src_offset, uint64_t dst_offset, uint64_t size) {
	VkBufferCopy region = {src_offset, dst_offset, size};
	vk.CmdCopyBuffer(commands, src, dst, 1, &region);
}

result shim_submit(handle queue, handle commands, handle fence) {
	VkSubmitInfo info = {SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
	return vk.QueueSubmit(queue, 1, &info, fence);
}
