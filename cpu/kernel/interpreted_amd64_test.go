package kernel

import (
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// interpreted returns the paths beyond AVX2, whatever this processor has, with what they
// add to it run by the interpreter. None in short tests, for they take a minute.
func interpreted() []*Path {
	if testing.Short() || !cpu.X86.HasAVX2 || !cpu.X86.HasF16C {
		return nil
	}
	var paths []*Path
	for _, p := range []*Path{&amx, &avx512vbmi, &avx512, &avxvnni} {
		paths = append(paths, kernels().path(p))
	}
	return paths
}

var kernels = sync.OnceValue(func() *program {
	text, err := os.ReadFile("kernels_amd64.s")
	if err != nil {
		panic(err)
	}
	return parse(string(text))
})

// path returns p with the interpreter's kernels.
func (p *program) path(real *Path) *Path {
	path := *real
	path.Name += ", interpreted"
	fields := reflect.ValueOf(&path).Elem()
	for i := range fields.NumField() {
		if f := fields.Field(i); f.Kind() == reflect.Func && !f.IsNil() {
			name := runtime.FuncForPC(f.Pointer()).Name()
			name = name[strings.LastIndexByte(name, '.')+1:]
			if p.kernels[name] != nil && beyondAVX2(name) {
				p.bind(f, name)
			}
		}
	}
	// Those that Go functions call.
	if real == &avxvnni {
		path.NibbleVecs = oneByOne(bound[func(acc []int32, w []uint32, x []int8)](p, "nibbleVecVNNI"))
	}
	if real.PackTrits != nil {
		path.PackTrits = wholeGroups(bound[func(w, words []uint32)](p, "packTritsAVX512"))
	}
	return &path
}

// bound returns a function that runs a kernel.
func bound[F any](p *program, name string) (f F) {
	p.bind(reflect.ValueOf(&f).Elem(), name)
	return f
}

func beyondAVX2(kernel string) bool { return !strings.HasSuffix(kernel, "AVX2") }

// bind makes f a function that runs a kernel. It panics where the kernel fails.
func (p *program) bind(f reflect.Value, name string) {
	t := f.Type()
	f.Set(reflect.MakeFunc(t, func(args []reflect.Value) []reflect.Value {
		result, err := p.call(name, args)
		if err != nil {
			panic(err)
		}
		if t.NumOut() == 0 {
			return nil
		}
		return []reflect.Value{reflect.NewAt(t.Out(0), unsafe.Pointer(&result)).Elem()}
	}))
}
