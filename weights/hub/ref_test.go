package hub

import (
	"errors"
	"strings"
	"testing"
)

func TestParseRef(t *testing.T) {
	for text, want := range map[string]Ref{
		"2b4t":                 {Repo: "microsoft/bitnet-b1.58-2B-4T-gguf", File: "ggml-model-i2_s.gguf"},
		"2B4T":                 {Repo: "microsoft/bitnet-b1.58-2B-4T-gguf", File: "ggml-model-i2_s.gguf"},
		"large":                {Repo: "1bitLLM/bitnet_b1_58-large"},
		"owner/name":           {Repo: "owner/name"},
		"owner/name:a.gguf":    {Repo: "owner/name", File: "a.gguf"},
		"owner/name:a/b c.bin": {Repo: "owner/name", File: "a/b c.bin"},

		"owner/name@v1.0":             {Repo: "owner/name", Revision: "v1.0"},
		"owner/name@refs/pr/1:a.gguf": {Repo: "owner/name", Revision: "refs/pr/1", File: "a.gguf"},
		"owner/name:a@b.gguf":         {Repo: "owner/name", File: "a@b.gguf"},
		"2b4t@main":                   {Repo: "microsoft/bitnet-b1.58-2B-4T-gguf", File: "ggml-model-i2_s.gguf", Revision: "main"},
		"large@v2:x":                  {Repo: "1bitLLM/bitnet_b1_58-large", File: "x", Revision: "v2"},

		"https://huggingface.co/owner/name":                        {Repo: "owner/name"},
		"https://huggingface.co/owner/name/":                       {Repo: "owner/name"},
		"https://huggingface.co/owner/name/tree/main":              {Repo: "owner/name"},
		"https://huggingface.co/owner/name/blob/main/a/b.gguf":     {Repo: "owner/name", File: "a/b.gguf"},
		"https://huggingface.co/owner/name/resolve/v1/a.gguf?x=1#": {Repo: "owner/name", File: "a.gguf", Revision: "v1"},
		"hf.co/owner/name:Q2_0":                                    {Repo: "owner/name", File: "Q2_0"},
		"hf://owner/name@v1:a.gguf":                                {Repo: "owner/name", File: "a.gguf", Revision: "v1"},
	} {
		if got, err := ParseRef(text); got != want || err != nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                   "is no short name (2b4t, ",
		"nosuch":             "is no short name (2b4t, ",
		"owner/name:":        "names no file behind the colon",
		"owner/name@":        "names no revision behind the @",
		"owner/name@../x":    "expected a branch, a tag or a commit",
		"owner/name@a/../b":  "expected a branch, a tag or a commit",
		"owner/name@/a":      "expected a branch, a tag or a commit",
		"owner/name@a?b":     "expected a branch, a tag or a commit",
		"owner/name@-x":      "expected a branch, a tag or a commit",
		"owner/a/b":          "expected owner/name",
		"../x":               "expected owner/name",
		"a/..":               "expected owner/name",
		"a--b/c":             "expected owner/name",
		"owner/name:../x":    "expected a path inside the repository",
		"owner/name:/etc/x":  "expected a path inside the repository",
		"owner/name:a//b":    "expected a path inside the repository",
		"owner/name:a/./b":   "expected a path inside the repository",
		`owner/name:a\..\b`:  "expected a path inside the repository",
		"owner/name:c:x":     "expected a path inside the repository",
		"owner/name:a\x00":   "expected a path inside the repository",
		"owner/name:a\n":     "expected a path inside the repository",
		"owner/name:\xff":    "expected a path inside the repository",
		"owner/name:a/b/../": "expected a path inside the repository",
	} {
		if got, err := ParseRef(text); !errors.Is(err, ErrRef) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, n := range Names {
		if err := n.check(); err != nil || !IsName(n.Name) {
			t.Errorf("%s: %v", n.Name, err)
		}
	}
}
