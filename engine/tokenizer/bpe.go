package tokenizer

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"strings"

	"bitnet-gpu/weights/vocab"
)

// A lexicon finds tokens by their bytes: a hash table with linear probing.
type lexicon struct {
	seed  maphash.Seed
	slots []slot
}

type slot struct {
	tag uint32 // upper half of the hash
	id  int32  // plus one; 0: empty
}

func newLexicon(n int) lexicon {
	return lexicon{maphash.MakeSeed(), make([]slot, tableSize(n))}
}

// tableSize returns the size of a table for n entries: a power of two, with a
// quarter or more of it empty.
func tableSize(n int) int { return 1 << bits.Len(uint(n+n/3)) }

// lookup returns the slot of the ordinary token with these bytes, or the empty
// one where it would be, and its tag.
func (t *Tokenizer) lookup(text string) (*slot, uint32) {
	h := maphash.String(t.lexicon.seed, text)
	tag, mask := uint32(h>>32), len(t.lexicon.slots)-1
	for at := int(h) & mask; ; at = (at + 1) & mask {
		s := &t.lexicon.slots[at]
		if s.id == 0 || s.tag == tag && t.bytes(s.id-1) == text {
			return s, tag
		}
	}
}

// find returns the id of the ordinary token with these bytes, or -1.
func (t *Tokenizer) find(text string) int32 {
	s, _ := t.lookup(text)
	return s.id - 1
}

// noMerge is the rank of two tokens that do not merge.
const noMerge = 1<<31 - 1

// A merge joins two tokens that stand side by side into one.
type merge struct {
	left, right int32 // left is -1 where the table is empty
	rank        int32 // the lowest of a piece goes first
	id          int32 // of the result
}

// merges finds merges by their two tokens: a hash table with linear probing.
type merges struct {
	slots []merge
	shift int
}

func newMerges(n int) merges {
	m := merges{slots: make([]merge, tableSize(n))}
	m.shift = 64 - bits.TrailingZeros(uint(len(m.slots)))
	for i := range m.slots {
		m.slots[i].left = -1
	}
	return m
}

// at returns where the merge of left and right is or would be.
func (m *merges) at(left, right int32) *merge {
	const golden = 0x9E3779B97F4A7C15
	mask := len(m.slots) - 1
	key := uint64(uint32(left))<<32 | uint64(uint32(right))
	key ^= key >> 29 // the multiplication alone would leave left's upper bits unmixed
	for i := int(key * golden >> m.shift); ; i++ {
		s := &m.slots[i&mask]
		if s.left < 0 || s.left == left && s.right == right {
			return s
		}
	}
}

// find returns the rank of the merge of left and right and its result, or
// noMerge.
func (m *merges) find(left, right int32) (rank, id int32) {
	if s := m.at(left, right); s.left >= 0 {
		return s.rank, s.id
	}
	return noMerge, -1
}

// listMerges builds the table from a list in the order of rank.
func (t *Tokenizer) listMerges(list []string) error {
	if len(list) >= noMerge {
		return fmt.Errorf("%d merges are too many", len(list))
	}
	t.merges = newMerges(len(list))
	var buf []byte
	for rank, entry := range list {
		l, r, ok := strings.Cut(entry, " ")
		if !ok || l == "" || r == "" || strings.Contains(r, " ") {
			return fmt.Errorf("merge %d is %.40q, want two tokens with a blank between", rank, entry)
		}
		buf, ok = vocab.AppendBytes(buf[:0], l)
		split := len(buf)
		if ok {
			buf, ok = vocab.AppendBytes(buf, r)
		}
		if !ok {
			return fmt.Errorf("merge %d, %.40q, has a character that stands for no byte", rank, entry)
		}
		text := string(buf)
		m := merge{t.find(text[:split]), t.find(text[split:]), int32(rank), t.find(text)}
		for i, id := range []int32{m.left, m.right, m.id} {
			if id < 0 {
				return fmt.Errorf("merge %d, %.40q: %.40q is not a token of the vocabulary", rank, entry, []string{l, r, l + r}[i])
			}
		}
		s := t.merges.at(m.left, m.right)
		if s.left >= 0 {
			return fmt.Errorf("merges %d and %d are both %.40q", s.rank, rank, entry)
		}
		*s = m
	}
	return nil
}

// maxDerived bounds the bytes of a token that is taken apart at every place,
// which takes time that grows with their square. Llama 3's longest has 128.
const maxDerived = 1 << 10

// deriveMerges builds the table by tiktoken's rule: any two tokens whose bytes
// together are a token merge to it, and its id is the rank.
func (t *Tokenizer) deriveMerges() error {
	list := make([]merge, 0, 3*t.VocabSize())
	for id := range int32(t.VocabSize()) {
		if t.kinds[id] != vocab.TokenNormal {
			continue
		}
		text := t.bytes(id)
		if len(text) > maxDerived {
			return fmt.Errorf("token %d has %d bytes, expected at most %d in a file that lists no merges", id, len(text), maxDerived)
		}
		for split := 1; split < len(text); split++ {
			left := t.find(text[:split])
			if left < 0 {
				continue
			}
			if right := t.find(text[split:]); right >= 0 {
				list = append(list, merge{left, right, id, id})
			}
		}
	}
	t.merges = newMerges(len(list))
	for _, m := range list {
		*t.merges.at(m.left, m.right) = m
	}
	return nil
}

