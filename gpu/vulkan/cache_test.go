//go:build cgo && (linux || windows) && (amd64 || arm64)

package vulkan

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestCache saves compiled kernels and reads them at the next start, and does
// not mind a file that is damaged.
func TestCache(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if err := d.Load(step, accumulate); err != nil {
			t.Fatal(err)
		}
		path := d.cache.path
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if names, _ := filepath.Glob(path + "*"); len(names) != 1 {
			t.Errorf("files left: %v", names)
		}
		name := d.Info().Device

		again := openTest(t, name)
		if data := again.cache.read(&again.facts); !bytes.Equal(data, file[32:]) {
			t.Errorf("read %d bytes of %d", len(data), len(file)-32)
		}
		for _, bad := range [][]byte{nil, file[:16], file[:40], file[:len(file)-1], flip(file, 3), flip(file, len(file)-1), append(file[:len(file):len(file)], 0)} {
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if data := again.cache.read(&again.facts); data != nil {
				t.Errorf("took a damaged file of %d bytes", len(bad))
			}
			if err := openTest(t, name).Load(step); err != nil {
				t.Error(err)
			}
		}
		if now, err := os.ReadFile(path); err != nil || len(now) < 64 {
			t.Errorf("not written again: %d bytes, %v", len(now), err)
		}
	})
}

func flip(file []byte, i int) []byte {
	file = slices.Clone(file)
	file[i] ^= 1
	return file
}

func TestHeaderOf(t *testing.T) {
	uuid := []byte("0123456789abcdef")
	good := append([]byte{32, 0, 0, 0, 1, 0, 0, 0, 0xde, 0x10, 0, 0, 0x30, 0x10, 0, 0}, uuid...)
	if !headerOf(append(good, 1, 2, 3), 0x10de, 0x1030, uuid) {
		t.Error("refused a good header")
	}
	for i := range good {
		if headerOf(flip(good, i), 0x10de, 0x1030, uuid) {
			t.Errorf("took a header with byte %d wrong", i)
		}
	}
	if headerOf(good[:31], 0x10de, 0x1030, uuid) {
		t.Error("took half a header")
	}
}

// TestNoCacheDirectory works without one.
func TestNoCacheDirectory(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		for _, name := range []string{"XDG_CACHE_HOME", "HOME"} {
			t.Setenv(name, "")
		}
		none := openTest(t, d.Info().Device)
		if none.cache.path != "" {
			t.Errorf("path %s", none.cache.path)
		}
		t.Setenv("XDG_CACHE_HOME", "/dev/null/x")
		for _, d := range []*device{none, openTest(t, d.Info().Device)} {
			if err := d.Load(step); err != nil {
				t.Error(err)
			}
		}
	})
}
