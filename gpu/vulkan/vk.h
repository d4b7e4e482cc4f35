// The part of Vulkan's C interface that this package uses, declared from the
// public specification: handles, structures with the numbers of their types,
// and pointers to functions. Structures keep the specification's layout; runs
// of fields that nothing here reads are arrays. Only 64-bit systems.

#ifndef VK_H
#define VK_H

#include <stddef.h>
#include <stdint.h>

typedef struct VkInstance_T *VkInstance;
typedef struct VkPhysicalDevice_T *VkPhysicalDevice;
typedef struct VkDevice_T *VkDevice;
typedef struct VkQueue_T *VkQueue;
typedef struct VkCommandBuffer_T *VkCommandBuffer;
typedef uint64_t VkBuffer, VkDeviceMemory, VkFence, VkShaderModule, VkPipeline, VkPipelineLayout, VkPipelineCache,
	VkDescriptorSetLayout, VkDescriptorPool, VkDescriptorSet, VkCommandPool, VkQueryPool;
typedef int32_t VkResult;
typedef uint32_t VkBool32;
typedef uint64_t VkDeviceSize;

_Static_assert(sizeof(void *) == 8, "only 64-bit systems");

enum {
	VK_SUCCESS = 0,
	VK_INCOMPLETE = 5,
	VK_ERROR_INITIALIZATION_FAILED = -3,

	VK_QUEUE_COMPUTE_BIT = 2,

	VK_DESCRIPTOR_TYPE_STORAGE_BUFFER = 7,
	VK_SHADER_STAGE_COMPUTE_BIT = 0x20,
	VK_PIPELINE_BIND_POINT_COMPUTE = 1,
	VK_QUERY_TYPE_TIMESTAMP = 2,
	VK_QUERY_RESULT_64_BIT = 1,
	VK_QUERY_RESULT_WAIT_BIT = 2,

	VK_BUFFER_USAGE_TRANSFER_SRC_BIT = 0x1,
	VK_BUFFER_USAGE_TRANSFER_DST_BIT = 0x2,
	VK_BUFFER_USAGE_STORAGE_BUFFER_BIT = 0x20,
	VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT = 0x100,

	VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT = 0x2,
	VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT = 0x800,
	VK_PIPELINE_STAGE_TRANSFER_BIT = 0x1000,
	VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT = 0x2000,
	VK_PIPELINE_STAGE_HOST_BIT = 0x4000,

	VK_ACCESS_INDIRECT_COMMAND_READ_BIT = 0x1,
	VK_ACCESS_SHADER_READ_BIT = 0x20,
	VK_ACCESS_SHADER_WRITE_BIT = 0x40,
	VK_ACCESS_TRANSFER_READ_BIT = 0x800,
	VK_ACCESS_TRANSFER_WRITE_BIT = 0x1000,
	VK_ACCESS_HOST_READ_BIT = 0x2000,

	VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT = 2,
};

// Every structure below starts with its type and a pointer to the next one.
typedef struct {
	int32_t sType;
	void *pNext;
} VkBaseOutStructure;

enum {
	VK_STRUCTURE_TYPE_APPLICATION_INFO = 0,
	VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO = 1,
	VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO = 2,
	VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO = 3,
	VK_STRUCTURE_TYPE_SUBMIT_INFO = 4,
	VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO = 5,
	VK_STRUCTURE_TYPE_FENCE_CREATE_INFO = 8,
	VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO = 11,
	VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO = 12,
	VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO = 16,
	VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO = 17,
	VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO = 18,
	VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO = 29,
	VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO = 30,
	VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO = 32,
	VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO = 33,
	VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO = 34,
	VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET = 35,
	VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO = 39,
	VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO = 40,
	VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO = 42,
	VK_STRUCTURE_TYPE_MEMORY_BARRIER = 46,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2 = 1000059000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2 = 1000059001,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2 = 1000059006,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES = 1000071004,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES = 1000094000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES = 1000168000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES = 1000196000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES = 1000197000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT = 1000237000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES = 1000280000,
	VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES = 1000280001,
};

// Instance and physical devices.

typedef struct {
	int32_t sType;
	const void *pNext;
	const char *pApplicationName;
	uint32_t applicationVersion;
	const char *pEngineName;
	uint32_t engineVersion;
	uint32_t apiVersion;
} VkApplicationInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	const VkApplicationInfo *pApplicationInfo;
	uint32_t enabledLayerCount;
	const char *const *ppEnabledLayerNames;
	uint32_t enabledExtensionCount;
	const char *const *ppEnabledExtensionNames;
} VkInstanceCreateInfo;

