package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Instructions that Go's assembler lacks are numbers in the kernels, each with
// its text in a comment: llvm-mc must assemble the text to the number.
func TestWords(t *testing.T) {
	llvm, err := exec.LookPath("llvm-mc")
	if err != nil {
		need(t, "llvm", "llvm-mc is not installed (Debian: llvm)")
	}
	tests := []struct {
		file, mark string
		line       *regexp.Regexp // the number, the text
		prologue   string
		args       []string
	}{
		{
			"kernels_arm64.s", "WORD", regexp.MustCompile(`WORD (\S+) // (.*)`), "",
			[]string{"-triple=aarch64", "-mattr=+neon,+dotprod"},
		},
		{
			"kernels_amd64.s", "BYTE", regexp.MustCompile(`(BYTE .*) // (.*)`), ".intel_syntax noprefix\n",
			[]string{"-triple=x86_64", "-mattr=+avxvnni,+amx-int8"},
		},
	}
	for _, test := range tests {
		text, err := os.ReadFile(test.file)
		if err != nil {
			t.Fatal(err)
		}
		var lines, input []string
		for line := range strings.Lines(string(text)) {
			if m := test.line.FindStringSubmatch(line); m != nil {
				lines, input = append(lines, m[1]), append(input, m[2])
			} else if strings.Contains(line, test.mark) {
				t.Errorf("%s: no text beside %s", test.file, line)
			}
		}
		cmd := exec.Command(llvm, append(test.args, "-show-encoding")...)
		cmd.Stdin = strings.NewReader(test.prologue + strings.Join(input, "\n") + "\n")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: llvm-mc: %v\n%s", test.file, err, out)
		}
		encodings := regexp.MustCompile(`encoding: \[(.*)\]`).FindAllStringSubmatch(string(out), -1)
		if len(lines) == 0 || len(encodings) != len(lines) {
			t.Fatalf("%s: llvm-mc encoded %d of %d instructions", test.file, len(encodings), len(lines))
		}
		for i, e := range encodings {
			if want := goBytes(test.mark, strings.Split(e[1], ",")); lines[i] != want {
				t.Errorf("%s: %s is written as %s, want %s", test.file, input[i], lines[i], want)
			}
		}
	}
}

// goBytes writes bytes like 0x0f as the kernels do.
func goBytes(mark string, encoding []string) string {
	for i, b := range encoding {
		encoding[i] = strings.ToUpper(b[2:])
	}
	if mark == "WORD" {
		slices.Reverse(encoding)
		return "$0x" + strings.Join(encoding, "")
	}
	return fmt.Sprintf("BYTE $0x%s", strings.Join(encoding, "; BYTE $0x"))
}

// need skips a test for want of a thing, or fails it where BITNET_TEST_REQUIRE
// names the thing.
func need(t *testing.T, thing, why string) {
	t.Helper()
	if required(thing) {
		t.Fatalf("BITNET_TEST_REQUIRE has %s: %s", thing, why)
	}
	t.Skipf("%s: %s", thing, why)
}

func required(thing string) bool {
	return slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), thing)
}
