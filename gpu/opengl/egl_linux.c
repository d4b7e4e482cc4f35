//go:build cgo && opengl && linux

// A context without a window, through EGL.

#include "context.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static const result OK = {0, NULL};

typedef void *EGLDisplay, *EGLContext, *EGLConfig, *EGLSurface, *EGLDevice;
typedef unsigned int EGLBoolean, EGLenum;
typedef int32_t EGLint;

enum {
	EGL_SURFACE_TYPE = 0x3033,
	EGL_PBUFFER_BIT = 0x0001,
	EGL_NONE = 0x3038,
	EGL_RENDERABLE_TYPE = 0x3040,
	EGL_OPENGL_BIT = 0x0008,
	EGL_EXTENSIONS = 0x3055,
	EGL_HEIGHT = 0x3056,
	EGL_WIDTH = 0x3057,
	EGL_CONTEXT_MAJOR_VERSION = 0x3098,
	EGL_OPENGL_API = 0x30A2,
	EGL_CONTEXT_MINOR_VERSION = 0x30FB,
	EGL_CONTEXT_OPENGL_PROFILE_MASK = 0x30FD,
	EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT = 1,
	EGL_PLATFORM_DEVICE_EXT = 0x313F,
	EGL_CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY = 0x31BD,
	EGL_LOSE_CONTEXT_ON_RESET = 0x31BF,
	EGL_PLATFORM_SURFACELESS_MESA = 0x31DD,
};

#define EGL_FUNCTIONS(F) \
	F(EGLint, eglGetError, (void)) \
	F(EGLDisplay, eglGetDisplay, (void *)) \
	F(EGLBoolean, eglInitialize, (EGLDisplay, EGLint *, EGLint *)) \
	F(const char *, eglQueryString, (EGLDisplay, EGLint)) \
	F(EGLBoolean, eglBindAPI, (EGLenum)) \
	F(EGLBoolean, eglChooseConfig, (EGLDisplay, const EGLint *, EGLConfig *, EGLint, EGLint *)) \
	F(EGLContext, eglCreateContext, (EGLDisplay, EGLConfig, EGLContext, const EGLint *)) \
	F(EGLBoolean, eglDestroyContext, (EGLDisplay, EGLContext)) \
	F(EGLSurface, eglCreatePbufferSurface, (EGLDisplay, EGLConfig, const EGLint *)) \
	F(EGLBoolean, eglDestroySurface, (EGLDisplay, EGLSurface)) \
	F(EGLBoolean, eglMakeCurrent, (EGLDisplay, EGLSurface, EGLSurface, EGLContext)) \
	F(EGLBoolean, eglReleaseThread, (void)) \
	F(void *, eglGetProcAddress, (const char *))

// Set once by ogl_load.
static struct {
#define FIELD(type, name, args) type(*name) args;
	EGL_FUNCTIONS(FIELD)
	EGLBoolean (*eglQueryDevicesEXT)(EGLint, EGLDevice *, EGLint *);                 // or NULL
	EGLDisplay (*eglGetPlatformDisplayEXT)(EGLenum, void *, const EGLint *); // or NULL
	void *gl; // the library of OpenGL itself, or NULL
} egl;

struct context {
	EGLDisplay display;
	EGLSurface surface; // NULL: none is needed
	EGLContext context;
};

// go-gl refers to one of these, and to nothing else of a library. Defined here,
// they have the linker leave the library out. They are never called, and hidden
// from the drivers, which have their own.
#define HIDDEN __attribute__((visibility("hidden")))
HIDDEN void *glXGetProcAddress(const unsigned char *name) { return NULL; }
HIDDEN void *eglGetProcAddress(const char *name) { return NULL; }

static int listed(const char *list, const char *name) {
	size_t n = strlen(name);
	for (const char *s = list; s != NULL && (s = strstr(s, name)) != NULL; s += n)
		if ((s == list || s[-1] == ' ') && (s[n] == ' ' || s[n] == 0)) return 1;
	return 0;
}

const char *ogl_load(const char *name) {
	void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL) return dlerror();
#define LOAD(type, name, args) \
	egl.name = (type(*) args)dlsym(lib, #name); \
	if (egl.name == NULL) return "has no " #name;
	EGL_FUNCTIONS(LOAD)
	const char *extensions = egl.eglQueryString(NULL, EGL_EXTENSIONS); // NULL before EGL 1.5
	if (listed(extensions, "EGL_EXT_platform_base"))
		egl.eglGetPlatformDisplayEXT = (EGLDisplay(*)(EGLenum, void *, const EGLint *))egl.eglGetProcAddress("eglGetPlatformDisplayEXT");
	if (listed(extensions, "EGL_EXT_device_base") || listed(extensions, "EGL_EXT_device_enumeration"))
		egl.eglQueryDevicesEXT = (EGLBoolean(*)(EGLint, EGLDevice *, EGLint *))egl.eglGetProcAddress("eglQueryDevicesEXT");
	if (!listed(extensions, "EGL_EXT_platform_device")) egl.eglQueryDevicesEXT = NULL;
	egl.gl = dlopen("libOpenGL.so.0", RTLD_NOW | RTLD_LOCAL);
	if (egl.gl == NULL) egl.gl = dlopen("libGL.so.1", RTLD_NOW | RTLD_LOCAL);
	return NULL;
}

