package hub

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"bitnet-gpu/weights/gguf"
)

// A Ref names a file of the hub.
type Ref struct {
	Repo string // "owner/name"
	File string // path in the repository, with slashes; "" for its one model
}

func (r Ref) String() string {
	if r.File == "" {
		return r.Repo
	}
	return r.Repo + ":" + r.File
}

// A Name is a short name for a model.
type Name struct {
	Name string
	Ref
	About string
}

// Names are the short names: the families of ternary models and where they are.
// A repository without a file holds a directory, see Fetch.
var Names = []Name{
	{"2b4t", Ref{"microsoft/bitnet-b1.58-2B-4T-gguf", "ggml-model-i2_s.gguf"}, "BitNet b1.58 2B4T"},
	{"falcon-e-1b", Ref{"tiiuae/Falcon-E-1B-Instruct-GGUF", "ggml-model-i2_s.gguf"}, "Falcon-E 1B Instruct"},
	{"falcon-e-3b", Ref{"tiiuae/Falcon-E-3B-Instruct-GGUF", "ggml-model-i2_s.gguf"}, "Falcon-E 3B Instruct"},
	{"falcon3-1b", Ref{Repo: "tiiuae/Falcon3-1B-Instruct-1.58bit"}, "Falcon3 1B Instruct"},
	{"falcon3-3b", Ref{Repo: "tiiuae/Falcon3-3B-Instruct-1.58bit"}, "Falcon3 3B Instruct"},
	{"falcon3-7b", Ref{Repo: "tiiuae/Falcon3-7B-Instruct-1.58bit"}, "Falcon3 7B Instruct"},
	{"falcon3-10b", Ref{Repo: "tiiuae/Falcon3-10B-Instruct-1.58bit"}, "Falcon3 10B Instruct"},
	{"llama3-8b", Ref{Repo: "HF1BitLLM/Llama3-8B-1.58-100B-tokens"}, "Llama 3 8B 1.58"},
	{"large", Ref{Repo: "1bitLLM/bitnet_b1_58-large"}, "BitNet b1.58 large, 0.7B"},
	{"3b", Ref{Repo: "1bitLLM/bitnet_b1_58-3B"}, "BitNet b1.58 3B"},
	{"embedding-0.6b", Ref{Repo: "microsoft/bitnet-embedding-0.6b"}, "BitNet embedding 0.6B"},
	{"embedding-270m", Ref{Repo: "microsoft/bitnet-embedding-270m"}, "BitNet embedding 270M"},
}

// IsName reports whether text is a short name.
func IsName(text string) bool {
	return slices.ContainsFunc(Names, func(n Name) bool { return strings.EqualFold(n.Name, text) })
}

// ParseRef reads owner/name, owner/name:path/of/file and the short names. Errors
// are ErrRef.
func ParseRef(text string) (Ref, error) {
	for _, n := range Names {
		if strings.EqualFold(n.Name, text) {
			return n.Ref, nil
		}
	}
	repo, file, colon := strings.Cut(text, ":")
	r := Ref{Repo: repo, File: file}
	if !strings.Contains(repo, "/") {
		var names []string
		for _, n := range Names {
			names = append(names, n.Name)
		}
		return Ref{}, fmt.Errorf("%w: %q is no short name (%s), and a repository is written owner/name", ErrRef, text, strings.Join(names, ", "))
	}
	if colon && file == "" {
		return Ref{}, fmt.Errorf("%w: %q names no file behind the colon", ErrRef, text)
	}
	return r, r.check()
}

var repoPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}$`)

// check makes sure that the names are ones that can be put into a path.
func (r Ref) check() error {
	if !repoPattern.MatchString(r.Repo) || strings.Contains(r.Repo, "--") || strings.Contains(r.Repo, "..") {
		return fmt.Errorf("%w: repository %q: expected owner/name", ErrRef, r.Repo)
	}
	if r.File != "" && !validPath(r.File) {
		return fmt.Errorf("%w: file %q: expected a path inside the repository", ErrRef, r.File)
	}
	return nil
}

// validPath reports whether a file's path stays inside its folder on every
// system.
func validPath(path string) bool {
	if len(path) > 1024 || !utf8.ValidString(path) || strings.ContainsAny(path, `\:*?"<>|`) ||
		strings.ContainsFunc(path, unicode.IsControl) {
		return false
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || len(part) > 255 {
			return false
		}
	}
	return filepath.IsLocal(filepath.FromSlash(path))
}

func isGGUF(file string) bool { return strings.EqualFold(filepath.Ext(file), ".gguf") }

// allParts returns the files that belong to file: all parts of a split GGUF file, in
// their order, else itself.
func allParts(file string) []string {
	if names := gguf.PartNames(file); names != nil {
		return names
	}
	return []string{file}
}

// choose finds the file that is meant where none is named: the one GGUF file, or
// among several the one in I2_S. Of a split one it is the first part.
func choose(repo string, files []string) (string, error) {
	var models, i2s []string
	for _, f := range files {
		if _, no, _, _ := gguf.PartOf(f); isGGUF(f) && no <= 1 {
			models = append(models, f)
			if strings.Contains(strings.ToLower(f), "i2_s") {
				i2s = append(i2s, f)
			}
		}
	}
	switch {
	case len(models) == 1:
		return models[0], nil
	case len(i2s) == 1:
		return i2s[0], nil
	case len(models) == 0:
		return "", fmt.Errorf("%w: %s holds no GGUF file; name one of its files as %s:FILE: %s", ErrRef, repo, repo, few(files))
	}
	return "", fmt.Errorf("%w: %s holds %d GGUF files; name one as %s:FILE: %s", ErrRef, repo, len(models), repo, few(models))
}

// few joins the first of many names.
func few(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
