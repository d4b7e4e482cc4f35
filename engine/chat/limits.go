package chat

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/builtins"
	controls "github.com/nikolalohinski/gonja/v2/builtins/control_structures"
	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// What a model's own template may do.
//
// Gonja runs a template to its end on the caller's goroutine, and nothing from
// outside can stop it. So it is stopped from within: everything that can repeat
// or grow passes one of the checks below, which fail once the template has
// taken too many steps, too much time, or made too much text. What has no such
// check is not offered: include, import and extends (which read files), call,
// filter and set blocks, recursive loops, *, **, and the filters and methods
// that are not in the lists.
const (
	maxSource    = 64 << 10 // bytes of a template
	maxContents  = 1 << 20  // bytes of all messages
	maxSteps     = 100_000  // bodies of loops and macros, and filters
	maxTime      = 2 * time.Second
	maxDepth     = 50      // macros within macros
	maxItems     = 10_000  // items that a loop goes through
	maxOperators = 50      // + ~ - and not, in one pair of braces
	maxTokens    = 400     // in one pair of braces
	maxBlocks    = 50      // blocks within blocks
	maxReplaced  = 4 << 20 // bytes that the method replace makes
)

// A budget is what is left to one rendering. It stands in the template's
// context under a name that no template can spell.
type budget struct {
	steps, depth int
	bytes        int // to write
	value        int // largest value
	deadline     time.Time
	err          error // the first that ended the rendering
	refused      bool  // err is the template's word on the messages
}

const budgetKey = "the budget"

// newBudget returns the budget for messages of n bytes. With their marks they
// may be seven times as long.
func newBudget(n int) *budget {
	size := 64<<10 + 8*n
	return &budget{steps: maxSteps, depth: maxDepth, bytes: 4 * size, value: size, deadline: time.Now().Add(maxTime)}
}

func budgetOf(c *exec.Context) (*budget, error) {
	if v, ok := c.Get(budgetKey); ok {
		return v.(*budget), nil
	}
	return nil, errors.New("this is not possible at the top of a template")
}

func (b *budget) fail(err error) error {
	if b.err == nil {
		b.err = err
	}
	return b.err
}

// step takes one step.
func (b *budget) step() error {
	b.steps--
	switch {
	case b.err != nil:
		return b.err
	case b.steps < 0:
		return b.fail(fmt.Errorf("more than %d steps: is there a loop without end?", maxSteps))
	case time.Now().After(b.deadline):
		return b.fail(fmt.Errorf("not done after %v", maxTime))
	}
	return nil
}

// allow fails if the values together are too large, or contain each other.
func (b *budget) allow(values ...*exec.Value) error {
	left := b.value
	for _, v := range values {
		if left = weigh(v, left, 20); left < 0 {
			return b.fail(fmt.Errorf("a value of more than %d bytes, or one that contains itself", b.value))
		}
	}
	return nil
}

// weigh returns what is left when the size of v has been taken off, a negative
// number if that is nothing or v is nested more than depth deep.
func weigh(v any, left, depth int) int {
	left--
	if left < 0 || depth < 0 {
		return -1
	}
	switch v := v.(type) {
	case nil:
		return left
	case string:
		return left - len(v)
	case *exec.Value:
		if v == nil || v.IsNil() {
			return left
		}
		return weigh(v.Interface(), left, depth-1)
	case *exec.Dict:
		for _, p := range v.Pairs {
			left = weigh(p.Value, weigh(p.Key, left, depth-1), depth-1)
		}
		return left
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Slice, reflect.Array:
		for i := 0; i < r.Len() && left >= 0; i++ {
			left = weigh(r.Index(i).Interface(), left, depth-1)
		}
	case reflect.Map:
		for it := r.MapRange(); it.Next() && left >= 0; {
			left = weigh(it.Value().Interface(), weigh(it.Key().Interface(), left, depth-1), depth-1)
		}
	}
	return left
}

// A limitedWriter takes what is written from the budget.
type limitedWriter struct {
	w io.Writer
	b *budget
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if w.b.bytes -= len(p); w.b.bytes < 0 {
		return 0, w.b.fail(errors.New("too much text"))
	}
	return w.w.Write(p)
}

