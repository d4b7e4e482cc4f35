package jinja

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// filters are what may stand behind |. It is set in init, for map refers to it.
var filters map[string]func(s *state, v any, a args) any

func init() {
	filters = map[string]func(s *state, v any, a args) any{
		"abs": filterAbs, "attr": filterAttr, "batch": filterBatch, "capitalize": ofText(Text.capitalize), "count": filterLength,
		"d": filterDefault, "default": filterDefault, "dictsort": filterDictsort, "first": filterFirst, "float": filterFloat,
		"format": filterFormat, "groupby": filterGroupby, "indent": filterIndent, "int": filterInt, "items": filterItems,
		"join": filterJoin, "last": filterLast, "length": filterLength, "list": filterList, "lower": ofText(Text.lower),
		"map": filterMap, "max": extreme(1), "min": extreme(-1), "reject": choose(false, false), "rejectattr": choose(true, false),
		"replace": filterReplace, "reverse": filterReverse, "round": filterRound, "safe": filterString,
		"select": choose(false, true), "selectattr": choose(true, true), "sort": filterSort, "string": filterString,
		"sum": filterSum, "title": ofText(filterTitle), "tojson": filterToJSON, "trim": filterTrim, "unique": filterUnique,
		"upper": ofText(Text.upper), "wordcount": filterWordcount,
	}
}

// ofText is a filter of a text without arguments.
func ofText(f func(Text) Text) func(*state, any, args) any {
	return func(s *state, v any, a args) any {
		a.bind(s, "the filter", 0)
		return s.made(f(s.str(v)))
	}
}

func filterTitle(t Text) Text {
	return t.title(func(c rune) bool { return strings.ContainsRune("-([{<", c) || isSpace(c) })
}

func filterString(s *state, v any, a args) any {
	a.bind(s, "string", 0)
	return s.str(v)
}

func filterTrim(s *state, v any, a args) any {
	return s.stripped(s.str(v), a.bind(s, "trim", 0, "chars")[0], true, true)
}

// stripped takes characters off the ends of a text: white space, if chars is
// not given.
func (s *state) stripped(t Text, chars any, left, right bool) Text {
	in := isSpace
	if chars != nil && !isUndefined(chars) {
		set := map[rune]bool{}
		for _, c := range s.text(chars) {
			set[char(c)] = true
		}
		in = func(c rune) bool { return set[char(c)] }
	}
	s.use(len(t))
	return t.trim(left, right, in)
}

func filterReplace(s *state, v any, a args) any {
	b := a.bind(s, "replace", 2, "old", "new", "count")
	return s.replaced(s.str(v), s.str(b[0]), s.str(b[1]), b[2])
}

func (s *state) replaced(t, old, with Text, count any) Text {
	n := -1
	if count != nil && !isUndefined(count) {
		n = s.whole(count)
	}
	s.use(16 * len(t))
	places := t.find(old, n)
	s.use(4 * len(with) * len(places))
	var made Text
	begin := 0
	for _, i := range places {
		made = append(append(made, t[begin:i]...), with...)
		begin = i + len(old)
	}
	return append(made, t[begin:]...)
}

func filterWordcount(s *state, v any, a args) any {
	a.bind(s, "wordcount", 0)
	n, word := 0, false
	t := s.str(v)
	s.use(len(t))
	for _, c := range t {
		is := isWord(char(c)) || unicode.IsMark(char(c))
		if is && !word {
			n++
		}
		word = is
	}
	return n
}

func filterIndent(s *state, v any, a args) any {
	b := a.bind(s, "indent", 0, "width", "first", "blank")
	pad := newText("    ")
	if t, ok := b[0].(Text); ok {
		pad = t
	} else if !isUndefined(b[0]) {
		pad = repeat(s, newText(" "), s.whole(b[0]), 4)
	}
	lines := slices.Concat(s.text(v), Text{'\n'}).lines()
	var made Text
	for i, line := range lines {
		if i > 0 {
			made = append(made, '\n')
		}
		if i == 0 && truth(b[1]) || i > 0 && (len(line) > 0 || truth(b[2])) {
			made = append(made, pad...)
		}
		made = append(made, line...)
		s.use(4 * (len(pad) + len(line) + 1))
	}
	return made
}

