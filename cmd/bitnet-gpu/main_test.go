package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bitnet-gpu/test/badfiles"
	"bitnet-gpu/test/npy"
	"bitnet-gpu/test/tiny"
)

const tinyA = "../../test/testdata/golden/tinyA-i2_s.gguf"

// command runs a command line with input on its standard input.
func command(t *testing.T, input string, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(args, stdio{strings.NewReader(input), &o, &e})
	return o.String(), e.String(), code
}

// ok is command for what must succeed.
func ok(t *testing.T, input string, args ...string) (out string) {
	t.Helper()
	out, errs, code := command(t, input, args...)
	if code != exitOK {
		t.Fatalf("%v: exit code %d: %s", args, code, errs)
	}
	return out
}

func TestBadFiles(t *testing.T) {
	cases, err := badfiles.Cases(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			args := []string{"generate", "-m", c.Path, "-p", "x", "-n", "1"}
			if c.Chat {
				args = append(args, "--chat")
			}
			out, errs, code := command(t, "", args...)
			if first, rest, _ := strings.Cut(errs, "\n"); c.Text && !strings.HasPrefix(first, "bitnet-gpu: ") {
				errs = rest // behind the line that says what runs
			}
			refused(t, out, errs, code, exitModel, c.Want)
		})
	}
}

// TestBadDirectories breaks one file of a directory of Hugging Face at a time.
func TestBadDirectories(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"no JSON", "config.json", "<html>", "not a config.json"},
		{"a header of 2^60", "model.safetensors", "\x00\x00\x00\x00\x00\x00\x00\x10{}", "a header of 1152921504606846976 bytes"},
		{"an index that leaves the directory", "model.safetensors.index.json", `{"weight_map":{"a":"../../etc/x.safetensors"}}`, "expected the name of a .safetensors file beside the index"},
		{"another splitting", "tokenizer.json", `{"model":{"type":"BPE"},"pre_tokenizer":{"type":"ByteLevel"}}`, "without its tokenizer.json the model runs on token ids"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := tiny.WriteHF(dir, tiny.New(tiny.Shapes()[0], 1), tiny.HFOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.content), 0o644); err != nil {
				t.Fatal(err)
			}
			if c.file == "model.safetensors.index.json" { // which is not looked at beside the one file
				os.Remove(filepath.Join(dir, "model.safetensors"))
			}
			for _, verb := range [][]string{{"generate", "-p", "x", "-n", "1", "-m"}, {"convert", "-o", filepath.Join(t.TempDir(), "out.gguf")}} {
				out, errs, code := command(t, "", append(verb, dir)...)
				refused(t, out, errs, code, exitModel, c.want)
			}
		})
	}
}

// refused checks for one line of error, its exit code and its words.
func refused(t *testing.T, out, errs string, code, wantCode int, want string) {
	t.Helper()
	if code != wantCode || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "bitnet-gpu: ") || !strings.Contains(errs, want) {
		t.Errorf("exit code %d, output %q, error %q; expected %d, nothing, and one line with %q", code, out, errs, wantCode, want)
	}
}

