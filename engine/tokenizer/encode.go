package tokenizer

import "bitnet-gpu/engine/chat"

// Encode appends the tokens of text to dst. Text that spells a special token is
// text like any other: this is the way for what users write. Neither BOS nor
// EOS is added.
func (t *Tokenizer) Encode(dst []int32, text string) []int32 {
	return t.encode(dst, text, &t.always)
}

// EncodeSpecial is Encode, except that the names of special tokens become these
// tokens; where two names fit, the longer one.
func (t *Tokenizer) EncodeSpecial(dst []int32, text string) []int32 {
	return t.encode(dst, text, &t.special)
}

func (t *Tokenizer) encode(dst []int32, text string, names *matcher) []int32 {
	if t.ranks != nil {
		return t.encodePieces(dst, text, names)
	}
	for len(text) > 0 {
		id, begin, end := names.next(text)
		rest := text[:begin]
		if t.falcon3 {
			dst, rest = t.appendFalcon3(dst, rest), ""
		}
		for len(rest) > 0 {
			n := nextPiece(rest)
			dst = t.appendPiece(dst, rest[:n])
			rest = rest[n:]
		}
		if id >= 0 {
			dst = append(dst, id)
		}
		text = text[end:]
	}
	return dst
}

// EncodeChat returns the tokens of a rendered conversation: in special segments
// the names of special tokens are these tokens, in all others they are text. If
// the model wants BOS in front, it stands there once, whether or not the
// template wrote it.
func (t *Tokenizer) EncodeChat(segments []chat.Segment) []int32 {
	var ids []int32
	if t.addBOS {
		ids = append(ids, t.bos)
	}
	for _, s := range segments {
		if s.Special {
			ids = t.EncodeSpecial(ids, s.Text)
		} else {
			ids = t.Encode(ids, s.Text)
		}
	}
	if t.addBOS && len(ids) > 1 && ids[1] == t.bos {
		ids = ids[1:]
	}
	return ids
}

// Template returns the chat template for a model of this vocabulary and of the
// architecture that its file names, as chat.For chooses it; chosen is the user's
// template, or "".
func (t *Tokenizer) Template(arch, chosen string) (*chat.Template, error) {
	m := chat.Model{Arch: arch, Jinja: t.template, Chosen: chosen}
	for name := range t.special.ids {
		m.Special = append(m.Special, name)
	}
	if t.bos >= 0 {
		m.BOS = t.bytes(t.bos)
	}
	if t.eos >= 0 {
		m.EOS = t.bytes(t.eos)
	}
	return chat.For(m)
}
