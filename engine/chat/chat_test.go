package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var llama3Specials = []string{"<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}

// ofGGUF is the wrong template that the 2B4T's GGUF files carry, whole.
const ofGGUF = `{% for message in messages %}{% if loop.first %}{{ bos_token }}{% endif %}{% if message['role'] == 'user' %}{{ 'Human: ' + message['content'] + '\n\nBITNETAssistant: ' + eos_token }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}`

var dialogue = []Message{{"system", "Be brief."}, {"user", " Hi\n"}, {"assistant", "Hello!"}, {"user", "Say <|eot_id|>."}}

func text(s string) Segment    { return Segment{Text: s} }
func special(s string) Segment { return Segment{Text: s, Special: true} }

func TestFor(t *testing.T) {
	const header = "{{ '<|start_header_id|>' + messages[0]['role'] }}"
	own := "{# one's own #}" + ofGGUF
	for name, c := range map[string]struct {
		model            Model
		want, note, fail string
	}{
		"official GGUF":         {Model{Arch: "bitnet-b1.58", Jinja: ofGGUF, Special: llama3Specials}, "bitnet", "replaced by bitnet", ""},
		"wrong, other arch":     {Model{Arch: "llama", Jinja: ofGGUF, Special: llama3Specials}, "bitnet", "replaced by bitnet", ""},
		"wrong, no end of turn": {Model{Arch: "bitnet-b1.58", Jinja: ofGGUF}, "", "", "bitnet needs the special token <|eot_id|>"},
		"nearly the wrong one":  {Model{Arch: "bitnet-b1.58", Jinja: own, Special: llama3Specials}, "jinja", "", ""},
		"bitnet-25":             {Model{Arch: "bitnet-25", Special: llama3Specials}, "bitnet", "", ""},
		"bitnet-b1.58":          {Model{Arch: "bitnet-b1.58", Special: llama3Specials}, "bitnet", "", ""},
		"no template":           {Model{Arch: "llama", Special: llama3Specials}, "", "", "no chat template"},
		"no end of turn":        {Model{Arch: "bitnet-b1.58"}, "", "", "no chat template"},
		"Llama 3's own":         {Model{Arch: "llama", Jinja: header, Special: llama3Specials}, "jinja", "", ""},
		"any":                   {Model{Arch: "bitnet-b1.58", Jinja: "{{ messages[0].content }}", Special: llama3Specials}, "jinja", "", ""},
		"a name":                {Model{Jinja: header, Chosen: "llama3", Special: llama3Specials}, "llama3", "", ""},
		"a name without tokens": {Model{Jinja: header, Chosen: "chatml", Special: llama3Specials}, "", "", "chatml needs the special token <|im_start|>"},
		"a text":                {Model{Arch: "bitnet-b1.58", Jinja: ofGGUF, Chosen: "{{ 1 }}"}, "jinja", "", ""},
		"the wrong one, chosen": {Model{Arch: "bitnet-b1.58", Jinja: ofGGUF, Chosen: ofGGUF}, "jinja", "", ""},
		"broken":                {Model{Jinja: "{{ 1 }}\n{% for %}"}, "", "", "chat template: line 2: "},
		"too long":              {Model{Jinja: strings.Repeat("x", 64<<10+1)}, "", "", "chat template: line 1: a template of 65537 bytes, more than 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := For(c.model)
			switch {
			case c.fail == "" && err != nil:
				t.Fatal(err)
			case c.fail == "" && (got.Name != c.want || !strings.HasSuffix(got.Note, c.note) || (c.note == "") != (got.Note == "")):
				t.Errorf("template %s (%s), want %s (%s)", got.Name, got.Note, c.want, c.note)
			case c.fail != "" && (err == nil || !strings.Contains(err.Error(), c.fail) || strings.Contains(err.Error(), "\n")):
				t.Errorf("error %v, want one line with %q", err, c.fail)
			}
		})
	}
	if _, err := For(Model{}); !errors.Is(err, ErrNone) {
		t.Errorf("error %v, want ErrNone", err)
	}
}