// contain runs f and makes an error of a panic within gonja.
func contain(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be run: %s", oneLine(fmt.Sprint(p)))
		}
	}()
	if err = f(); err != nil {
		err = errors.New(oneLine(innermost(err).Error()))
	}
	return err
}

// innermost returns the error that all others are wrapped about: gonja wraps
// with the source of each expression.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if v, ok := err.(*exec.Value); ok {
			next, _ = v.Interface().(error)
		}
		if next == nil {
			return err
		}
		err = next
	}
}

// checkTokens looks at a template before it is parsed, and returns the strings
// in it.
func checkTokens(source string, c *config.Config) (literals []string, err error) {
	if err := checkNumbers(source, c); err != nil {
		return nil, err
	}
	length, operators, blocks := 0, 0, 0
	set := false // within a set, before its "="
	s := tokens.LexAll(source, c)
	for ; !s.EOF(); s.Next() {
		t := s.Current()
		length++
		switch t.Type {
		case tokens.Error:
			return nil, fmt.Errorf("line %d: %s", t.Line, oneLine(t.Val))
		case tokens.String:
			literals = append(literals, t.Val)
		case tokens.Multiply, tokens.Power:
			return nil, fmt.Errorf("line %d: %s is not supported in templates", t.Line, t.Val)
		case tokens.BlockBegin:
			name := ""
			if next := s.Peek(); next != nil {
				name = next.Val
			}
			set = name == "set"
			switch name {
			case "if", "for", "macro":
				blocks++
			case "endif", "endfor", "endmacro":
				blocks--
			}
		case tokens.Assign:
			set = false
		case tokens.Data, tokens.BlockEnd, tokens.VariableEnd:
			length, operators = 0, 0
		case tokens.Addition, tokens.Tilde, tokens.Subtraction, tokens.Not:
			operators++
		}
		switch {
		case operators > maxOperators:
			return nil, fmt.Errorf("line %d: more than %d operators in one expression", t.Line, maxOperators)
		case length > maxTokens:
			return nil, fmt.Errorf("line %d: an expression of more than %d words and signs", t.Line, maxTokens)
		case blocks > maxBlocks:
			return nil, fmt.Errorf("line %d: more than %d blocks within each other", t.Line, maxBlocks)
		case set && t.Type == tokens.BlockEnd:
			return nil, fmt.Errorf("line %d: a set without = is not supported in templates", t.Line)
		}
	}
	return literals, nil
}

// checkNumbers refuses what gonja's lexer reads again and again: behind a number and
// a dot it goes back by as many bytes as the next character has, and not by the
// dot's one (scanNumber of version 2.9.1). Such a place is found by having it read
// the template with characters of one byte in the place of all others.
func checkNumbers(source string, c *config.Config) error {
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source) // as it does
	plain := []byte(source)
	for i := 0; i < len(source); {
		r, size := utf8.DecodeRuneInString(source[i:])
		for ; size > 0; size-- {
			switch {
			case r < utf8.RuneSelf:
			case unicode.IsDigit(r):
				plain[i] = '0'
			case unicode.IsLetter(r):
				plain[i] = 'x'
			default:
				plain[i] = '$'
			}
			i++
		}
	}
	for s := tokens.LexAll(string(plain), c); !s.EOF(); s.Next() {
		t := s.Current()
		end := t.Pos + len(t.Val)
		if (t.Type == tokens.Integer || t.Type == tokens.Float) && end+1 < len(source) && source[end] == '.' && source[end+1] >= utf8.RuneSelf {
			return fmt.Errorf("line %d: %s. is no number", t.Line, t.Val)
		}
	}
	return nil
}

// allowedBlocks returns the blocks of the language that are offered, with a
// check where they can repeat or grow.
func allowedBlocks() *exec.ControlStructureSet {
	set := map[string]parser.ControlStructureParser{"for": parseFor, "macro": parseMacro, "set": parseSet}
	for _, name := range []string{"if", "raw", "break", "continue"} {
		set[name] = get(builtins.ControlStructures.Get, name)
	}
	return exec.NewControlStructureSet(set)
}

// A guard stands at the beginning of a body that can run more than once.
type guard struct{ nodes.Node }

