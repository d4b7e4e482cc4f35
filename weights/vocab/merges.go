package vocab

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// maxMerged bounds the characters of a token that is merged from its bytes, which
// takes time that grows with their square. Llama 3's longest has 128.
const maxMerged = 1 << 10

// ListMerges lists the merges of a byte-level vocabulary that has none listed, in
// the order of their rank: other programs read no other form. By tiktoken's rule
// the rank of a merge is the id of its result, and any two tokens make one whose
// bytes are theirs; but merging the lowest first meets only one such pair for each
// token, the one that its own bytes end with. Tokens that merging never reaches
// have none.
func (v *Vocab) ListMerges() error {
	if v.Model != "gpt2" || v.Merges != nil || len(v.Tokens) == 0 {
		return nil
	}
	m := merger{ids: make(map[string]int32, len(v.Tokens))}
	for id, text := range v.Tokens {
		if v.isOrdinary(id) {
			m.ids[text] = int32(id)
		}
	}
	merges := []string{} // not nil: an empty list is a list
	for id, text := range v.Tokens {
		if m.ids[text] != int32(id) || !v.isOrdinary(id) {
			continue
		}
		if len(text) > 2*maxMerged { // a character of the alphabet has one or two bytes
			return fmt.Errorf("token %d has %d bytes, expected at most %d where no merges are listed", id, len(text), 2*maxMerged)
		}
		if left, right, ok := m.parts(text, int32(id)); ok {
			merges = append(merges, left+" "+right)
		}
	}
	v.Merges = merges
	return nil
}

// isOrdinary reports whether a token is text, and no special one that is written
// as such: see package tokenizer.
func (v *Vocab) isOrdinary(id int) bool {
	text := v.Tokens[id]
	return (v.Types == nil || v.Types[id] == TokenNormal) && text != "" &&
		!(len(text) > 4 && strings.HasPrefix(text, "<|") && strings.HasSuffix(text, "|>"))
}

// A merger merges texts from their characters, the lowest id first.
type merger struct {
	ids    map[string]int32
	starts []int   // of the parts so far, and the end of the text
	ranks  []int32 // of merging a part with the next one
}

// parts returns the two parts that merging by ids below limit ends with, if it is
// two.
func (m *merger) parts(text string, limit int32) (left, right string, ok bool) {
	m.starts, m.ranks = m.starts[:0], m.ranks[:0]
	for i := range text {
		m.starts = append(m.starts, i)
	}
	m.starts = append(m.starts, len(text))
	rank := func(i int) int32 { // of part i and the next
		if i+2 < len(m.starts) {
			if id, ok := m.ids[text[m.starts[i]:m.starts[i+2]]]; ok && id < limit {
				return id
			}
		}
		return math.MaxInt32
	}
	for i := range len(m.starts) - 1 {
		m.ranks = append(m.ranks, rank(i))
	}
	for {
		at := 0
		for i, r := range m.ranks {
			if r < m.ranks[at] {
				at = i
			}
		}
		if m.ranks[at] == math.MaxInt32 {
			break
		}
		m.starts, m.ranks = slices.Delete(m.starts, at+1, at+2), slices.Delete(m.ranks, at+1, at+2)
		m.ranks[at] = rank(at)
		if at > 0 {
			m.ranks[at-1] = rank(at - 1)
		}
	}
	if len(m.ranks) != 2 {
		return "", "", false
	}
	return text[:m.starts[1]], text[m.starts[1]:], true
}
