//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

func TestNoLibrary(t *testing.T) {
	if err := load("libnothing-of-this-name.so"); !errors.Is(err, compute.ErrUnavailable) || !strings.Contains(err.Error(), "no library: libnothing") {
		t.Error(err)
	}
}

// TestPlatforms makes a context at each place: equal drivers give equal devices.
func TestPlatforms(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		n := 0
		for _, p := range slices.Concat(places()...) {
			f, err := describe(p)
			if err != nil {
				t.Logf("%+v: %v", p, err)
				if !errors.Is(err, compute.ErrUnavailable) {
					t.Errorf("%+v: %v", p, err)
				}
				continue
			}
			n++
			if f.reject == nil && (f.info.Limits.Range < least.Range || f.info.API < "OpenGL 4.3") {
				t.Errorf("%+v: %+v", p, f.info)
			}
		}
		if n == 0 {
			t.Error("no place has a device")
		}
	})
}

// TestContextFaults has each call that makes a context fail: there is none then,
// and nothing of it stays.
func TestContextFaults(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		for _, p := range slices.Concat(places()...) {
			if _, err := describe(p); err != nil {
				continue
			}
			before, failed := handles(), 0
			for n := 1; ; n++ {
				failContext(n)
				_, err := describe(p)
				if err == nil {
					break
				}
				failed++
				if !errors.Is(err, compute.ErrUnavailable) {
					t.Errorf("%+v, call %d: %v", p, n, err)
				}
			}
			failContext(0)
			if now := handles(); failed < 3 || now > before+4 {
				t.Errorf("%+v: %d calls failed; %d files and threads, then %d", p, failed, before, now)
			}
		}
		mustRun(t, d, chain(t, d, 3))
	})
}

// TestOldDriver says what a driver lacks: a function, or the version. What is
// older than the version can be called in spite of missing functions.
func TestOldDriver(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if d.Info().Type != driver.Software {
			t.Skip("Mesa alone can be told to be old")
		}
		for version, want := range map[string]string{
			"":    "opengl: glDispatchCompute is not there",
			"3.3": "OpenGL 3.3, opengl: version 3.3, 4.3 is needed",
		} {
			c := exec.Command(os.Args[0], "-test.run=^TestWithoutDispatch$", "-test.v")
			c.Env = append(os.Environ(), "OPENGL_WITHOUT_DISPATCH=1", "MESA_GL_VERSION_OVERRIDE="+version)
			out, err := c.CombinedOutput()
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("version %q: %v, want %q:\n%s", version, err, want, out)
			}
		}
	})
}

// TestWithoutDispatch is TestOldDriver's process: package gl looks up functions
// once.
func TestWithoutDispatch(t *testing.T) {
	if os.Getenv("OPENGL_WITHOUT_DISPATCH") == "" {
		t.Skip("part of TestOldDriver")
	}
	loadFunctions = func() error {
		return lookUp(func(name string) unsafe.Pointer {
			if name == "glDispatchCompute" {
				return nil
			}
			return function(name)
		})
	}
	list, err := Devices(Options{Software: true})
	t.Log(err)
	for _, c := range list {
		t.Logf("%s, %s", c.Info.API, c.Why)
		if c.Chosen {
			t.Errorf("chosen: %+v", c)
		}
	}
}
