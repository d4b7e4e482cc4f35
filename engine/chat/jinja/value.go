package jinja

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// The values of the language are nil, bool, int, float64, Text and these.
// Nothing changes a value but a namespace, which is never looked into, so none
// contains itself.
type (
	undefined struct{ what string } // says why there is no value
	list      []any
	tuple     []any
	generator []any // what filters such as map make: true, without length or index
	namespace map[string]any
	function  func(s *state, a args) any

	// A dict keeps the order in which its keys came.
	dict struct {
		keys, values []any
		at           map[any]int
	}
)

// A Field is an entry of a dictionary for Render, and a Dict the whole of it.
type Field struct {
	Name  string
	Value any
}
type Dict []Field

// value returns one of Render's variables as a value of the language.
func (s *state) value(v any) any {
	switch v := v.(type) {
	case string:
		return newText(v)
	case User:
		t := makeText(string(v), FromUser)
		s.work += 128 * len(t) // a user's text may be gone through often
		return t
	case []any:
		made := make(list, len(v))
		for i := range v {
			made[i] = s.value(v[i])
		}
		return made
	case Dict:
		d := newDict()
		for _, f := range v {
			d.set(s, newText(f.Name), s.value(f.Value))
		}
		return d
	case nil, bool, int:
		return v
	}
	panic(fmt.Sprintf("BUG: a variable of the type %T", v))
}

func newDict() *dict { return &dict{at: map[any]int{}} }

func (d *dict) set(s *state, key, value any) {
	k := s.key(key)
	if i, ok := d.at[k]; ok {
		d.values[i] = value
		return
	}
	d.at[k] = len(d.keys)
	d.keys, d.values = append(d.keys, key), append(d.values, value)
}

func (d *dict) get(s *state, key any) (any, bool) {
	i, ok := d.at[s.key(key)]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

func (d *dict) pairs() list {
	made := make(list, len(d.keys))
	for i, k := range d.keys {
		made[i] = tuple{k, d.values[i]}
	}
	return made
}

// key returns what equal keys of a dictionary have in common.
func (s *state) key(v any) any {
	switch v := v.(type) {
	case Text:
		return v.String()
	case bool, int, float64:
		f, _ := number(v)
		return f
	case nil:
		return undefined{}
	}
	s.fail("a dictionary with a key that is %s", kindOf(v))
	return nil
}

func isUndefined(v any) bool { _, ok := v.(undefined); return ok }

// kindOf names the kind of a value in words.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case bool:
		return "true or false"
	case int, float64:
		return "a number"
	case Text:
		return "text"
	case list:
		return "a list"
	case tuple:
		return "a tuple"
	case *dict:
		return "a dictionary"
	case generator:
		return "a generator"
	case namespace:
		return "a namespace"
	case undefined:
		return "undefined, as " + v.what
	}
	return "a function"
}

func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int:
		return v != 0
	case float64:
		return v != 0
	case Text:
		return len(v) > 0
	case list:
		return len(v) > 0
	case tuple:
		return len(v) > 0
	case *dict:
		return len(v.keys) > 0
	}
	return true
}

// number returns the value of a number; true and false are some.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// integer returns the value of a whole number; true and false are some.
func integer(v any) (int, bool) {
	switch v := v.(type) {
	case bool:
		f, _ := number(v)
		return int(f), true
	case int:
		return v, true
	}
	return 0, false
}

func (s *state) whole(v any) int {
	n, ok := integer(v)
	if !ok {
		s.fail("a whole number is wanted, not %s", kindOf(v))
	}
	return n
}

func (s *state) text(v any) Text {
	t, ok := v.(Text)
	if !ok {
		s.fail("text is wanted, not %s", kindOf(v))
	}
	return t
}

// items returns what a loop over v goes through.
func (s *state) items(v any) []any {
	switch v := v.(type) {
	case list:
		return v
	case tuple:
		return v
	case generator:
		return v
	case *dict:
		return v.keys
	case undefined:
		return nil
	case Text:
		s.use(40 * len(v))
		made := make([]any, len(v))
		for i := range v {
			made[i] = v[i : i+1 : i+1]
		}
		return made
	}
	s.fail("there is no loop over %s", kindOf(v))
	return nil
}

func (s *state) length(v any) int {
	switch v := v.(type) {
	case Text:
		return len(v)
	case list, tuple, *dict, undefined:
		return len(s.items(v))
	}
	s.fail("%s has no length", kindOf(v))
	return 0
}

// deep counts how far values are nested.
func (s *state) deep(depth int) int {
	s.use(16)
	if depth > maxDepth {
		s.fail("values more than %d within each other", maxDepth)
	}
	return depth + 1
}