func filterFormat(s *state, v any, a args) any {
	if len(a.names) > 0 {
		s.fail("format with names")
	}
	return s.percent(s.str(v), tuple(a.list))
}

func filterAbs(s *state, v any, a args) any {
	a.bind(s, "abs", 0)
	if n, ok := integer(v); ok {
		return max(n, -n)
	}
	f, ok := number(v)
	if !ok {
		s.fail("abs of %s", kindOf(v))
	}
	return math.Abs(f)
}

func filterInt(s *state, v any, a args) any {
	b := a.bind(s, "int", 0, "default", "base")
	if isUndefined(b[0]) {
		b[0] = 0
	}
	base := 10
	if !isUndefined(b[1]) {
		base = s.whole(b[1])
	}
	f, ok := s.number(v)
	if t, isText := v.(Text); isText {
		text := strings.TrimSpace(t.String())
		if n, err := strconv.ParseInt(text, max(0, min(base, 36)), 0); err == nil {
			return int(n)
		}
		f, ok = parseFloat(text)
	}
	if !ok || math.Abs(f) > 1<<62 || math.IsNaN(f) {
		return b[0]
	}
	return int(f)
}

func filterFloat(s *state, v any, a args) any {
	b := a.bind(s, "float", 0, "default")
	f, ok := s.number(v)
	if t, isText := v.(Text); isText {
		f, ok = parseFloat(strings.TrimSpace(t.String()))
	}
	switch {
	case ok:
		return f
	case isUndefined(b[0]):
		return 0.0
	}
	return b[0]
}

// number is number, and fails for the undefined.
func (s *state) number(v any) (float64, bool) {
	if u, ok := v.(undefined); ok {
		s.fail("%s", u.what)
	}
	return number(v)
}

func parseFloat(text string) (float64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && !strings.ContainsAny(text, "xXpP_")
}

func filterRound(s *state, v any, a args) any {
	b := a.bind(s, "round", 0, "precision", "method")
	f, ok := number(v)
	if !ok {
		s.fail("round of %s", kindOf(v))
	}
	precision, method := 0, "common"
	if !isUndefined(b[0]) {
		precision = s.whole(b[0])
	}
	if !isUndefined(b[1]) {
		method = s.text(b[1]).String()
	}
	if precision < 0 || precision > 300 {
		s.fail("round to %d places", precision)
	}
	scale := math.Pow(10, float64(precision))
	switch method {
	case "ceil":
		return math.Ceil(f*scale) / scale
	case "floor":
		return math.Floor(f*scale) / scale
	case "common":
		if n, ok := integer(v); ok {
			return n
		}
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'f', precision, 64), 64)
		return f
	}
	s.fail("round by the method %s", oneLine(method))
	return nil
}

func filterDefault(s *state, v any, a args) any {
	b := a.bind(s, "default", 0, "default_value", "boolean")
	if isUndefined(v) || truth(b[1]) && !truth(v) {
		if len(a.list) == 0 && isUndefined(b[0]) {
			return Text(nil)
		}
		return b[0]
	}
	return v
}

func filterAttr(s *state, v any, a args) any {
	name := s.text(a.bind(s, "attr", 1, "name")[0]).String()
	return s.attribute(v, name, undefined{kindOf(v) + " has no attribute " + oneLine(name)})
}

func filterLength(s *state, v any, a args) any {
	a.bind(s, "length", 0)
	return s.length(v)
}

func filterFirst(s *state, v any, a args) any {
	a.bind(s, "first", 0)
	if items := s.items(v); len(items) > 0 {
		return items[0]
	}
	return undefined{"there is no first item"}
}

func filterLast(s *state, v any, a args) any {
	a.bind(s, "last", 0)
	if s.length(v) == 0 {
		return undefined{"there is no last item"}
	}
	items := s.items(v)
	return items[len(items)-1]
}

func filterList(s *state, v any, a args) any {
	a.bind(s, "list", 0)
	items := s.items(v)
	s.use(16 * len(items))
	return list(items)
}

