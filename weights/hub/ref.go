package hub

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Ref names a file of the hub.
type Ref struct {
	Repo string // "owner/name"

	// File is a path in the repository, with slashes; "" for its one model. It may
	// be the name of a quantisation too, as Q2_0: where there is no such file, it is
	// the GGUF file with this in its name, in whatever case.
	File string

	Revision string // branch, tag or commit; "" for main
}

func (r Ref) String() string {
	text := r.Repo
	if r.Revision != "" {
		text += "@" + r.Revision
	}
	if r.File != "" {
		text += ":" + r.File
	}
	return text
}

func (r Ref) revision() string { return or(r.Revision, "main") }

// with is another file of the same version.
func (r Ref) with(file string) Ref {
	r.File = file
	return r
}

// whole is the repository.
func (r Ref) whole() Ref { return r.with("") }

// ParseRef reads owner/name[@revision][:file], as the hub's addresses and other
// programs spell it too (https://huggingface.co/owner/name, hf.co/owner/name), and
// the short names. Errors are ErrRef.
func ParseRef(text string) (Ref, error) {
	head, file, colon := strings.Cut(trimAddress(text), ":")
	repo, revision, at := strings.Cut(head, "@")
	r := Ref{Repo: repo, File: file, Revision: revision}
	if !strings.Contains(repo, "/") {
		name := named(repo)
		if name == nil {
			return Ref{}, fmt.Errorf("%w: %q is no short name (%s), and a repository is written owner/name", ErrRef, text, shortNames())
		}
		r.Repo, r.File = name.Repo, or(file, name.File)
	}
	switch {
	case colon && file == "":
		return Ref{}, fmt.Errorf("%w: %q names no file behind the colon", ErrRef, text)
	case at && revision == "":
		return Ref{}, fmt.Errorf("%w: %q names no revision behind the @", ErrRef, text)
	}
	return r, r.check()
}

func shortNames() string {
	var names []string
	for _, n := range Names {
		names = append(names, n.Name)
	}
	return strings.Join(names, ", ")
}

// pagePattern is the address of a page or a file of the hub behind its host.
var pagePattern = regexp.MustCompile(`^([^/@:]+/[^/@:]+)(?:/(?:tree|blob|resolve)/([^/@:]+)(?:/([^?#]*))?)?/?(?:[?#].*)?$`)

// trimAddress makes an address of the hub owner/name[@revision][:file], and leaves
// everything else.
func trimAddress(text string) string {
	for _, host := range []string{"https://huggingface.co/", "http://huggingface.co/", "https://hf.co/", "huggingface.co/", "hf.co/", "hf://"} {
		rest, ok := strings.CutPrefix(text, host)
		if !ok {
			continue
		}
		if m := pagePattern.FindStringSubmatch(rest); m != nil {
			r := Ref{Repo: m[1], File: m[3]}
			if m[2] != "main" {
				r.Revision = m[2]
			}
			return r.String()
		}
		return rest
	}
	return text
}

var (
	repoPattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}$`)
	revisionPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./+-]{0,199}$`)
)

// check makes sure that the names are ones that can be put into a path.
func (r Ref) check() error {
	if !repoPattern.MatchString(r.Repo) || strings.Contains(r.Repo, "--") || strings.Contains(r.Repo, "..") {
		return fmt.Errorf("%w: repository %q: expected owner/name", ErrRef, r.Repo)
	}
	if r.File != "" && !validPath(r.File) {
		return fmt.Errorf("%w: file %q: expected a path inside the repository", ErrRef, r.File)
	}
	if r.Revision != "" && (!revisionPattern.MatchString(r.Revision) || !validPath(r.Revision)) {
		return fmt.Errorf("%w: revision %q: expected a branch, a tag or a commit", ErrRef, r.Revision)
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
