package kernel

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Instructions that Go's assembler lacks are words in kernels_arm64.s, each with
// its text in a comment: llvm-mc must assemble the text to the word.
func TestWords(t *testing.T) {
	llvm, err := exec.LookPath("llvm-mc")
	if err != nil {
		need(t, "llvm", "llvm-mc is not installed (Debian: llvm)")
	}
	text, err := os.ReadFile("kernels_arm64.s")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`WORD \$0x([0-9A-F]{8}) // (.*)`).FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "WORD"); n == 0 || n != len(lines) {
		t.Fatalf("%d of %d words have their text", len(lines), n)
	}
	var input strings.Builder
	for _, line := range lines {
		fmt.Fprintln(&input, line[2])
	}
	cmd := exec.Command(llvm, "-triple=aarch64", "-mattr=+neon,+dotprod", "-show-encoding")
	cmd.Stdin = strings.NewReader(input.String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("llvm-mc: %v\n%s", err, out)
	}
	encodings := regexp.MustCompile(`encoding: \[0x(..),0x(..),0x(..),0x(..)\]`).FindAllStringSubmatch(string(out), -1)
	if len(encodings) != len(lines) {
		t.Fatalf("llvm-mc encoded %d of %d instructions", len(encodings), len(lines))
	}
	for i, e := range encodings {
		var bytes [4]byte
		for k := range bytes {
			fmt.Sscanf(e[1+k], "%x", &bytes[k])
		}
		if want := fmt.Sprintf("%08X", binary.LittleEndian.Uint32(bytes[:])); lines[i][1] != want {
			t.Errorf("%s is written as %s, want %s", lines[i][2], lines[i][1], want)
		}
	}
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
