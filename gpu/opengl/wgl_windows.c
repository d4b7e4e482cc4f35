//go:build cgo && opengl && windows

// A context of a hidden window, through WGL: Windows makes none without one.

#include "shim.h"

#include <stdlib.h>
#include <windows.h>

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

struct platform {
	HWND window;
	HDC dc;
	HGLRC context;
};

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

static result failed(const char *call) {
	DWORD code = GetLastError();
	return (result){code == 0 ? MISSING : code, call};
}

static result make_window(platform *p) {
	p->window = CreateWindowExA(0, "STATIC", "bitnet-gpu", WS_POPUP, 0, 0, 16, 16, NULL, NULL, GetModuleHandleA(NULL), NULL);
	if (p->window == NULL) return failed("CreateWindow");
	p->dc = GetDC(p->window);
	PIXELFORMATDESCRIPTOR want = {
		.nSize = sizeof want, .nVersion = 1, .dwFlags = PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL,
		.iPixelType = PFD_TYPE_RGBA, .cColorBits = 24,
	};
	int format = ChoosePixelFormat(p->dc, &want);
	if (format == 0 || !SetPixelFormat(p->dc, format, &want)) return failed("SetPixelFormat");
	return (result){0, NULL};
}

// make_context makes one of version 4.3, which tells of resets if it can. Only a
// context tells how to make it: the first one stays where it cannot be had.
static result make_context(platform *p) {
	p->context = wgl.wglCreateContext(p->dc);
	if (p->context == NULL || !wgl.wglMakeCurrent(p->dc, p->context)) return failed("wglCreateContext");
	HGLRC(WINAPI *create)(HDC, HGLRC, const int *) =
		(HGLRC(WINAPI *)(HDC, HGLRC, const int *))(void *)wgl.wglGetProcAddress("wglCreateContextAttribsARB");
	if (create == NULL) return (result){0, NULL};
	const int tells[] = {
		WGL_CONTEXT_MAJOR_VERSION_ARB, 4, WGL_CONTEXT_MINOR_VERSION_ARB, 3,
		WGL_CONTEXT_PROFILE_MASK_ARB, WGL_CONTEXT_CORE_PROFILE_BIT_ARB,
		WGL_CONTEXT_RESET_NOTIFICATION_STRATEGY_ARB, WGL_LOSE_CONTEXT_ON_RESET_ARB, 0,
	};
	const int plain[] = {
		WGL_CONTEXT_MAJOR_VERSION_ARB, 4, WGL_CONTEXT_MINOR_VERSION_ARB, 3,
		WGL_CONTEXT_PROFILE_MASK_ARB, WGL_CONTEXT_CORE_PROFILE_BIT_ARB, 0,
	};
	HGLRC better = create(p->dc, NULL, tells);
	if (better == NULL) better = create(p->dc, NULL, plain);
	if (better == NULL) return (result){0, NULL};
	wgl.wglMakeCurrent(p->dc, better);
	wgl.wglDeleteContext(p->context);
	p->context = better;
	return (result){0, NULL};
}

result ogl_platform_new(int kind, int index, platform **out) {
	if (kind != PLATFORM_DEFAULT) return (result){MISSING, "display"};
	platform *p = calloc(1, sizeof *p);
	result r = make_window(p);
	if (r.code == 0) r = make_context(p);
	if (r.code != 0) {
		ogl_platform_free(p);
		return r;
	}
	*out = p;
	return r;
}

void ogl_platform_free(platform *p) {
	wgl.wglMakeCurrent(NULL, NULL);
	if (p->context != NULL) wgl.wglDeleteContext(p->context);
	if (p->dc != NULL) ReleaseDC(p->window, p->dc);
	if (p->window != NULL) DestroyWindow(p->window);
	free(p);
}

// wglGetProcAddress knows what is newer than version 1.1, and returns small
// numbers for some of what it does not know.
void *ogl_platform_proc(const char *name) {
	void *f = (void *)wgl.wglGetProcAddress(name);
	if ((intptr_t)f >= -1 && (intptr_t)f <= 3) f = (void *)GetProcAddress(wgl.library, name);
	return f;
}
