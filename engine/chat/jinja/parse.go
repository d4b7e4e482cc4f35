package jinja

import (
	"fmt"
	"slices"
)

// A parser makes functions of tokens: a statement or an expression is what runs
// it.
type parser struct {
	tokens []token
	at     int
	depth  int
	loops  int // around this place, in this macro
}

type (
	flow      int
	statement func(s *state) flow
	block     []statement
	expr      func(s *state) any
)

// What a statement may end besides itself.
const (
	onward flow = iota
	breaks
	continues
)

func (b block) run(s *state) flow {
	for _, st := range b {
		if f := st(s); f != onward {
			return f
		}
	}
	return onward
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) fail(format string, args ...any) {
	panic(&Error{Line: p.peek().line, Text: fmt.Sprintf(format, args...)})
}

// accept takes the next token if it is this one.
func (p *parser) accept(k kind, text string) bool {
	if t := p.peek(); t.kind != k || t.text != text {
		return false
	}
	p.at++
	return true
}

func (p *parser) sign(text string) bool { return p.accept(tokenSign, text) }
func (p *parser) word(text string) bool { return p.accept(tokenName, text) }

func (p *parser) expect(k kind, text string) {
	if !p.accept(k, text) {
		p.fail("%q where %q should stand", oneLine(p.peek().text), text)
	}
}

func (p *parser) name() string {
	if p.peek().kind != tokenName {
		p.fail("%q where a name should stand", oneLine(p.peek().text))
	}
	return p.next().text
}

// deeper and its end bound how far a template is nested.
func (p *parser) deeper() {
	if p.depth++; p.depth > maxDepth {
		p.fail("more than %d blocks and expressions within each other", maxDepth)
	}
}

// block reads statements up to a tag that none begins with, such as endif,
// which is left.
func (p *parser) block() block {
	p.deeper()
	defer func() { p.depth-- }()
	var b block
	for {
		switch t := p.peek(); t.kind {
		case tokenData:
			p.at++
			text := newText(t.text)
			b = append(b, func(s *state) flow { s.write(text); return onward })
		case tokenOutput:
			p.at++
			e := p.tuple(true)
			p.expect(tokenClose, "}}")
			b = append(b, func(s *state) flow {
				s.line = t.line
				s.write(s.str(e(s)))
				return onward
			})
		case tokenBlock:
			p.at++
			parse, ok := blocks[p.peek().text]
			if !ok {
				p.at--
				return b
			}
			p.at++
			b = append(b, parse(p, t.line))
		default:
			return b
		}
	}
}

// blocks are the statements by their first words. It is set in init, for it
// refers to itself.
var blocks map[string]func(p *parser, line int) statement

func init() {
	blocks = map[string]func(p *parser, line int) statement{
		"if": (*parser).ifBlock, "for": (*parser).forBlock, "set": (*parser).set, "macro": (*parser).macro,
		"call": (*parser).call, "filter": (*parser).filterBlock, "with": (*parser).with, "generation": (*parser).generation,
		"break": func(p *parser, _ int) statement { return p.leave(breaks) }, "continue": func(p *parser, _ int) statement { return p.leave(continues) },
	}
}

// end reads the tag that ends a block, one of names, and returns which.
func (p *parser) end(begin int, names ...string) string {
	if p.peek().kind == tokenEnd {
		panic(&Error{Line: begin, Text: "a block without " + names[len(names)-1]})
	}
	p.expect(tokenBlock, "{%")
	if t := p.peek(); !slices.Contains(names, t.text) {
		p.fail("the block %q is not known, or stands where %s should", oneLine(t.text), names[len(names)-1])
	}
	return p.next().text
}

// body reads a block up to its end.
func (p *parser) body(line int, end string) block {
	p.close()
	b := p.block()
	p.end(line, end)
	p.close()
	return b
}

func (p *parser) close() { p.expect(tokenClose, "%}") }

func (p *parser) leave(f flow) statement {
	if p.loops == 0 {
		p.fail("break or continue outside of a loop")
	}
	p.close()
	return func(*state) flow { return f }
}

func (p *parser) ifBlock(line int) statement {
	type branch struct {
		line      int
		condition expr
		body      block
	}
	var branches []branch
	for end := "elif"; end != "endif"; {
		b := branch{line: line, condition: func(*state) any { return true }}
		if end == "elif" {
			b.condition = p.tuple(false)
		}
		p.close()
		b.body = p.block()
		line = p.peek().line
		if branches = append(branches, b); end == "else" {
			end = p.end(branches[0].line, "endif")
		} else {
			end = p.end(branches[0].line, "elif", "else", "endif")
		}
	}
	p.close()
	return func(s *state) flow {
		for _, b := range branches {
			s.line = b.line
			if truth(b.condition(s)) {
				return b.body.run(s)
			}
		}
		return onward
	}
}

// targets reads the names that a loop or set gives values to, and returns what
// gives them.
func (p *parser) targets() func(s *state, v any) {
	names := []string{}
	open, commas := p.sign("("), 0
	for {
		names = append(names, p.name())
		if !p.sign(",") {
			break
		}
		if commas++; p.peek().kind != tokenName || p.peek().text == "in" {
			break
		}
	}
	if open {
		p.expect(tokenSign, ")")
	}
	if commas == 0 {
		return func(s *state, v any) { s.scope.values[names[0]] = v }
	}
	return func(s *state, v any) {
		values := s.items(v)
		if len(values) != len(names) {
			s.fail("%d values for %d names", len(values), len(names))
		}
		for i, name := range names {
			s.scope.values[name] = values[i]
		}
	}
}

func (p *parser) set(line int) statement {
	if t := p.tokens[min(p.at+1, len(p.tokens)-1)]; t.kind == tokenSign && t.text == "." {
		return p.setAttribute(line)
	}
	give := p.targets()
	if p.sign("=") {
		e := p.tuple(true)
		p.close()
		return func(s *state) flow {
			s.line = line
			give(s, e(s))
			return onward
		}
	}
	filter := p.filters()
	body := p.body(line, "endset")
	return func(s *state) flow {
		v := s.captured(body)
		s.line = line
		give(s, filter(s, v))
		return onward
	}
}

func (p *parser) setAttribute(line int) statement {
	name := p.name()
	p.expect(tokenSign, ".")
	attribute := p.name()
	p.expect(tokenSign, "=")
	e := p.tuple(true)
	p.close()
	return func(s *state) flow {
		s.line = line
		ns, ok := s.scope.get(name).(namespace)
		if !ok {
			s.fail("%s.%s is set, and %s is no namespace", name, attribute, name)
		}
		ns[attribute] = e(s)
		return onward
	}
}