typedef struct {
	uint32_t before[7];
	uint32_t maxStorageBufferRange;
	uint32_t maxPushConstantsSize;
	uint32_t allocations[2];
	VkDeviceSize granularity[2];
	uint32_t sets[3];
	uint32_t maxPerStageDescriptorStorageBuffers;
	uint32_t graphics[34];
	uint32_t maxComputeSharedMemorySize;
	uint32_t maxComputeWorkGroupCount[3];
	uint32_t maxComputeWorkGroupInvocations;
	uint32_t maxComputeWorkGroupSize[3];
	uint32_t views[13];
	size_t minMemoryMapAlignment;
	VkDeviceSize texelAndUniformAlignment[2];
	VkDeviceSize minStorageBufferOffsetAlignment;
	uint32_t images[21];
	VkBool32 timestampComputeAndGraphics;
	float timestampPeriod;
	uint32_t lines[12];
	VkDeviceSize copies[3];
} VkPhysicalDeviceLimits;

_Static_assert(offsetof(VkPhysicalDeviceLimits, maxComputeSharedMemorySize) == 216, "layout");
_Static_assert(offsetof(VkPhysicalDeviceLimits, minStorageBufferOffsetAlignment) == 328, "layout");
_Static_assert(offsetof(VkPhysicalDeviceLimits, timestampPeriod) == 424, "layout");
_Static_assert(sizeof(VkPhysicalDeviceLimits) == 504, "layout");

typedef struct {
	int32_t sType;
	void *pNext;
	uint32_t apiVersion;
	uint32_t driverVersion;
	uint32_t vendorID;
	uint32_t deviceID;
	int32_t deviceType;
	char deviceName[256];
	uint8_t pipelineCacheUUID[16];
	VkPhysicalDeviceLimits limits;
	VkBool32 sparse[5];
} VkPhysicalDeviceProperties2;

_Static_assert(sizeof(VkPhysicalDeviceProperties2) == 16 + 824, "layout");

typedef struct {
	int32_t sType;
	void *pNext;
	uint8_t deviceUUID[16];
	uint8_t driverUUID[16];
	uint8_t deviceLUID[8];
	uint32_t deviceNodeMask;
	VkBool32 deviceLUIDValid;
} VkPhysicalDeviceIDProperties;

typedef struct {
	int32_t sType;
	void *pNext;
	uint32_t subgroupSize;
	uint32_t supportedStages;
	uint32_t supportedOperations;
	VkBool32 quadOperationsInAllStages;
} VkPhysicalDeviceSubgroupProperties;

typedef struct {
	int32_t sType;
	void *pNext;
	uint32_t maxPerSetDescriptors;
	VkDeviceSize maxMemoryAllocationSize;
} VkPhysicalDeviceMaintenance3Properties;

typedef struct {
	int32_t sType;
	void *pNext;
	int32_t driverID;
	char driverName[256];
	char driverInfo[256];
	uint8_t conformanceVersion[4];
} VkPhysicalDeviceDriverProperties;

typedef struct {
	int32_t sType;
	void *pNext;
	int32_t independence[2];
	VkBool32 preserveAndFlush[10];
	VkBool32 shaderRoundingModeRTEFloat32;
	VkBool32 others[4];
} VkPhysicalDeviceFloatControlsProperties;

typedef struct {
	int32_t sType;
	void *pNext;
	VkBool32 plain8Bit[3];
	VkBool32 integerDotProduct4x8BitPackedUnsignedAccelerated;
	VkBool32 integerDotProduct4x8BitPackedSignedAccelerated;
	VkBool32 integerDotProduct4x8BitPackedMixedSignednessAccelerated;
	VkBool32 others[24];
} VkPhysicalDeviceShaderIntegerDotProductProperties;

typedef struct {
	int32_t sType;
	void *pNext;
	VkBool32 shaderIntegerDotProduct;
} VkPhysicalDeviceShaderIntegerDotProductFeatures;

typedef struct {
	int32_t sType;
	void *pNext;
	VkBool32 features[55];
} VkPhysicalDeviceFeatures2;

typedef struct {
	uint32_t propertyFlags;
	uint32_t heapIndex;
} VkMemoryType;

typedef struct {
	VkDeviceSize size;
	uint32_t flags;
} VkMemoryHeap;

typedef struct {
	int32_t sType;
	void *pNext;
	uint32_t memoryTypeCount;
	VkMemoryType memoryTypes[32];
	uint32_t memoryHeapCount;
	VkMemoryHeap memoryHeaps[16];
} VkPhysicalDeviceMemoryProperties2;

_Static_assert(sizeof(VkPhysicalDeviceMemoryProperties2) == 16 + 520, "layout");

