package jinja

import "math"

// made returns a text that was made, once it is paid for.
func (s *state) made(t Text) Text {
	s.use(4 * len(t))
	return t
}

// calculate is an operator of two values.
func (s *state) calculate(op string, a, b any) any {
	for _, v := range []any{a, b} {
		if u, ok := v.(undefined); ok {
			s.fail("%s", u.what)
		}
	}
	x, okX := integer(a)
	y, okY := integer(b)
	if okX && okY && op != "/" && !(op == "**" && y < 0) {
		return s.integers(op, x, y)
	}
	f, okF := number(a)
	g, okG := number(b)
	if okF && okG {
		return s.floats(op, f, g)
	}
	switch a := a.(type) {
	case Text:
		b, isText := b.(Text)
		switch {
		case op == "+" && isText:
			s.use(4 * (len(a) + len(b)))
			return append(append(make(Text, 0, len(a)+len(b)), a...), b...)
		case op == "*" && okY:
			return Text(repeat(s, a, y, 4))
		}
	case list:
		switch b, isList := b.(list); {
		case op == "+" && isList:
			s.use(16 * (len(a) + len(b)))
			return append(append(make(list, 0, len(a)+len(b)), a...), b...)
		case op == "*" && okY:
			return list(repeat(s, a, y, 16))
		}
	case tuple:
		switch b, isTuple := b.(tuple); {
		case op == "+" && isTuple:
			s.use(16 * (len(a) + len(b)))
			return append(append(make(tuple, 0, len(a)+len(b)), a...), b...)
		case op == "*" && okY:
			return tuple(repeat(s, a, y, 16))
		}
	}
	if t, ok := a.(Text); ok && op == "%" {
		return s.percent(t, b)
	}
	switch b.(type) {
	case Text, list, tuple:
		if op == "*" && okX {
			return s.calculate(op, b, a)
		}
	}
	s.fail("%s %s %s is not possible", kindOf(a), op, kindOf(b))
	return nil
}

// repeat is a text or list n times, each of whose items has that many bytes.
func repeat[T any](s *state, v []T, n, bytes int) []T {
	if n <= 0 || len(v) == 0 {
		return nil
	}
	if n > maxWork/len(v)/bytes {
		s.fail("%d times something of the length %d", n, len(v))
	}
	s.use(bytes * n * len(v))
	made := make([]T, 0, n*len(v))
	for range n {
		made = append(made, v...)
	}
	return made
}

func (s *state) integers(op string, x, y int) any {
	r := 0
	switch op {
	case "+":
		r = x + y
	case "-":
		r = x - y
	case "*":
		r = x * y
	case "//", "%":
		if y == 0 {
			s.fail("division by zero")
		}
		quotient, rest := x/y, x%y
		if rest != 0 && (rest < 0) != (y < 0) { // Python rounds down
			quotient, rest = quotient-1, rest+y
		}
		if op == "%" {
			return rest
		}
		return quotient
	case "**":
		f := math.Pow(float64(x), float64(y))
		if math.Abs(f) > 1<<53 {
			s.fail("a number beyond 53 bits")
		}
		return int(f)
	}
	if f, _ := s.floats(op, float64(x), float64(y)).(float64); math.Abs(f) > 1<<62 {
		s.fail("a number beyond 62 bits")
	}
	return r
}

func (s *state) floats(op string, x, y float64) any {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "**":
		if r := math.Pow(x, y); !math.IsNaN(r) {
			return r
		}
		s.fail("no real number is %v ** %v", x, y)
	}
	if y == 0 {
		s.fail("division by zero")
	}
	switch op {
	case "/":
		return x / y
	case "//":
		return math.Floor(x / y)
	}
	r := math.Mod(x, y)
	if r != 0 && (r < 0) != (y < 0) {
		r += y
	}
	return r
}

// order is a comparison.
func (s *state) order(op string, a, b any) bool {
	switch op {
	case "==":
		return s.equal(a, b, 0)
	case "!=":
		return !s.equal(a, b, 0)
	case "in":
		return s.contains(b, a)
	case "not in":
		return !s.contains(b, a)
	}
	c := s.compare(a, b, 0)
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// item is v[key].
func (s *state) item(v, key any) any {
	n, isIndex := integer(key)
	missing := undefined{kindOf(v) + " has no element or attribute " + s.name(key)}
	switch v := v.(type) {
	case undefined:
		s.fail("%s", v.what)
	case *dict:
		if found, ok := v.get(s, key); ok {
			return found
		}
	case Text:
		if n < 0 {
			n += len(v)
		}
		if isIndex && n >= 0 && n < len(v) {
			return v[n : n+1 : n+1]
		}
	case list:
		return element(v, n, isIndex, missing)
	case tuple:
		return element(v, n, isIndex, missing)
	}
	if name, ok := key.(Text); ok {
		return s.attribute(v, name.String(), missing)
	}
	return missing
}

func element(items []any, n int, isIndex bool, missing any) any {
	if n < 0 {
		n += len(items)
	}
	if isIndex && n >= 0 && n < len(items) {
		return items[n]
	}
	return missing
}

// name returns a key for an error.
func (s *state) name(key any) string {
	switch key.(type) {
	case Text, int:
		return oneLine(s.str(key).String())
	}
	return "by " + kindOf(key)
}

// member is v.name: a method first, then an entry, as in Jinja2.
func (s *state) member(v any, name string) any {
	if u, ok := v.(undefined); ok {
		s.fail("%s", u.what)
	}
	found := s.attribute(v, name, undefined{kindOf(v) + " has no element or attribute " + name})
	if d, ok := v.(*dict); ok && isUndefined(found) {
		if entry, ok := d.get(s, newText(name)); ok {
			return entry
		}
	}
	return found
}

// slice is v[start:stop:step], whose absent parts are nil.
func (s *state) slice(v, start, stop, step any) any {
	by := 1
	if step != nil {
		by = s.whole(step)
	}
	if by == 0 {
		s.fail("a slice with step 0")
	}
	switch v := v.(type) {
	case Text:
		return Text(sliceOf(s, v, start, stop, by))
	case list:
		return list(sliceOf(s, v, start, stop, by))
	case tuple:
		return tuple(sliceOf(s, v, start, stop, by))
	}
	if u, ok := v.(undefined); ok {
		s.fail("%s", u.what)
	}
	return undefined{"there is no slice of " + kindOf(v)}
}

func sliceOf[T any](s *state, v []T, start, stop any, step int) (made []T) {
	least, most := 0, len(v)
	if step < 0 {
		least, most = -1, len(v)-1
	}
	place := func(at any, absent int) int {
		if at == nil {
			return absent
		}
		n := s.whole(at)
		if n < 0 {
			n += len(v)
		}
		return max(least, min(n, most))
	}
	i, end := place(start, least), place(stop, most)
	if step < 0 {
		i, end = place(start, most), place(stop, least)
	}
	for ; step > 0 && i < end || step < 0 && i > end; i += step {
		s.use(16)
		made = append(made, v[i])
		if step > len(v) || step < -len(v) { // and no sum beyond what an int holds
			break
		}
	}
	return made
}
