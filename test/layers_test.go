package test

import (
	"os/exec"
	"strings"
	"testing"
)

// floors is the house: a package imports only packages of lower floors. It is a
// statement of policy: a package that does not fit is in the wrong place.
var floors = map[string]int{
	"weights/demo":        0,
	"weights/gguf":        0,
	"weights/outfile":     0,
	"weights/safetensors": 0,
	"weights/ternary":     0,
	"cpu/kernel":          0,
	"engine/compute":      0,
	"engine/sample":       0,
	"engine/chat/jinja":   0,
	"shaders":             0,

	"engine/chat":   1,
	"weights/hub":   1,
	"weights/vocab": 1,
	"gpu/driver":    1,

	"weights":          2,
	"engine/tokenizer": 2,
	"gpu/vulkan":       2,
	"gpu/opengl":       2,

	"weights/synthetic": 3,
	"cpu":               3,
	"gpu":               3,

	"engine": 4,

	"engine/bench":                 5,
	"cmd/bitnet-gpu/internal/plot": 5,

	"cmd/bitnet-gpu": 6,
	"test":           6,
	"test/backends":  6,
	"test/badfiles":  6,
	"test/npy":       6,
	"test/oracle":    6,
	"test/tiny":      6,
}

func TestLayers(t *testing.T) {
	const module = "bitnet-gpu/"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(line)
		name := strings.TrimPrefix(names[0], module)
		floor, ok := floors[name]
		if !ok {
			t.Errorf("%s has no floor: give it one here", name)
			continue
		}
		seen[name] = true
		for _, path := range names[1:] {
			imported, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			if lower := floors[imported]; lower >= floor && !(floor == 6 && strings.HasPrefix(imported, "test/") && strings.HasPrefix(name, "test")) {
				t.Errorf("%s (floor %d) imports %s (floor %d)", name, floor, imported, lower)
			}
		}
	}
	for name := range floors {
		if !seen[name] {
			t.Errorf("%s has a floor and does not exist", name)
		}
	}
}
