//go:build cgo && opengl && (linux || windows)

package opengl

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"bitnet-gpu/shaders"
)

// TestCache saves compiled programs and takes them at the next start, and does
// not mind a file that is damaged or that the driver does not take.
func TestCache(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if !d.context.binaries {
			t.Skip("the driver gives out no programs")
		}
		if err := d.Load(step, accumulate); err != nil {
			t.Fatal(err)
		}
		path, id := d.cache.path, d.Info().ID
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if names, _ := filepath.Glob(path + "*"); len(names) != 1 {
			t.Errorf("files left: %v", names)
		}

		again := openTest(t, id)
		if !reflect.DeepEqual(again.cache.file, d.cache.file) || len(again.cache.file.Programs) != 2 {
			t.Errorf("read %d programs of %d", len(again.cache.file.Programs), len(d.cache.file.Programs))
		}
		if err := again.Load(step, accumulate); err != nil {
			t.Fatal(err)
		}
		if len(again.cache.used) != 2 {
			t.Errorf("the driver took %d programs", len(again.cache.used))
		}
		mustRun(t, again, chain(t, again, 3))

		if f := readCache(path, "another driver"); len(f.Programs) != 0 {
			t.Error("took another driver's programs")
		}
		for _, bad := range [][]byte{nil, file[:16], file[:40], file[:len(file)-1], flip(file, 3), flip(file, len(file)-1), append(file[:len(file):len(file)], 0)} {
			if f := readCache(writeFile(t, bad), d.cache.file.Driver); len(f.Programs) != 0 {
				t.Errorf("took a damaged file of %d bytes", len(bad))
			}
		}
	})
}

// TestRefusedProgram compiles anew where the driver does not take a program.
func TestRefusedProgram(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		if !d.context.binaries {
			t.Skip("the driver gives out no programs")
		}
		if err := d.Load(step); err != nil {
			t.Fatal(err)
		}
		good := d.cache.file.Programs[cacheKey(step)]
		for name, bad := range map[string]program{
			"cut":            {good.Format, good.Data[:len(good.Data)/2]},
			"empty":          {good.Format, nil},
			"another format": {good.Format ^ 0xFFFF, good.Data},
		} {
			other := openTest(t, d.Info().ID)
			other.cache.file.Programs[cacheKey(step)] = bad
			mustRun(t, other, chain(t, other, 3))
			if now := other.cache.file.Programs[cacheKey(step)]; now.Format != good.Format || len(now.Data) != len(good.Data) {
				t.Errorf("%s: not made anew: format %#x, %d bytes", name, now.Format, len(now.Data))
			}
		}
	})
}

// TestFullCache cuts a file that grew too long to what is in use.
func TestFullCache(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	c := cache{path: path, file: cacheFile{"driver", map[string]program{}}, used: map[string]program{"k": {1, []byte{2}}}}
	maps.Copy(c.file.Programs, c.used)
	for i := range mostPrograms {
		c.file.Programs[fmt.Sprint(i)] = program{1, []byte{3}}
	}
	c.save()
	if f := readCache(path, "driver"); !reflect.DeepEqual(f.Programs, c.used) {
		t.Errorf("%d programs kept", len(f.Programs))
	}
}

// TestNoCacheDirectory works without one.
func TestNoCacheDirectory(t *testing.T) {
	eachDevice(t, func(t *testing.T, d *device) {
		t.Setenv("XDG_CACHE_HOME", "")
		t.Setenv("HOME", "")
		none := openTest(t, d.Info().ID)
		if none.cache.path != "" {
			t.Errorf("path %s", none.cache.path)
		}
		t.Setenv("XDG_CACHE_HOME", "/dev/null/x")
		for _, d := range []*device{none, openTest(t, d.Info().ID)} {
			if err := d.Load(step); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestSource puts the constants behind the version.
func TestSource(t *testing.T) {
	k := &shaders.Kernel{Source: "#version 430\nvoid main() {}\n", Consts: []shaders.Constant{{Name: "GROUP", Value: 64}, {Name: "N", Value: 7}}}
	if got, want := source(k), "#version 430\n#define GROUP 64u\n#define N 7u\nvoid main() {}\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func flip(file []byte, i int) []byte {
	file = slices.Clone(file)
	file[i] ^= 1
	return file
}

func writeFile(t *testing.T, data []byte) string {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
