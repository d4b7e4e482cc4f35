package badfiles

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// What reading a file may allocate, all in all and whatever is in it: a multiple
// of its size, and a constant for what the smallest one takes. That is what is
// allocated, not what is held at one time, which is a part of it.
const (
	perByte = 32
	atLeast = 1 << 20
)

// Seed adds the small ones of Cases, which reach all that is refused, to the
// corpus of a fuzz target.
func Seed(f *testing.F) {
	cases, err := Cases(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		if info, err := os.Stat(c.Path); err == nil && info.Mode().IsRegular() && info.Size() < 64<<10 {
			data, err := os.ReadFile(c.Path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
}

// OneLine checks that an error is a line that can be shown.
func OneLine(t testing.TB, err error) {
	t.Helper()
	if text := err.Error(); len(text) > 500 || strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
		t.Errorf("not one line: %.1000q", text)
	}
}

// Within reads a file of size bytes and reports where that allocates more than
// it may. Nothing else may allocate meanwhile.
func Within(t testing.TB, size int, read func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read()
	runtime.ReadMemStats(&after)
	if n, most := after.TotalAlloc-before.TotalAlloc, uint64(atLeast+perByte*size); n > most {
		t.Errorf("a file of %d bytes makes its reader allocate %d, expected at most %d", size, n, most)
	}
}
