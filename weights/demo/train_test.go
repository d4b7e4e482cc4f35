package demo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"bitnet-gpu/engine"
	"bitnet-gpu/engine/chat"
	"bitnet-gpu/weights"
)

// python finds an interpreter whose PyTorch multiplies matrices on this processor.
var python = sync.OnceValues(func() (string, error) {
	var reasons []string
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		out, err := exec.Command(name, "train/can_multiply.py").CombinedOutput()
		if err == nil {
			return name, nil
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		reasons = append(reasons, strings.TrimSpace(fmt.Sprintf("%s: %v %s", name, err, lines[len(lines)-1])))
	}
	return "", errors.New("torch: no Python multiplies matrices with it: " + strings.Join(reasons, "; "))
})

// needTorch skips a test by the name torch. Training takes long and PyTorch a
// gigabyte, so both are asked for: by BITNET_TEST_REQUIRE or BITNET_TEST_LONG.
func needTorch(t *testing.T) {
	t.Helper()
	required := slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), "torch")
	if !required && os.Getenv("BITNET_TEST_LONG") == "" {
		t.Skip("skipped: torch: neither BITNET_TEST_REQUIRE has it nor BITNET_TEST_LONG is set")
	}
	if _, err := python(); err != nil && required {
		t.Fatalf("BITNET_TEST_REQUIRE has %v", err)
	} else if err != nil {
		t.Skipf("skipped: %v", err)
	}
}

func runPython(t *testing.T, args ...string) string {
	t.Helper()
	needTorch(t)
	interpreter, _ := python()
	cmd := exec.Command(interpreter, args...)
	cmd.Dir = "train"
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestPython runs the tests of the generators, the tokenizer and the trainer.
func TestPython(t *testing.T) { runPython(t, "-m", "unittest", "test_train") }

// TestTrain trains a tiny model for a moment: the loss falls, what is exported
// opens, and the engine makes of it what the framework does.
func TestTrain(t *testing.T) {
	dir := t.TempDir()
	said := runPython(t, "train.py", "--out", dir, "--steps", "60", "--processes", "2", "--rows", "2", "--plain", "--texts", "300",
		"--hidden", "64", "--ffn", "96", "--layers", "2", "--heads", "2", "--kv-heads", "1", "--vocab", "400", "--context", "256")
	losses := regexp.MustCompile(`loss ([\d.]+)`).FindAllStringSubmatch(said, -1)
	if len(losses) < 2 {
		t.Fatalf("the training says\n%s", said)
	}
	first, _ := strconv.ParseFloat(losses[0][1], 64)
	last, _ := strconv.ParseFloat(losses[len(losses)-1][1], 64)
	if !(last < first && last < 5.9) { // of 400 tokens, log 400 is 5.99
		t.Errorf("the loss goes from %v to %v", first, last)
	}
	golden := filepath.Join(dir, "golden.json")
	t.Log(runPython(t, "measure.py", dir, golden))

	m, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(m, engine.Options{Backend: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, p := range readGolden(t, golden) {
		sameTokens(t, e, p)
		sameBest(t, e, p)
	}
}

// TestTokens compares the tokenizer that the demo model was trained with and the
// engine's, on the prompts of its golden data.
func TestTokens(t *testing.T) {
	e, err := engine.Open("demo", engine.Options{Backend: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, p := range readGolden(t, filepath.Join("..", "..", "test", "testdata", "demo.json")) {
		sameTokens(t, e, p)
	}
}

// A prompt is one of what train/measure.py writes.
type prompt struct {
	Story        string
	Conversation []string // questions and answers in turn
	Tokens       []int32
	Best         []int32
	Margin       []float32
}

func readGolden(t *testing.T, path string) []prompt {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Prompts []prompt }
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Prompts) != 5 {
		t.Fatalf("%d prompts in %s", len(golden.Prompts), path)
	}
	return golden.Prompts
}

// sameTokens encodes a prompt up to its last answer, which the model writes.
func sameTokens(t *testing.T, e *engine.Engine, p prompt) {
	t.Helper()
	request := engine.Request{Prompt: p.Story}
	for i, text := range p.Conversation[:max(len(p.Conversation)-1, 0)] {
		request.Messages = append(request.Messages, chat.Message{Role: []string{"user", "assistant"}[i%2], Content: text})
	}
	got, err := e.Tokens(request)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) > len(p.Tokens) || !slices.Equal(got, p.Tokens[:len(got)]) {
		t.Errorf("%q: tokens %v, the training has %v", p.Story+strings.Join(p.Conversation, " | "), got, p.Tokens)
	}
}

// sameBest compares the likeliest tokens where there is no doubt.
func sameBest(t *testing.T, e *engine.Engine, p prompt) {
	t.Helper()
	pos := 0
	err := e.Logits(t.Context(), p.Tokens, func(rows []float32) error {
		for row := range slices.Chunk(rows, e.Model().VocabSize) {
			if best := int32(slices.Index(row, slices.Max(row))); p.Margin[pos] > 0.1 && best != p.Best[pos] {
				t.Errorf("position %d: token %d, the framework has %d by a margin of %v", pos, best, p.Best[pos], p.Margin[pos])
			}
			pos++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
