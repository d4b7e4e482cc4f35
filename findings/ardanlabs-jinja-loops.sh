#!/usr/bin/env bash
# 2026-11-28, github.com/ardanlabs/jinja v1.8.0 (made for chat templates), Go 1.26;
# what Jinja2 3.1 makes of the same templates stands beside each.
#
# Expected: loops of a chat template as Jinja2 renders them.
# Seen: no error, and another text. A blank before the end of a loop is lost, a
# variable that is set in a loop keeps its value for the next turn, and the condition
# of a loop over pairs is passed over.
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

	"github.com/ardanlabs/jinja"
)

func main() {
	changed := false
	for _, c := range []struct{ template, jinja2, seen string }{
		{`{% for x in ['a', 'b'] %}{{ x }} {% endfor %}`, "a b ", "ab"},
		{`{% set n = 0 %}{% for x in ['a', 'b'] %}{% set n = n + 1 %}{{ n }}{% endfor %}{{ n }}`, "110", "120"},
		{`{% for k, v in {'a': 1, 'b': 2}.items() if v != 2 %}{{ k }}{% endfor %}`, "a", "ab"},
	} {
		t, err := jinja.Compile(c.template)
		if err != nil {
			panic(err)
		}
		got, err := t.Render(map[string]any{})
		fmt.Printf("%s: %q, %v; Jinja2: %q\n", c.template, got, err, c.jinja2)
		changed = changed || err != nil || got != c.seen
	}
	if changed {
		fmt.Println("this has changed")
		os.Exit(1)
	}
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/ardanlabs/jinja@v1.8.0 >/dev/null 2>&1
go run .
