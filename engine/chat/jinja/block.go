package jinja

import "slices"

// captured returns what a block writes, which runs in a scope of its own.
func (s *state) captured(b block) Text {
	return s.capture(func() { s.within(s.scope, func() { b.run(s) }) })
}

func (p *parser) filterBlock(line int) statement {
	apply := p.filter()
	more := p.filters()
	body := p.body(line, "endfilter")
	return func(s *state) flow {
		v := s.captured(body)
		s.line = line
		s.write(s.str(more(s, apply(s, v))))
		return onward
	}
}

// generation marks what a model says, for training.
func (p *parser) generation(line int) statement {
	body := p.body(line, "endgeneration")
	return func(s *state) flow {
		s.within(s.scope, func() { body.run(s) })
		return onward
	}
}

func (p *parser) with(line int) statement {
	var gives []func(s *state, v any)
	var values []expr
	for p.peek().kind != tokenClose {
		gives = append(gives, p.targets())
		p.expect(tokenSign, "=")
		values = append(values, p.expression())
		if !p.sign(",") {
			break
		}
	}
	body := p.body(line, "endwith")
	return func(s *state) (f flow) {
		s.line = line
		made := evaluate(s, values)
		s.within(s.scope, func() {
			for i, give := range gives {
				give(s, made[i])
			}
			f = body.run(s)
		})
		return f
	}
}

func evaluate(s *state, list []expr) []any {
	made := make([]any, len(list))
	for i, e := range list {
		made[i] = e(s)
	}
	return made
}

// A parameter of a macro. The default is nil where there is none.
type parameter struct {
	name    string
	absence expr
}

// parameters reads (a, b=1).
func (p *parser) parameters() (list []parameter) {
	p.expect(tokenSign, "(")
	for !p.sign(")") {
		one := parameter{name: p.name()}
		if p.sign("=") {
			one.absence = p.expression()
		}
		list = append(list, one)
		if !p.sign(",") {
			p.expect(tokenSign, ")")
			break
		}
	}
	return list
}

// callable reads the body of a macro, and returns what makes it a function that
// sees the scope it is made in.
func (p *parser) callable(line int, name, end string, parameters []parameter) func(s *state) function {
	loops, begin := p.loops, p.at
	p.loops = 0
	body := p.body(line, end)
	p.loops = loops
	work := p.at - begin
	return func(s *state) function {
		outer := s.scope
		return func(s *state, a args) any {
			var made Text
			s.deeper(func() {
				s.use(16 + work)
				s.within(outer, func() {
					a.give(s, name, parameters)
					made = s.capture(func() { body.run(s) })
				})
			})
			return made
		}
	}
}

// give sets the parameters of a macro to the arguments of a call.
func (a args) give(s *state, name string, parameters []parameter) {
	if len(a.list) > len(parameters) {
		s.fail("%s takes %d arguments, not %d", name, len(parameters), len(a.list))
	}
	known := map[string]bool{"caller": true}
	for i, one := range parameters {
		known[one.name] = true
		switch v, ok := a.named(one.name); {
		case i < len(a.list):
			s.scope.values[one.name] = a.list[i]
		case ok:
			s.scope.values[one.name] = v
		case one.absence != nil:
			s.scope.values[one.name] = one.absence(s)
		default:
			s.scope.values[one.name] = undefined{"the parameter " + one.name + " of " + name + " is not given"}
		}
	}
	for _, n := range a.names {
		if !known[n] {
			s.fail("%s has no parameter %s", name, n)
		}
	}
	if caller, ok := a.named("caller"); ok {
		s.scope.values["caller"] = caller
	}
}

func (p *parser) macro(line int) statement {
	name := p.name()
	made := p.callable(line, name, "endmacro", p.parameters())
	return func(s *state) flow {
		s.scope.values[name] = made(s)
		return onward
	}
}

