package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manDir is where the pages for a release go:
//
//	go test ./cmd/bitnet-gpu -run TestManPages -args -man /usr/share/man/man1
//
// SOURCE_DATE_EPOCH sets their date, so that builds can be repeated.
// Here and not in the program, which would carry what makes them.
var manDir = flag.String("man", "", "write the manual pages to this folder")

func TestManPages(t *testing.T) {
	dir := *manDir
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	root := newRoot(stdio{})
	root.DisableAutoGenTag = true
	root.InitDefaultCompletionCmd()
	if err := doc.GenManTree(root, &doc.GenManHeader{Title: "BITNET-GPU", Section: "1", Source: "bitnet-gpu", Manual: " "}, dir); err != nil {
		t.Fatal(err)
	}
	for _, c := range append([]*cobra.Command{root}, root.Commands()...) {
		if c.Name() == "help" {
			continue // it has none
		}
		page := read(t, filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
		if !strings.Contains(page, ".SH NAME") || !strings.Contains(page, ".SH SYNOPSIS") {
			t.Errorf("%s: no page of a manual: %.200q", c.CommandPath(), page)
		}
		if c.Example != "" && !strings.Contains(page, ".SH EXAMPLE") {
			t.Errorf("%s: no examples", c.CommandPath())
		}
	}
}

// TestHelp shows every verb with its flags under headings, and examples.
func TestHelp(t *testing.T) {
	text := ok(t, "", "--help")
	for _, want := range []string{"\nText:\n  generate ", "\nModels:\n  pull ", "\nThe machine:\n  bench ", "\n  completion  ", "\n  version  ", "\nExamples:\n  bitnet-gpu generate "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	text = ok(t, "", "generate", "--help")
	last := 0
	for _, want := range []string{"Usage:\n  bitnet-gpu generate [-m MODEL] [TEXT] [flags]\n", "\nExamples:\n", "\nModel flags:\n  -m, --model", "\nText flags:\n  -p, --prompt", "\nSampling flags:\n", "\nMachine flags:\n", "\nOutput flags:\n"} {
		at := strings.Index(text, want)
		if at < last {
			t.Errorf("%q stands at %d, expected it behind %d", want, at, last)
		}
		last = at
	}
	for _, c := range newRoot(stdio{}).Commands() {
		text := ok(t, "", c.Name(), "--help")
		if again := ok(t, "", "help", c.Name()); again != text {
			t.Errorf("help %s differs from --help", c.Name())
		}
		if long := regexp.MustCompile(`(?m)^.{101,}$`).FindString(text); long != "" {
			t.Errorf("%s: a line of %d columns: %s", c.Name(), len(long), long)
		}
	}
}