typedef struct {
	int32_t sType;
	void *pNext;
	VkDeviceSize heapBudget[16];
	VkDeviceSize heapUsage[16];
} VkPhysicalDeviceMemoryBudgetPropertiesEXT;

typedef struct {
	uint32_t queueFlags;
	uint32_t queueCount;
	uint32_t timestampValidBits;
	uint32_t minImageTransferGranularity[3];
} VkQueueFamilyProperties;

typedef struct {
	char extensionName[256];
	uint32_t specVersion;
} VkExtensionProperties;

// Devices and memory.

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	uint32_t queueFamilyIndex;
	uint32_t queueCount;
	const float *pQueuePriorities;
} VkDeviceQueueCreateInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	uint32_t queueCreateInfoCount;
	const VkDeviceQueueCreateInfo *pQueueCreateInfos;
	uint32_t enabledLayerCount;
	const char *const *ppEnabledLayerNames;
	uint32_t enabledExtensionCount;
	const char *const *ppEnabledExtensionNames;
	const void *pEnabledFeatures;
} VkDeviceCreateInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	VkDeviceSize allocationSize;
	uint32_t memoryTypeIndex;
} VkMemoryAllocateInfo;

typedef struct {
	VkDeviceSize size;
	VkDeviceSize alignment;
	uint32_t memoryTypeBits;
} VkMemoryRequirements;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	VkDeviceSize size;
	uint32_t usage;
	int32_t sharingMode;
	uint32_t queueFamilyIndexCount;
	const uint32_t *pQueueFamilyIndices;
} VkBufferCreateInfo;

// Pipelines and descriptors.

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	size_t codeSize; // bytes
	const uint32_t *pCode;
} VkShaderModuleCreateInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	size_t initialDataSize;
	const void *pInitialData;
} VkPipelineCacheCreateInfo;

typedef struct {
	uint32_t constantID;
	uint32_t offset;
	size_t size;
} VkSpecializationMapEntry;

typedef struct {
	uint32_t mapEntryCount;
	const VkSpecializationMapEntry *pMapEntries;
	size_t dataSize;
	const void *pData;
} VkSpecializationInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	int32_t stage;
	VkShaderModule module;
	const char *pName;
	const VkSpecializationInfo *pSpecializationInfo;
} VkPipelineShaderStageCreateInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	VkPipelineShaderStageCreateInfo stage;
	VkPipelineLayout layout;
	VkPipeline basePipelineHandle;
	int32_t basePipelineIndex;
} VkComputePipelineCreateInfo;

typedef struct {
	uint32_t stageFlags;
	uint32_t offset;
	uint32_t size;
} VkPushConstantRange;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	uint32_t setLayoutCount;
	const VkDescriptorSetLayout *pSetLayouts;
	uint32_t pushConstantRangeCount;
	const VkPushConstantRange *pPushConstantRanges;
} VkPipelineLayoutCreateInfo;

typedef struct {
	uint32_t binding;
	int32_t descriptorType;
	uint32_t descriptorCount;
	uint32_t stageFlags;
	const void *pImmutableSamplers;
} VkDescriptorSetLayoutBinding;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	uint32_t bindingCount;
	const VkDescriptorSetLayoutBinding *pBindings;
} VkDescriptorSetLayoutCreateInfo;

typedef struct {
	int32_t type;
	uint32_t descriptorCount;
} VkDescriptorPoolSize;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	uint32_t maxSets;
	uint32_t poolSizeCount;
	const VkDescriptorPoolSize *pPoolSizes;
} VkDescriptorPoolCreateInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	VkDescriptorPool descriptorPool;
	uint32_t descriptorSetCount;
	const VkDescriptorSetLayout *pSetLayouts;
} VkDescriptorSetAllocateInfo;

typedef struct {
	VkBuffer buffer;
	VkDeviceSize offset;
	VkDeviceSize range;
} VkDescriptorBufferInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	VkDescriptorSet dstSet;
	uint32_t dstBinding;
	uint32_t dstArrayElement;
	uint32_t descriptorCount;
	int32_t descriptorType;
	const void *pImageInfo;
	const VkDescriptorBufferInfo *pBufferInfo;
	const void *pTexelBufferView;
} VkWriteDescriptorSet;

// Commands.

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	uint32_t queueFamilyIndex;
} VkCommandPoolCreateInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	VkCommandPool commandPool;
	int32_t level;
	uint32_t commandBufferCount;
} VkCommandBufferAllocateInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	const void *pInheritanceInfo;
} VkCommandBufferBeginInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t srcAccessMask;
	uint32_t dstAccessMask;
} VkMemoryBarrier;

