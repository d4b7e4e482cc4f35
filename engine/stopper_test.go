package engine

import (
	"strings"
	"testing"
)

// TestStopper feeds a text in every split into two and byte by byte.
func TestStopper(t *testing.T) {
	for _, c := range []struct {
		stops []string
		text  string
		want  string
	}{
		{nil, "abc", "abc"},
		{[]string{"x"}, "abc", "abc"},
		{[]string{"c"}, "abc", "ab"},
		{[]string{"abc"}, "abc", ""},
		{[]string{"abd"}, "abc", "abc"},
		{[]string{"aab"}, "aaab", "a"},
		{[]string{"cd", "bcx"}, "abcd", "ab"},
		{[]string{"é"}, "caféine", "caf"},
		{[]string{""}, "abc", "abc"},
	} {
		for cut := range len(c.text) + 1 {
			s := stopper{stops: c.stops}
			got, stopped := s.next(c.text[:cut])
			if !stopped {
				more, end := s.next(c.text[cut:])
				if got += more; !end {
					got += s.flush()
				}
			}
			if got != c.want {
				t.Errorf("stops %q, %q cut at %d: %q, expected %q", c.stops, c.text, cut, got, c.want)
			}
		}
		var got strings.Builder
		s := stopper{stops: c.stops}
		stopped := false
		for i := 0; i < len(c.text) && !stopped; i++ {
			var safe string
			safe, stopped = s.next(c.text[i : i+1])
			got.WriteString(safe)
		}
		if !stopped {
			got.WriteString(s.flush())
		}
		if got.String() != c.want {
			t.Errorf("stops %q, %q by bytes: %q, expected %q", c.stops, c.text, got.String(), c.want)
		}
	}
}
