//go:build unix

package engine_test

import (
	"os"
	"testing"
)

func truncate(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
}
