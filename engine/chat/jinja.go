package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
)

// A jinja is a template that came with a model, in the language in which
// Hugging Face's transformers write them. It is a program from a stranger: see
// limits.go for what it may do.
type jinja struct {
	template *exec.Template
	source   string
	bos, eos string
	special  names
}

// newJinja compiles m.Jinja.
func newJinja(m Model) (*Template, error) {
	if len(m.Jinja) > maxSource {
		return nil, &TemplateError{fmt.Sprintf("%d bytes, more than %d", len(m.Jinja), maxSource)}
	}
	j := &jinja{source: m.Jinja, bos: m.BOS, eos: m.EOS, special: newNames(m.Special)}
	err := contain(func() (err error) {
		j.template, err = j.compile()
		return err
	})
	if err != nil {
		return nil, &TemplateError{err.Error()}
	}
	return &Template{"jinja", append(turns, "tool"), j.render}, nil
}

// compile parses a template as transformers does: a line that holds nothing but
// a block leaves nothing behind.
func (j *jinja) compile() (*exec.Template, error) {
	c := config.New()
	c.TrimBlocks, c.LeftStripBlocks = true, true
	strings, err := checkTokens(j.source, c)
	if err != nil {
		return nil, err
	}
	j.special.sought(strings)
	const path = "/template"
	loader, err := loaders.NewMemoryLoader(map[string]string{path: j.source})
	if err != nil {
		return nil, err
	}
	return exec.NewTemplate(path, c, loader, &exec.Environment{
		Context: exec.NewContext(map[string]any{
			"namespace":       get(builtins.GlobalFunctions.Get, "namespace"),
			"dict":            get(builtins.GlobalFunctions.Get, "dict"),
			"range":           boundedRange,
			"raise_exception": raiseException,
			"strftime_now":    func(format string) string { return strftime(time.Now(), format) },
		}),
		Filters:           allowedFilters(),
		Tests:             builtins.Tests,
		ControlStructures: allowedBlocks(),
		Methods:           allowedMethods(),
	})
}

// render runs the template and finds the names of special tokens in what it
// writes.
func (j *jinja) render(messages []Message, prompt bool) ([]Segment, error) {
	size := 0
	for _, m := range messages {
		size += len(m.Content)
	}
	if size > maxContents {
		return nil, fmt.Errorf("chat template: messages of %d bytes, more than %d", size, maxContents)
	}
	mark, err := j.mark(messages)
	if err != nil {
		return nil, err
	}
	list := make([]any, len(messages))
	for i, m := range messages {
		list[i] = map[string]any{"role": m.Role, "content": j.special.shield(m.Content, mark)}
	}

	b := newBudget(size)
	var out strings.Builder
	err = contain(func() error {
		return j.template.Execute(&limitedWriter{&out, b}, exec.NewContext(map[string]any{
			budgetKey:               b,
			"messages":              list,
			"add_generation_prompt": prompt,
			"bos_token":             j.bos,
			"eos_token":             j.eos,
		}))
	})
	if b.err != nil {
		err = b.err // without the lines that gonja wraps about it
	}
	if err != nil {
		text := strings.ReplaceAll(err.Error(), mark, "")
		if b.refused {
			return nil, errors.New("chat template: " + text)
		}
		return nil, &TemplateError{text}
	}
	return j.special.segments(out.String(), mark), nil
}

// mark returns a character that stands nowhere in the messages or the template:
// one of Unicode's noncharacters, which are free for such use.
func (j *jinja) mark(messages []Message) (string, error) {
	for c := rune(0xFDD0); c <= 0xFDEF; c++ {
		used := strings.ContainsRune(j.source, c) || slices.ContainsFunc(messages, func(m Message) bool {
			return strings.ContainsRune(m.Content, c)
		})
		if !used {
			return string(c), nil
		}
	}
	return "", errors.New("chat template: the messages use all of the noncharacters U+FDD0 to U+FDEF")
}

// names are the special tokens that a template may write.
type names struct {
	all         map[string]bool
	lengths     []int // in bytes, the longest first
	first, last map[rune]bool
	plain       []string // strings that a template may look for in a message
}

