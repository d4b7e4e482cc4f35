//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRoundToEven has the result validated and disassembled by the
// specification's own tools.
func TestRoundToEven(t *testing.T) {
	for _, k := range [][]byte{stepSPIRV, dotSPIRV} {
		code := make([]uint32, len(k)/4)
		for i := range code {
			code[i] = binary.LittleEndian.Uint32(k[4*i:])
		}
		before := slices.Clone(code)
		out := roundToEven(code)
		if !slices.Equal(code, before) {
			t.Error("changed its argument")
		}
		if _, err := exec.LookPath("spirv-val"); err != nil {
			t.Skip("needs spirv-val and spirv-dis")
		}
		file := filepath.Join(t.TempDir(), "k.spv")
		var data []byte
		for _, w := range out {
			data = binary.LittleEndian.AppendUint32(data, w)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if text, err := exec.Command("spirv-val", "--target-env", "vulkan1.1", file).CombinedOutput(); err != nil {
			t.Fatalf("%s", text)
		}
		text, err := exec.Command("spirv-dis", file).Output()
		if err != nil || !strings.Contains(string(text), " RoundingModeRTE 32") {
			t.Errorf("%v\n%s", err, text)
		}
	}
}

func TestRoundToEvenOfRubbish(t *testing.T) {
	head := []uint32{0x07230203, 0x10300, 0, 1, 0}
	for _, code := range [][]uint32{head, append(head, 0), append(head, 9<<16|opCapability, 1)} {
		roundToEven(code) // must not panic
	}
}
