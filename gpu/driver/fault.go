package driver

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A Fault is a failure to be injected, for tests of what follows: the At-th time
// of a kind of event.
type Fault struct {
	Kind string // "oom", an allocation of memory; "lost", a submission; or ""
	At   int

	count int
}

// FaultFromEnv returns the fault that BITNET_GPU_FAULT asks for, as oom@N or
// lost@N.
func FaultFromEnv() (Fault, error) {
	s := os.Getenv("BITNET_GPU_FAULT")
	if s == "" {
		return Fault{}, nil
	}
	kind, number, _ := strings.Cut(s, "@")
	at, err := strconv.Atoi(number)
	if err != nil || at < 1 || kind != "oom" && kind != "lost" {
		return Fault{}, fmt.Errorf("BITNET_GPU_FAULT=%s: want oom@N or lost@N with N from 1", s)
	}
	return Fault{Kind: kind, At: at}, nil
}

// Hit counts an event and says whether it is to fail.
func (f *Fault) Hit(kind string) bool {
	if f.Kind != kind {
		return false
	}
	f.count++
	return f.count == f.At
}
