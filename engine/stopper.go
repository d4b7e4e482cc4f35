package engine

import "strings"

// A stopper ends a stream of text before the first of some strings, and holds
// back what may become one.
type stopper struct {
	stops []string
	held  string
}

// next takes a piece of text and returns what is safe to show. stopped reports
// that a stop string was met; nothing follows it.
func (s *stopper) next(text string) (safe string, stopped bool) {
	if len(s.stops) == 0 {
		return text, false
	}
	s.held += text
	cut := -1
	for _, stop := range s.stops {
		if i := strings.Index(s.held, stop); i >= 0 && stop != "" && (cut < 0 || i < cut) {
			cut = i
		}
	}
	if cut >= 0 {
		safe, s.held = s.held[:cut], ""
		return safe, true
	}
	keep := 0
	for _, stop := range s.stops {
		for n := min(len(stop)-1, len(s.held)); n > keep; n-- {
			if strings.HasSuffix(s.held, stop[:n]) {
				keep = n
			}
		}
	}
	safe, s.held = s.held[:len(s.held)-keep], s.held[len(s.held)-keep:]
	return safe, false
}

// flush returns what was held back.
func (s *stopper) flush() string {
	held := s.held
	s.held = ""
	return held
}
