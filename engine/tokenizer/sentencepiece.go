package tokenizer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"bitnet-gpu/weights/vocab"
)

// SentencePiece's BPE, of 1bitLLM's models. A text, normalised, is one piece and
// begins as characters and the user's tokens. Two neighbouring characters merge
// where their text is a token, the one of the highest score first; a character
// that is no token becomes its bytes. (github.com/google/sentencepiece,
// src/bpe_model.cc)

// blank stands for a blank in the file's tokens.
const blank = "\u2581"

// appendByteToken appends the byte that a token such as <0x0A> is.
func appendByteToken(dst []byte, token string) ([]byte, bool) {
	const digits = "0123456789ABCDEF"
	if len(token) != 6 || token[:3] != "<0x" || token[5] != '>' {
		return dst, false
	}
	high, low := strings.IndexByte(digits, token[3]), strings.IndexByte(digits, token[4])
	if high < 0 || low < 0 {
		return dst, false
	}
	return append(dst, byte(16*high+low)), true
}

// addBytes finds the tokens of single bytes.
func (t *Tokenizer) addBytes() error {
	for b := range t.byteID {
		t.byteID[b] = -1
	}
	for id, kind := range t.kinds {
		if kind != vocab.TokenByte {
			continue
		}
		at := &t.byteID[t.bytes(int32(id))[0]]
		if *at >= 0 {
			return fmt.Errorf("tokens %d and %d are the same byte", *at, id)
		}
		*at = int32(id)
	}
	for b, id := range t.byteID {
		if id < 0 {
			return fmt.Errorf("no token for the byte 0x%02X", b)
		}
	}
	return nil
}

// rankScores returns the place of each token by score, the highest first, the
// same for the same score. NaNs come last.
func rankScores(scores []float32) []int32 {
	order := make([]int32, len(scores))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(scores[b], scores[a]) })
	ranks := make([]int32, len(scores))
	for i, id := range order {
		ranks[id] = int32(i)
		if i > 0 && scores[order[i-1]] == scores[id] {
			ranks[id] = ranks[order[i-1]]
		}
	}
	return ranks
}

// encodePieces appends the tokens of a text to dst, with those control tokens that
// names has. What stands behind one is a text of its own, as in llama.cpp.
func (t *Tokenizer) encodePieces(dst []int32, text string, names *matcher) []int32 {
	for len(text) > 0 {
		id, begin, end := names.next(text)
		for id >= 0 && !t.IsControl(id) { // a user's token is part of the text
			next, from, to := names.next(text[end:])
			id, begin, end = next, end+from, end+to
		}
		dst = t.appendPieces(dst, text[:begin])
		if id >= 0 {
			dst = append(dst, id)
		}
		text = text[end:]
	}
	return dst
}

// A symbol is a stretch of text in the list of those that merge.
type symbol struct {
	begin, end int32
	id         int32 // of a user's token, which does not merge; else -1
	rank       int32 // of merging with the next one
	prev, next int32 // indices, -1 at the ends
}

// appendPieces appends the tokens of a text between special tokens to dst.
func (t *Tokenizer) appendPieces(dst []int32, text string) []int32 {
	if text = t.normalizer.normalize(text, &t.always); text == "" {
		return dst
	}
	list := t.symbols(text)
	t.mergeSymbols(list, text)
	for i := int32(0); i >= 0; i = list[i].next {
		piece, id := text[list[i].begin:list[i].end], list[i].id
		if id < 0 {
			id = t.find(piece)
		}
		if id >= 0 {
			dst = append(dst, id)
			continue
		}
		if piece == " " {
			piece = blank
		}
		for _, b := range []byte(piece) {
			dst = append(dst, t.byteID[b])
		}
	}
	return dst
}

// symbols lists the characters and the user's tokens of a text that is not empty.
func (t *Tokenizer) symbols(text string) []symbol {
	var list []symbol
	for at := 0; at < len(text); {
		id, size := t.always.at(text[at:])
		if size == 0 {
			_, size = utf8.DecodeRuneInString(text[at:])
		}
		i := int32(len(list))
		list = append(list, symbol{begin: int32(at), end: int32(at + size), id: id, rank: noMerge, prev: i - 1, next: i + 1})
		at += size
	}
	list[len(list)-1].next = -1
	return list
}

func (t *Tokenizer) mergeSymbols(list []symbol, text string) {
	queue := make(heap, 0, len(list))
	look := func(i int32) bool { // at the pair that starts with symbol i
		s := &list[i]
		s.rank = noMerge
		if s.next >= 0 && s.id < 0 && list[s.next].id < 0 {
			if id := t.find(text[s.begin:list[s.next].end]); id >= 0 {
				s.rank = t.ranks[id]
			}
		}
		return s.rank != noMerge
	}
	for i := range int32(len(list)) {
		if look(i) {
			queue = append(queue, pair(list[i].rank, i))
		}
	}
	queue.order()
	for len(queue) > 0 {
		rank, at := queue.pop()
		s := &list[at]
		if s.rank != rank {
			continue // the pair has gone since
		}
		gone := &list[s.next]
		s.end, s.next = gone.end, gone.next
		gone.rank = noMerge
		if s.next >= 0 {
			list[s.next].prev = at
		}
		if look(at) {
			queue.push(pair(s.rank, at))
		}
		if s.prev >= 0 && look(s.prev) {
			queue.push(pair(list[s.prev].rank, s.prev))
		}
	}
}
