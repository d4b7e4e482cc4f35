//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"github.com/go-gl/gl/v4.3-core/gl"

	"bitnet-gpu/engine/compute"
	"bitnet-gpu/gpu/driver"
)

// facts are what a context tells of its device. Of a version below 4.3 only the
// strings and the version are known.
type facts struct {
	vendor, renderer, version string
	major, minor              int32

	limits       driver.Limits
	uniformAlign int   // of the offset of a range of parameters
	memory, free int64 // bytes; 0: not told
	binaries     bool  // gives out compiled programs
	clockBits    int32 // 0: there is no clock

	resetStatus func() uint32 // says whether the device was lost; nil: cannot tell
}

// supported says whether the functions and the limits of version 4.3 are there.
func (f *facts) supported() bool { return f.major > 4 || f.major == 4 && f.minor >= 3 }

// ask asks the context of the calling thread.
func ask() facts {
	f := facts{
		vendor: text(gl.VENDOR), renderer: text(gl.RENDERER), version: text(gl.VERSION),
		major: integer(gl.MAJOR_VERSION), minor: integer(gl.MINOR_VERSION), // since 3.0
	}
	if !f.supported() {
		return f
	}
	f.limits = limits()
	f.uniformAlign = max(int(integer(gl.UNIFORM_BUFFER_OFFSET_ALIGNMENT)), 16)
	extensions := extensions()
	if extensions["GL_NVX_gpu_memory_info"] {
		const dedicated, available = 0x9047, 0x9049 // KiB; package gl does not have them
		f.memory, f.free = int64(integer(dedicated))<<10, int64(integer(available))<<10
	}
	f.binaries = integer(gl.NUM_PROGRAM_BINARY_FORMATS) > 0
	gl.GetQueryiv(gl.TIMESTAMP, gl.QUERY_COUNTER_BITS, &f.clockBits)
	f.resetStatus = resetStatus(extensions)
	for range 16 {
		gl.GetError() // what was not known is no error of later calls
	}
	return f
}

func text(name uint32) string {
	s := gl.GetString(name)
	if s == nil {
		return "?"
	}
	return gl.GoStr(s)
}

func integer(name uint32) (v int32) {
	gl.GetIntegerv(name, &v)
	return v
}

func integerAt(name, i uint32) int {
	var v int32
	gl.GetIntegeri_v(name, i, &v)
	return int(v)
}

func extensions() map[string]bool {
	have := map[string]bool{}
	for i := range integer(gl.NUM_EXTENSIONS) {
		if s := gl.GetStringi(gl.EXTENSIONS, uint32(i)); s != nil {
			have[gl.GoStr(s)] = true
		}
	}
	return have
}

// mostBindings is how many buffers of a kernel we bind at once.
const mostBindings = 16

func limits() driver.Limits {
	var size int64
	gl.GetInteger64v(gl.MAX_SHADER_STORAGE_BLOCK_SIZE, &size)
	bindings := min(integer(gl.MAX_COMPUTE_SHADER_STORAGE_BLOCKS), integer(gl.MAX_SHADER_STORAGE_BUFFER_BINDINGS))
	lim := driver.Limits{
		Range:     int(min(size, math.MaxInt32)) &^ 255,
		Align:     max(int(integer(gl.SHADER_STORAGE_BUFFER_OFFSET_ALIGNMENT)), 4),
		Bindings:  min(int(bindings), mostBindings),
		Params:    64, // of the 4096 words that a uniform block has at least
		GroupSize: min(int(integer(gl.MAX_COMPUTE_WORK_GROUP_INVOCATIONS)), integerAt(gl.MAX_COMPUTE_WORK_GROUP_SIZE, 0)),
		Shared:    int(integer(gl.MAX_COMPUTE_SHARED_MEMORY_SIZE)),
	}
	for i := range lim.Groups {
		lim.Groups[i] = integerAt(gl.MAX_COMPUTE_WORK_GROUP_COUNT, uint32(i))
	}
	return lim
}

// resetStatus returns the function that says whether the device was lost, where
// it is there and the context was made to use it. Package gl calls what it did
// not find too, and crashes.
func resetStatus(extensions map[string]bool) func() uint32 {
	if integer(gl.RESET_NOTIFICATION_STRATEGY) != gl.LOSE_CONTEXT_ON_RESET {
		return nil
	}
	switch {
	case extensions["GL_KHR_robustness"] && function("glGetGraphicsResetStatus") != nil:
		return gl.GetGraphicsResetStatus
	case extensions["GL_ARB_robustness"] && function("glGetGraphicsResetStatusARB") != nil:
		return gl.GetGraphicsResetStatusARB
	}
	return nil
}

// info describes the device to a caller.
func (f *facts) info() driver.Info {
	_, maker, ok := strings.Cut(f.version, " ") // behind the number is what the maker likes
	if !ok {
		maker = f.vendor
	}
	id := sha256.Sum256([]byte(f.vendor + "\n" + f.renderer))
	return driver.Info{
		API:    fmt.Sprintf("OpenGL %d.%d", f.major, f.minor),
		Device: f.renderer,
		Driver: maker,
		ID:     hex.EncodeToString(id[:8]),
		Type:   deviceType(f.renderer),
		Memory: f.memory,
		Free:   f.free,
		Limits: f.limits,
	}
}

// deviceType tells software by the names it is known by. More OpenGL does not
// tell.
func deviceType(renderer string) driver.Type {
	lower := strings.ToLower(renderer)
	for _, name := range []string{"llvmpipe", "softpipe", "swr", "swrast", "software", "basic render", "gdi generic", "swiftshader"} {
		if strings.Contains(lower, name) {
			return driver.Software
		}
	}
	return driver.Other
}

// least is what every driver of version 4.3 should have: driver.Least, but for
// the ranges.
var least = func() driver.Limits {
	l := driver.Least
	l.Range = 16 << 20
	return l
}()

// usable returns why the device cannot be used, or nil.
func (f *facts) usable() error {
	lim := f.limits
	switch {
	case !f.supported():
		return fmt.Errorf("opengl: version %d.%d, 4.3 is needed: %w", f.major, f.minor, compute.ErrUnavailable)
	case lim.Range < least.Range, lim.Align > least.Align, lim.Bindings < least.Bindings,
		lim.GroupSize < least.GroupSize, lim.Shared < least.Shared,
		lim.Groups[0] < least.Groups[0], lim.Groups[1] < least.Groups[1], lim.Groups[2] < least.Groups[2]:
		return fmt.Errorf("opengl: limits %+v, needed are %+v: %w", lim, least, compute.ErrUnavailable)
	}
	return nil
}
