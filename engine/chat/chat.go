// Package chat turns a conversation into the text that a model was trained to
// continue.
//
// A rendered conversation is a list of segments, because two kinds of text look
// alike and are not: in "Hi<|eot_id|>" the template means the token that ends a
// turn, and a user who types the same letters means letters. Only segments that
// are marked Special may be parsed for special tokens; what users write never
// stands in one.
//
// The token BOS in front of everything is the tokenizer's matter: the templates
// of this package do not write it. A model's own Jinja template may; whoever
// encodes the segments sees to it that it stands there once
// (tokenizer.EncodeChat does).
package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"` // "system", "user" or "assistant"
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
	Name string // "bitnet", "llama3", or "jinja": the model's own

	roles  []string
	render func(messages []Message, prompt bool) ([]Segment, error)
}

// A Model is what decides on the template.
type Model struct {
	Arch    string   // as the file names it, such as "bitnet-b1.58"
	Jinja   string   // the file's own template, or ""
	Special []string // the names of the vocabulary's special tokens, in any order
	BOS     string   // the name of the token, or ""
	EOS     string
}

// ErrNone says that a model has no chat template.
var ErrNone = errors.New("the model has no chat template: it completes text, but does not chat")

// A TemplateError says what is wrong with a model's template, whatever the
// messages.
type TemplateError struct{ text string }

func (e *TemplateError) Error() string { return "chat template: " + e.text }

// For chooses the template of a model. Its errors are ErrNone and of the type
// TemplateError.
//
// The GGUF files of the 2B4T carry a wrong one, known by its word
// "BITNETAssistant"; it puts the end of the text before the answer. They, and
// BitNet models without any, get the one that the model was trained with, if
// their vocabulary has its <|eot_id|>. A template with <|start_header_id|> is
// Llama 3's. Any other is run as it is, in Jinja.
func For(m Model) (*Template, error) {
	has := func(name string) bool { return slices.Contains(m.Special, name) }
	isBitNet := m.Arch == "bitnet-b1.58" || m.Arch == "bitnet-25"
	switch {
	case strings.Contains(m.Jinja, "BITNETAssistant"), m.Jinja == "" && isBitNet && has("<|eot_id|>"):
		if !has("<|eot_id|>") {
			return nil, &TemplateError{"the vocabulary lacks <|eot_id|>, which ends the turns of BitNet b1.58 2B4T"}
		}
		return &Template{"bitnet", turns, renderBitNet}, nil
	case m.Jinja == "":
		return nil, ErrNone
	case strings.Contains(m.Jinja, "<|start_header_id|>") && has("<|start_header_id|>") && has("<|end_header_id|>") && has("<|eot_id|>"):
		return &Template{"llama3", turns, renderLlama3}, nil
	}
	return newJinja(m)
}

// turns are the roles of the templates that are written here.
var turns = []string{"system", "user", "assistant"}

// Render returns the conversation as the model knows it. With prompt, the
// beginning of the assistant's next turn follows.
func (t *Template) Render(messages []Message, prompt bool) ([]Segment, error) {
	for i, m := range messages {
		if !slices.Contains(t.roles, m.Role) {
			return nil, fmt.Errorf("message %d has the role %q, want one of %s", i, m.Role, strings.Join(t.roles, ", "))
		}
	}
	return t.render(messages, prompt)
}

// renderBitNet renders as the 2B4T's tokenizer_config.json does:
// "User: Hi<|eot_id|>Assistant: ".
func renderBitNet(messages []Message, prompt bool) ([]Segment, error) {
	var s segments
	for _, m := range messages {
		s.text(strings.ToUpper(m.Role[:1]) + m.Role[1:] + ": " + trim(m.Content))
		s.special("<|eot_id|>")
	}
	if prompt {
		s.text("Assistant: ")
	}
	return s, nil
}

// renderLlama3 renders as the template of Llama 3 does.
func renderLlama3(messages []Message, prompt bool) ([]Segment, error) {
	var s segments
	header := func(role string) {
		s.special("<|start_header_id|>")
		s.text(role)
		s.special("<|end_header_id|>")
		s.text("\n\n")
	}
	for _, m := range messages {
		header(m.Role)
		s.text(trim(m.Content))
		s.special("<|eot_id|>")
	}
	if prompt {
		header("assistant")
	}
	return s, nil
}

// segments joins what is written to it.
type segments []Segment

func (s *segments) text(text string) {
	switch n := len(*s); {
	case text == "":
	case n > 0 && !(*s)[n-1].Special:
		(*s)[n-1].Text += text
	default:
		*s = append(*s, Segment{Text: text})
	}
}

func (s *segments) special(name string) { *s = append(*s, Segment{Text: name, Special: true}) }

// trim is Jinja's trim, which is Python's strip: it takes the separators
// 0x1C-0x1F, too, for white space.
func trim(text string) string {
	return strings.TrimFunc(text, func(c rune) bool { return unicode.IsSpace(c) || c >= 0x1C && c <= 0x1F })
}
