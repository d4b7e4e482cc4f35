package main

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// A fate is what becomes of a flag of another program.
type fate string

const (
	ours    fate = "ours"
	passed  fate = "passed over"
	refuses fate = "refused"
)

// TestPeersFlags gives every flag of testdata/peers-flags.txt, as llama-cli --help and
// its relatives list them, to our verbs. Each is ours, passed over with a line, or
// refused under its own name, as the list says, and none is read as another one.
func TestPeersFlags(t *testing.T) {
	list, err := os.ReadFile("testdata/peers-flags.txt")
	if err != nil {
		t.Fatal(err)
	}
	verb, counts := "", map[fate]int{}
	for line := range strings.Lines(string(list)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "#":
			continue
		case len(fields) == 1:
			verb = strings.TrimSuffix(fields[0], ":")
			continue
		}
		want := map[string]fate{"=": ours, "~": passed, "!": refuses}[fields[0]]
		names := strings.Split(fields[1], ",")
		for _, name := range names {
			args := append([]string{verb, name}, fields[2:]...)
			if got, said := fateOf(args); got != want {
				t.Errorf("%q is %s, expected %s: %s", args, got, want, said)
			}
			counts[want]++
		}
	}
	t.Log(counts)
	if counts[ours] < 60 || counts[passed] < 150 || counts[refuses] < 60 {
		t.Error("the list is cut: ", counts)
	}
}

// fateOf translates a command line behind which a mark stands. Whoever takes the
// mark for the value of a flag reads it as another one.
func fateOf(args []string) (fate, string) {
	const mark = "-n=12345"
	var errs bytes.Buffer
	root := newRoot(stdio{strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}})
	name := args[1]
	got, err := dialect(root, append(slices.Clone(args), mark), &errs)
	said := errs.String()
	switch {
	case err != nil && strings.Contains(err.Error(), name) && !strings.Contains(err.Error(), "unknown flag"):
		return refuses, err.Error()
	case err != nil:
		return "unknown", err.Error()
	case got[len(got)-1] != mark:
		return "read as another one", strings.Join(got, " ")
	}
	verb := verbOf(root, args)
	if err := verb.ParseFlags(got[1:]); err != nil {
		return "read as another one", err.Error()
	}
	if len(got) == 2 {
		if strings.Count(said, "\n") == 1 && strings.HasPrefix(said, "bitnet-gpu: "+name) && strings.Contains(said, "passed over: ") {
			return passed, said
		}
		return "passed over without a line", said
	}
	return ours, strings.Join(got, " ")
}

// TestTableInList: the table has no flag that the list does not.
func TestTableInList(t *testing.T) {
	list, err := os.ReadFile("testdata/peers-flags.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, name := range strings.FieldsFunc(string(list), func(c rune) bool { return strings.ContainsRune(" ,\n", c) }) {
		listed[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(peerFlags)) {
		if !listed[name] {
			t.Errorf("%s is in no list of a program's flags", name)
		}
	}
}

// TestDialect translates command lines.
func TestDialect(t *testing.T) {
	for line, want := range map[string]string{
		"generate -temp 0.5 --predict 9 -b 3":          "generate --temp=0.5 --n-predict=9 -b 3",
		"generate --temp=0 --batch-size=3":             "generate --temp=0 --batch=3",
		"generate --repeat_penalty 1.1 --ctx_size=256": "generate --repeat-penalty 1.1 --ctx-size=256",
		"generate -ngl 0 x":                            "generate --backend=cpu x",
		"generate -ngl=0 x":                            "generate --backend=cpu x",
		"generate -ngl 99 x":                           "generate x",
		"generate -dev none --list":                    "unknown flag: --list",
		"generate -dev none x":                         "generate --device=cpu x",
		"generate -dev 1 x":                            "generate --device=1 x",
		"generate -fa on x":                            "generate x",
		"generate -fa x":                               "generate x",
		"generate --color -p x":                        "generate -p x",
		"generate -p -ngl -n 5":                        "generate -p -ngl -n 5",  // a value is no flag
		"generate --stop -cnv x":                       "generate --stop -cnv x", // nor here
		"generate -p x -- -ngl":                        "generate -p x -- -ngl",
		"generate -n5 -c512 -l15043-1 -m./x":           "generate -n5 -c512 -l15043-1 -m./x",
		"generate -prompt x -json":                     "generate --prompt x --json",
		"generate -mlock":                              "unknown flag: -mlock",
		"generate -please":                             "unknown flag: -please",
		"generate -nope 4":                             "unknown flag: -nope",
		"generate -ngl":                                "flag needs an argument: -ngl",
		"generate --mirostat 0 x":                      "generate x",
		"generate --mirostat 2 x":                      "--mirostat 2: there is no such sampler",
		"generate --typical 1.00 x":                    "generate x",
		"bench -r 3 -pg 4,5 -fa 0,1 -nkvo 0 -mmp 0":    "bench -r 3 --pg 4,5",
		"bench -ngl 0 -o csv":                          "bench --backend=cpu -o csv",
		"convert -o x y":                               "convert -o x y",
		"tokenize -ngl 0 x":                            "there is no --backend with this verb",
		"tokenize --log-disable --jinja x":             "tokenize x",
		"run -no-cnv m x":                              "run --chat=false m x",
		"completion bash":                              "completion bash",
		"help generate":                                "help generate",
		"__complete generate -hf ":                     "__complete generate -hf ",
	} {
		got, err := dialect(newRoot(stdio{}), strings.Split(line, " "), &bytes.Buffer{})
		text := strings.Join(got, " ")
		if err != nil {
			text = err.Error()
		}
		if text != want && (err == nil || !strings.Contains(text, want)) {
			t.Errorf("%s: %q, expected %q", line, text, want)
		}
	}
}

// TestDialectRuns runs what other programs' users type.
func TestDialectRuns(t *testing.T) {
	want := ok(t, "", "generate", "-m", tinyA, "-p", "Hello", "--n-predict", "9", "--temp", "0", "--batch", "3")
	for _, args := range [][]string{
		{"-temp", "0", "--predict", "9", "-b", "3"},
		{"--temp=0", "--predict=9", "--batch-size=3"},
		{"--temperature", "0", "-n", "9", "-ngl", "0", "-t", "-1", "-no-cnv", "--no-warmup", "--simple-io", "--color", "-ub", "64", "-e", "--log-disable", "--no-display-prompt"},
	} {
		if got := ok(t, "", append([]string{"generate", "-m", tinyA, "-p", "Hello"}, args...)...); got != want {
			t.Errorf("%v: %q, expected %q", args, got, want)
		}
	}
	chat := ok(t, "", "generate", "-m", tinyA, "-p", "Hello", "--chat", "-n", "9", "--temp", "0")
	out, errs, code := command(t, "", "generate", "-m", tinyA, "-p", "Hello", "-cnv", "-n", "9", "--temp", "0")
	if code != exitOK || out != chat || !strings.Contains(errs, "bitnet-gpu: -cnv: one answer, as with --chat") {
		t.Errorf("-cnv: exit code %d, %q, %q", code, out, errs)
	}
}