func TestUsage(t *testing.T) {
	long := strings.Repeat("word ", 5000)
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"two models", []string{"generate", "-m", tinyA, "-hf", "2b4t", "-p", "x"}, exitUsage, "one of the two"},
		{"no prompt", []string{"generate", "-m", tinyA}, exitUsage, "no prompt"},
		{"unknown flag", []string{"generate", "--foo"}, exitUsage, "unknown flag"},
		{"no number", []string{"generate", "-n", "many"}, exitUsage, "invalid argument"},
		{"bad -n", []string{"generate", "-m", tinyA, "-p", "x", "-n", "-5"}, exitUsage, "-n -5"},
		{"bad --draft", []string{"generate", "-m", tinyA, "-p", "x", "--draft", "-2"}, exitUsage, "--draft -2"},
		{"bad temperature", []string{"generate", "-m", tinyA, "-p", "x", "--temp", "NaN"}, exitUsage, "temp"},
		{"bad top-p", []string{"generate", "-m", tinyA, "-p", "x", "--top-p", "2"}, exitUsage, "top-p"},
		{"bad bias", []string{"generate", "-m", tinyA, "-p", "x", "-l", "15043"}, exitUsage, "ID+X"},
		{"system without chat", []string{"generate", "-m", tinyA, "-p", "x", "--system", "y"}, exitUsage, "--chat"},
		{"template without chat", []string{"generate", "-m", tinyA, "-p", "x", "--chat-template", "llama3"}, exitUsage, "--chat-template needs --chat"},
		{"special with chat", []string{"generate", "-m", tinyA, "-p", "x", "--chat", "--special"}, exitUsage, "--special is for a prompt without --chat"},
		{"no template", []string{"generate", "-m", tinyA, "-p", "x", "--chat", "--chat-template", "nope"}, exitUsage, "a file, or one of bitnet, chatml, falcon3, llama3"},
		{"negative context", []string{"generate", "-m", tinyA, "-p", "x", "-c", "-1"}, exitUsage, "negative"},
		{"unknown backend", []string{"generate", "-m", tinyA, "-p", "x", "--backend", "cuda"}, exitUsage, "unknown backend"},
		{"unknown device", []string{"generate", "-m", tinyA, "-p", "x", "--device", "gpu7"}, exitUnavailable, "gpu7"},
		{"logits without tokens", []string{"logits", "-m", tinyA, "-o", "x.npy"}, exitUsage, "--tokens"},
		{"logits of no number", []string{"logits", "-m", tinyA, "--tokens", "1,x", "-o", "x.npy"}, exitUsage, `"x"`},
		{"two vocabularies", []string{"tokenize", "-m", tinyA, "--tokenizer", tinyA, "x"}, exitUsage, "--tokenizer"},
		{"inspect no name", []string{"inspect", ""}, exitUsage, "name of a file"},
		{"threads without end", []string{"generate", "-m", tinyA, "-p", "x", "-t", "20000"}, exitUsage, "threads 20000"},
		{"batch without end", []string{"generate", "-m", tinyA, "-p", "x", "--batch", "4611686018427387904"}, exitUsage, "batch"},
		{"context without end", []string{"generate", "-m", tinyA, "-p", "x", "-c", "99999999"}, exitUsage, "context"},
		{"logits to a directory", []string{"logits", "-m", tinyA, "--tokens", "1", "-o", t.TempDir()}, exitUsage, "is a directory"},
		{"logits of too large an id", []string{"logits", "-m", tinyA, "--tokens", "99999999999", "-o", "x.npy"}, exitUsage, "99999999999"},
		{"tokenize a directory", []string{"tokenize", "--tokenizer", t.TempDir(), "x"}, exitModel, "a directory without tokenizer.json and tokenizer.model"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := command(t, "", c.args...)
			refused(t, out, errs, code, c.code, c.want)
		})
	}
	for name, args := range map[string][]string{
		"prompt longer than the context": {"generate", "-m", tinyA, "-p", long},
		"token outside the vocabulary":   {"logits", "-m", tinyA, "--tokens", "1,512", "-o", "-"},
	} {
		t.Run(name, func(t *testing.T) { // after the line that says what runs
			out, errs, code := command(t, "", args...)
			if code != exitUsage || strings.Count(errs, "\n") != 2 || strings.Contains(out, "\n") && args[0] == "generate" {
				t.Errorf("exit code %d, error %q", code, errs)
			}
		})
	}
}

