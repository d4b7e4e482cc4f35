package tokenizer

import "slices"

// A matcher finds tokens that stand in a text by their name.
type matcher struct {
	ids     map[string]int32
	first   [256]bool // the bytes that names begin with
	lengths []int     // of the names, the longest first
}

// add enters a name. If it is there already, add returns its id, else -1.
func (m *matcher) add(name string, id int32) int32 {
	if same, ok := m.ids[name]; ok {
		return same
	}
	if m.ids == nil {
		m.ids = make(map[string]int32)
	}
	m.ids[name] = id
	m.first[name[0]] = true
	at, ok := slices.BinarySearchFunc(m.lengths, len(name), func(a, b int) int { return b - a })
	if !ok {
		m.lengths = slices.Insert(m.lengths, at, len(name))
	}
	return -1
}

// next returns the first name in text, the longest of those that begin at the
// same place: its id, and where it begins and ends. Without one, id is -1 and
// both are len(text).
func (m *matcher) next(text string) (id int32, begin, end int) {
	if len(m.ids) == 0 {
		return -1, len(text), len(text)
	}
	for i := range len(text) {
		if id, n := m.at(text[i:]); n > 0 {
			return id, i, i + n
		}
	}
	return -1, len(text), len(text)
}

// at returns the longest name that text, which is not empty, begins with, and its
// length; 0 where there is none.
func (m *matcher) at(text string) (id int32, size int) {
	if !m.first[text[0]] {
		return -1, 0
	}
	for _, n := range m.lengths {
		if n > len(text) {
			continue
		}
		if id, ok := m.ids[text[:n]]; ok {
			return id, n
		}
	}
	return -1, 0
}
