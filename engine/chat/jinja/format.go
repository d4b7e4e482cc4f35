package jinja

import (
	"fmt"
	"strconv"
	"strings"
)

// percent is Python's format % values.
func (s *state) percent(format Text, values any) Text {
	list, several := values.(tuple)
	if !several {
		list = tuple{values}
	}
	used := 0
	next := func() any {
		if used == len(list) {
			s.fail("too few values for a format with %%")
		}
		used++
		return list[used-1]
	}
	var made Text
	for i := 0; i < len(format); i++ {
		if char(format[i]) != '%' {
			made = append(made, format[i])
			continue
		}
		begin := i + 1
		for i++; i < len(format) && strings.ContainsRune("-+ #0123456789.", char(format[i])); i++ {
		}
		if i == len(format) {
			s.fail("a format that ends within a %%")
		}
		flags, verb := format[begin:i].String(), char(format[i])
		if strings.TrimLeft(flags, "-+ #0") != "" && len(flags) > 5 {
			s.fail("a format with the width %s", oneLine(flags))
		}
		switch dict, _ := values.(*dict); {
		case verb == '%':
			made = append(made, '%')
		case verb == '(' && dict != nil:
			s.fail("a format with names")
		default:
			made = append(made, s.made(s.verb(flags, verb, next()))...)
		}
	}
	if _, isDict := values.(*dict); used < len(list) && !isDict {
		s.fail("too many values for a format with %%")
	}
	return s.made(made)
}

// verb writes one value; Go's verbs for numbers are Python's.
func (s *state) verb(flags string, verb rune, v any) Text {
	f, isNumber := number(v)
	switch verb {
	case 's', 'r':
		t := s.str(v)
		if verb == 'r' {
			t = s.repr(nil, v, 0)
		}
		width, precision, cut := strings.Cut(strings.TrimLeft(flags, "-+ #0"), ".")
		if n, err := strconv.Atoi(precision); cut && (err == nil || precision == "") {
			t = t[:min(n, len(t))]
		}
		n, _ := strconv.Atoi(width)
		pad := repeat(s, newText(" "), n-len(t), 4)
		if strings.HasPrefix(flags, "-") {
			return append(append(Text{}, t...), pad...)
		}
		return append(Text(pad), t...)
	case 'd', 'i', 'x', 'X', 'o':
		if isNumber {
			return newText(fmt.Sprintf("%"+flags+strings.ReplaceAll(string(verb), "i", "d"), int(f)))
		}
	case 'f', 'F', 'e', 'E', 'g', 'G':
		if verb == 'g' || verb == 'G' {
			s.fail("%%%c in a format", verb)
		}
		if isNumber {
			return newText(fmt.Sprintf("%"+flags+string(verb), f))
		}
	}
	s.fail("%%%c of %s in a format", verb, kindOf(v))
	return nil
}

// braces is Python's format.format(values).
func (s *state) braces(format Text, a args) any {
	var made Text
	next := 0
	for i := 0; i < len(format); i++ {
		c := char(format[i])
		doubled := i+1 < len(format) && char(format[i+1]) == c
		switch {
		case (c == '{' || c == '}') && doubled:
			made = append(made, format[i])
			i++
		case c == '{':
			begin := i + 1
			for i < len(format) && char(format[i]) != '}' {
				i++
			}
			if i == len(format) {
				s.fail("a format with { and no }")
			}
			name := format[begin:i].String()
			if name == "" {
				name, next = strconv.Itoa(next), next+1
			}
			made = append(made, s.made(s.str(s.field(name, a)))...)
		case c == '}':
			s.fail("a format with } and no {")
		default:
			made = append(made, format[i])
		}
	}
	return s.made(made)
}

func (s *state) field(name string, a args) any {
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(a.list) {
		return a.list[n]
	}
	v, ok := a.named(name)
	if !ok {
		s.fail("{%s} in a format is not known, or not supported", oneLine(name))
	}
	return v
}
