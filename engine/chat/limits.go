package chat

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// What a model's own template may do.
//
// Gonja runs a template to its end on the caller's goroutine, and nothing from
// outside can stop it. So it is stopped from within: everything that can repeat
// or grow passes a check: of the source before it is parsed (check.go), or of what is offered
// (allowed.go), which fails once the template has taken too many steps, too much
// time, or made too much text. What has no such check is not offered: include, import and extends (which read files), call,
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
