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
			opened, used := handles(), resident(t)
			for range 5 {
				if failed := failedContexts(t, p); failed < 3 {
					t.Errorf("%+v: %d calls failed", p, failed)
				}
			}
			if n, grown := handles()-opened, resident(t)-used; n > 4 || used > 0 && grown > 8<<20 {
				t.Errorf("%+v: %d files and threads and %d KiB more", p, n, grown>>10)
			}
		}
		mustRun(t, d, chain(t, d, 3))
	})
}

// failedContexts returns how many calls of a context's making failed, each in
// its turn.
func failedContexts(t *testing.T, p place) int {
	defer failContext(0)
	for n := 1; ; n++ {
		failContext(n)
		_, err := describe(p)
		if err == nil {
			return n - 1
		}
		if !errors.Is(err, compute.ErrUnavailable) {
			t.Errorf("%+v, call %d: %v", p, n, err)
		}
	}
}

// TestOldDriver says what a driver lacks: functions, or the version. What is
// older than the version can be called in spite of missing functions.
func TestOldDriver(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if d.Info().Type != driver.Software {
			t.Skip("Mesa alone can be told to be old")
		}
		for _, test := range []struct{ version, lacks, want string }{
			{"", "glDispatchCompute", "opengl: glDispatchCompute is not there"},
			{"", "gl", "opengl: glActiveShaderProgram is not there"},
			{"3.3", "glDispatchCompute", "OpenGL 3.3, opengl: version 3.3, 4.3 is needed"},
			{"3.3", "nothing", "OpenGL 3.3, opengl: version 3.3, 4.3 is needed"},
		} {
			c := exec.Command(os.Args[0], "-test.run=^TestLacking$", "-test.v")
			c.Env = append(os.Environ(), "OPENGL_LACKS="+test.lacks, "MESA_GL_VERSION_OVERRIDE="+test.version)
			out, err := c.CombinedOutput()
			if err != nil || !strings.Contains(string(out), test.want) {
				t.Errorf("%+v: %v\n%s", test, err, out)
			}
		}
	})
}

// TestLacking is TestOldDriver's process, in which the functions are missing
// whose names begin so: package gl looks them up once.
func TestLacking(t *testing.T) {
	lacks := os.Getenv("OPENGL_LACKS")
	if lacks == "" {
		t.Skip("part of TestOldDriver")
	}
	loadFunctions = func() (bool, error) {
		return lookUp(func(name string) unsafe.Pointer {
			if strings.HasPrefix(name, lacks) {
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
