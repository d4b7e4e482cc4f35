package jinja

import (
	"slices"
	"strconv"
	"strings"
)

// tuple reads an expression, or several with commas between. The iterable of a
// loop has no condition: if is the loop's own there.
func (p *parser) tuple(condition bool) expr {
	one := p.or
	if condition {
		one = p.expression
	}
	first := one()
	if t := p.peek(); t.kind != tokenSign || t.text != "," {
		return first
	}
	items := []expr{first}
	for p.sign(",") {
		if t := p.peek(); t.kind == tokenClose || t.kind == tokenSign && t.text == ")" {
			break
		}
		items = append(items, one())
	}
	return func(s *state) any {
		s.use(16 * len(items))
		return tuple(evaluate(s, items))
	}
}

// expression reads a if b else c, and all that binds closer.
func (p *parser) expression() expr {
	p.deeper()
	defer func() { p.depth-- }()
	e := p.or()
	for n := 0; p.word("if"); n++ {
		p.chain(n)
		yes, condition := e, p.or()
		no := expr(func(*state) any { return undefined{"the condition is false, and there is no else"} })
		if p.word("else") {
			no = p.expression()
		}
		e = func(s *state) any {
			if truth(condition(s)) {
				return yes(s)
			}
			return no(s)
		}
	}
	return e
}

// chain bounds how many operators stand side by side.
func (p *parser) chain(n int) {
	if n > maxChain {
		p.fail("more than %d operators side by side", maxChain)
	}
}

func (p *parser) or() expr  { return p.logic("or", p.and, true) }
func (p *parser) and() expr { return p.logic("and", p.not, false) }

// logic reads operands of or, which ends at a true value, and of and, which
// ends at a false one.
func (p *parser) logic(word string, operand func() expr, last bool) expr {
	operands := []expr{operand()}
	for p.word(word) {
		operands = append(operands, operand())
	}
	if len(operands) == 1 {
		return operands[0]
	}
	return func(s *state) (v any) {
		for _, e := range operands {
			if v = e(s); truth(v) == last {
				break
			}
		}
		return v
	}
}

func (p *parser) not() expr {
	if !p.word("not") {
		return p.comparison()
	}
	p.deeper()
	e := p.not()
	p.depth--
	return func(s *state) any { return !truth(e(s)) }
}

// comparison reads a < b <= c, which means a < b and b <= c.
func (p *parser) comparison() expr {
	operands, ops := []expr{p.sum()}, []string{}
	for {
		op := p.peek().text
		switch t := p.peek(); {
		case t.kind == tokenSign && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, op), t.kind == tokenName && op == "in":
			p.at++
		case t.kind == tokenName && op == "not" && p.tokens[p.at+1].text == "in" && p.tokens[p.at+1].kind == tokenName:
			p.at += 2
			op = "not in"
		case len(ops) == 0:
			return operands[0]
		default:
			return func(s *state) any {
				left := operands[0](s)
				for i, op := range ops {
					right := operands[i+1](s)
					if !s.order(op, left, right) {
						return false
					}
					left = right
				}
				return true
			}
		}
		ops, operands = append(ops, op), append(operands, p.sum())
	}
}

func (p *parser) sum() expr     { return p.binary(p.joined, "+", "-") }
func (p *parser) product() expr { return p.binary(p.power, "*", "/", "//", "%") }
func (p *parser) power() expr {
	return p.binary(func() expr { return p.unary(true) }, "**")
}

// binary reads operands with these operators between, which bind to the left.
func (p *parser) binary(operand func() expr, signs ...string) expr {
	e := operand()
	for n := 0; p.peek().kind == tokenSign && slices.Contains(signs, p.peek().text); n++ {
		p.chain(n)
		op, left, right := p.next().text, e, operand()
		e = func(s *state) any {
			a := left(s)
			return s.calculate(op, a, right(s))
		}
	}
	return e
}

// joined reads a ~ b, which binds closer than plus.
func (p *parser) joined() expr {
	operands := []expr{p.product()}
	for p.sign("~") {
		operands = append(operands, p.product())
	}
	if len(operands) == 1 {
		return operands[0]
	}
	return func(s *state) any {
		var made Text
		for _, e := range operands {
			made = append(made, s.made(s.str(e(s)))...)
		}
		return made
	}
}

