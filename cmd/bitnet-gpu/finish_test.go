package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestEnding: standard error says the seed and why the text ended, on a line of
// its own.
func TestEnding(t *testing.T) {
	generate := []string{"generate", "-m", tinyA, "-p", "Hello", "--temp", "0", "-s", "7"}
	whole := ok(t, "", append(generate, "-n", "40")...)
	for want, args := range map[string][]string{
		"ended at the limit, -n 3":                               {"-n", "3"},
		"ended at a stop text":                                   {"-n", "40", "--stop", whole[4:6]},
		"ended by the model":                                     {"-n", "3", "-l", "510+1000"},
		"ended because the context of 12 positions is full (-c)": {"-c", "12"},
	} {
		out, errs, code := command(t, "", append(generate, args...)...)
		if code != exitOK || !strings.HasSuffix(errs, "; "+want+"; seed 7\n") {
			t.Errorf("%v: exit code %d, %q, expected %q", args, code, errs, want)
		}
		if out != "" && !strings.HasSuffix(out, "\n") || strings.HasSuffix(out, "\n\n") {
			t.Errorf("%v: what follows does not begin on a new line: %q", args, out)
		}
	}
	_, errs, _ := command(t, "", "generate", "-m", tinyA, "-n", "1", "x")
	if !regexp.MustCompile(`; seed \d+\n$`).MatchString(errs) {
		t.Errorf("no seed that another run could have: %q", errs)
	}
}

// TestContextSaid: -c beyond the training, and below it.
func TestContextSaid(t *testing.T) {
	for args, want := range map[string]string{
		"-c 5000": "warning: a context of 5000 positions, and the model was trained for 4096:",
		"-c 100":  "a context of 100 positions; the model was trained for 4096\n",
		"-c 4096": "", "-c 0": "",
	} {
		_, errs, code := command(t, "", append([]string{"generate", "-m", tinyA, "-n", "1", "x"}, strings.Fields(args)...)...)
		if code != exitOK || want != "" && !strings.Contains(errs, want) || want == "" && strings.Contains(errs, "trained") {
			t.Errorf("%s: exit code %d, %q", args, code, errs)
		}
	}
}

// TestPromptFlags are those that tell of the prompt and of its end.
func TestPromptFlags(t *testing.T) {
	generate := []string{"generate", "-m", tinyA, "-p", "Hello", "-n", "5", "--temp", "0"}
	plain := ok(t, "", generate...)
	if got := ok(t, "", append(generate, "--no-display-prompt")...); got != plain {
		t.Errorf("--no-display-prompt: %q", got)
	}
	if got := ok(t, "", append(generate, "--display-prompt")...); got != "Hello"+plain {
		t.Errorf("--display-prompt: %q", got)
	}
	_, errs, _ := command(t, "", append(generate, "--verbose-prompt")...)
	for _, want := range []string{"prompt: 5 tokens\n", `     509 "<|begin_of_text|>"` + "\n", `      72 "H"` + "\n"} {
		if !strings.Contains(errs, want) {
			t.Errorf("--verbose-prompt: no %q in %q", want, errs)
		}
	}
	ends := append(generate, "-l", "510+1000")
	if got := ok(t, "", ends...); got != "" {
		t.Errorf("the end token was not sampled: %q", got)
	}
	if _, errs, _ := command(t, "", append(ends, "--ignore-eos")...); !strings.Contains(errs, "generated 5 tokens") {
		t.Errorf("--ignore-eos: %q", errs)
	}
}