// call gives a macro its body as the function caller.
func (p *parser) call(line int) statement {
	var parameters []parameter
	if t := p.peek(); t.kind == tokenSign && t.text == "(" {
		parameters = p.parameters()
	}
	name := p.name()
	p.expect(tokenSign, "(")
	arguments := p.arguments()
	caller := p.callable(line, "caller", "endcall", parameters)
	return func(s *state) flow {
		s.line = line
		a := arguments(s)
		a.names, a.values = append(a.names, "caller"), append(a.values, caller(s))
		s.write(s.str(s.invoke(s.scope.get(name), a)))
		return onward
	}
}

// A loop is what the name loop stands for within one.
type loop struct {
	items   []any
	index   int
	depth   int
	changed any             // the arguments of the last loop.changed, or nil
	again   func(v any) any // of a recursive loop
}

func (p *parser) forBlock(line int) statement {
	give := p.targets()
	p.expect(tokenName, "in")
	over := p.tuple(false)
	condition := expr(nil)
	if p.word("if") {
		condition = p.expression()
	}
	recursive := p.word("recursive")
	p.close()
	p.loops++
	begin := p.at
	body := p.block()
	p.loops--
	work := p.at - begin
	var none block
	if p.end(line, "else", "endfor") == "else" {
		p.close()
		none = p.block()
		p.end(line, "endfor")
	}
	p.close()

	var run func(s *state, outer *scope, v any, depth int)
	turns := func(s *state, outer *scope, l *loop) {
		for ; l.index < len(l.items); l.index++ {
			f := onward
			s.use(32 + work)
			s.within(outer, func() {
				give(s, l.items[l.index])
				s.scope.values["loop"] = l
				f = body.run(s)
			})
			if f == breaks {
				break
			}
		}
	}
	run = func(s *state, outer *scope, v any, depth int) {
		l := &loop{items: s.items(v), depth: depth}
		if condition != nil {
			l.items = s.chosen(l.items, outer, give, condition, work)
		}
		if recursive {
			l.again = func(v any) any {
				var made Text
				s.deeper(func() { made = s.capture(func() { run(s, outer, v, depth+1) }) })
				return made
			}
		}
		if turns(s, outer, l); len(l.items) == 0 {
			s.within(outer, func() { none.run(s) })
		}
	}
	return func(s *state) flow {
		s.line = line
		run(s, s.scope, over(s), 1)
		return onward
	}
}

// chosen returns the items for which the condition of a loop is true.
func (s *state) chosen(items []any, outer *scope, give func(*state, any), condition expr, work int) (made []any) {
	for _, v := range items {
		s.use(32 + work)
		s.within(outer, func() {
			give(s, v)
			if truth(condition(s)) {
				made = append(made, v)
			}
		})
	}
	return made
}

// attribute returns what a template asks of a loop.
func (l *loop) attribute(name string, missing any) any {
	near := func(i int) any {
		if i < 0 || i >= len(l.items) {
			return undefined{"there is no " + name}
		}
		return l.items[i]
	}
	switch n := len(l.items); name {
	case "index":
		return l.index + 1
	case "index0":
		return l.index
	case "revindex":
		return n - l.index
	case "revindex0":
		return n - l.index - 1
	case "first":
		return l.index == 0
	case "last":
		return l.index == n-1
	case "length":
		return n
	case "depth":
		return l.depth
	case "depth0":
		return l.depth - 1
	case "previtem":
		return near(l.index - 1)
	case "nextitem":
		return near(l.index + 1)
	case "cycle":
		return function(func(s *state, a args) any {
			if len(a.list) == 0 {
				s.fail("loop.cycle without arguments")
			}
			return a.list[l.index%len(a.list)]
		})
	case "changed":
		return function(func(s *state, a args) any {
			now := tuple(slices.Clone(a.list))
			same := l.changed != nil && s.equal(l.changed, now, 0)
			l.changed = now
			return !same
		})
	}
	return missing
}
