//go:build cgo && opengl && (linux || windows)

#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const result OK = {0, NULL};

#define FIELD(type, name, args) type(GLAPI *name) args;

struct context {
	platform *p;
	FIRST_FUNCTIONS(FIELD)
	FUNCTIONS(FIELD)
	GLenum(GLAPI *glGetGraphicsResetStatus)(void); // NULL: cannot tell
};

#define LOAD(type, name, args) \
	c->name = (type(GLAPI *) args)ogl_platform_proc(#name); \
	if (c->name == NULL) return (result){MISSING, #name};

static result load_first(context *c) {
	FIRST_FUNCTIONS(LOAD)
	return OK;
}

static result load_all(context *c) {
	FUNCTIONS(LOAD)
	return OK;
}

// Contexts.

result ogl_context_new(int kind, int index, context **out) {
	platform *p;
	result r = ogl_platform_new(kind, index, &p);
	if (r.code != 0) return r;
	context *c = calloc(1, sizeof *c);
	c->p = p;
	r = load_first(c);
	if (r.code != 0) {
		ogl_context_free(c);
		return r;
	}
	*out = c;
	return OK;
}

void ogl_context_free(context *c) {
	ogl_platform_free(c->p);
	free(c);
}

static int has_extension(context *c, const char *name) {
	GLint n = 0;
	c->glGetIntegerv(GL_NUM_EXTENSIONS, &n);
	for (GLint i = 0; i < n; i++) {
		const char *s = (const char *)c->glGetStringi(GL_EXTENSIONS, i);
		if (s != NULL && strcmp(s, name) == 0) return 1;
	}
	return 0;
}

static void get_string(context *c, GLenum name, char *out, size_t size) {
	const char *s = (const char *)c->glGetString(name);
	snprintf(out, size, "%s", s == NULL ? "?" : s);
}

static void limits(context *c, facts *f) {
	GLint64 range = 0;
	c->glGetInteger64v(GL_MAX_SHADER_STORAGE_BLOCK_SIZE, &range);
	f->range = range;
	c->glGetIntegerv(GL_SHADER_STORAGE_BUFFER_OFFSET_ALIGNMENT, &f->align);
	c->glGetIntegerv(GL_UNIFORM_BUFFER_OFFSET_ALIGNMENT, &f->uniform_align);
	GLint all = 0;
	c->glGetIntegerv(GL_MAX_COMPUTE_SHADER_STORAGE_BLOCKS, &f->bindings);
	c->glGetIntegerv(GL_MAX_SHADER_STORAGE_BUFFER_BINDINGS, &all);
	if (all < f->bindings) f->bindings = all;
	for (int i = 0; i < 3; i++) c->glGetIntegeri_v(GL_MAX_COMPUTE_WORK_GROUP_COUNT, i, &f->groups[i]);
	GLint x = 0;
	c->glGetIntegerv(GL_MAX_COMPUTE_WORK_GROUP_INVOCATIONS, &f->group_size);
	c->glGetIntegeri_v(GL_MAX_COMPUTE_WORK_GROUP_SIZE, 0, &x);
	if (x < f->group_size) f->group_size = x;
	c->glGetIntegerv(GL_MAX_COMPUTE_SHARED_MEMORY_SIZE, &f->shared);
}

// memory is known of drivers that have an extension of one maker.
static void memory(context *c, facts *f) {
	if (!has_extension(c, "GL_NVX_gpu_memory_info")) return;
	GLint kib = 0;
	c->glGetIntegerv(GL_GPU_MEMORY_INFO_DEDICATED_VIDMEM_NVX, &kib);
	f->memory = (int64_t)kib << 10;
	c->glGetIntegerv(GL_GPU_MEMORY_INFO_CURRENT_AVAILABLE_VIDMEM_NVX, &kib);
	f->free = (int64_t)kib << 10;
}

// reset_status looks for the function that says whether the device was lost,
// where it is there and the context was made to use it.
static void reset_status(context *c) {
	const char *name = NULL;
	if (has_extension(c, "GL_KHR_robustness")) name = "glGetGraphicsResetStatus";
	else if (has_extension(c, "GL_ARB_robustness")) name = "glGetGraphicsResetStatusARB";
	GLint strategy = 0;
	if (name != NULL) c->glGetIntegerv(GL_RESET_NOTIFICATION_STRATEGY, &strategy);
	if (strategy == GL_LOSE_CONTEXT_ON_RESET) c->glGetGraphicsResetStatus = (GLenum(GLAPI *)(void))ogl_platform_proc(name);
}

result ogl_facts(context *c, facts *f) {
	memset(f, 0, sizeof *f);
	get_string(c, GL_VENDOR, f->vendor, sizeof f->vendor);
	get_string(c, GL_RENDERER, f->renderer, sizeof f->renderer);
	get_string(c, GL_VERSION, f->version, sizeof f->version);
	c->glGetIntegerv(GL_MAJOR_VERSION, &f->major); // since 3.0
	c->glGetIntegerv(GL_MINOR_VERSION, &f->minor);
	if (f->major < 4 || (f->major == 4 && f->minor < 3)) return OK;
	result r = load_all(c);
	if (r.code != 0) return r;
	limits(c, f);
	memory(c, f);
	reset_status(c);
	c->glGetIntegerv(GL_NUM_PROGRAM_BINARY_FORMATS, &f->binary_formats);
	c->glGetQueryiv(GL_TIMESTAMP, GL_QUERY_COUNTER_BITS, &f->timestamp_bits);
	while (c->glGetError() != 0) {}
	return OK;
}

// error returns the first error since the last time. OpenGL keeps several, and a
// lost context may keep them for ever.
static result error(context *c, const char *call) {
	if (c->glGetGraphicsResetStatus != NULL && c->glGetGraphicsResetStatus() != 0) return (result){RESET, call};
	GLenum first = c->glGetError();
	for (int i = 0; i < 16 && c->glGetError() != 0; i++) {}
	return (result){first, call};
}

// Buffers.

result ogl_buffer_new(context *c, int64_t size, GLenum usage, GLuint *out) {
	c->glGenBuffers(1, out);
	c->glBindBuffer(GL_COPY_WRITE_BUFFER, *out);
	c->glBufferData(GL_COPY_WRITE_BUFFER, size, NULL, usage);
	result r = error(c, "glBufferData");
	if (r.code != 0) c->glDeleteBuffers(1, out);
	return r;
}

void ogl_buffer_free(context *c, GLuint b) { c->glDeleteBuffers(1, &b); }

result ogl_write(context *c, GLuint b, int64_t offset, const void *data, int64_t size) {
	c->glBindBuffer(GL_COPY_WRITE_BUFFER, b);
	c->glBufferSubData(GL_COPY_WRITE_BUFFER, offset, size, data);
	return error(c, "glBufferSubData");
}

// Programs.

GLuint ogl_program_start(context *c, const char *source, GLint length) {
	GLuint s = c->glCreateShader(GL_COMPUTE_SHADER);
	c->glShaderSource(s, 1, &source, &length);
	c->glCompileShader(s);
	GLuint p = c->glCreateProgram();
	c->glProgramParameteri(p, GL_PROGRAM_BINARY_RETRIEVABLE_HINT, 1);
	c->glAttachShader(p, s);
	c->glLinkProgram(p);
	c->glDeleteShader(s); // as soon as the program is
	return p;
}

result ogl_program_end(context *c, GLuint p, char *log, GLsizei size) {
	GLint linked = 0;
	c->glGetProgramiv(p, GL_LINK_STATUS, &linked);
	if (linked) return error(c, "glLinkProgram");
	GLuint s = 0;
	c->glGetAttachedShaders(p, 1, NULL, &s);
	c->glGetShaderInfoLog(s, size, NULL, log);
	if (log[0] == 0) c->glGetProgramInfoLog(p, size, NULL, log);
	result r = error(c, "glLinkProgram");
	if (r.code == 0) r.code = GL_LINK_STATUS;
	return r;
}

void ogl_program_free(context *c, GLuint p) { c->glDeleteProgram(p); }

GLuint ogl_program_from(context *c, GLenum format, const void *data, GLsizei size) {
	GLuint p = c->glCreateProgram();
	c->glProgramBinary(p, format, data, size);
	GLint linked = 0;
	c->glGetProgramiv(p, GL_LINK_STATUS, &linked);
	if (error(c, "glProgramBinary").code == 0 && linked) return p;
	c->glDeleteProgram(p);
	return 0;
}

GLint ogl_binary_size(context *c, GLuint p) {
	GLint size = 0;
	c->glGetProgramiv(p, GL_PROGRAM_BINARY_LENGTH, &size);
	return size;
}

GLsizei ogl_binary(context *c, GLuint p, void *data, GLsizei size, GLenum *format) {
	GLsizei n = 0;
	c->glGetProgramBinary(p, size, &n, format, data);
	return error(c, "glGetProgramBinary").code == 0 ? n : 0;
}

// Commands.

void ogl_dispatch(context *c, const command *list, int32_t n) {
	GLuint program = 0;
	for (const command *o = list; o < list + n; o++) {
		if (o->barrier != 0) c->glMemoryBarrier(o->barrier);
		if (o->program != program) c->glUseProgram(o->program);
		program = o->program;
		for (int32_t i = 0; i < o->nranges; i++)
			c->glBindBufferRange(GL_SHADER_STORAGE_BUFFER, i, o->ranges[i].buffer, o->ranges[i].offset, o->ranges[i].size);
		if (o->params.size != 0)
			c->glBindBufferRange(GL_UNIFORM_BUFFER, 0, o->params.buffer, o->params.offset, o->params.size);
		if (o->indirect == 0) {
			c->glDispatchCompute(o->groups[0], o->groups[1], o->groups[2]);
		} else {
			c->glBindBuffer(GL_DISPATCH_INDIRECT_BUFFER, o->indirect);
			c->glDispatchComputeIndirect(o->indirect_offset);
		}
	}
}

void ogl_upload(context *c, GLbitfield barrier, span to, const void *data) {
	if (barrier != 0) c->glMemoryBarrier(barrier);
	c->glBindBuffer(GL_COPY_WRITE_BUFFER, to.buffer);
	c->glBufferSubData(GL_COPY_WRITE_BUFFER, to.offset, to.size, data);
}

// wait waits for all that was asked for. A driver that loses its device lets
// waits end, or tells by the reset status while they do not.
static result wait(context *c) {
	GLsync sync = c->glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
	if (sync == NULL) return error(c, "glFenceSync");
	GLenum w;
	result r = OK;
	do {
		w = c->glClientWaitSync(sync, GL_SYNC_FLUSH_COMMANDS_BIT, 1000000000);
		if (w == GL_TIMEOUT_EXPIRED) r = error(c, "glClientWaitSync");
	} while (w == GL_TIMEOUT_EXPIRED && r.code == 0);
	c->glDeleteSync(sync);
	if (w == GL_WAIT_FAILED) {
		r = error(c, "glClientWaitSync");
		if (r.code == 0) r.code = WAIT;
	}
	return r;
}

result ogl_download(context *c, GLbitfield barrier, span from, void *data) {
	if (barrier != 0) c->glMemoryBarrier(barrier);
	result r = wait(c);
	if (r.code != 0) return r;
	c->glBindBuffer(GL_COPY_READ_BUFFER, from.buffer);
	c->glGetBufferSubData(GL_COPY_READ_BUFFER, from.offset, from.size, data);
	return OK;
}

result ogl_finish(context *c) {
	c->glMemoryBarrier(GL_SHADER_STORAGE_BARRIER_BIT | GL_BUFFER_UPDATE_BARRIER_BIT | GL_COMMAND_BARRIER_BIT);
	result r = wait(c);
	return r.code != 0 ? r : error(c, "glDispatchCompute");
}

// Clocks.

void ogl_queries_new(context *c, int32_t n, GLuint *out) { c->glGenQueries(n, out); }
void ogl_query(context *c, GLuint q) { c->glQueryCounter(q, GL_TIMESTAMP); }

void ogl_queries(context *c, int32_t n, const GLuint *q, GLuint64 *out) {
	for (int32_t i = 0; i < n; i++) c->glGetQueryObjectui64v(q[i], GL_QUERY_RESULT, &out[i]);
}

void ogl_queries_free(context *c, int32_t n, const GLuint *q) { c->glDeleteQueries(n, q); }