func filterReverse(s *state, v any, a args) any {
	a.bind(s, "reverse", 0)
	if t, ok := v.(Text); ok {
		t = slices.Clone(s.made(t))
		slices.Reverse(t)
		return t
	}
	made := slices.Clone(s.items(v))
	s.use(16 * len(made))
	slices.Reverse(made)
	return generator(made)
}

func filterItems(s *state, v any, a args) any {
	a.bind(s, "items", 0)
	if isUndefined(v) {
		return generator{}
	}
	d, ok := v.(*dict)
	if !ok {
		s.fail("items of %s", kindOf(v))
	}
	s.use(64 * len(d.keys))
	return generator(d.pairs())
}

// attributeOf returns the value of an item by a name with dots, as in
// function.name, or of the item itself if there is no name.
func (s *state) attributeOf(item, name any) any {
	if name == nil || isUndefined(name) {
		return item
	}
	if n, ok := integer(name); ok {
		return s.item(item, n)
	}
	for part := range strings.SplitSeq(s.text(name).String(), ".") {
		s.use(16 + len(part))
		if n, err := strconv.Atoi(part); err == nil {
			item = s.item(item, n)
		} else {
			item = s.item(item, newText(part))
		}
	}
	return item
}

func filterJoin(s *state, v any, a args) any {
	b := a.bind(s, "join", 0, "d", "attribute")
	items := slices.Clone(s.items(v))
	for i := range items {
		items[i] = s.str(s.attributeOf(items[i], b[1]))
	}
	return s.joined(s.str(b[0]), items)
}

// joined is Python's join.
func (s *state) joined(between Text, items []any) any {
	var made Text
	for i, v := range items {
		if i > 0 {
			made = append(made, s.made(between)...)
		}
		made = append(made, s.made(s.text(v))...)
	}
	return made
}

func filterMap(s *state, v any, a args) any {
	var f func(v any) any
	if name, ok := a.named("attribute"); ok {
		b := a.bind(s, "map", 0, "attribute", "default")
		f = func(v any) any {
			if v = s.attributeOf(v, name); isUndefined(v) && !isUndefined(b[1]) {
				return b[1]
			}
			return v
		}
	} else {
		if len(a.list) == 0 {
			s.fail("map wants the name of a filter or an attribute")
		}
		name := s.text(a.list[0]).String()
		filter, ok := filters[name]
		if !ok {
			s.fail("the filter %s is not known", oneLine(name))
		}
		a.list = a.list[1:]
		f = func(v any) any { return filter(s, v, a) }
	}
	if !truth(v) {
		return generator{}
	}
	items := s.items(v)
	made := make(generator, len(items))
	for i, item := range items {
		s.use(32)
		made[i] = f(item)
	}
	return made
}

// choose is select, reject, selectattr and rejectattr.
func choose(attribute, keep bool) func(s *state, v any, a args) any {
	return func(s *state, v any, a args) any {
		var name any
		if attribute {
			if len(a.list) == 0 {
				s.fail("the name of an attribute is missing")
			}
			name, a.list = a.list[0], a.list[1:]
		}
		test := func(_ *state, v any, _ args) bool { return truth(v) }
		if len(a.list) > 0 {
			word, ok := s.text(a.list[0]).String(), false
			if test, ok = tests[word]; !ok {
				s.fail("the test %s is not known", oneLine(word))
			}
			a.list = a.list[1:]
		}
		made := generator{}
		if !truth(v) {
			return made
		}
		for _, item := range s.items(v) {
			s.use(32)
			if test(s, s.attributeOf(item, name), a) == keep {
				made = append(made, item)
			}
		}
		return made
	}
}

// A keyed item is sorted by its key.
type keyed struct{ key, item any }

