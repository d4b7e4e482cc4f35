package driver

import (
	"strings"
	"testing"
)

func TestFaultFromEnv(t *testing.T) {
	for _, bad := range []string{"oom", "oom@", "oom@0", "oom@-1", "lost@x", "fire@1", "@1"} {
		t.Setenv("BITNET_GPU_FAULT", bad)
		if _, err := FaultFromEnv(); err == nil || !strings.Contains(err.Error(), "want oom@N or lost@N") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	t.Setenv("BITNET_GPU_FAULT", "lost@3")
	f, err := FaultFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, false, true, false} {
		if f.Hit("oom") || f.Hit("lost") != want {
			t.Errorf("event %d: want %v", i+1, want)
		}
	}
}
