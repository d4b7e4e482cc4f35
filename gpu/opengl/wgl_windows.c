//go:build cgo && opengl && windows

// A context of a hidden window, through WGL: Windows makes none without one.

#include "context.h"

#include <stdlib.h>
#include <windows.h>

static const result OK = {0, NULL};

enum {
	WGL_CONTEXT_MAJOR_VERSION_ARB = 0x2091,
	WGL_CONTEXT_MINOR_VERSION_ARB = 0x2092,
	WGL_CONTEXT_PROFILE_MASK_ARB = 0x9126,
	WGL_CONTEXT_CORE_PROFILE_BIT_ARB = 1,
	WGL_CONTEXT_RESET_NOTIFICATION_STRATEGY_ARB = 0x8256,
	WGL_LOSE_CONTEXT_ON_RESET_ARB = 0x8252,
};

#define WGL_FUNCTIONS(F) \
	F(HGLRC, wglCreateContext, (HDC)) \
	F(BOOL, wglDeleteContext, (HGLRC)) \
	F(BOOL, wglMakeCurrent, (HDC, HGLRC)) \
	F(PROC, wglGetProcAddress, (LPCSTR))

// Set once by ogl_load.
static struct {
#define FIELD(type, name, args) type(WINAPI *name) args;
	WGL_FUNCTIONS(FIELD)
	HMODULE library;
} wgl;

struct context {
	HWND window;
	HDC dc;
	HGLRC context;
};

// go-gl refers to this, and to nothing else of a library. Defined here, it has
// the linker leave opengl32.dll out, which a Windows for servers may lack. It is
// never called.
static PROC WINAPI none(LPCSTR name) { return NULL; }
PROC(WINAPI *__imp_wglGetProcAddress)(LPCSTR) = none;

const char *ogl_load(const char *name) {
	wgl.library = LoadLibraryA(name);
	if (wgl.library == NULL) return "cannot be loaded";
#define LOAD(type, name, args) \
	wgl.name = (type(WINAPI *) args)(void *)GetProcAddress(wgl.library, #name); \
	if (wgl.name == NULL) return "has no " #name;
	WGL_FUNCTIONS(LOAD)
	return NULL;
}

int ogl_devices(void) { return 0; }

int ogl_fail_at;

static int fails(void) { return ogl_fail_at > 0 && --ogl_fail_at == 0; }

static result failed(const char *call) {
	DWORD code = GetLastError();
	return (result){code == 0 ? MISSING : code, call};
}

static result make_window(context *c) {
	c->window = CreateWindowExA(0, "STATIC", "bitnet-gpu", WS_POPUP, 0, 0, 16, 16, NULL, NULL, GetModuleHandleA(NULL), NULL);
	if (fails() || c->window == NULL) return failed("CreateWindow");
	c->dc = GetDC(c->window);
	PIXELFORMATDESCRIPTOR want = {
		.nSize = sizeof want, .nVersion = 1, .dwFlags = PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL,
		.iPixelType = PFD_TYPE_RGBA, .cColorBits = 24,
	};
	int format = ChoosePixelFormat(c->dc, &want);
	if (fails() || format == 0 || !SetPixelFormat(c->dc, format, &want)) return failed("SetPixelFormat");
	return OK;
}

// make_context makes one of version 4.3, which tells of resets if it can. Only a
// context tells how to make it: the first one stays where it cannot be had.
static result make_context(context *c) {
	c->context = wgl.wglCreateContext(c->dc);
	if (fails() || c->context == NULL || !wgl.wglMakeCurrent(c->dc, c->context)) return failed("wglCreateContext");
	HGLRC(WINAPI *create)(HDC, HGLRC, const int *) =
		(HGLRC(WINAPI *)(HDC, HGLRC, const int *))(void *)wgl.wglGetProcAddress("wglCreateContextAttribsARB");
	if (create == NULL) return OK;
	const int tells[] = {
		WGL_CONTEXT_MAJOR_VERSION_ARB, 4, WGL_CONTEXT_MINOR_VERSION_ARB, 3,
		WGL_CONTEXT_PROFILE_MASK_ARB, WGL_CONTEXT_CORE_PROFILE_BIT_ARB,
		WGL_CONTEXT_RESET_NOTIFICATION_STRATEGY_ARB, WGL_LOSE_CONTEXT_ON_RESET_ARB, 0,
	};
	const int plain[] = {
		WGL_CONTEXT_MAJOR_VERSION_ARB, 4, WGL_CONTEXT_MINOR_VERSION_ARB, 3,
		WGL_CONTEXT_PROFILE_MASK_ARB, WGL_CONTEXT_CORE_PROFILE_BIT_ARB, 0,
	};
	HGLRC better = create(c->dc, NULL, tells);
	if (better == NULL) better = create(c->dc, NULL, plain);
	if (better == NULL) return OK;
	wgl.wglMakeCurrent(c->dc, better);
	wgl.wglDeleteContext(c->context);
	c->context = better;
	return OK;
}

static result make(context *c, int kind) {
	if (kind != PLATFORM_DEFAULT) return (result){MISSING, "display"};
	result r = make_window(c);
	return r.code != 0 ? r : make_context(c);
}

result ogl_context_new(int kind, int index, context **out) {
	context *c = *out = calloc(1, sizeof *c);
	result r = make(c, kind);
	if (r.code != 0) ogl_context_free(c);
	return r;
}

void ogl_context_free(context *c) {
	wgl.wglMakeCurrent(NULL, NULL);
	if (c->context != NULL) wgl.wglDeleteContext(c->context);
	if (c->dc != NULL) ReleaseDC(c->window, c->dc);
	if (c->window != NULL) DestroyWindow(c->window);
	free(c);
}

// wglGetProcAddress knows what is newer than version 1.1, and returns small
// numbers for some of what it does not know.
void *ogl_proc(const char *name) {
	void *f = (void *)wgl.wglGetProcAddress(name);
	if ((intptr_t)f >= -1 && (intptr_t)f <= 3) f = (void *)GetProcAddress(wgl.library, name);
	return f;
}