// unary reads a sign in front, and what stands behind a value.
func (p *parser) unary(filters bool) expr {
	var e expr
	t := p.peek()
	if p.sign("-") || p.sign("+") {
		p.deeper()
		operand := p.unary(false)
		p.depth--
		e = func(s *state) any { return s.calculate(t.text, 0, operand(s)) }
	} else {
		e = p.primary()
	}
	e = p.postfixed(e)
	if filters {
		e = p.filtered(e)
	}
	return e
}

// primary reads a value that is not made of others by operators.
func (p *parser) primary() expr {
	switch t := p.next(); t.kind {
	case tokenName:
		switch t.text {
		case "true", "True":
			return constant(true)
		case "false", "False":
			return constant(false)
		case "none", "None":
			return constant(nil)
		}
		return func(s *state) any { return s.scope.get(t.text) }
	case tokenString:
		text := t.text
		for p.peek().kind == tokenString {
			text += p.next().text
		}
		return constant(newText(text))
	case tokenNumber:
		if n, err := strconv.Atoi(t.text); err == nil {
			return constant(n)
		}
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil || strings.Trim(t.text, "0123456789") == "" {
			p.at--
			p.fail("the number %s is too large", oneLine(t.text))
		}
		return constant(f)
	case tokenSign:
		switch t.text {
		case "(":
			return p.parenthesis()
		case "[":
			items := p.list("]")
			return func(s *state) any {
				s.use(16 * len(items))
				return list(evaluate(s, items))
			}
		case "{":
			return p.dictionary()
		}
		fallthrough
	default:
		if t.kind != tokenEnd {
			p.at--
		}
		p.fail("%q where a value should stand", oneLine(t.text))
		return nil
	}
}

func constant(v any) expr { return func(*state) any { return v } }

func (p *parser) parenthesis() expr {
	if p.sign(")") {
		return constant(tuple{})
	}
	e := p.tuple(true)
	p.expect(tokenSign, ")")
	return e
}

// list reads expressions with commas between, up to a bracket.
func (p *parser) list(end string) (items []expr) {
	for !p.sign(end) {
		items = append(items, p.expression())
		if !p.sign(",") {
			p.expect(tokenSign, end)
			break
		}
	}
	return items
}

func (p *parser) dictionary() expr {
	var keys, values []expr
	for !p.sign("}") {
		keys = append(keys, p.expression())
		p.expect(tokenSign, ":")
		values = append(values, p.expression())
		if !p.sign(",") {
			p.expect(tokenSign, "}")
			break
		}
	}
	return func(s *state) any {
		s.use(64 * len(keys))
		d := newDict()
		for i, k := range keys {
			key := k(s)
			d.set(s, key, values[i](s))
		}
		return d
	}
}

// args are the arguments of a call, those by position and those by name.
type args struct {
	list   []any
	names  []string
	values []any
}

func (a args) named(name string) (any, bool) {
	if i := slices.Index(a.names, name); i >= 0 {
		return a.values[i], true
	}
	return nil, false
}

// bind returns the arguments for these parameters, of which the first few must
// be given; what is not given is undefined.
func (a args) bind(s *state, function string, required int, names ...string) []any {
	if len(a.list) > len(names) {
		s.fail("%s takes %d arguments, not %d", function, len(names), len(a.list))
	}
	made := make([]any, len(names))
	for i, name := range names {
		v, ok := a.named(name)
		switch {
		case i < len(a.list):
			made[i] = a.list[i]
		case ok:
			made[i] = v
		case i < required:
			s.fail("%s wants %s", function, name)
		default:
			made[i] = undefined{name + " is not given"}
		}
	}
	for _, name := range a.names {
		if !slices.Contains(names, name) {
			s.fail("%s has no argument %s", function, name)
		}
	}
	return made
}

// arguments reads what stands within the parentheses of a call.
func (p *parser) arguments() func(s *state) args {
	var list, values []expr
	var names []string
	for !p.sign(")") {
		if t := p.tokens[min(p.at+1, len(p.tokens)-1)]; p.peek().kind == tokenName && t.kind == tokenSign && t.text == "=" {
			names = append(names, p.name())
			p.at++
			values = append(values, p.expression())
		} else if len(names) > 0 {
			p.fail("an argument by position behind one by name")
		} else {
			list = append(list, p.expression())
		}
		if !p.sign(",") {
			p.expect(tokenSign, ")")
			break
		}
	}
	return func(s *state) args { return args{evaluate(s, list), slices.Clone(names), evaluate(s, values)} }
}

