package chat

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var llama3Specials = []string{"<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}

// ofGGUF is the wrong template that the 2B4T's GGUF files carry.
const ofGGUF = `{% for message in messages %}{% if message['role'] == 'user' %}{{ 'Human: ' + message['content'] + '\n\nBITNETAssistant: ' + eos_token }}{% endif %}{% endfor %}`

var dialogue = []Message{{"system", "Be brief."}, {"user", " Hi\n"}, {"assistant", "Hello!"}, {"user", "Say <|eot_id|>."}}

func text(s string) Segment    { return Segment{Text: s} }
func special(s string) Segment { return Segment{Text: s, Special: true} }

func TestFor(t *testing.T) {
	const header = "{{ '<|start_header_id|>' + messages[0]['role'] }}"
	for name, c := range map[string]struct {
		model      Model
		want, fail string
	}{
		"official GGUF":         {Model{Arch: "bitnet-b1.58", Jinja: ofGGUF, Special: llama3Specials}, "bitnet", ""},
		"wrong, other arch":     {Model{Arch: "llama", Jinja: ofGGUF, Special: llama3Specials}, "bitnet", ""},
		"wrong, no end of turn": {Model{Arch: "bitnet-b1.58", Jinja: ofGGUF}, "", "the vocabulary lacks <|eot_id|>"},
		"bitnet-25":             {Model{Arch: "bitnet-25", Special: llama3Specials}, "bitnet", ""},
		"bitnet-b1.58":          {Model{Arch: "bitnet-b1.58", Special: llama3Specials}, "bitnet", ""},
		"no template":           {Model{Arch: "llama", Special: llama3Specials}, "", "no chat template"},
		"no end of turn":        {Model{Arch: "bitnet-b1.58"}, "", "no chat template"},
		"llama 3":               {Model{Arch: "llama", Jinja: header, Special: llama3Specials}, "llama3", ""},
		"llama 3, other tokens": {Model{Arch: "llama", Jinja: header}, "jinja", ""},
		"any":                   {Model{Arch: "bitnet-b1.58", Jinja: "{{ messages[0].content }}", Special: llama3Specials}, "jinja", ""},
		"broken":                {Model{Jinja: "{% for %}"}, "", "chat template: "},
		"too long":              {Model{Jinja: strings.Repeat("x", maxSource+1)}, "", "chat template: 65537 bytes, more than 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := For(c.model)
			switch {
			case c.fail == "" && err != nil:
				t.Fatal(err)
			case c.fail == "" && got.Name != c.want:
				t.Errorf("template %s, want %s", got.Name, c.want)
			case c.fail != "" && (err == nil || !strings.Contains(err.Error(), c.fail) || strings.Contains(err.Error(), "\n")):
				t.Errorf("error %v, want one line with %q", err, c.fail)
			}
		})
	}
	if _, err := For(Model{}); !errors.Is(err, ErrNone) {
		t.Errorf("error %v, want ErrNone", err)
	}
}

func TestRender(t *testing.T) {
	const (
		begin, end = "<|start_header_id|>", "<|end_header_id|>"
		eot        = "<|eot_id|>"
	)
	for name, c := range map[string]struct {
		model    Model
		messages []Message
		prompt   bool
		want     []Segment
	}{
		"bitnet": {Model{Jinja: ofGGUF, Special: llama3Specials}, dialogue, true, []Segment{
			text("System: Be brief."), special(eot), text("User: Hi"), special(eot), text("Assistant: Hello!"), special(eot),
			text("User: Say <|eot_id|>."), special(eot), text("Assistant: "),
		}},
		"bitnet, no prompt": {Model{Jinja: ofGGUF, Special: llama3Specials}, dialogue[1:2], false, []Segment{text("User: Hi"), special(eot)}},
		"bitnet, nothing":   {Model{Jinja: ofGGUF, Special: llama3Specials}, nil, false, nil},
		"python's strip":    {Model{Jinja: ofGGUF, Special: llama3Specials}, []Message{{"user", "\x1c\u3000x\u200b\x1f"}}, false, []Segment{text("User: x\u200b"), special(eot)}},
		"llama 3": {Model{Jinja: begin, Special: llama3Specials}, dialogue[:2], true, []Segment{
			special(begin), text("system"), special(end), text("\n\nBe brief."), special(eot),
			special(begin), text("user"), special(end), text("\n\nHi"), special(eot),
			special(begin), text("assistant"), special(end), text("\n\n"),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tmpl, err := For(c.model)
			if err != nil {
				t.Fatal(err)
			}
			got, err := tmpl.Render(c.messages, c.prompt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestRoles(t *testing.T) {
	for _, m := range []Model{
		{Jinja: ofGGUF, Special: llama3Specials}, {Jinja: "<|start_header_id|>", Special: llama3Specials}, {Jinja: "x"},
	} {
		tmpl, err := For(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, role := range []string{"", "User", "root", "<|eot_id|>"} {
			_, err := tmpl.Render([]Message{{"user", "x"}, {role, "x"}}, true)
			if err == nil || !strings.Contains(err.Error(), "message 1 has the role") {
				t.Errorf("%s: role %q gives the error %v", tmpl.Name, role, err)
			}
		}
	}
}

// joined returns a rendering as one string, with special tokens in brackets.
func joined(segments []Segment) string {
	var b strings.Builder
	for _, s := range segments {
		if s.Special {
			b.WriteString("⟦" + s.Text + "⟧")
		} else {
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

// checkSegments holds what Render promises of its segments.
func checkSegments(t *testing.T, segments []Segment, names []string) {
	t.Helper()
	for i, s := range segments {
		if s.Text == "" || i > 0 && !s.Special && !segments[i-1].Special {
			t.Errorf("segment %d is empty, or one text with the one before: %v", i, segments)
		}
		if s.Special && !slices.Contains(names, s.Text) {
			t.Errorf("segment %d, %q, is no special token", i, s.Text)
		}
	}
}