func (s *state) equal(a, b any, depth int) bool {
	depth = s.deep(depth)
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case undefined:
		return isUndefined(b)
	case Text:
		b, ok := b.(Text)
		s.use(len(b))
		return ok && a.equal(b)
	case list:
		b, ok := b.(list)
		return ok && s.equalLists(a, b, depth)
	case tuple:
		b, ok := b.(tuple)
		return ok && s.equalLists(a, b, depth)
	case *dict:
		b, ok := b.(*dict)
		if !ok || len(a.keys) != len(b.keys) {
			return false
		}
		for i, k := range a.keys {
			if v, ok := b.get(s, k); !ok || !s.equal(a.values[i], v, depth) {
				return false
			}
		}
		return true
	}
	return false
}

func (s *state) equalLists(a, b []any, depth int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !s.equal(a[i], b[i], depth) {
			return false
		}
	}
	return true
}

// compare orders two numbers, texts or lists.
func (s *state) compare(a, b any, depth int) int {
	depth = s.deep(depth)
	x, okX := number(a)
	y, okY := number(b)
	if okX && okY {
		return cmp.Compare(x, y)
	}
	switch a := a.(type) {
	case Text:
		if b, ok := b.(Text); ok {
			s.use(min(len(a), len(b)))
			return a.compare(b)
		}
	case list:
		if b, ok := b.(list); ok {
			return s.compareLists(a, b, depth)
		}
	case tuple:
		if b, ok := b.(tuple); ok {
			return s.compareLists(a, b, depth)
		}
	}
	s.fail("there is no order between %s and %s", kindOf(a), kindOf(b))
	return 0
}

func (s *state) compareLists(a, b []any, depth int) int {
	for i := range min(len(a), len(b)) {
		if !s.equal(a[i], b[i], depth) {
			return s.compare(a[i], b[i], depth)
		}
	}
	return cmp.Compare(len(a), len(b))
}

// contains is the operator in.
func (s *state) contains(in, v any) bool {
	switch in := in.(type) {
	case Text:
		t := s.text(v)
		s.use(4 * len(in))
		return len(in.find(t, 1)) > 0
	case *dict:
		_, ok := in.get(s, v)
		return ok
	}
	for _, item := range s.items(in) {
		if s.equal(item, v, 0) {
			return true
		}
	}
	return false
}

// str is Python's str, and what {{ }} writes.
func (s *state) str(v any) Text {
	switch v := v.(type) {
	case Text:
		return v
	case undefined:
		return nil
	}
	return s.repr(nil, v, 0)
}

// repr appends what Python's repr gives.
func (s *state) repr(out Text, v any, depth int) Text {
	depth = s.deep(depth)
	switch v := v.(type) {
	case nil:
		return append(out, newText("None")...)
	case undefined:
		return append(out, newText("Undefined")...)
	case bool:
		return append(out, newText(strings.ToUpper(strconv.FormatBool(v)[:1])+strconv.FormatBool(v)[1:])...)
	case int:
		return append(out, newText(strconv.Itoa(v))...)
	case float64:
		return append(out, newText(formatFloat(v))...)
	case Text:
		return s.quoted(out, v)
	case list:
		return s.reprItems(out, "[", v, "]", depth)
	case tuple:
		end := ")"
		if len(v) == 1 {
			end = ",)"
		}
		return s.reprItems(out, "(", v, end, depth)
	case *dict:
		out = append(out, '{')
		for i, k := range v.keys {
			if i > 0 {
				out = append(out, ',', ' ')
			}
			out = append(s.repr(out, k, depth), ':', ' ')
			out = s.repr(out, v.values[i], depth)
		}
		return append(out, '}')
	}
	s.fail("%s cannot be written", kindOf(v))
	return nil
}

func (s *state) reprItems(out Text, begin string, items []any, end string, depth int) Text {
	out = append(out, newText(begin)...)
	for i, v := range items {
		if i > 0 {
			out = append(out, ',', ' ')
		}
		out = s.repr(out, v, depth)
	}
	return append(out, newText(end)...)
}

// quoted appends a text as Python writes it within a list.
func (s *state) quoted(out, t Text) Text {
	s.use(8 * len(t))
	quote := '\''
	if text := t.String(); strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		quote = '"'
	}
	out = append(out, quote)
	for _, from := range t {
		c, as := char(from), ""
		switch {
		case c == quote || c == '\\':
			as = `\` + string(c)
		case c == '\n' || c == '\r' || c == '\t':
			as = strings.Trim(strconv.QuoteRune(c), "'")
		case c >= badByte || unicode.IsPrint(c):
			out = append(out, from)
			continue
		case c < 0x100:
			as = fmt.Sprintf(`\x%02x`, c)
		case c < 0x10000:
			as = fmt.Sprintf(`\u%04x`, c)
		default:
			as = fmt.Sprintf(`\U%08x`, c)
		}
		out = append(out, makeText(as, from&FromUser)...)
	}
	return append(out, quote)
}

// formatFloat writes a number as Python does: 1.0, 1e+17, 1.5e-07.
func formatFloat(f float64) string {
	switch {
	case math.IsInf(f, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+"))
	case math.IsNaN(f):
		return "nan"
	case f != 0 && (math.Abs(f) < 1e-4 || math.Abs(f) >= 1e16):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
