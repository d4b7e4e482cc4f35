// Package jinja renders the chat templates of models as Jinja2 does in the
// environment that transformers gives them: blocks leave no line ends behind,
// nothing is escaped, lists cannot be changed, and there are break, continue,
// generation, tojson, raise_exception and strftime_now.
//
// It is our own because the libraries were measured. Of 238 templates, each with
// one construct of those that real ones use (testdata/constructs.json has them
// with all verdicts, and Jinja2's answers),
//
//	                        right  refused  wrong without a word
//	gonja 2.9.1               134       34                    70
//	ardanlabs/jinja 1.8.0     139       24                    75
//	this package              236        2                     0
//
// Gonja knows no condition within an expression, and single bytes of texts that
// are not ASCII. The other one loses blanks before blocks, keeps variables
// beyond their turn of a loop, passes over the condition of a loop over pairs
// and the limit of a split, and adds text to none. Both know neither lines nor
// limits at run time. Gonja's lexer reads certain numbers in front of characters
// of several bytes for ever; in the other, a macro without end takes the process
// with it, and select without a test panics. What would have to stand before
// either, to mend and to bound it, is a lexer, a parser and the operators,
// filters and methods: all but the walk over the tree. Without a library that
// walk is there too, and eight modules leave go.mod.
//
// Against Jinja2 itself, 30,000 random templates of these constructs gave no
// other text, but for ranges printed as such and for safe, which marks nothing
// here. What it does not know it refuses by name and line: include, import,
// extends, block, autoescape, and the filters for HTML and for chance.
package jinja

import (
	"fmt"
	"strings"
	"time"
)

const (
	maxSource = 64 << 10 // bytes of a template
	maxDepth  = 100      // expressions, blocks, macros or values within each other
	maxChain  = 1000     // operators side by side
	maxWork   = 64 << 20 // bytes made and words run, and so the time
	maxRange  = 100_000  // numbers of a range, as in Jinja2's sandbox
)

// A Template is a program from a stranger, checked for its form. It is
// immutable: any number of goroutines may use it at once.
type Template struct{ body block }