// TestNames renders with each template of the package, as its model was trained.
func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"bitnet":  "System: Be brief.⟦<|eot_id|>⟧User: Hi⟦<|eot_id|>⟧Assistant: Hello!⟦<|eot_id|>⟧User: Say <|eot_id|>.⟦<|eot_id|>⟧Assistant: ",
		"chatml":  "⟦<|im_start|>⟧system\nBe brief.⟦<|im_end|>⟧\n⟦<|im_start|>⟧user\n Hi\n⟦<|im_end|>⟧\n⟦<|im_start|>⟧assistant\nHello!⟦<|im_end|>⟧\n⟦<|im_start|>⟧user\nSay <|eot_id|>.⟦<|im_end|>⟧\n⟦<|im_start|>⟧assistant\n",
		"falcon3": "<|system|>\nBe brief.\n<|user|>\n Hi\n\n<|assistant|>\nHello!\n<|user|>\nSay <|eot_id|>.\n<|assistant|>\n",
		"llama3": "⟦<|start_header_id|>⟧system⟦<|end_header_id|>⟧\n\nBe brief.⟦<|eot_id|>⟧⟦<|start_header_id|>⟧user⟦<|end_header_id|>⟧\n\nHi⟦<|eot_id|>⟧" +
			"⟦<|start_header_id|>⟧assistant⟦<|end_header_id|>⟧\n\nHello!⟦<|eot_id|>⟧⟦<|start_header_id|>⟧user⟦<|end_header_id|>⟧\n\nSay <|eot_id|>.⟦<|eot_id|>⟧⟦<|start_header_id|>⟧assistant⟦<|end_header_id|>⟧\n\n",
	} {
		names := append([]string{"<|im_start|>", "<|im_end|>"}, llama3Specials...)
		tmpl, err := For(Model{Chosen: name, Special: names})
		if err != nil {
			t.Fatal(err)
		}
		got, err := tmpl.Render(dialogue, true)
		if err != nil || joined(got) != want {
			t.Errorf("%s: %v\n got %q\nwant %q", name, err, joined(got), want)
		}
		checkSegments(t, got, names)
		if got, err := tmpl.Render(nil, false); err != nil || got != nil {
			t.Errorf("%s makes %q of nothing, error %v", name, joined(got), err)
		}
	}
	if got := Names(); len(got) != len(builtins) || !slices.IsSorted(got) || slices.ContainsFunc(got, func(n string) bool { return builtins[n].source == "" }) {
		t.Errorf("Names() = %q", got)
	}
}

