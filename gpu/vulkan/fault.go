//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A fault is a failure to be injected: the at-th time of a kind of event.
type fault struct {
	kind      string // "oom", "lost" or ""
	at, count int
}

func faultFromEnv() (fault, error) {
	s := os.Getenv("BITNET_GPU_FAULT")
	if s == "" {
		return fault{}, nil
	}
	kind, number, _ := strings.Cut(s, "@")
	at, err := strconv.Atoi(number)
	if err != nil || at < 1 || kind != "oom" && kind != "lost" {
		return fault{}, fmt.Errorf("BITNET_GPU_FAULT=%s: want oom@N or lost@N with N from 1", s)
	}
	return fault{kind: kind, at: at}, nil
}

// hit counts an event and says whether it is to fail.
func (f *fault) hit(kind string) bool {
	if f.kind != kind {
		return false
	}
	f.count++
	return f.count == f.at
}
