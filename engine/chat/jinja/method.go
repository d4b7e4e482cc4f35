package jinja

import (
	"slices"
	"strings"
	"unicode"
)

// attribute returns the method of a value, or missing.
func (s *state) attribute(v any, name string, missing any) any {
	var found any
	switch v := v.(type) {
	case Text:
		if f, ok := textMethods[name]; ok {
			found = function(func(s *state, a args) any { s.use(len(v)); return f(s, v, a) })
		}
	case *dict:
		if f, ok := dictMethods[name]; ok {
			found = function(func(s *state, a args) any { return f(s, v, a) })
		}
	case namespace:
		if value, ok := v[name]; ok {
			return value
		}
	case *loop:
		return v.attribute(name, missing)
	case list, tuple:
		if name == "count" || name == "index" {
			found = function(func(s *state, a args) any { return s.search(s.items(v), name, a) })
		}
	}
	switch {
	case found != nil:
		return found
	case slices.Contains([]string{"append", "extend", "insert", "pop", "remove", "clear", "update", "setdefault", "popitem"}, name):
		switch v.(type) {
		case list, *dict:
			return function(func(s *state, _ args) any {
				s.fail("%s changes %s, which templates may not", name, kindOf(v))
				return nil
			})
		}
	}
	return missing
}

// search is count and index of a list.
func (s *state) search(items []any, name string, a args) any {
	n, v := 0, a.bind(s, name, 1, "value")[0]
	for i, item := range items {
		if s.equal(item, v, 0) {
			if n++; name == "index" {
				return i
			}
		}
	}
	if name == "index" {
		s.fail("index of what is not in the list")
	}
	return n
}

var dictMethods = map[string]func(s *state, d *dict, a args) any{
	"get": func(s *state, d *dict, a args) any {
		b := a.bind(s, "get", 1, "key", "default")
		if v, ok := d.get(s, b[0]); ok {
			return v
		}
		if len(a.list) < 2 {
			return nil
		}
		return b[1]
	},
	"items": func(s *state, d *dict, a args) any {
		a.bind(s, "items", 0)
		s.use(64 * len(d.keys))
		return d.pairs()
	},
	"keys":   func(s *state, d *dict, a args) any { a.bind(s, "keys", 0); return list(d.keys) },
	"values": func(s *state, d *dict, a args) any { a.bind(s, "values", 0); return list(d.values) },
	"copy":   func(s *state, d *dict, a args) any { a.bind(s, "copy", 0); return d },
}

var textMethods = map[string]func(s *state, t Text, a args) any{
	"upper": plain(Text.upper), "lower": plain(Text.lower), "capitalize": plain(Text.capitalize),
	"title": plain(func(t Text) Text { return t.title(func(c rune) bool { return !unicode.IsLetter(c) }) }),
	"strip": strip(true, true), "lstrip": strip(true, false), "rstrip": strip(false, true),
	"startswith": affix(Text.hasPrefix), "endswith": affix(Text.hasSuffix),
	"removeprefix": func(s *state, t Text, a args) any {
		if prefix := s.text(a.bind(s, "removeprefix", 1, "prefix")[0]); t.hasPrefix(prefix) {
			return t[len(prefix):]
		}
		return t
	},
	"removesuffix": func(s *state, t Text, a args) any {
		if suffix := s.text(a.bind(s, "removesuffix", 1, "suffix")[0]); t.hasSuffix(suffix) {
			return t[:len(t)-len(suffix)]
		}
		return t
	},
	"replace": func(s *state, t Text, a args) any {
		b := a.bind(s, "replace", 2, "old", "new", "count")
		return s.replaced(t, s.text(b[0]), s.text(b[1]), b[2])
	},
	"join": func(s *state, t Text, a args) any {
		return s.joined(t, s.items(a.bind(s, "join", 1, "iterable")[0]))
	},
	"split": splitMethod, "rsplit": rsplitMethod, "partition": partition(false), "rpartition": partition(true),
	"splitlines": func(s *state, t Text, a args) any { a.bind(s, "splitlines", 0); return s.texts(t.lines()) },
	"count":      func(s *state, t Text, a args) any { return len(s.places(t, "count", a)) },
	"find":       findMethod(false, -1), "rfind": findMethod(true, -1), "index": findMethod(false, -2), "rindex": findMethod(true, -2),
	"zfill": func(s *state, t Text, a args) any {
		n := s.whole(a.bind(s, "zfill", 1, "width")[0]) - len(t)
		zeros := repeat(s, newText("0"), n, 4)
		if len(t) > 0 && (char(t[0]) == '-' || char(t[0]) == '+') {
			return append(append(append(Text{}, t[0]), zeros...), s.made(t[1:])...)
		}
		return append(Text(zeros), s.made(t)...)
	},
	"ljust": just(false), "rjust": just(true),
	"format":  func(s *state, t Text, a args) any { return s.braces(t, a) },
	"isdigit": all(unicode.IsDigit), "isnumeric": all(unicode.IsNumber), "isalpha": all(unicode.IsLetter), "isspace": all(isSpace),
	"isalnum": all(func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }),
	"isupper": cased(Text.upper), "islower": cased(Text.lower),
}