func (guard) Execute(r *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	b, err := budgetOf(r.Environment.Context)
	if err != nil {
		return err
	}
	if _, ok := r.Output.(*limitedWriter); !ok { // a macro writes to a buffer of its own
		r.Output = &limitedWriter{r.Output, b}
	}
	return b.step()
}

func (guard) String() string { return "guard" } // the body's would contain itself

func guarded(w *nodes.Wrapper) {
	w.Nodes = append([]nodes.Node{&nodes.ControlStructureBlock{Location: w.Location, Name: "guard", ControlStructure: guard{w}}}, w.Nodes...)
}

func parseFor(p, args *parser.Parser) (nodes.ControlStructure, error) {
	c, err := get(builtins.ControlStructures.Get, "for")(p, args)
	if err != nil {
		return nil, err
	}
	loop := c.(*controls.ForControlStructure)
	if loop.Recursive {
		return nil, errors.New("recursive loops are not supported in templates")
	}
	guarded(loop.BodyWrapper)
	loop.ObjectEvaluator = &nodes.FilteredExpression{
		Expression: loop.ObjectEvaluator,
		Filters:    []*nodes.FilterCall{{Token: loop.BodyWrapper.Location, Name: loopFilter}},
	}
	return loop, nil
}

// loopFilter is the name, which no template can spell, of a filter that passes
// only what a loop may go through.
const loopFilter = "items of a loop"

func filterLoop(e *exec.Evaluator, in *exec.Value, _ *exec.VarArgs) *exec.Value {
	b, err := budgetOf(e.Environment.Context)
	if err == nil && in.Len() > maxItems {
		err = b.fail(fmt.Errorf("a loop over more than %d items", maxItems))
	}
	if err != nil {
		return exec.AsValue(err)
	}
	return in
}

// A limitedMacro is a macro that may call itself only so often.
type limitedMacro struct {
	*controls.MacroControlStructure
}

func parseMacro(p, args *parser.Parser) (nodes.ControlStructure, error) {
	c, err := get(builtins.ControlStructures.Get, "macro")(p, args)
	if err != nil {
		return nil, err
	}
	m := limitedMacro{c.(*controls.MacroControlStructure)}
	guarded(m.Wrapper)
	return m, nil
}

func (m limitedMacro) Execute(r *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	b, err := budgetOf(r.Environment.Context)
	if err != nil {
		return err
	}
	call, err := exec.MacroNodeToFunc(m.Macro, r)
	if err != nil {
		return err
	}
	r.Environment.Context.Set(m.Name, exec.Macro(func(args *exec.VarArgs) *exec.Value {
		b.depth--
		defer func() { b.depth++ }()
		if b.depth < 0 {
			return exec.AsValue(b.fail(fmt.Errorf("macro %s is called more than %d deep", m.Name, maxDepth)))
		}
		values := args.Args
		for _, v := range args.KwArgs {
			values = append(values, v)
		}
		if err := b.allow(values...); err != nil {
			return exec.AsValue(err)
		}
		return call(args)
	}))
	return nil
}

// A limitedSet is a set whose value may not be too large.
type limitedSet struct {
	exec.ControlStructure
	name string // of the variable, or of what it is an attribute of
}

func parseSet(p, args *parser.Parser) (nodes.ControlStructure, error) {
	name := args.Current(tokens.Name)
	if name == nil {
		return nil, errors.New("set without the name of a variable")
	}
	c, err := get(builtins.ControlStructures.Get, "set")(p, args)
	if err != nil {
		return nil, err
	}
	return limitedSet{c.(exec.ControlStructure), name.Val}, nil
}

func (s limitedSet) Execute(r *exec.Renderer, block *nodes.ControlStructureBlock) error {
	if err := s.ControlStructure.Execute(r, block); err != nil {
		return err
	}
	b, err := budgetOf(r.Environment.Context)
	if err != nil {
		return err
	}
	v, _ := r.Environment.Context.Get(s.name)
	return b.allow(exec.ToValue(v))
}