typedef struct {
	VkDeviceSize srcOffset;
	VkDeviceSize dstOffset;
	VkDeviceSize size;
} VkBufferCopy;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
} VkFenceCreateInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t flags;
	int32_t queryType;
	uint32_t queryCount;
	uint32_t pipelineStatistics;
} VkQueryPoolCreateInfo;

typedef struct {
	int32_t sType;
	const void *pNext;
	uint32_t waitSemaphoreCount;
	const uint64_t *pWaitSemaphores;
	const uint32_t *pWaitDstStageMask;
	uint32_t commandBufferCount;
	const VkCommandBuffer *pCommandBuffers;
	uint32_t signalSemaphoreCount;
	const uint64_t *pSignalSemaphores;
} VkSubmitInfo;

// Functions, as X(result, name, arguments). The last argument of a Create or a
// Destroy is the allocator, which is always NULL here.

typedef void (*PFN_vkVoidFunction)(void);
typedef PFN_vkVoidFunction (*PFN_vkGetInstanceProcAddr)(VkInstance, const char *);
typedef PFN_vkVoidFunction (*PFN_vkGetDeviceProcAddr)(VkDevice, const char *);
typedef VkResult (*PFN_vkCreateInstance)(const VkInstanceCreateInfo *, const void *, VkInstance *);
typedef VkResult (*PFN_vkEnumerateInstanceVersion)(uint32_t *);

#define INSTANCE_FUNCTIONS(X) \
	X(void, vkDestroyInstance, (VkInstance, const void *)) \
	X(VkResult, vkEnumeratePhysicalDevices, (VkInstance, uint32_t *, VkPhysicalDevice *)) \
	X(void, vkGetPhysicalDeviceProperties, (VkPhysicalDevice, void *)) /* fills VkPhysicalDeviceProperties2 from apiVersion on */ \
	X(void, vkGetPhysicalDeviceProperties2, (VkPhysicalDevice, VkPhysicalDeviceProperties2 *)) \
	X(void, vkGetPhysicalDeviceFeatures2, (VkPhysicalDevice, VkPhysicalDeviceFeatures2 *)) \
	X(void, vkGetPhysicalDeviceMemoryProperties2, (VkPhysicalDevice, VkPhysicalDeviceMemoryProperties2 *)) \
	X(void, vkGetPhysicalDeviceQueueFamilyProperties, (VkPhysicalDevice, uint32_t *, VkQueueFamilyProperties *)) \
	X(VkResult, vkEnumerateDeviceExtensionProperties, (VkPhysicalDevice, const char *, uint32_t *, VkExtensionProperties *)) \
	X(VkResult, vkCreateDevice, (VkPhysicalDevice, const VkDeviceCreateInfo *, const void *, VkDevice *)) \
	X(PFN_vkVoidFunction, vkGetDeviceProcAddr, (VkDevice, const char *))