enum { MAX_DEVICES = 64 };

static EGLint devices(EGLDevice *list) {
	EGLint n = 0;
	if (egl.eglQueryDevicesEXT == NULL || egl.eglGetPlatformDisplayEXT == NULL) return 0;
	if (!egl.eglQueryDevicesEXT(MAX_DEVICES, list, &n)) return 0;
	return n;
}

int ogl_devices(void) {
	EGLDevice list[MAX_DEVICES];
	return devices(list);
}

static EGLDisplay display(int kind, int index) {
	if (kind == PLATFORM_DEFAULT) return egl.eglGetDisplay(NULL);
	if (kind == PLATFORM_SURFACELESS) {
		if (!listed(egl.eglQueryString(NULL, EGL_EXTENSIONS), "EGL_MESA_platform_surfaceless")) return NULL;
		return egl.eglGetPlatformDisplayEXT == NULL ? NULL : egl.eglGetPlatformDisplayEXT(EGL_PLATFORM_SURFACELESS_MESA, NULL, NULL);
	}
	EGLDevice list[MAX_DEVICES];
	return index < devices(list) ? egl.eglGetPlatformDisplayEXT(EGL_PLATFORM_DEVICE_EXT, list[index], NULL) : NULL;
}

int ogl_fail_at;

static int fails(void) { return ogl_fail_at > 0 && --ogl_fail_at == 0; }

static result failed(const char *call) {
	EGLint code = egl.eglGetError();
	return (result){code, call};
}

// create makes a context of version 4.3, which tells of resets if it can; else
// one of any version, so that it can be said which it is.
static EGLContext create(EGLDisplay d, EGLConfig config) {
	const EGLint tells[] = {
		EGL_CONTEXT_MAJOR_VERSION, 4, EGL_CONTEXT_MINOR_VERSION, 3,
		EGL_CONTEXT_OPENGL_PROFILE_MASK, EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
		EGL_CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY, EGL_LOSE_CONTEXT_ON_RESET, EGL_NONE,
	};
	const EGLint plain[] = {
		EGL_CONTEXT_MAJOR_VERSION, 4, EGL_CONTEXT_MINOR_VERSION, 3,
		EGL_CONTEXT_OPENGL_PROFILE_MASK, EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT, EGL_NONE,
	};
	const EGLint any[] = {EGL_NONE};
	const EGLint *attributes[] = {tells, plain, any};
	EGLContext c = NULL;
	for (int i = 0; i < 3 && c == NULL; i++) c = egl.eglCreateContext(d, config, NULL, attributes[i]);
	return c;
}

// choose finds a configuration: none at all where a context needs none.
static result choose(EGLDisplay d, int bare, EGLConfig *config) {
	if (bare && listed(egl.eglQueryString(d, EGL_EXTENSIONS), "EGL_KHR_no_config_context")) return OK;
	const EGLint want[] = {EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT, EGL_SURFACE_TYPE, bare ? 0 : EGL_PBUFFER_BIT, EGL_NONE};
	EGLint n = 0;
	if (fails() || !egl.eglChooseConfig(d, want, config, 1, &n)) return failed("eglChooseConfig");
	return n == 0 ? (result){MISSING, "configuration for OpenGL"} : OK;
}

static result make(context *c, int kind, int index) {
	EGLDisplay d = c->display = display(kind, index);
	if (fails() || d == NULL) return (result){MISSING, "display"};
	EGLint major, minor; // a display is initialised once, and never ended: others may use it
	if (fails() || !egl.eglInitialize(d, &major, &minor)) return failed("eglInitialize");
	if (fails() || !egl.eglBindAPI(EGL_OPENGL_API)) return failed("eglBindAPI");
	int bare = listed(egl.eglQueryString(d, EGL_EXTENSIONS), "EGL_KHR_surfaceless_context");
	EGLConfig config = NULL;
	result r = choose(d, bare, &config);
	if (r.code != 0) return r;
	c->context = create(d, config);
	if (fails() || c->context == NULL) return failed("eglCreateContext");
	if (!bare) {
		const EGLint size[] = {EGL_WIDTH, 16, EGL_HEIGHT, 16, EGL_NONE};
		c->surface = egl.eglCreatePbufferSurface(d, config, size);
		if (fails() || c->surface == NULL) return failed("eglCreatePbufferSurface");
	}
	if (fails() || !egl.eglMakeCurrent(d, c->surface, c->surface, c->context)) return failed("eglMakeCurrent");
	return OK;
}

result ogl_context_new(int kind, int index, context **out) {
	context *c = *out = calloc(1, sizeof *c);
	result r = make(c, kind, index);
	if (r.code != 0) ogl_context_free(c);
	return r;
}

void ogl_context_free(context *c) {
	if (c->context != NULL) {
		egl.eglMakeCurrent(c->display, NULL, NULL, NULL);
		if (c->surface != NULL) egl.eglDestroySurface(c->display, c->surface);
		egl.eglDestroyContext(c->display, c->context);
	}
	egl.eglReleaseThread();
	free(c);
}

// Before EGL 1.5 eglGetProcAddress knew only what extensions add.
void *ogl_proc(const char *name) {
	void *f = egl.eglGetProcAddress(name);
	return f == NULL && egl.gl != NULL ? dlsym(egl.gl, name) : f;
}