func TestGenerate(t *testing.T) {
	generate := func(args ...string) string {
		return ok(t, "", append([]string{"generate", "-m", tinyA, "-n", "20"}, args...)...)
	}
	one := generate("-p", "Hello", "-s", "7")
	if two := generate("-p", "Hello", "-s", "7", "-t", "1", "--batch", "1"); two != one || one == "" {
		t.Errorf("the same seed gave %q and %q", one, two)
	}
	if other := generate("-p", "Hello", "-s", "8"); other == one {
		t.Errorf("another seed gave the same %q", other)
	}
	greedy := generate("-p", "Hello", "--temp", "0")
	if piped := ok(t, "Hello", "generate", "-m", tinyA, "-n", "20", "--temp", "0"); piped != greedy {
		t.Errorf("from a pipe %q, from -p %q", piped, greedy)
	}
	if dash := ok(t, "Hello", "generate", "-m", tinyA, "-n", "20", "--temp", "0", "-p", "-"); dash != greedy {
		t.Errorf("from -p - %q, from -p %q", dash, greedy)
	}
	stop := greedy[4:6]
	if got, want := generate("-p", "Hello", "--temp", "0", "--stop", stop), greedy[:strings.Index(greedy, stop)]+"\n"; got != want {
		t.Errorf("stopped at %q: %q, expected %q", stop, got, want)
	}
	if chat := generate("-p", "Hello", "--temp", "0", "--chat", "--system", "Be kind."); chat == greedy {
		t.Errorf("--chat changed nothing: %q", chat)
	}
	var r result
	if err := json.Unmarshal([]byte(generate("-p", "Hello", "--temp", "0", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Text != strings.ToValidUTF8(strings.TrimSuffix(greedy, "\n"), "\uFFFD") || r.Finish != "length" || r.Backend != "cpu" || r.GeneratedTokens != 20 {
		t.Errorf("--json: %+v", r)
	}
	for _, draft := range []string{"0", "1", "7"} {
		var d result
		if err := json.Unmarshal([]byte(generate("-p", "Hello", "--temp", "0", "--json", "--draft", draft)), &d); err != nil {
			t.Fatal(err)
		}
		if d.Text != r.Text || d.GeneratedTokens != 20 || (d.DraftedTokens == 0) != (draft == "0") || d.AcceptedTokens > d.DraftedTokens {
			t.Errorf("--draft %s: %+v", draft, d)
		}
	}
	_, errs, _ := command(t, "", "generate", "-m", tinyA, "-n", "20", "-p", "Hello", "--temp", "0", "--draft", "3")
	if !strings.Contains(errs, "drafted tokens accepted (") {
		t.Errorf("nothing of drafts in %q", errs)
	}
}

func TestLogits(t *testing.T) {
	ids := "509,72,101,108,300,32,119,111,400,108,100,33,260,10,84,257,310,5,255,128,450,500,7,42"
	want := ok(t, "", "logits", "-m", tinyA, "--tokens", ids, "-o", "-", "-t", "1", "--batch", "1")
	for _, args := range [][]string{{"-t", "2"}, {"-t", "3", "--batch", "7"}, {"--batch", "24", "--backend", "cpu"}} {
		path := filepath.Join(t.TempDir(), "out.npy")
		ok(t, "", append([]string{"logits", "-m", tinyA, "--tokens", ids, "-o", path}, args...)...)
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%v: other bytes than with one thread and batches of 1", args)
		}
		if rows, err := npy.Read(path); err != nil || len(rows) != 24 || len(rows[0]) != 512 {
			t.Errorf("%v: %d rows, %v", args, len(rows), err)
		}
	}
}

func TestTokenize(t *testing.T) {
	const ids = "72 296 108 111 272 267 108 100\n"
	if got := ok(t, "", "tokenize", "-m", tinyA, "Hello world"); got != ids {
		t.Errorf("ids %q, expected %q", got, ids)
	}
	if got := ok(t, "Hello world", "tokenize", "-m", tinyA); got != ids {
		t.Errorf("of standard input: ids %q, expected %q", got, ids)
	}
	if got := ok(t, ids, "tokenize", "-m", tinyA, "--decode"); got != "Hello world" {
		t.Errorf("decoded %q", got)
	}
	got := ok(t, `{"text":"Hello"}`+"\n"+`{"text":"<|eot_id|>"}`, "tokenize", "-m", tinyA, "--jsonl", "--bos", "--special")
	if want := `{"ids":[509,72,296,108,111]}` + "\n" + `{"ids":[509,511]}` + "\n"; got != want {
		t.Errorf("lines %q, expected %q", got, want)
	}
	if plain := ok(t, "", "tokenize", "-m", tinyA, "<|eot_id|>"); plain == "511\n" {
		t.Error("a special token in plain text was parsed")
	}
	if back := ok(t, got, "tokenize", "-m", tinyA, "--jsonl", "--decode"); !strings.HasSuffix(back, `{"text":"<|begin_of_text|><|eot_id|>"}`+"\n") {
		t.Errorf("decoded lines %q", back)
	}
}

func TestInspect(t *testing.T) {
	text := ok(t, "", "inspect", tinyA, "--sha256")
	for _, want := range []string{"681504 bytes", "bitnet-b1.58.block_count", "blk.1.ffn_down.weight", "I2_S", "[768 256]", "chat template", "sha256 "} {
		if !strings.Contains(text, want) {
			t.Errorf("inspect does not say %q:\n%s", want, text)
		}
	}
	var r report
	if err := json.Unmarshal([]byte(ok(t, "", "inspect", tinyA, "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Tensors) != 24 || r.Config.Hidden != 256 || r.Memory.Mapped != 512*256*2 {
		t.Errorf("--json: %+v", r)
	}
}

func TestDevices(t *testing.T) {
	if text := ok(t, "", "devices"); !strings.Contains(text, "* cpu") {
		t.Errorf("devices: %s", text)
	}
	t.Setenv("BITNET_CPU", "z80")
	_, errs, code := command(t, "", "generate", "-m", tinyA, "-p", "x")
	refused(t, "", errs, code, exitUnavailable, "z80")
}

// TestFullDisk: output that is lost is a failure, on every verb.
func TestFullDisk(t *testing.T) {
	for _, args := range [][]string{
		{"generate", "-m", tinyA, "-p", "x", "-n", "3"},
		{"generate", "-m", tinyA, "-p", "x", "-n", "3", "--json"},
		{"tokenize", "-m", tinyA, "x"},
		{"logits", "-m", tinyA, "--tokens", "1", "-o", "-"},
		{"inspect", tinyA},
		{"inspect", tinyA, "--json"},
		{"devices"},
		{"devices", "--json"},
		{"bench", "-m", tinyA, "-p", "2", "-n", "0", "-r", "1"},
		{"bench", "-m", tinyA, "-p", "2", "-n", "0", "-r", "1", "-o", "csv"},
		{"bench", "-m", tinyA, "-p", "2", "-n", "0", "-r", "1", "-o", "json"},
		{"bench", "-m", tinyA, "-p", "2", "-n", "0", "-r", "1", "-o", "jsonl"},
		{"bench", "-m", tinyA, "-p", "2", "-n", "0", "-r", "1", "-o", "bench"},
	} {
		var errs bytes.Buffer
		code := run(args, stdio{strings.NewReader(""), failing{}, &errs})
		if code != exitFailure || !strings.Contains(errs.String(), "no space") {
			t.Errorf("%v: exit code %d: %s", args, code, errs.String())
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestVersion: a verb and a flag say the same.
func TestVersion(t *testing.T) {
	flag, verb := ok(t, "", "--version"), ok(t, "", "version")
	if flag != verb || !strings.Contains(verb, "go1.") {
		t.Errorf("--version %q, version %q", flag, verb)
	}
}

// TestUnknownVerb: what deletes is never offered, and a line says where help is.
func TestUnknownVerb(t *testing.T) {
	for word, want := range map[string]string{
		"gnerate": `unknown command "gnerate": did you mean generate? (see bitnet-gpu --help)`,
		"ls":      "did you mean list?", "chat": "did you mean run?", "models": "did you mean list?", "show": "did you mean inspect?", "download": "did you mean pull?",
		"rum": "did you mean run?", "r": "did you mean run?", "rn": "did you mean run?", "em": "", "remove": "", "delete": "", "serve": "",
		"-m": "-m: a verb comes first, as in bitnet-gpu generate -m",
	} {
		out, errs, code := command(t, "", word)
		refused(t, out, errs, code, exitUsage, want)
		if strings.Contains(errs, "rm") || strings.ContainsRune(errs, '\uFFFD') || !strings.HasSuffix(errs, "(see bitnet-gpu --help)\n") {
			t.Errorf("%s: %q", word, errs)
		}
	}
	_, errs, _ := command(t, "", "generate", "-n", "many")
	if !strings.HasSuffix(errs, "(see bitnet-gpu generate --help)\n") {
		t.Errorf("%q", errs)
	}
}

// TestEmptyNames: a variable of a script that is empty does not choose the demo.
func TestEmptyNames(t *testing.T) {
	for _, args := range [][]string{
		{"generate", "-m", "", "-p", "x"}, {"generate", "-hf", "", "-p", "x"}, {"generate", "--model=", "-p", "x"}, {"generate", "-hf", "a/b", "-hff", "", "x"},
		{"tokenize", "--tokenizer", "", "x"}, {"bench", "-m", ""}, {"bench", "--synthetic", ""}, {"bench", "--plot", ""}, {"run", "", "x"},
		{"convert", tinyA, "-o", ""}, {"logits", "--tokens", "1", "-o", ""}, {"generate", "--stop", "", "x"}, {"generate", "-f", ""}, {"pull", ""}, {"rm", ""}, {"inspect", ""},
	} {
		out, errs, code := command(t, "", args...)
		refused(t, out, errs, code, exitUsage, "(see bitnet-gpu ")
	}
}

// TestTemplates holds that a chat is what its template makes of it, and that
// special tokens in a prompt are tokens where --special says so.
func TestTemplates(t *testing.T) {
	prompt := func(args ...string) string {
		_, errs, code := command(t, "", append([]string{"generate", "-m", tinyA, "-n", "1", "--verbose", "-p", "Hi<|eot_id|>"}, args...)...)
		if code != 0 {
			t.Fatal(errs)
		}
		return regexp.MustCompile(`prompt \[.*\]`).FindString(errs)
	}
	file := filepath.Join(t.TempDir(), "own.jinja")
	for _, c := range []struct{ template, same string }{
		{"{% for m in messages %}{{ m.role|capitalize + ': ' + m.content + '<|eot_id|>' }}{% endfor %}Assistant: ", "bitnet"},
		{"{{ ('Q: ' if messages[-1].role == 'user' else 'S: ') + messages[-1].content }}", ""},
	} {
		if err := os.WriteFile(file, []byte(c.template), 0o644); err != nil {
			t.Fatal(err)
		}
		own, named := prompt("--chat", "--chat-template", file), prompt("--chat", "--chat-template", "bitnet")
		if own == "" || (own == named) != (c.same == "bitnet") {
			t.Errorf("%s gives %s, the template bitnet %s", c.template, own, named)
		}
	}
	text, special := prompt(), prompt("--special")
	if before, after, ok := strings.Cut(text, "; with --special "); !ok || before == special || "prompt "+after != special {
		t.Errorf("%s, and with --special %s", text, special)
	}
	if err := os.WriteFile(file, []byte("a\n{{ messages|nope }}"), 0o644); err != nil {
		t.Fatal(err)
	}
	for template, want := range map[string]string{
		file:     "chat template: line 2: the filter nope is not known (--chat-template",
		"chatml": "chatml needs the special token <|im_start|>",
	} {
		if _, errs, code := command(t, "", "generate", "-m", tinyA, "-p", "x", "--chat", "--chat-template", template); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("exit %d, %q, want %q", code, errs, want)
		}
	}
}