#define DEVICE_FUNCTIONS(X) \
	X(void, vkDestroyDevice, (VkDevice, const void *)) \
	X(void, vkGetDeviceQueue, (VkDevice, uint32_t, uint32_t, VkQueue *)) \
	X(VkResult, vkDeviceWaitIdle, (VkDevice)) \
	X(VkResult, vkCreateBuffer, (VkDevice, const VkBufferCreateInfo *, const void *, VkBuffer *)) \
	X(void, vkDestroyBuffer, (VkDevice, VkBuffer, const void *)) \
	X(void, vkGetBufferMemoryRequirements, (VkDevice, VkBuffer, VkMemoryRequirements *)) \
	X(VkResult, vkAllocateMemory, (VkDevice, const VkMemoryAllocateInfo *, const void *, VkDeviceMemory *)) \
	X(void, vkFreeMemory, (VkDevice, VkDeviceMemory, const void *)) \
	X(VkResult, vkBindBufferMemory, (VkDevice, VkBuffer, VkDeviceMemory, VkDeviceSize)) \
	X(VkResult, vkMapMemory, (VkDevice, VkDeviceMemory, VkDeviceSize, VkDeviceSize, uint32_t, void **)) \
	X(VkResult, vkCreateShaderModule, (VkDevice, const VkShaderModuleCreateInfo *, const void *, VkShaderModule *)) \
	X(void, vkDestroyShaderModule, (VkDevice, VkShaderModule, const void *)) \
	X(VkResult, vkCreatePipelineCache, (VkDevice, const VkPipelineCacheCreateInfo *, const void *, VkPipelineCache *)) \
	X(void, vkDestroyPipelineCache, (VkDevice, VkPipelineCache, const void *)) \
	X(VkResult, vkGetPipelineCacheData, (VkDevice, VkPipelineCache, size_t *, void *)) \
	X(VkResult, vkCreateDescriptorSetLayout, (VkDevice, const VkDescriptorSetLayoutCreateInfo *, const void *, VkDescriptorSetLayout *)) \
	X(void, vkDestroyDescriptorSetLayout, (VkDevice, VkDescriptorSetLayout, const void *)) \
	X(VkResult, vkCreatePipelineLayout, (VkDevice, const VkPipelineLayoutCreateInfo *, const void *, VkPipelineLayout *)) \
	X(void, vkDestroyPipelineLayout, (VkDevice, VkPipelineLayout, const void *)) \
	X(VkResult, vkCreateComputePipelines, (VkDevice, VkPipelineCache, uint32_t, const VkComputePipelineCreateInfo *, const void *, VkPipeline *)) \
	X(void, vkDestroyPipeline, (VkDevice, VkPipeline, const void *)) \
	X(VkResult, vkCreateDescriptorPool, (VkDevice, const VkDescriptorPoolCreateInfo *, const void *, VkDescriptorPool *)) \
	X(void, vkDestroyDescriptorPool, (VkDevice, VkDescriptorPool, const void *)) \
	X(VkResult, vkAllocateDescriptorSets, (VkDevice, const VkDescriptorSetAllocateInfo *, VkDescriptorSet *)) \
	X(void, vkUpdateDescriptorSets, (VkDevice, uint32_t, const VkWriteDescriptorSet *, uint32_t, const void *)) \
	X(VkResult, vkCreateCommandPool, (VkDevice, const VkCommandPoolCreateInfo *, const void *, VkCommandPool *)) \
	X(void, vkDestroyCommandPool, (VkDevice, VkCommandPool, const void *)) \
	X(VkResult, vkAllocateCommandBuffers, (VkDevice, const VkCommandBufferAllocateInfo *, VkCommandBuffer *)) \
	X(void, vkFreeCommandBuffers, (VkDevice, VkCommandPool, uint32_t, const VkCommandBuffer *)) \
	X(VkResult, vkBeginCommandBuffer, (VkCommandBuffer, const VkCommandBufferBeginInfo *)) \
	X(VkResult, vkEndCommandBuffer, (VkCommandBuffer)) \
	X(void, vkCmdBindPipeline, (VkCommandBuffer, int32_t, VkPipeline)) \
	X(void, vkCmdBindDescriptorSets, (VkCommandBuffer, int32_t, VkPipelineLayout, uint32_t, uint32_t, const VkDescriptorSet *, uint32_t, const uint32_t *)) \
	X(void, vkCmdPushConstants, (VkCommandBuffer, VkPipelineLayout, uint32_t, uint32_t, uint32_t, const void *)) \
	X(void, vkCmdDispatch, (VkCommandBuffer, uint32_t, uint32_t, uint32_t)) \
	X(void, vkCmdDispatchIndirect, (VkCommandBuffer, VkBuffer, VkDeviceSize)) \
	X(void, vkCmdCopyBuffer, (VkCommandBuffer, VkBuffer, VkBuffer, uint32_t, const VkBufferCopy *)) \
	X(void, vkCmdPipelineBarrier, (VkCommandBuffer, uint32_t, uint32_t, uint32_t, uint32_t, const VkMemoryBarrier *, uint32_t, const void *, uint32_t, const void *)) \
	X(VkResult, vkCreateQueryPool, (VkDevice, const VkQueryPoolCreateInfo *, const void *, VkQueryPool *)) \
	X(void, vkDestroyQueryPool, (VkDevice, VkQueryPool, const void *)) \
	X(void, vkCmdResetQueryPool, (VkCommandBuffer, VkQueryPool, uint32_t, uint32_t)) \
	X(void, vkCmdWriteTimestamp, (VkCommandBuffer, int32_t, VkQueryPool, uint32_t)) \
	X(VkResult, vkGetQueryPoolResults, (VkDevice, VkQueryPool, uint32_t, uint32_t, size_t, void *, VkDeviceSize, uint32_t)) \
	X(VkResult, vkCreateFence, (VkDevice, const VkFenceCreateInfo *, const void *, VkFence *)) \
	X(void, vkDestroyFence, (VkDevice, VkFence, const void *)) \
	X(VkResult, vkWaitForFences, (VkDevice, uint32_t, const VkFence *, VkBool32, uint64_t)) \
	X(VkResult, vkResetFences, (VkDevice, uint32_t, const VkFence *)) \
	X(VkResult, vkQueueSubmit, (VkQueue, uint32_t, const VkSubmitInfo *, VkFence))

#endif
