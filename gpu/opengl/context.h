// What makes a context: egl_linux.c, wgl_windows.c. No function keeps a pointer
// that it is given.

#ifndef CONTEXT_H
#define CONTEXT_H

#include <stdint.h>

// A result names the call that failed, and its error: the platform's, or
// MISSING. code is 0 otherwise.
typedef struct {
	uint32_t code;
	const char *call;
} result;

enum { MISSING = 1 };

// Where a context is made: on an EGL device, without a surface, or on the
// default display. Windows has the last one only.
enum { PLATFORM_DEVICE, PLATFORM_SURFACELESS, PLATFORM_DEFAULT };

// load opens the library and returns NULL, or why it could not.
const char *ogl_load(const char *name);
// devices returns how many there are of PLATFORM_DEVICE.
int ogl_devices(void);

// context_new makes a context of version 4.3, or of any where that cannot be
// had. It is current in the calling thread, which alone may free it.
typedef struct context context;
result ogl_context_new(int kind, int index, context **out);
void ogl_context_free(context *c);

// proc returns a function of OpenGL, or NULL. A context is current.
void *ogl_proc(const char *name);

// The call of context_new that fails, for tests, counted from 1; 0: none.
extern int ogl_fail_at;

#endif