func plain(f func(Text) Text) func(*state, Text, args) any {
	return func(s *state, t Text, a args) any {
		a.bind(s, "the method", 0)
		return s.made(f(t))
	}
}

func strip(left, right bool) func(*state, Text, args) any {
	return func(s *state, t Text, a args) any {
		return s.stripped(t, a.bind(s, "strip", 0, "chars")[0], left, right)
	}
}

// affix is startswith and endswith, of one text or of several.
func affix(has func(t, o Text) bool) func(*state, Text, args) any {
	return func(s *state, t Text, a args) any {
		v := a.bind(s, "startswith or endswith", 1, "text")[0]
		if several, ok := v.(tuple); ok {
			return slices.ContainsFunc(several, func(v any) bool { s.use(16); return has(t, s.text(v)) })
		}
		return has(t, s.text(v))
	}
}

func all(is func(rune) bool) func(*state, Text, args) any {
	return func(s *state, t Text, a args) any {
		a.bind(s, "the method", 0)
		return len(t) > 0 && !slices.ContainsFunc(t, func(c rune) bool { return !is(char(c)) })
	}
}

// cased reports whether there is a letter, and all are as f makes them.
func cased(f func(Text) Text) func(*state, Text, args) any {
	return func(s *state, t Text, a args) any {
		a.bind(s, "the method", 0)
		s.use(8 * len(t))
		return f(t).equal(t) && !(t.upper().equal(t) && t.lower().equal(t))
	}
}

func (s *state) texts(parts []Text) list {
	s.use(40 * len(parts))
	made := make(list, len(parts))
	for i, t := range parts {
		made[i] = slices.Clip(t)
	}
	return made
}

// places returns where the argument of a method stands in a text.
func (s *state) places(t Text, name string, a args) []int {
	old := s.text(a.bind(s, name, 1, "text")[0])
	s.use(16 * len(t))
	return t.find(old, -1)
}

func findMethod(last bool, absent int) func(*state, Text, args) any {
	return func(s *state, t Text, a args) any {
		old := s.text(a.bind(s, "find", 1, "text")[0])
		for i := range t[:max(0, len(t)-len(old)+1)] {
			if last {
				i = len(t) - len(old) - i
			}
			s.use(1 + len(old))
			if t[i:].hasPrefix(old) {
				return i
			}
		}
		switch {
		case len(old) == 0:
			return 0
		case absent == -2:
			s.fail("index of what is not in the text")
		}
		return absent
	}
}

// splitMethod is Python's split.
func splitMethod(s *state, t Text, a args) any {
	b := a.bind(s, "split", 0, "sep", "maxsplit")
	n := -1
	if !isUndefined(b[1]) {
		n = s.whole(b[1])
	}
	if b[0] == nil || isUndefined(b[0]) {
		return s.texts(t.fields(n))
	}
	return s.split(t, s.text(b[0]), n, false)
}

func rsplitMethod(s *state, t Text, a args) any {
	b := a.bind(s, "rsplit", 1, "sep", "maxsplit")
	n := -1
	if !isUndefined(b[1]) {
		n = s.whole(b[1])
	}
	return s.split(t, s.text(b[0]), n, true)
}

// split cuts a text at a separator, n times at most, the last ones if last.
func (s *state) split(t, separator Text, n int, last bool) any {
	if len(separator) == 0 {
		s.fail("split at nothing")
	}
	s.use(16 * len(t))
	places := t.find(separator, -1)
	if n >= 0 && n < len(places) {
		if last {
			places = places[len(places)-n:]
		} else {
			places = places[:n]
		}
	}
	var parts []Text
	begin := 0
	for _, i := range places {
		parts, begin = append(parts, t[begin:i]), i+len(separator)
	}
	return s.texts(append(parts, t[begin:]))
}

func partition(last bool) func(*state, Text, args) any {
	return func(s *state, t Text, a args) any {
		separator := s.text(a.bind(s, "partition", 1, "sep")[0])
		parts := s.split(t, separator, 1, last).(list)
		switch {
		case len(parts) == 2:
			return tuple{parts[0], separator, parts[1]}
		case last:
			return tuple{Text(nil), Text(nil), t}
		}
		return tuple{t, Text(nil), Text(nil)}
	}
}

func just(right bool) func(*state, Text, args) any {
	return func(s *state, t Text, a args) any {
		b := a.bind(s, "ljust or rjust", 1, "width", "fill")
		fill := newText(" ")
		if !isUndefined(b[1]) {
			fill = s.text(b[1])
		}
		pad := repeat(s, fill, s.whole(b[0])-len(t), 4)
		if right {
			return append(Text(pad), s.made(t)...)
		}
		return append(append(Text{}, s.made(t)...), pad...)
	}
}

// oneLine returns a text for an error: in one line, and of a long one the
// beginning and the end.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:80]+" ... "+text[len(text)-100:], "")
	}
	return text
}
