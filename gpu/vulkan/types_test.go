//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"errors"
	"testing"

	"bitnet-gpu/engine/compute"
)

func TestPickTypes(t *testing.T) {
	const gib = 1 << 30
	const special = 0x40 // the device coherent memory of one maker
	tests := []struct {
		name  string
		types []memoryType
		heaps []int64
		want  memoryTypes
	}{
		{"one for all", []memoryType{{15, 0}}, []int64{4 * gib}, memoryTypes{0, 0, 0}},
		{
			"discrete, small window", // the host sees 256 MiB of the device's memory
			[]memoryType{{0, 1}, {deviceLocal, 0}, {seen, 1}, {seen | cached, 1}, {deviceLocal | seen, 2}},
			[]int64{8 * gib, 16 * gib, gib / 4},
			memoryTypes{local: 1, host: 2, staging: 3},
		},
		{
			"discrete, all of it seen",
			[]memoryType{{0, 1}, {deviceLocal, 0}, {seen, 1}, {seen | cached, 1}, {deviceLocal | seen, 0}},
			[]int64{8 * gib, 16 * gib},
			memoryTypes{local: 4, host: 2, staging: 3},
		},
		{
			"integrated, two kinds of the same memory",
			[]memoryType{{deviceLocal, 0}, {deviceLocal | seen, 0}, {deviceLocal | seen | cached, 0}},
			[]int64{16 * gib},
			memoryTypes{local: 1, host: 1, staging: 2},
		},
		{
			"cached memory that is not coherent, and special kinds first",
			[]memoryType{{deviceLocal | seen | special, 0}, {hostVisible | cached, 0}, {deviceLocal | seen, 0}},
			[]int64{gib},
			memoryTypes{local: 2, host: 2, staging: 2},
		},
	}
	for _, test := range tests {
		got, err := pickTypes(test.types, test.heaps, ^uint32(0))
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", test.name, got, err, test.want)
		}
	}
	for _, types := range [][]memoryType{nil, {{deviceLocal, 0}}, {{seen, 0}}, {{deviceLocal | hostVisible, 0}}} {
		if got, err := pickTypes(types, []int64{gib}, ^uint32(0)); !errors.Is(err, compute.ErrUnavailable) {
			t.Errorf("%v: %+v, %v, want %v", types, got, err, compute.ErrUnavailable)
		}
	}

	// The first type of the device's own may be one for images only.
	types := []memoryType{{deviceLocal, 0}, {deviceLocal, 0}, {seen, 1}, {seen, 1}}
	if got, err := pickTypes(types, []int64{gib, gib}, 0b1010); err != nil || got != (memoryTypes{1, 3, 3}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := pickTypes(types, []int64{gib, gib}, 0b0011); err == nil {
		t.Errorf("%+v", got)
	}
}