func TestRender(t *testing.T) {
	for name, c := range map[string]struct {
		source   string
		messages []Message
		prompt   bool
		want     []Segment
	}{
		"names in the template": {"<|eot_id|>{{ 'a<|eot' ~ '_id|>' }}b<|nope|>", nil, true, []Segment{special("<|eot_id|>"), text("a"), special("<|eot_id|>"), text("b<|nope|>")}},
		"tokens by variables":   {"{{ bos_token }}{{ eos_token }}", nil, true, []Segment{special("<|begin_of_text|>"), special("<|eot_id|>")}},
		"a name made of a role": {"<|{{ messages[0].role }}|>", dialogue[1:2], true, []Segment{special("<|user|>")}},
		"python's strip":        {"{{ messages[0].content|trim }}", []Message{{"user", "\x1c\u3000x\u200b\x1f"}}, false, []Segment{text("x\u200b")}},
		"no prompt":             {"{{ add_generation_prompt }}{{ tools }}{{ documents is none }}{{ enable_thinking is defined }}", nil, false, []Segment{text("FalseNoneTrueFalse")}},
		"thinking on":           {"{% if enable_thinking is defined and not enable_thinking %}off{% endif %}on", nil, true, []Segment{text("on")}},
		"content is text":       {"{% for m in messages if m.content is string %}{{ m.content|length }} {% endfor %}", dialogue[:2], true, []Segment{text("9 4 ")}},
		"user looks for tags":   {"{{ messages[0].content.split('</think>')[-1] }}", []Message{{"assistant", "<think>a</think><|eot_id|>"}}, true, []Segment{text("<|eot_id|>")}},
		"no text":               {"{{ messages[0].content }}", []Message{{"user", ""}}, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			tmpl, err := For(Model{Jinja: c.source, Special: append([]string{"<|user|>"}, llama3Specials...), BOS: "<|begin_of_text|>", EOS: "<|eot_id|>"})
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

// TestRefusals holds whose fault an error is said to be: the template's, or the
// messages', which the template refuses.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		source    string
		messages  []Message
		want      string
		templates bool
	}{
		"system":       {"\n{% if messages[0].role == 'system' %}{{ raise_exception('System role not\nsupported') }}{% endif %}", dialogue, "chat template: line 2: the template refuses: System role not supported", false},
		"tool":         {"{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no ' + m.role) }}{% endif %}{% endfor %}", []Message{{"tool", "x"}}, "refuses: no tool", false},
		"role":         {"x", []Message{{"user", "x"}, {"root", "x"}}, `message 1 has the role "root"`, false},
		"no role":      {"x", []Message{{"", "x"}}, `message 0 has the role ""`, false},
		"special role": {"x", []Message{{"<|eot_id|>", "x"}}, "message 0 has the role", false},
		"size":         {"x", []Message{{"user", strings.Repeat("x", maxContents+1)}}, "messages of 1048577 bytes, more than 1048576", false},
		"no token":     {"\n\n{{ 'x' + eos_token }}", nil, "chat template: line 3: 'eos_token' is undefined", true},
		"work":         {"{% for i in range(99999) %}{% for i in range(99999) %}{% endfor %}{% endfor %}", nil, "too much work", true},
	} {
		t.Run(name, func(t *testing.T) {
			tmpl, err := For(Model{Jinja: c.source})
			if err != nil {
				t.Fatal(err)
			}
			_, err = tmpl.Render(c.messages, true)
			var fault *TemplateError
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || errors.As(err, &fault) != c.templates {
				t.Errorf("error %v, want one line with %q; of the template: %v", err, c.want, c.templates)
			}
		})
	}
}

// TestUsersText: what users write is never a special token, wherever a template
// puts it.
func TestUsersText(t *testing.T) {
	names := []string{"<|eot_id|>", "<|eot_id|><|eot_id|>", "<s>", "</s>", "｜終｜", "a_b", "<"}
	templates := []string{
		"{% for m in messages %}{{ m.content }}{% endfor %}",
		"{% for m in messages %}{{ m.content | trim }}{% endfor %}",
		"<|{% for m in messages %}{{ m.content }}{% endfor %}|>",
		"<{% for m in messages %}{{ m.content }}{% endfor %}>",
		"{% for m in messages %}<{{ m.content }}>{% endfor %}",
		"<|eot_id{% for m in messages %}{{ m.content }}{% endfor %}",
		"｜{% for m in messages %}{{ m.content }}{% endfor %}｜a{{ messages[0].content }}b",
		"{% for m in messages %}{{ m.content | replace('\n', '') | replace('</think>', '') }}{% endfor %}",
		"{{ messages[0].content[:3] ~ messages[1].content|upper|lower ~ messages|tojson }}",
	}
	contents := []string{"<|eot_id|>", "<|eot", "_id|>", "eot_id", "|eot_id|", " eot_id ", "<", ">", "|>", "<|", "s", "/s", "e", "｜", "終", "終｜", "a", "b", "_", "a_b", "<<s>>", "<</think>s</think>>", "<\ns\n>", "<|eot</think>", "\xff<\xff", "\ufdd0", "", " "}
	for _, source := range templates {
		tmpl, err := For(Model{Jinja: source, Special: names})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range contents {
			for _, b := range contents {
				got, err := tmpl.Render([]Message{{"user", a}, {"user", b}}, true)
				if err != nil {
					t.Fatal(err)
				}
				if slices.ContainsFunc(got, func(s Segment) bool { return s.Special }) {
					t.Errorf("%s with %q and %q gives %q", source, a, b, joined(got))
				}
				if source == templates[0] && joined(got) != a+b {
					t.Errorf("%q comes back as %q", a+b, joined(got))
				}
			}
		}
	}
}

func TestLongConversations(t *testing.T) {
	tmpl, err := For(Model{Chosen: "chatml", Special: []string{"<|im_start|>", "<|im_end|>"}})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("<x> ", maxContents/4)
	got, err := tmpl.Render([]Message{{"user", long}}, false)
	if want := "⟦<|im_start|>⟧user\n" + long + "⟦<|im_end|>⟧\n"; err != nil || joined(got) != want {
		t.Errorf("a message of 1 MiB does not come back: %v", err)
	}
	many := make([]Message, 1000)
	for i := range many {
		many[i] = Message{"user", fmt.Sprint(i)}
	}
	if got, err := tmpl.Render(many, false); err != nil || len(got) != 4*len(many) {
		t.Errorf("1000 messages give %d segments, %v", len(got), err)
	}
}

// FuzzJinja runs any template on any text: it ends, in one of our errors or a
// rendering in which only the template's letters are special tokens.
func FuzzJinja(f *testing.F) {
	for name, b := range builtins {
		f.Add(b.source, name)
	}
	f.Add(ofGGUF, "Hi <|eot_id|>")
	f.Fuzz(func(t *testing.T, source, content string) {
		if content = strings.ToValidUTF8(content, "?"); len(source) > 4<<10 || len(content) > 4<<10 {
			return // large ones take long
		}
		tmpl, err := newTemplate(Model{Special: llama3Specials, BOS: "<|begin_of_text|>", EOS: "<|eot_id|>"}, source, "")
		if err != nil {
			if strings.Contains(err.Error(), "BUG") {
				t.Error(err)
			}
			return
		}
		got, err := tmpl.Render([]Message{{"system", "Be brief."}, {"user", content}}, true)
		if err != nil {
			var fault *TemplateError
			if strings.Contains(err.Error(), "BUG") || !errors.As(err, &fault) && !strings.Contains(err.Error(), "the template refuses") {
				t.Errorf("error %v", err)
			}
			return
		}
		checkSegments(t, got, llama3Specials)
	})
}

// FuzzUsersText holds that a template with one name in it renders one name,
// whatever the user writes.
func FuzzUsersText(f *testing.F) {
	f.Add("<|eot_id|>")
	f.Add("<|eot")
	f.Add("\ufdd0_id|> \xff<")
	tmpl, err := For(Model{Jinja: "{% for m in messages %}{{ m.role | capitalize ~ ': ' ~ m.content ~ '<|eot_id|>' }}{% endfor %}", Special: llama3Specials})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content string) {
		got, err := tmpl.Render([]Message{{"user", content}}, true)
		if err != nil {
			return
		}
		if len(got) != 2 || got[0] != text("User: "+content) || got[1] != special("<|eot_id|>") {
			t.Errorf("%q gives %q", content, joined(got))
		}
	})
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
