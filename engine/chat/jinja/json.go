package jinja

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// An encoder writes JSON as Python's json.dumps does.
type encoder struct {
	s          *state
	out        Text
	indent     Text // of a level; nil: all in one line
	item, key  Text // what stands behind an item and a key
	ascii      bool
	sortedKeys bool
}

// filterToJSON is the tojson of transformers: nothing is escaped for HTML.
func filterToJSON(s *state, v any, a args) any {
	b := a.bind(s, "tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys")
	e := encoder{s: s, item: newText(", "), key: newText(": "), ascii: truth(b[0]), sortedKeys: truth(b[3])}
	switch indent := b[1].(type) {
	case nil, undefined:
	case Text:
		e.indent, e.item = append(Text{}, indent...), newText(",")
	default:
		e.indent, e.item = append(Text{}, repeat(s, newText(" "), s.whole(indent), 4)...), newText(",")
	}
	if b[2] != nil && !isUndefined(b[2]) {
		separators := s.items(b[2])
		if len(separators) != 2 {
			s.fail("tojson wants two separators")
		}
		e.item, e.key = s.text(separators[0]), s.text(separators[1])
	}
	e.write(v, 0)
	return e.out
}

func (e *encoder) add(t Text) { e.out = append(e.out, e.s.made(t)...) }

func (e *encoder) write(v any, depth int) {
	e.s.deep(depth)
	switch v := v.(type) {
	case nil, bool, int, float64:
		e.add(newText(scalar(v)))
	case Text:
		e.string(v)
	case list:
		e.items('[', len(v), ']', depth, func(i int) { e.write(v[i], depth+1) })
	case tuple:
		e.items('[', len(v), ']', depth, func(i int) { e.write(v[i], depth+1) })
	case *dict:
		e.dict(v, depth)
	default:
		e.s.fail("%s cannot be written in JSON", kindOf(v))
	}
}

func scalar(v any) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 0):
			return strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+") + "inity"
		}
		return formatFloat(v)
	}
	return "null"
}

// items writes the items of a list or dictionary between brackets.
func (e *encoder) items(begin rune, n int, end rune, depth int, write func(i int)) {
	e.out = append(e.out, begin)
	for i := range n {
		if i > 0 {
			e.add(e.item)
		}
		e.line(depth + 1)
		write(i)
	}
	if n > 0 {
		e.line(depth)
	}
	e.out = append(e.out, end)
}

func (e *encoder) line(depth int) {
	if e.indent == nil {
		return
	}
	e.out = append(e.out, '\n')
	for range depth {
		e.add(e.indent)
	}
}

func (e *encoder) dict(d *dict, depth int) {
	pairs := d.pairs()
	if e.sortedKeys {
		slices.SortStableFunc(pairs, func(a, b any) int { return e.s.compare(a.(tuple)[0], b.(tuple)[0], 0) })
	}
	e.items('{', len(pairs), '}', depth, func(i int) {
		pair := pairs[i].(tuple)
		if t, ok := pair[0].(Text); ok {
			e.string(t)
		} else {
			e.string(newText(scalar(pair[0])))
		}
		e.add(e.key)
		e.write(pair[1], depth+1)
	})
}

var jsonEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\f': `\f`, '\b': `\b`}

func (e *encoder) string(t Text) {
	e.s.use(8 * len(t))
	e.out = append(e.out, '"')
	for _, from := range t {
		c := char(from)
		as, ok := jsonEscapes[c]
		switch {
		case ok:
		case c < 0x20 || e.ascii && c > 0x7F && c < 0x10000:
			as = fmt.Sprintf(`\u%04x`, c)
		case e.ascii && c >= 0x10000 && c < badByte:
			high, low := utf16.EncodeRune(c)
			as = fmt.Sprintf(`\u%04x\u%04x`, high, low)
		default:
			e.out = append(e.out, from)
			continue
		}
		e.out = append(e.out, makeText(as, from&FromUser)...)
	}
	e.out = append(e.out, '"')
}
