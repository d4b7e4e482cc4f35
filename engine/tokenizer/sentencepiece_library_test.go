package tokenizer

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bitnet-gpu/weights"
)

// TestSentencePieceKept compares with what the library made of texts with small
// models: of every normaliser but those of Unicode.
func TestSentencePieceKept(t *testing.T) { likeTheLibrary(t, "testdata/sentencepiece") }

// TestSentencePieceLibrary asks the library itself, with Unicode's rules too.
func TestSentencePieceLibrary(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(python(t), "testdata/sentencepiece/make.py", dir, "all")
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	likeTheLibrary(t, dir)
}

// python finds an interpreter with SentencePiece. Without one the test is skipped,
// by the name sentencepiece.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(name, "-c", "import sentencepiece").Run() == nil {
			return name
		}
	}
	if slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), "sentencepiece") {
		t.Fatal("sentencepiece is required: no python3 has it")
	}
	t.Skip("skipped: sentencepiece: no python3 has it (Debian: python3-sentencepiece)")
	return ""
}

func likeTheLibrary(t *testing.T, dir string) {
	models, err := filepath.Glob(filepath.Join(dir, "*.model"))
	if err != nil || len(models) == 0 {
		t.Fatal("no models", err)
	}
	for _, model := range models {
		name := strings.TrimSuffix(model, ".model")
		t.Run(filepath.Base(name), func(t *testing.T) {
			v, err := weights.ReadVocab(model)
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var cases []struct {
				Text, Decoded string
				IDs           []int32
			}
			if err := json.Unmarshal(data, &cases); err != nil {
				t.Fatal(err)
			}
			tok := mustNew(t, v)
			for _, c := range cases {
				if got := tok.Encode(nil, c.Text); !slices.Equal(got, c.IDs) {
					t.Errorf("%q gives %q, want %q", c.Text, texts(tok, got), texts(tok, c.IDs))
				}
				if got := tok.Decode(c.IDs); got != c.Decoded {
					t.Errorf("%q comes back as %q, want %q", c.Text, got, c.Decoded)
				}
				if got := streamed(tok, c.IDs); got != c.Decoded {
					t.Errorf("%q comes back token by token as %q, want %q", c.Text, got, c.Decoded)
				}
			}
		})
	}
}

func texts(tok *Tokenizer, ids []int32) (list []string) {
	for _, id := range ids {
		list = append(list, string(tok.Token(id)))
	}
	return list
}
