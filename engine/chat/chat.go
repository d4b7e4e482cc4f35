// Package chat turns a conversation into the text that a model was trained to
// continue.
//
// A rendered conversation is a list of segments, because two kinds of text look
// alike and are not: in "Hi<|eot_id|>" the template means the token that ends a
// turn, and a user who types the same letters means letters. Only segments that
// are marked Special may be parsed for special tokens; what users write never
// stands in one.
//
// A model's own template decides. Only one that is known to be wrong is replaced,
// and the caller can say so. A template is a program in Jinja, which package
// jinja runs. Two libraries were compared with it, Jinja2 being the judge: of 238
// constructs of real templates gonja 2.9.1 renders 134 right and 70 wrong without
// a word, ardanlabs/jinja 1.8.0 139 and 75, package jinja 236 and none, and
// neither library can be stopped. The two that are left are refused by name.
// Package jinja says more, and its tests hold the table.
//
// The token BOS in front of everything is the tokenizer's matter: the templates
// of this package do not write it. A model's own may; whoever encodes the
// segments sees to it that it stands there once (tokenizer.EncodeChat does).
package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bitnet-gpu/engine/chat/jinja"
)

// A Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"` // "system", "user" or "assistant"; "tool" and "developer" where the template knows them
	Content string `json:"content"`
}

// A Segment is a part of a rendered conversation. Segments that are not special
// never stand side by side: words and what follows them are one text, as the
// tokenizer must see them.
type Segment struct {
	Text    string
	Special bool // Text is the name of a special token
}

// A Template renders conversations. It is immutable: any number of goroutines
// may use it at once.
type Template struct {
	Name string // one of Names, or "jinja": the model's own, or the user's
	Note string // why the file's template is not in use, or ""

	template *jinja.Template
	bos, eos string
	special  names
}

// A Model is what decides on the template.
type Model struct {
	Arch    string   // as the file names it, such as "bitnet-b1.58"
	Jinja   string   // the file's own template, or ""
	Chosen  string   // the user's instead: one of Names, or a template; or ""
	Special []string // the names of the vocabulary's special tokens, in any order
	BOS     string   // the name of the token, or ""
	EOS     string
}

// ErrNone says that a model has no chat template.
var ErrNone = errors.New("the model has no chat template: it completes text, but does not chat")

// A TemplateError says what is wrong with a template, whatever the messages.
type TemplateError struct{ text string }

func (e *TemplateError) Error() string { return "chat template: " + e.text }

// A builtin is a template of this package, and the special tokens without which
// it means nothing.
type builtin struct {
	source string
	needs  []string
}

