package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain": "plain", `a\nb`: "a\nb", `\r\t`: "\r\t", `\\n`: `\n`, `\"\'`: `"'`, `\x41\x4a!`: "AJ!",
		`\`: `\`, `a\`: `a\`, `\q`: `\q`, `\x4`: `\x4`, `\xzz`: `\xzz`, `\0`: `\0`, `C:\new`: "C:\new",
	} {
		if got := unescape(text); got != want {
			t.Errorf("%q: %q, expected %q", text, got, want)
		}
	}
}

func TestReadText(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a": "a", "a\n": "a", "a\r\n": "a", "a\n\n": "a\n", "a\r": "a\r", "\n": "", "\uFEFFa\n": "a", "a\uFEFF": "a\uFEFF", "\uFEFF": "",
	} {
		if got, err := readText(strings.NewReader(text), 100); got != want || err != nil {
			t.Errorf("%q: %q, %v, expected %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"\xff\xfea\x00": "save it as UTF-8", "\xfe\xff\x00a": "save it as UTF-8", strings.Repeat("x", 101): "more than"} {
		if _, err := readText(strings.NewReader(text), 100); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.10q: %v", text, err)
		}
	}
}

// TestPrompt gives the same text in every way there is.
func TestPrompt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "prompt.txt")
	if err := os.WriteFile(file, []byte("\uFEFFHello\tyou\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	generate := []string{"generate", "-m", tinyA, "-n", "9", "--temp", "0"}
	want := ok(t, "Hello\tyou", generate...)
	for _, c := range []struct {
		input string
		args  []string
	}{
		{"", []string{"-p", `Hello\tyou`}}, {"", []string{`Hello\tyou`}}, {"", []string{"-e", "--", `Hello\tyou`}},
		{"", []string{"--no-escape", "Hello\tyou"}}, {"", []string{"-f", file}}, {"", []string{"--file=" + file}},
		{"Hello\tyou\n", nil}, {"Hello\tyou", []string{"-f", "-"}}, {"Hello\tyou\r\n", []string{"-p", "-"}}, {"\uFEFFHello\tyou", []string{"-"}},
	} {
		if got := ok(t, c.input, append(generate, c.args...)...); got != want {
			t.Errorf("%q: %q, expected %q", c.args, got, want)
		}
	}
	if got := ok(t, "", append(generate, "--no-escape", "-p", `Hello\tyou`)...); got == want {
		t.Error("--no-escape changes nothing")
	}
	if got := ok(t, "Hello\tyou\n", "tokenize", "-m", tinyA); got != ok(t, "", "tokenize", "-m", tinyA, "Hello\tyou") {
		t.Errorf("tokenize counts the line end of standard input: %q", got)
	}
	if got := ok(t, "\uFEFF"+`{"text":"Hello"}`, "tokenize", "-m", tinyA, "--jsonl"); !strings.HasPrefix(got, `{"ids":[`) {
		t.Errorf("lines behind a byte order mark: %q", got)
	}
}

func TestPromptRefused(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-p", "x", "y"}, "-p and an argument: one of the two"},
		{[]string{"-f", "x", "y"}, "-f and an argument: one of the two"},
		{[]string{"-f", "x", "-p", "y"}, "-p and -f: one of the two"},
		{[]string{"two", "words"}, "2 arguments: the text is one, in quotation marks"},
		{[]string{"model.gguf"}, "model.gguf is no text: -m names the model, or bitnet-gpu run model.gguf TEXT"},
		{[]string{"-f", filepath.Join(dir, "none")}, "no such file"},
		{[]string{"-f", dir}, "is a directory"},
		{[]string{""}, "no prompt"},
	} {
		out, errs, code := command(t, "", append([]string{"generate", "-m", tinyA}, c.args...)...)
		refused(t, out, errs, code, exitUsage, c.want)
	}
}

// TestStops: what ends a text and a system message have escapes too.
func TestStops(t *testing.T) {
	generate := []string{"generate", "-m", tinyA, "-p", "Hello", "-n", "40", "--temp", "0"}
	whole := ok(t, "", generate...)
	at := whole[3:5]
	hex := `\x` + strings.ToLower(hexOf(at[0])) + `\x` + hexOf(at[1])
	want := whole[:strings.Index(whole, at)]
	for _, flag := range []string{"-r", "--stop", "--reverse-prompt"} {
		if got := ok(t, "", append(generate, flag, hex)...); strings.TrimSuffix(got, "\n") != want {
			t.Errorf("%s %s: %q, expected %q", flag, hex, got, want)
		}
	}
	chat := append(generate, "--chat", "--system")
	if ok(t, "", append(chat, `a\nb`)...) != ok(t, "", append(chat, "a\nb")...) {
		t.Error("--system has no escapes")
	}
}

func hexOf(c byte) string { return string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]) }

// TestRun is generate with --chat.
func TestRun(t *testing.T) {
	want := ok(t, "", "generate", "-m", tinyA, "--chat", "-p", "Hello you", "-n", "9", "--temp", "0")
	for _, args := range [][]string{{tinyA, "Hello you"}, {tinyA, "Hello", "you"}, {"-st", tinyA, "-p", "Hello you"}} {
		if got := ok(t, "", append([]string{"run", "-n", "9", "--temp", "0"}, args...)...); got != want {
			t.Errorf("run %q: %q, expected %q", args, got, want)
		}
	}
	if got := ok(t, "Hello you\n", "run", "-n", "9", "--temp", "0", tinyA); got != want {
		t.Errorf("from a pipe: %q, expected %q", got, want)
	}
	plain := ok(t, "", "generate", "-m", tinyA, "-p", "Hello", "-n", "9", "--temp", "0")
	if got := ok(t, "", "run", "-n", "9", "--temp", "0", "-no-cnv", tinyA, "Hello"); got != plain {
		t.Errorf("-no-cnv: %q, expected %q", got, plain)
	}
	for args, want := range map[string]string{"": "at least 1", "none.gguf": "none.gguf", "nosuchname": "nosuchname"} {
		out, errs, code := command(t, "", append([]string{"run", "-p", "x"}, strings.Fields(args)...)...)
		if code == exitOK || out != "" || !strings.Contains(errs, want) {
			t.Errorf("run %s: exit code %d, %q", args, code, errs)
		}
	}
}
