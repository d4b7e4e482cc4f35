#!/usr/bin/env bash
# 2026-11-28, github.com/nikolalohinski/gonja/v2 v2.9.1, Go 1.26; what Jinja2 3.1 makes
# of the same templates stands beside each.
#
# Expected: expressions that many chat templates have, as Jinja2 renders them.
# Seen: the last element of a list of one is empty text, though x[-1] of longer lists
# works; a condition in parentheses does not parse; and what stands behind the first
# of a split with a limit is empty text.
#
# Needs Go.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/nikolalohinski/gonja/v2"
	"github.com/nikolalohinski/gonja/v2/exec"
)

func render(template string) string {
	t, err := gonja.FromString(template)
	if err != nil {
		return "error"
	}
	s, err := t.ExecuteToString(exec.NewContext(map[string]any{"one": []string{"a"}, "two": []string{"a", "b"}, "x": true}))
	if err != nil {
		return "error"
	}
	return s
}

func main() {
	changed := false
	for _, c := range []struct{ template, jinja2, seen string }{
		{`{{ two[-1] }}`, "b", "b"},
		{`{{ one[-1] }}`, "a", ""},
		{`{{ ('Q' if x else 'S') + 'a' }}`, "Qa", "error"},
		{`{{ 'a-b-c'.split('-', 1)[1] }}`, "b-c", ""},
	} {
		got := render(c.template)
		fmt.Printf("%s: %q; Jinja2: %q\n", c.template, got, c.jinja2)
		changed = changed || got != c.seen
	}
	if changed {
		fmt.Println("this has changed")
		os.Exit(1)
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/nikolalohinski/gonja/v2@v2.9.1 >/dev/null 2>&1
go run .