func newNames(list []string) names {
	n := names{map[string]bool{}, nil, map[rune]bool{}, map[rune]bool{}, nil}
	for _, name := range list {
		if utf8.RuneCountInString(name) < 2 {
			continue // cannot be told from text
		}
		first, _ := utf8.DecodeRuneInString(name)
		last, _ := utf8.DecodeLastRuneInString(name)
		n.all[name], n.first[first], n.last[last] = true, true, true
		if !slices.Contains(n.lengths, len(name)) {
			n.lengths = append(n.lengths, len(name))
		}
	}
	slices.SortFunc(n.lengths, func(a, b int) int { return b - a })
	return n
}

// sought notes which strings of the template need no mark where they stand in a
// message, such as "</think>", at which templates split it: those that share no
// beginning, end or part with a name.
func (n *names) sought(list []string) {
	for _, text := range list {
		if strings.ContainsFunc(text, func(c rune) bool { return n.first[c] || n.last[c] }) && !n.overlaps(text) {
			n.plain = append(n.plain, text)
		}
	}
}

func (n *names) overlaps(text string) bool {
	for name := range n.all {
		for i := 1; i <= min(len(text), len(name)); i++ {
			if text[len(text)-i:] == name[:i] || text[:i] == name[len(name)-i:] {
				return true
			}
		}
		if strings.Contains(text, name) || strings.Contains(name, text) {
			return true
		}
	}
	return false
}

// plainAt returns the length of the longest string without need of a mark at
// the beginning of text.
func (n *names) plainAt(text string) int {
	length := 0
	for _, p := range n.plain {
		if len(p) > length && strings.HasPrefix(text, p) {
			length = len(p)
		}
	}
	return length
}

// shield puts the mark into a message's content so that no name can be found
// in what a template makes of it: not one that begins in the content (the mark
// follows every character that a name begins with), nor one that begins in the
// template and ends in the content (the mark is before every character that a
// name ends with), nor one that lies about the whole content.
func (n *names) shield(content, mark string) string {
	within := n.insideName(content)
	var b strings.Builder
	for i, size := 0, 0; i < len(content); i += size {
		if size = n.plainAt(content[i:]); size > 0 {
			b.WriteString(content[i : i+size])
			continue
		}
		var c rune
		c, size = utf8.DecodeRuneInString(content[i:])
		if n.last[c] {
			b.WriteString(mark)
		}
		b.WriteString(content[i : i+size])
		if n.first[c] || i == within {
			b.WriteString(mark)
		}
	}
	return b.String()
}

// insideName returns where content begins, its white space aside, if all of it
// is a part of a name; else -1.
func (n *names) insideName(content string) int {
	inner := trim(content)
	if inner == "" {
		return -1
	}
	for name := range n.all {
		if strings.Contains(name, inner) {
			return strings.Index(content, inner)
		}
	}
	return -1
}

// segments cuts a rendered text at the names in it, the longest where several
// begin, and takes the marks out.
func (n *names) segments(text, mark string) []Segment {
	var s segments
	begin := 0
	for i, c := range text {
		if i < begin || !n.first[c] {
			continue
		}
		for _, length := range n.lengths {
			if end := i + length; end <= len(text) && n.all[text[i:end]] {
				s.text(strings.ReplaceAll(text[begin:i], mark, ""))
				s.special(text[i:end])
				begin = end
				break
			}
		}
	}
	s.text(strings.ReplaceAll(text[begin:], mark, ""))
	return s
}

// raiseException is how templates refuse a conversation.
func raiseException(e *exec.Evaluator, args *exec.VarArgs) (string, error) {
	b, err := budgetOf(e.Environment.Context)
	if err != nil {
		return "", err
	}
	b.refused = b.err == nil
	return "", b.fail(fmt.Errorf("the template refuses: %s", oneLine(args.First().String())))
}

// strftime formats a time as Python does, with the directives that dates need.
func strftime(t time.Time, format string) string {
	layouts := map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'd': "02", 'H': "15", 'I': "03", 'j': "002",
		'm': "01", 'M': "04", 'p': "PM", 'S': "05", 'y': "06", 'Y': "2006", 'Z': "MST", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] == '%' && i+1 < len(format) {
			i++
			if layout, ok := layouts[format[i]]; ok {
				b.WriteString(t.Format(layout))
				continue
			}
			if format[i] != '%' {
				b.WriteByte('%')
			}
		}
		b.WriteByte(format[i])
	}
	return b.String()
}

// oneLine returns a text for an error: in one line, and of a long one the
// beginning and the end.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:80]+" ... "+text[len(text)-100:], "")
	}
	return text
}