// An Error says what is wrong and in which line of the template.
type Error struct {
	Line    int
	Text    string
	Refusal bool // it is the template's own word, by raise_exception
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// Compile reads a template. Its errors are of the type *Error.
func Compile(source string) (t *Template, err error) {
	defer catch(&err)
	if len(source) > maxSource {
		return nil, &Error{1, fmt.Sprintf("a template of %d bytes, more than %d", len(source), maxSource), false}
	}
	p := parser{tokens: lex(source)}
	body := p.block()
	if t := p.peek(); t.kind != tokenEnd {
		p.at = min(p.at+1, len(p.tokens)-1)
		p.fail("the block %q is not known, or without its beginning", oneLine(p.peek().text))
	}
	return &Template{body}, nil
}

// Render runs the template with these variables: nil, bool, int, string, User,
// []any, and Dict for a dictionary. It does a bounded amount of work, which
// grows with the users' text alone. Its errors are of the type *Error.
func (t *Template) Render(variables map[string]any) (Text, error) {
	return t.render(variables, maxWork)
}

func (t *Template) render(variables map[string]any, work int) (out Text, err error) {
	defer catch(&err)
	s := &state{scope: newScope(&scope{values: globals}), work: work, line: 1, now: time.Now()}
	for name, v := range variables {
		s.scope.values[name] = s.value(v)
	}
	t.body.run(s)
	return s.out, nil
}

// catch makes an error of what fail throws, and of a fault of this package: a
// template must not end its caller.
func catch(err *error) {
	switch p := recover().(type) {
	case nil:
	case *Error:
		*err = p
	default:
		*err = &Error{Line: 1, Text: oneLine(fmt.Sprint("BUG: ", p))}
	}
}

// A state is one rendering.
type state struct {
	scope *scope
	out   Text
	work  int // left
	depth int // of macros
	line  int
	now   time.Time
}

// fail ends the rendering.
func (s *state) fail(format string, args ...any) {
	panic(&Error{Line: s.line, Text: fmt.Sprintf(format, args...)})
}

// use takes work from what is left.
func (s *state) use(n int) {
	if s.work -= n; n < 0 || s.work < 0 {
		s.fail("too much work: is there a loop without end, or a text that doubles?")
	}
}

// write appends to the output.
func (s *state) write(t Text) {
	s.use(4 * len(t))
	s.out = append(s.out, t...)
}

// capture returns what f writes.
func (s *state) capture(f func()) Text {
	saved := s.out
	s.out = nil
	f()
	made := s.out
	s.out = saved
	return made
}

// within runs f in a scope of its own, with the variables that bind sets.
func (s *state) within(outer *scope, f func()) {
	saved := s.scope
	s.scope = newScope(outer)
	f()
	s.scope = saved
}

// deeper runs f one macro, or one recursive loop, further down.
func (s *state) deeper(f func()) {
	line := s.line
	if s.depth++; s.depth > maxDepth {
		s.fail("more than %d calls within each other", maxDepth)
	}
	f()
	s.depth--
	s.line = line
}

// A scope holds the variables of a block, and those around it.
type scope struct {
	values map[string]any
	outer  *scope
}

func newScope(outer *scope) *scope { return &scope{map[string]any{}, outer} }

func (s *scope) get(name string) any {
	for ; s != nil; s = s.outer {
		if v, ok := s.values[name]; ok {
			return v
		}
	}
	return undefined{"'" + name + "' is undefined"}
}

// globals are the functions that every template can call.
var globals = map[string]any{
	"range": function(rangeOf),
	"dict":  function(func(s *state, a args) any { return dictOf(s, "dict", a) }),
	"namespace": function(func(s *state, a args) any {
		made := namespace{}
		for i, d := 0, dictOf(s, "namespace", a); i < len(d.keys); i++ {
			made[s.str(d.keys[i]).String()] = d.values[i]
		}
		return made
	}),
	"raise_exception": function(func(s *state, a args) any {
		message := s.str(a.bind(s, "raise_exception", 1, "message")[0])
		panic(&Error{s.line, oneLine(message.String()), true})
	}),
	"strftime_now": function(func(s *state, a args) any {
		format := s.str(a.bind(s, "strftime_now", 1, "format")[0])
		return s.made(strftime(s.now, format.String()))
	}),
}

// dictOf is Python's dict: of another one, and of names.
func dictOf(s *state, name string, a args) *dict {
	d := newDict()
	if len(a.list) > 1 {
		s.fail("%s takes one dictionary and names", name)
	}
	for _, v := range a.list {
		from, ok := v.(*dict)
		if !ok {
			s.fail("%s of %s", name, kindOf(v))
		}
		for i, k := range from.keys {
			d.set(s, k, from.values[i])
		}
	}
	for i, k := range a.names {
		d.set(s, newText(k), a.values[i])
	}
	s.use(16 * len(d.keys))
	return d
}

// rangeOf is Python's range.
func rangeOf(s *state, a args) any {
	v := a.bind(s, "range", 1, "start", "stop", "step")
	start, stop, step := 0, 0, 1
	if isUndefined(v[1]) {
		stop = s.whole(v[0])
	} else {
		start, stop = s.whole(v[0]), s.whole(v[1])
	}
	if !isUndefined(v[2]) {
		step = s.whole(v[2])
	}
	if step == 0 {
		s.fail("range with step 0")
	}
	made := list{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(made) == maxRange {
			s.fail("a range of more than %d numbers", maxRange)
		}
		made = append(made, i)
	}
	s.use(16 * len(made))
	return made
}

// strftime formats a time as Python does in the C locale.
func strftime(t time.Time, format string) Text {
	layouts := map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06", 'e': "_2",
		'F': "2006-01-02", 'h': "Jan", 'H': "15", 'I': "03", 'j': "002", 'm': "01", 'M': "04", 'p': "PM", 'R': "15:04", 'S': "05",
		'T': "15:04:05", 'x': "01/02/06", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		plain := format[i] == '-' && i+1 < len(format) // a number without zeros in front
		if plain {
			i++
		}
		switch layout, ok := layouts[format[i]]; {
		case ok && plain:
			b.WriteString(strings.TrimLeft(t.Format(layout), "0 "))
		case ok:
			b.WriteString(t.Format(layout))
		case format[i] == '%':
			b.WriteByte('%')
		default:
			b.WriteString("%" + format[i:i+1])
		}
	}
	return newText(b.String())
}