// keyed returns items with the keys that they are compared by: an attribute, or
// several with commas between, and no difference between large and small
// letters.
func (s *state) keyed(items []any, attribute, caseSensitive any) []keyed {
	made := make([]keyed, len(items))
	for i, item := range items {
		s.use(64)
		key := item
		if t, ok := attribute.(Text); ok && strings.Contains(t.String(), ",") {
			var keys tuple
			for part := range strings.SplitSeq(t.String(), ",") {
				keys = append(keys, s.folded(s.attributeOf(item, newText(part)), caseSensitive))
			}
			key = keys
		} else {
			key = s.folded(s.attributeOf(item, attribute), caseSensitive)
		}
		made[i] = keyed{key, item}
	}
	return made
}

func (s *state) folded(v, caseSensitive any) any {
	if t, ok := v.(Text); ok && !truth(caseSensitive) {
		return s.made(t.lower())
	}
	return v
}

func (s *state) sort(items []keyed, reverse any) []any {
	slices.SortStableFunc(items, func(a, b keyed) int {
		if truth(reverse) {
			a, b = b, a
		}
		return s.compare(a.key, b.key, 0)
	})
	made := make([]any, len(items))
	for i := range items {
		made[i] = items[i].item
	}
	return made
}

func filterSort(s *state, v any, a args) any {
	b := a.bind(s, "sort", 0, "reverse", "case_sensitive", "attribute")
	return list(s.sort(s.keyed(s.items(v), b[2], b[1]), b[0]))
}

func filterDictsort(s *state, v any, a args) any {
	b := a.bind(s, "dictsort", 0, "case_sensitive", "by", "reverse")
	d, ok := v.(*dict)
	if !ok {
		s.fail("dictsort of %s", kindOf(v))
	}
	by := 0
	if !isUndefined(b[1]) && s.text(b[1]).String() == "value" {
		by = 1
	}
	return list(s.sort(s.keyed(d.pairs(), by, b[0]), b[2]))
}

func filterUnique(s *state, v any, a args) any {
	b := a.bind(s, "unique", 0, "case_sensitive", "attribute")
	seen := newDict()
	for _, k := range s.keyed(s.items(v), b[1], b[0]) {
		if _, ok := seen.get(s, k.key); !ok {
			seen.set(s, k.key, k.item)
		}
	}
	return generator(seen.values)
}

func filterGroupby(s *state, v any, a args) any {
	b := a.bind(s, "groupby", 1, "attribute", "default", "case_sensitive")
	items := s.keyed(s.items(v), b[0], b[2])
	made := list{}
	for i, item := range s.sort(items, false) { // which sorts items, too
		if i > 0 && s.equal(items[i-1].key, items[i].key, 0) {
			pair := made[len(made)-1].(tuple)
			pair[1] = append(pair[1].(list), item)
		} else {
			made = append(made, tuple{s.attributeOf(item, b[0]), list{item}})
		}
	}
	return made
}

// extreme is max and min.
func extreme(sign int) func(s *state, v any, a args) any {
	return func(s *state, v any, a args) any {
		b := a.bind(s, "max or min", 0, "case_sensitive", "attribute")
		items := s.keyed(s.items(v), b[1], b[0])
		if len(items) == 0 {
			return undefined{"there is no item"}
		}
		best := items[0]
		for _, one := range items[1:] {
			if s.compare(one.key, best.key, 0)*sign > 0 {
				best = one
			}
		}
		return best.item
	}
}

func filterSum(s *state, v any, a args) any {
	b := a.bind(s, "sum", 0, "attribute", "start")
	sum := b[1]
	if isUndefined(sum) {
		sum = 0
	}
	for _, item := range s.items(v) {
		s.use(16)
		sum = s.calculate("+", sum, s.attributeOf(item, b[0]))
	}
	return sum
}

func filterBatch(s *state, v any, a args) any {
	b := a.bind(s, "batch", 1, "linecount", "fill_with")
	n, items := s.whole(b[0]), s.items(v)
	if n < 1 {
		s.fail("batch of %d", n)
	}
	made := generator{}
	for part := range slices.Chunk(items, n) {
		s.use(16 * (2 + len(part)))
		part = slices.Clone(part)
		for !isUndefined(b[1]) && b[1] != nil && len(part) < n {
			s.use(16)
			part = append(part, b[1])
		}
		made = append(made, list(part))
	}
	return made
}