// shortPiece is the length in bytes up to which a piece is merged by scanning
// it for the lowest rank: quadratic, but without allocation and faster than a
// heap.
const shortPiece = 48

// appendPiece appends the tokens of one piece of text to dst. A piece that is a
// token as a whole is that token, even where merging would not reach it, unless
// the vocabulary has it otherwise.
func (t *Tokenizer) appendPiece(dst []int32, piece string) []int32 {
	if !t.mergesOnly {
		if id := t.find(piece); id >= 0 {
			return append(dst, id)
		}
	}
	if len(piece) <= shortPiece {
		return t.mergeShort(dst, piece)
	}
	return t.mergeLong(dst, piece)
}

// mergeShort merges the bytes of a short piece: always the pair of lowest rank,
// the leftmost of equals.
func (t *Tokenizer) mergeShort(dst []int32, piece string) []int32 {
	var idBuf, rankBuf, intoBuf [shortPiece]int32
	n := len(piece)
	ids := idBuf[:n]     // the tokens so far
	ranks := rankBuf[:n] // of merging token i with its right neighbour
	into := intoBuf[:n]  // what that gives
	for i := range len(piece) {
		ids[i] = t.byteID[piece[i]]
	}
	for i := range n - 1 {
		ranks[i], into[i] = t.merges.find(ids[i], ids[i+1])
	}
	ranks[n-1] = noMerge
	for {
		best, at := int32(noMerge), 0
		for i, r := range ranks[:n] {
			if r < best {
				best, at = r, i
			}
		}
		if best == noMerge {
			return append(dst, ids[:n]...)
		}
		ids[at] = into[at]
		n--
		copy(ids[at+1:n], ids[at+2:])
		copy(ranks[at+1:n], ranks[at+2:])
		copy(into[at+1:n], into[at+2:])
		ranks[n-1] = noMerge
		if at > 0 {
			ranks[at-1], into[at-1] = t.merges.find(ids[at-1], ids[at])
		}
		if at < n-1 {
			ranks[at], into[at] = t.merges.find(ids[at], ids[at+1])
		}
	}
}

// A link is a token in the list of a long piece's tokens.
type link struct {
	id, rank, into int32 // rank and result of merging with the next token
	prev, next     int32 // indices, -1 at the ends
}

// mergeLong does what mergeShort does, in n log n: the tokens are a linked
// list, the pairs a heap.
func (t *Tokenizer) mergeLong(dst []int32, piece string) []int32 {
	list := make([]link, len(piece))
	for i := range len(piece) {
		list[i] = link{id: t.byteID[piece[i]], rank: noMerge, prev: int32(i) - 1, next: int32(i) + 1}
	}
	list[len(list)-1].next = -1

	queue := make(heap, 0, len(piece))
	look := func(i int32) bool { // at the pair that starts with token i
		l := &list[i]
		l.rank = noMerge
		if l.next >= 0 {
			l.rank, l.into = t.merges.find(l.id, list[l.next].id)
		}
		return l.rank != noMerge
	}
	for i := range int32(len(list)) {
		if look(i) {
			queue = append(queue, pair(list[i].rank, i))
		}
	}
	queue.order()

	for len(queue) > 0 {
		rank, at := queue.pop()
		l := &list[at]
		if l.rank != rank {
			continue // the pair has gone since
		}
		gone := &list[l.next]
		l.id, l.next = l.into, gone.next
		gone.rank = noMerge
		if l.next >= 0 {
			list[l.next].prev = at
		}
		if look(at) {
			queue.push(pair(l.rank, at))
		}
		if l.prev >= 0 && look(l.prev) {
			queue.push(pair(list[l.prev].rank, l.prev))
		}
	}
	for i := int32(0); i >= 0; i = list[i].next {
		dst = append(dst, list[i].id)
	}
	return dst
}

// A heap of pairs: the lowest rank first, of equal ranks the leftmost.
type heap []uint64

func pair(rank, at int32) uint64 { return uint64(rank)<<32 | uint64(at) }

// order makes a heap of any list.
func (h heap) order() {
	for i := len(h)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h heap) down(i int) {
	x := h[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1] < h[child] {
			child++
		}
		if x <= h[child] {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = x
}

func (h *heap) push(x uint64) {
	*h = append(*h, x)
	s, i := *h, len(*h)-1
	for i > 0 && x < s[(i-1)/2] {
		s[i] = s[(i-1)/2]
		i = (i - 1) / 2
	}
	s[i] = x
}

func (h *heap) pop() (rank, at int32) {
	s := *h
	x, last := s[0], len(s)-1
	s[0] = s[last]
	*h = s[:last]
	if last > 0 {
		h.down(0)
	}
	return int32(x >> 32), int32(uint32(x))
}