// postfixed reads .name, [key], [a:b:c] and calls.
func (p *parser) postfixed(e expr) expr {
	for n := 0; ; n++ {
		p.chain(n)
		switch {
		case p.sign("."):
			e = p.dot(e)
		case p.sign("["):
			e = p.subscript(e)
		case p.sign("("):
			callee, arguments := e, p.arguments()
			e = func(s *state) any {
				f := callee(s)
				return s.invoke(f, arguments(s))
			}
		default:
			return e
		}
	}
}

// invoke calls a function of the template or of ours.
func (s *state) invoke(f any, a args) any {
	s.use(16)
	switch f := f.(type) {
	case function:
		return f(s, a)
	case *loop:
		if f.again != nil {
			return f.again(a.bind(s, "loop", 1, "items")[0])
		}
	case undefined:
		s.fail("%s", f.what)
	}
	s.fail("%s is called", kindOf(f))
	return nil
}

func (p *parser) dot(of expr) expr {
	if t := p.peek(); t.kind == tokenNumber {
		n, err := strconv.Atoi(p.next().text)
		if err != nil {
			p.fail("%q where an index should stand", oneLine(t.text))
		}
		return func(s *state) any { return s.item(of(s), n) }
	}
	name := p.name()
	return func(s *state) any { return s.member(of(s), name) }
}

func (p *parser) subscript(of expr) expr {
	part := func() expr {
		if t := p.peek(); t.kind == tokenSign && (t.text == ":" || t.text == "]") {
			return constant(nil)
		}
		return p.expression()
	}
	parts := []expr{part()}
	for len(parts) < 3 && p.sign(":") {
		parts = append(parts, part())
	}
	p.expect(tokenSign, "]")
	if len(parts) == 1 {
		return func(s *state) any {
			v := of(s)
			return s.item(v, parts[0](s))
		}
	}
	parts = append(parts, constant(nil))
	return func(s *state) any {
		v := of(s)
		return s.slice(v, parts[0](s), parts[1](s), parts[2](s))
	}
}

// filtered reads |filter and is test.
func (p *parser) filtered(e expr) expr {
	for n := 0; ; n++ {
		p.chain(n)
		v := e
		switch {
		case p.peek().kind == tokenSign && p.peek().text == "|":
			filter := p.filters()
			e = func(s *state) any { return filter(s, v(s)) }
		case p.word("is"):
			test := p.test()
			e = func(s *state) any { return test(s, v(s)) }
		case p.peek().kind == tokenSign && p.peek().text == "(":
			e = p.postfixed(e)
		default:
			return e
		}
	}
}

// filters reads |filter|filter, none or more.
func (p *parser) filters() func(s *state, v any) any {
	var list []func(s *state, v any) any
	for p.sign("|") {
		list = append(list, p.filter())
	}
	return func(s *state, v any) any {
		for _, f := range list {
			v = f(s, v)
		}
		return v
	}
}

func (p *parser) filter() func(s *state, v any) any {
	name := p.name()
	f, ok := filters[name]
	if !ok {
		p.at--
		p.fail("the filter %s is not known", oneLine(name))
	}
	arguments := func(*state) args { return args{} }
	if p.sign("(") {
		arguments = p.arguments()
	}
	return func(s *state, v any) any {
		s.use(16)
		return f(s, v, arguments(s))
	}
}

// test reads what stands behind is.
func (p *parser) test() func(s *state, v any) any {
	not := p.word("not")
	name := p.peek().text
	f, ok := tests[name]
	if !ok {
		p.fail("the test %s is not known", oneLine(name))
	}
	p.at++
	arguments := func(*state) args { return args{} }
	switch t := p.peek(); {
	case t.kind == tokenName && t.text == "is":
		p.fail("a test behind a test")
	case p.sign("("):
		arguments = p.arguments()
	case t.kind == tokenString, t.kind == tokenNumber, t.kind == tokenSign && (t.text == "[" || t.text == "{"),
		t.kind == tokenName && !slices.Contains([]string{"and", "or", "else", "if", "in", "not", "recursive"}, t.text):
		one := p.postfixed(p.primary())
		arguments = func(s *state) args { return args{list: []any{one(s)}} }
	}
	return func(s *state, v any) any { return f(s, v, arguments(s)) != not }
}
