package test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// entry adds a line to the file that BITNET_TEST_TABLE names when the test ends:
// the backend, its device or path, the result, and the test.
func entry(t *testing.T, backend, device string) {
	t.Helper()
	name := os.Getenv("BITNET_TEST_TABLE")
	if name == "" {
		return
	}
	t.Cleanup(func() {
		result := "equal"
		switch {
		case t.Failed():
			result = "FAILED"
		case t.Skipped():
			result = "skipped"
		}
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		test, _, _ := strings.Cut(t.Name(), "/")
		fmt.Fprintf(f, "%-7s %-45s %-8s %s\n", backend, device, result, test)
	})
}
