package engine

import "slices"

// Prompt lookup. A text often says what it has said before: names, quotations,
// code, lists. So where its last tokens have stood before, what followed them
// there is a guess at what comes now: a draft. It is fed in one batch with the
// last token, and the outputs of the batch are sampled one after the other, as
// they would be without a draft: from the same logits, with the same random
// numbers. As long as the token sampled is the one guessed, the next output is
// there already. So a draft changes when tokens come and never which.
//
// It pays because a batch of compute.Info.Few tokens costs little more than one.
// Relative to one token, 4 cost 1.5 to 1.8 and 8 cost 2.3 to 3.4 on the CPU with
// AVX-512 (cpu/kernel/MEASUREMENTS.md): a draft of 3 pays where half a token of it
// or three quarters are right on average, and one of 7 where the 3 before were right
// in all.
const (
	longestMatch  = 4  // tokens that are looked for; more say no more
	shortestMatch = 2  // of which so many must have stood before
	longestPause  = 31 // tokens
	blindDraft    = 3  // tokens of a draft where nothing is known of the costs
)

// A drafter makes the drafts of one sequence.
type drafter struct {
	most   int     // see Request.Draft
	tokens []int32 // the draft, in the cache behind the sequence
	right  int     // how many of them the sequence has by now
	missed int     // drafts in a row of which nothing was right
	pause  int     // tokens until the next draft
}

// accept reports whether a token is the next one of the draft.
func (d *drafter) accept(id int32) bool {
	if d.right == len(d.tokens) || d.tokens[d.right] != id {
		return false
	}
	d.right++
	return true
}

// drop forgets the draft: the cache does not hold it.
func (d *drafter) drop() { d.tokens, d.right = d.tokens[:0], 0 }

// next makes a draft of at most room tokens to follow those of a sequence, for a
// backend that computes few tokens at little more than the cost of one. It is
// empty where these have not stood before, and during a pause: each draft in a
// row of which nothing was right makes the pause before the next twice as long,
// so that drafts which always fail cost next to nothing. A draft that was right
// in all is followed by one that fills twice the batch.
func (d *drafter) next(sequence []int32, few, room int) []int32 {
	length, most := max(few-1, 0), d.most
	switch {
	case most == 0 && few > 1:
		most = 2*few - 1
	case most > 0 && few <= 1:
		length = blindDraft
	}
	switch n := len(d.tokens); {
	case n > 0 && d.right == 0:
		d.pause = min(1<<d.missed-1, longestPause)
		d.missed = min(d.missed+1, 8)
	case n > 0:
		d.missed = 0
		if d.right == n {
			length = max(length, 2*n+1)
		}
	}
	d.drop()
	if d.pause > 0 {
		d.pause--
		return nil
	}
	d.tokens = lookup(d.tokens, sequence, min(length, most, room))
	return d.tokens
}

// lookup appends to draft the n tokens that follow the end of a sequence, if it
// goes on as it did where its last tokens have stood before: most of them, and
// among such places the last.
func lookup(draft, sequence []int32, n int) []int32 {
	if n <= 0 {
		return draft
	}
	end := len(sequence)
	best, from := shortestMatch-1, 0
	for at := end - 1; at > best && best < longestMatch; at-- {
		if m := matching(sequence[:at], sequence); m > best {
			best, from = m, at
		}
	}
	if from == 0 {
		return draft
	}
	draft = slices.Grow(draft, n)
	for i := range n {
		if from+i < end {
			draft = append(draft, sequence[from+i])
		} else {
			draft = append(draft, draft[from+i-end]) // the text repeats what is still to come
		}
	}
	return draft
}

// matching returns how many tokens two sequences end with alike, of the longest
// that are looked for.
func matching(a, b []int32) (n int) {
	for n < min(len(a), longestMatch) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}
