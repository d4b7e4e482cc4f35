package chat

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nikolalohinski/gonja/v2/builtins"
	controls "github.com/nikolalohinski/gonja/v2/builtins/control_structures"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

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
