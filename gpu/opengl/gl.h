// The part of OpenGL 4.3 that is used: types, values and functions, as its
// specification defines them.

#ifndef GL_H
#define GL_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#define GLAPI __stdcall
#else
#define GLAPI
#endif

typedef unsigned int GLenum, GLuint, GLbitfield;
typedef int GLint, GLsizei;
typedef char GLchar;
typedef unsigned char GLubyte;
typedef intptr_t GLintptr, GLsizeiptr;
typedef int64_t GLint64;
typedef uint64_t GLuint64;
typedef struct GLsync_ *GLsync;

enum {
	GL_VENDOR = 0x1F00,
	GL_RENDERER = 0x1F01,
	GL_VERSION = 0x1F02,
	GL_EXTENSIONS = 0x1F03,
	GL_MAJOR_VERSION = 0x821B,
	GL_MINOR_VERSION = 0x821C,
	GL_NUM_EXTENSIONS = 0x821D,
	GL_RESET_NOTIFICATION_STRATEGY = 0x8256,
	GL_LOSE_CONTEXT_ON_RESET = 0x8252,

	GL_MAX_SHADER_STORAGE_BLOCK_SIZE = 0x90DE,
	GL_SHADER_STORAGE_BUFFER_OFFSET_ALIGNMENT = 0x90DF,
	GL_MAX_COMPUTE_SHADER_STORAGE_BLOCKS = 0x90DB,
	GL_MAX_SHADER_STORAGE_BUFFER_BINDINGS = 0x90DD,
	GL_MAX_COMPUTE_WORK_GROUP_INVOCATIONS = 0x90EB,
	GL_MAX_COMPUTE_WORK_GROUP_COUNT = 0x91BE,
	GL_MAX_COMPUTE_WORK_GROUP_SIZE = 0x91BF,
	GL_MAX_COMPUTE_SHARED_MEMORY_SIZE = 0x8262,
	GL_UNIFORM_BUFFER_OFFSET_ALIGNMENT = 0x8A34,
	GL_NUM_PROGRAM_BINARY_FORMATS = 0x87FE,
	GL_GPU_MEMORY_INFO_DEDICATED_VIDMEM_NVX = 0x9047,
	GL_GPU_MEMORY_INFO_CURRENT_AVAILABLE_VIDMEM_NVX = 0x9049,

	GL_SHADER_STORAGE_BUFFER = 0x90D2,
	GL_UNIFORM_BUFFER = 0x8A11,
	GL_DISPATCH_INDIRECT_BUFFER = 0x90EE,
	GL_COPY_READ_BUFFER = 0x8F36,
	GL_COPY_WRITE_BUFFER = 0x8F37,
	GL_STREAM_DRAW = 0x88E0,
	GL_DYNAMIC_COPY = 0x88EA,

	GL_COMPUTE_SHADER = 0x91B9,
	GL_LINK_STATUS = 0x8B82,
	GL_PROGRAM_BINARY_RETRIEVABLE_HINT = 0x8257,
	GL_PROGRAM_BINARY_LENGTH = 0x8741,

	GL_COMMAND_BARRIER_BIT = 0x0040,
	GL_BUFFER_UPDATE_BARRIER_BIT = 0x0200,
	GL_SHADER_STORAGE_BARRIER_BIT = 0x2000,

	GL_SYNC_GPU_COMMANDS_COMPLETE = 0x9117,
	GL_SYNC_FLUSH_COMMANDS_BIT = 1,
	GL_TIMEOUT_EXPIRED = 0x911B,
	GL_WAIT_FAILED = 0x911D,

	GL_TIMESTAMP = 0x8E28,
	GL_QUERY_COUNTER_BITS = 0x8864,
	GL_QUERY_RESULT = 0x8866,
};

// FIRST_FUNCTIONS are those that a context of any version has.
#define FIRST_FUNCTIONS(F) \
	F(GLenum, glGetError, (void)) \
	F(const GLubyte *, glGetString, (GLenum)) \
	F(void, glGetIntegerv, (GLenum, GLint *))

// FUNCTIONS are all others.
#define FUNCTIONS(F) \
	F(const GLubyte *, glGetStringi, (GLenum, GLuint)) \
	F(void, glGetIntegeri_v, (GLenum, GLuint, GLint *)) \
	F(void, glGetInteger64v, (GLenum, GLint64 *)) \
	F(void, glGenBuffers, (GLsizei, GLuint *)) \
	F(void, glDeleteBuffers, (GLsizei, const GLuint *)) \
	F(void, glBindBuffer, (GLenum, GLuint)) \
	F(void, glBindBufferRange, (GLenum, GLuint, GLuint, GLintptr, GLsizeiptr)) \
	F(void, glBufferData, (GLenum, GLsizeiptr, const void *, GLenum)) \
	F(void, glBufferSubData, (GLenum, GLintptr, GLsizeiptr, const void *)) \
	F(void, glGetBufferSubData, (GLenum, GLintptr, GLsizeiptr, void *)) \
	F(GLuint, glCreateShader, (GLenum)) \
	F(void, glDeleteShader, (GLuint)) \
	F(void, glShaderSource, (GLuint, GLsizei, const GLchar *const *, const GLint *)) \
	F(void, glCompileShader, (GLuint)) \
	F(void, glGetShaderInfoLog, (GLuint, GLsizei, GLsizei *, GLchar *)) \
	F(GLuint, glCreateProgram, (void)) \
	F(void, glDeleteProgram, (GLuint)) \
	F(void, glAttachShader, (GLuint, GLuint)) \
	F(void, glGetAttachedShaders, (GLuint, GLsizei, GLsizei *, GLuint *)) \
	F(void, glLinkProgram, (GLuint)) \
	F(void, glUseProgram, (GLuint)) \
	F(void, glGetProgramiv, (GLuint, GLenum, GLint *)) \
	F(void, glGetProgramInfoLog, (GLuint, GLsizei, GLsizei *, GLchar *)) \
	F(void, glProgramParameteri, (GLuint, GLenum, GLint)) \
	F(void, glGetProgramBinary, (GLuint, GLsizei, GLsizei *, GLenum *, void *)) \
	F(void, glProgramBinary, (GLuint, GLenum, const void *, GLsizei)) \
	F(void, glDispatchCompute, (GLuint, GLuint, GLuint)) \
	F(void, glDispatchComputeIndirect, (GLintptr)) \
	F(void, glMemoryBarrier, (GLbitfield)) \
	F(GLsync, glFenceSync, (GLenum, GLbitfield)) \
	F(GLenum, glClientWaitSync, (GLsync, GLbitfield, GLuint64)) \
	F(void, glDeleteSync, (GLsync)) \
	F(void, glGenQueries, (GLsizei, GLuint *)) \
	F(void, glDeleteQueries, (GLsizei, const GLuint *)) \
	F(void, glQueryCounter, (GLuint, GLenum)) \
	F(void, glGetQueryiv, (GLenum, GLenum, GLint *)) \
	F(void, glGetQueryObjectui64v, (GLuint, GLenum, GLuint64 *))

#endif