// boundedRange is Jinja's range.
func boundedRange(_ *exec.Evaluator, args *exec.VarArgs) ([]int, error) {
	n := []int{0, 0, 1}
	for _, a := range args.Args {
		if !a.IsInteger() {
			return nil, errors.New("range wants whole numbers")
		}
	}
	switch a := args.Args; len(a) {
	case 1:
		n[1] = a[0].Integer()
	case 2, 3:
		for i := range a {
			n[i] = a[i].Integer()
		}
	default:
		return nil, errors.New("range wants one to three numbers")
	}
	start, stop, step := n[0], n[1], n[2]
	if step == 0 {
		return nil, errors.New("range with step 0")
	}
	list := []int{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(list) == maxItems {
			return nil, fmt.Errorf("a range of more than %d numbers", maxItems)
		}
		list = append(list, i)
	}
	return list, nil
}

// allowedFilters returns the filters that are offered: those whose work and
// result are bounded by their input, and join and replace after a check.
func allowedFilters() *exec.FilterSet {
	set := map[string]exec.FilterFunction{loopFilter: filterLoop}
	for _, name := range []string{
		"abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items", "join", "last",
		"length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe",
		"select", "selectattr", "sort", "string", "title", "trim", "upper",
	} {
		set[name] = limitedFilter(name, get(builtins.Filters.Get, name))
	}
	return exec.NewFilterSet(set)
}

func limitedFilter(name string, filter exec.FilterFunction) exec.FilterFunction {
	return func(e *exec.Evaluator, in *exec.Value, args *exec.VarArgs) *exec.Value {
		b, err := budgetOf(e.Environment.Context)
		if err != nil {
			return exec.AsValue(err)
		}
		if err := b.step(); err != nil {
			return exec.AsValue(err)
		}
		if err := b.allow(in); err != nil {
			return exec.AsValue(err)
		}
		if growth(name, in, args) > b.value {
			return exec.AsValue(b.fail(fmt.Errorf("the filter %s would make more than %d bytes", name, b.value)))
		}
		out := filter(e, in, args)
		if out.IsError() {
			return out
		}
		if err := b.allow(out); err != nil {
			return exec.AsValue(err)
		}
		return out
	}
}

// growth returns how many bytes a filter adds to its input.
func growth(name string, in *exec.Value, args *exec.VarArgs) int {
	arg := func(i int, name string) string {
		if v, ok := args.KwArgs[name]; ok {
			return v.String()
		}
		if i < len(args.Args) {
			return args.Args[i].String()
		}
		return ""
	}
	switch name {
	case "join":
		return in.Len() * len(arg(0, "d"))
	case "replace":
		return strings.Count(in.String(), arg(0, "old")) * len(arg(1, "new"))
	}
	return 0
}

// allowedMethods returns the methods that are offered.
func allowedMethods() exec.Methods {
	str := map[string]exec.Method[string]{"replace": replaceMethod}
	for _, name := range []string{
		"capitalize", "endswith", "isdigit", "islower", "isspace", "isupper", "lower", "lstrip", "removeprefix",
		"removesuffix", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
	} {
		str[name] = get(builtins.Methods.Str.Get, name)
	}
	dict := make(map[string]exec.Method[map[string]any])
	for _, name := range []string{"get", "items", "keys", "values"} {
		dict[name] = get(builtins.Methods.Dict.Get, name)
	}
	return exec.Methods{
		Bool:  exec.NewMethodSet[bool](nil),
		Int:   exec.NewMethodSet[int](nil),
		Float: exec.NewMethodSet[float64](nil),
		Str:   exec.NewMethodSet(str),
		Dict:  exec.NewMethodSet(dict),
		List:  exec.NewMethodSet[[]any](nil),
	}
}

// replaceMethod is Python's str.replace.
func replaceMethod(self string, _ *exec.Value, args *exec.VarArgs) (any, error) {
	var before, after string
	if err := args.Take(
		exec.PositionalArgument("old", nil, exec.StringArgument(&before)),
		exec.PositionalArgument("new", nil, exec.StringArgument(&after)),
	); err != nil {
		return nil, exec.ErrInvalidCall(err)
	}
	if len(self)+strings.Count(self, before)*len(after) > maxReplaced {
		return nil, fmt.Errorf("replace would make more than %d bytes", maxReplaced)
	}
	return strings.ReplaceAll(self, before, after), nil
}

// get returns what gonja has by this name.
func get[T any](from func(string) (T, bool), name string) T {
	v, ok := from(name)
	if !ok {
		panic("BUG: gonja has no " + name)
	}
	return v
}
