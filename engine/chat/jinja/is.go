package jinja

// tests are what may stand behind is.
var tests = map[string]func(s *state, v any, a args) bool{
	"defined":   func(_ *state, v any, _ args) bool { return !isUndefined(v) },
	"undefined": func(_ *state, v any, _ args) bool { return isUndefined(v) },
	"none":      func(_ *state, v any, _ args) bool { return v == nil },
	"true":      func(_ *state, v any, _ args) bool { b, ok := v.(bool); return ok && b },
	"false":     func(_ *state, v any, _ args) bool { b, ok := v.(bool); return ok && !b },
	"string":    is[Text], "boolean": is[bool], "integer": is[int], "float": is[float64], "mapping": is[*dict],
	"number":   func(_ *state, v any, _ args) bool { _, ok := number(v); return ok },
	"callable": isCallable,
	"sequence": isSequence,
	"iterable": func(s *state, v any, a args) bool { return isSequence(s, v, a) || is[generator](s, v, a) },
	"odd":      func(s *state, v any, _ args) bool { return s.whole(v)%2 != 0 },
	"even":     func(s *state, v any, _ args) bool { return s.whole(v)%2 == 0 },
	"upper":    func(s *state, v any, _ args) bool { return cased(Text.upper)(s, s.str(v), args{}).(bool) },
	"lower":    func(s *state, v any, _ args) bool { return cased(Text.lower)(s, s.str(v), args{}).(bool) },
	"sameas":   isSame,
	"in":       func(s *state, v any, a args) bool { return s.contains(a.bind(s, "in", 1, "list")[0], v) },
	"eq":       orders("=="), "equalto": orders("=="), "==": orders("=="), "ne": orders("!="), "!=": orders("!="),
	"lt": orders("<"), "lessthan": orders("<"), "<": orders("<"), "le": orders("<="), "<=": orders("<="),
	"gt": orders(">"), "greaterthan": orders(">"), ">": orders(">"), "ge": orders(">="), ">=": orders(">="),
	"divisibleby": func(s *state, v any, a args) bool {
		return truth(s.calculate("%", v, a.bind(s, "divisibleby", 1, "number")[0])) == false
	},
}

func is[T any](_ *state, v any, _ args) bool { _, ok := v.(T); return ok }

func isCallable(_ *state, v any, _ args) bool {
	switch v.(type) {
	case function, *loop, undefined: // as in Jinja2
		return true
	}
	return false
}

func isSequence(_ *state, v any, _ args) bool {
	switch v.(type) {
	case Text, list, tuple, *dict, undefined: // as in Jinja2
		return true
	}
	return false
}

// isSame is Python's is, for values that have no identity of their own here.
func isSame(s *state, v any, a args) bool {
	w := a.bind(s, "sameas", 1, "other")[0]
	return kindOf(v) == kindOf(w) && s.equal(v, w, 0)
}

// orders is a comparison as a test.
func orders(op string) func(s *state, v any, a args) bool {
	return func(s *state, v any, a args) bool { return s.order(op, v, a.bind(s, op, 1, "other")[0]) }
}
