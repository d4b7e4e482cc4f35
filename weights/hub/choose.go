package hub

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"bitnet-gpu/weights/gguf"
)

func isGGUF(file string) bool { return strings.EqualFold(filepath.Ext(file), ".gguf") }

// choose finds the file of a repository that is meant where ref.File is none of
// them: with that quantisation, or where nothing is named the one model, or among
// several the one in I2_S.
func choose(ref Ref, files []string) (string, error) {
	if slices.Contains(files, ref.File) {
		return ref.File, nil
	}
	models := models(files)
	some := models
	if ref.File != "" {
		some = ofQuantisation(models, ref.File)
	} else if len(models) > 1 {
		some = ofQuantisation(models, "i2_s")
	}
	repo := ref.whole()
	switch {
	case len(some) == 1:
		return some[0], nil
	case len(some) > 1 && ref.File != "":
		return "", fmt.Errorf("%w: %s fits %d files of %s: %s", ErrRef, ref.File, len(some), repo, few(some))
	case ref.File != "":
		return "", fmt.Errorf("%w: %s has no file %s, and no GGUF file with this in its name: there is %s", ErrRef, repo, ref.File, few(files))
	case len(models) == 0:
		return "", fmt.Errorf("%w: %s holds no GGUF file; name one of its files as %s:FILE: %s", ErrRef, repo, repo, few(files))
	}
	return "", fmt.Errorf("%w: %s holds %d GGUF files; name one as %s:FILE: %s", ErrRef, repo, len(models), repo, few(models))
}

// models returns the GGUF files, of a model in several files the first.
func models(files []string) (list []string) {
	for _, f := range files {
		parts := splitParts(f)
		if isGGUF(f) && parts[0] == f && !strings.HasPrefix(path.Base(f), "mmproj") {
			list = append(list, f)
		}
	}
	return list
}

// ofQuantisation returns the models whose path has the name of a quantisation in
// it, as a word of its own if there are such: Q4_K is not Q4_K_M.
func ofQuantisation(models []string, name string) []string {
	var words, parts []string
	word := regexp.MustCompile(`(?i)(^|[^a-z0-9_])` + regexp.QuoteMeta(name) + `([^a-z0-9_]|$)`)
	for _, f := range models {
		if word.MatchString(f) {
			words = append(words, f)
		}
		if strings.Contains(strings.ToLower(f), strings.ToLower(name)) {
			parts = append(parts, f)
		}
	}
	if len(words) > 0 {
		return words
	}
	return parts
}

const maxSplit = 1000 // files of one model

// splitParts returns the files that make one model with a file, in order: itself,
// or all parts of a model that was split.
func splitParts(file string) []string {
	if parts := gguf.PartNames(file); 0 < len(parts) && len(parts) <= maxSplit {
		return parts
	}
	return []string{file}
}

// few joins the first of many names.
func few(names []string) string {
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
