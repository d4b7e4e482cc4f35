// What Go calls. No function keeps a pointer that it is given, and all but
// ogl_load and ogl_devices are called on the thread of the context.

#ifndef SHIM_H
#define SHIM_H

#include "gl.h"

// A result names the call that failed, and its error: OpenGL's, the platform's,
// or one of these. code is 0 otherwise.
typedef struct {
	uint32_t code;
	const char *call;
} result;

enum { MISSING = 1, RESET = 2, WAIT = 3 };

// Where a context is made: on an EGL device, without a surface, or on the
// default display. Windows has the last one only.
enum { PLATFORM_DEVICE, PLATFORM_SURFACELESS, PLATFORM_DEFAULT };

// load opens the library and returns NULL, or why it could not.
const char *ogl_load(const char *name);
// devices returns how many there are of PLATFORM_DEVICE.
int ogl_devices(void);

// The platform's side of a context: egl_linux.c, wgl_windows.c.
typedef struct platform platform;
result ogl_platform_new(int kind, int index, platform **out); // is current
void ogl_platform_free(platform *p);
void *ogl_platform_proc(const char *name);

typedef struct context context;
result ogl_context_new(int kind, int index, context **out);
void ogl_context_free(context *c);

// facts describes a context's device. Of a version below 4.3 only the strings
// and the version are known.
typedef struct {
	char vendor[128], renderer[256], version[256];
	int32_t major, minor;
	int64_t range;
	int32_t align, uniform_align, bindings, groups[3], group_size, shared;
	int64_t memory, free; // bytes; 0: not told
	int32_t binary_formats, timestamp_bits;
} facts;

result ogl_facts(context *c, facts *out);

result ogl_buffer_new(context *c, int64_t size, GLenum usage, GLuint *out);
void ogl_buffer_free(context *c, GLuint b);
result ogl_write(context *c, GLuint b, int64_t offset, const void *data, int64_t size);

// program_start begins to compile, program_end waits for it; where that fails,
// it fills log.
GLuint ogl_program_start(context *c, const char *source, GLint length);
result ogl_program_end(context *c, GLuint p, char *log, GLsizei size);
void ogl_program_free(context *c, GLuint p);
// program_from makes a program of an earlier one's binary; 0: the driver does
// not take it.
GLuint ogl_program_from(context *c, GLenum format, const void *data, GLsizei size);
GLint ogl_binary_size(context *c, GLuint p);
GLsizei ogl_binary(context *c, GLuint p, void *data, GLsizei size, GLenum *format);

enum { MAX_BINDINGS = 16 };

typedef struct {
	GLuint buffer;
	int64_t offset, size;
} span;

// A command is a dispatch, behind a barrier where barrier is not 0.
typedef struct {
	GLbitfield barrier;
	GLuint program;
	int32_t nranges;
	span ranges[MAX_BINDINGS];
	span params; // size 0: none
	uint32_t groups[3];
	GLuint indirect; // 0: groups counts
	int64_t indirect_offset;
} command;

void ogl_dispatch(context *c, const command *list, int32_t n);
void ogl_upload(context *c, GLbitfield barrier, span to, const void *data);
result ogl_download(context *c, GLbitfield barrier, span from, void *data);
// finish puts a barrier behind all that was done, waits for it, and asks for
// errors since the last time.
result ogl_finish(context *c);

void ogl_queries_new(context *c, int32_t n, GLuint *out);
void ogl_query(context *c, GLuint q);
void ogl_queries(context *c, int32_t n, const GLuint *q, GLuint64 *out);
void ogl_queries_free(context *c, int32_t n, const GLuint *q);

#endif