// builtins are the formats that ternary models were trained with, by their names
// in llama.cpp; bitnet is that of BitNet b1.58 2B4T, from the
// tokenizer_config.json of its repository.
var builtins = map[string]builtin{
	"bitnet": {
		"{% for m in messages %}{{ m.role|capitalize + ': ' + m.content|trim + '<|eot_id|>' }}{% endfor %}" +
			"{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}",
		[]string{"<|eot_id|>"},
	},
	"chatml": {
		"{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}" +
			"{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
		[]string{"<|im_start|>", "<|im_end|>"},
	},
	"falcon3": {
		"{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '\n' }}{% endfor %}" +
			"{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}",
		nil,
	},
	"llama3": {
		"{% for m in messages %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content|trim + '<|eot_id|>' }}{% endfor %}" +
			"{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
		[]string{"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
	},
}

// Names returns the names of the templates of this package.
func Names() []string { return []string{"bitnet", "chatml", "falcon3", "llama3"} }

// wrong are templates that contradict the training of their models, by the
// SHA-256 of the whole text, and what replaces them. The one is written into
// every BitNet file by bitnet.cpp's utils/convert-ms-to-gguf-bitnet.py, so the
// official GGUF of the 2B4T has it: it says "Human" and "BITNETAssistant", and
// puts the end of the text before the answer.
var wrong = map[string]string{
	"6feccacdd8c7094ee8de807281b2f2a077d538832a4c220c7a2375e32ae5c89d": "bitnet",
}

// For chooses the template of a model: the user's, else the file's own, unless
// it is one of wrong. A BitNet model without any gets the one it was trained
// with, if its vocabulary has that one's <|eot_id|>. Errors are ErrNone and of
// the type TemplateError.
func For(m Model) (*Template, error) {
	isBitNet := m.Arch == "bitnet-b1.58" || m.Arch == "bitnet-25"
	sum := sha256.Sum256([]byte(m.Jinja))
	replacement := wrong[hex.EncodeToString(sum[:])]
	switch {
	case m.Chosen != "":
		return newTemplate(m, m.Chosen, "")
	case replacement != "":
		return newTemplate(m, replacement, "the file's chat template contradicts the model's training and is replaced by "+replacement)
	case m.Jinja != "":
		return newTemplate(m, m.Jinja, "")
	case isBitNet && slices.Contains(m.Special, "<|eot_id|>"):
		return newTemplate(m, "bitnet", "")
	}
	return nil, ErrNone
}

// newTemplate compiles a template, or the one of this name.
func newTemplate(m Model, source, note string) (*Template, error) {
	t := &Template{Name: "jinja", Note: note, bos: m.BOS, eos: m.EOS, special: newNames(m.Special)}
	if b, ok := builtins[source]; ok {
		for _, name := range b.needs {
			if !slices.Contains(m.Special, name) {
				return nil, &TemplateError{fmt.Sprintf("%s needs the special token %s, which the vocabulary lacks", source, name)}
			}
		}
		t.Name, source = source, b.source
	}
	var err error
	if t.template, err = jinja.Compile(source); err != nil {
		return nil, &TemplateError{err.Error()}
	}
	return t, nil
}

// roles are those that messages may have. Templates refuse what they do not
// know.
var roles = []string{"system", "user", "assistant", "tool", "developer"}

const maxContents = 1 << 20 // bytes of all messages

// Render returns the conversation as the model knows it. With prompt, the
// beginning of the assistant's next turn follows. The variables are those that
// transformers sets: tools and documents are none, and what it takes from its
// callers, such as enable_thinking, is undefined.
func (t *Template) Render(messages []Message, prompt bool) ([]Segment, error) {
	size := 0
	list := make([]any, len(messages))
	for i, m := range messages {
		if !slices.Contains(roles, m.Role) {
			return nil, fmt.Errorf("message %d has the role %q, want one of %s", i, m.Role, strings.Join(roles, ", "))
		}
		size += len(m.Content)
		list[i] = jinja.Dict{{Name: "role", Value: m.Role}, {Name: "content", Value: jinja.User(m.Content)}}
	}
	if size > maxContents {
		return nil, fmt.Errorf("chat template: messages of %d bytes, more than %d", size, maxContents)
	}
	variables := map[string]any{"messages": list, "add_generation_prompt": prompt, "tools": nil, "documents": nil}
	for name, token := range map[string]string{"bos_token": t.bos, "eos_token": t.eos} {
		if token != "" {
			variables[name] = token
		}
	}
	out, err := t.template.Render(variables)
	var fault *jinja.Error
	switch {
	case errors.As(err, &fault) && fault.Refusal:
		return nil, fmt.Errorf("chat template: line %d: the template refuses: %s", fault.Line, fault.Text)
	case err != nil:
		return nil, &TemplateError{err.Error()}
	}
	return t.special.segments(out), nil
}

// names are the special tokens that a template may write, by their first
// characters, the longest first.
type names map[rune][]jinja.Text

func newNames(list []string) names {
	n := names{}
	for _, name := range list {
		if t := jinja.Text([]rune(name)); len(t) >= 2 { // one character cannot be told from text
			n[t[0]] = append(n[t[0]], t)
		}
	}
	for _, same := range n {
		slices.SortFunc(same, func(a, b jinja.Text) int { return len(b) - len(a) })
	}
	return n
}

// segments cuts a rendered text at the names in it, the longest where several
// begin. A user's characters equal those of no name.
func (n names) segments(text jinja.Text) (list []Segment) {
	begin := 0
	end := func(i int) {
		if i > begin {
			list = append(list, Segment{Text: text[begin:i].String()})
		}
	}
	for i := 0; i < len(text); {
		k := slices.IndexFunc(n[text[i]], func(name jinja.Text) bool {
			return len(name) <= len(text)-i && slices.Equal(name, text[i:i+len(name)])
		})
		if k < 0 {
			i++
			continue
		}
		name := n[text[i]][k]
		end(i)
		list = append(list, Segment{name.String(), true})
		i += len(name)
		begin = i
	}
	end(len(text))
	return list
}
