package jinja

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLimits holds that what grows or repeats is bounded, by templates that end
// by themselves, a little beyond a limit, and a budget of work far below the
// real one. Templates that hang or crash other engines are not kept here; the
// package comment says in words which there are.
func TestLimits(t *testing.T) {
	nested := func(n int, open, within, end string) string {
		return strings.Repeat(open, n) + within + strings.Repeat(end, n)
	}
	for name, c := range map[string]struct{ source, want string }{
		"loop":            {"{% for i in range(2000) %}{% endfor %}", "too much work"},
		"nested loops":    {"{% for i in range(50) %}{% for j in range(50) %}{% endfor %}{% endfor %}", "too much work"},
		"condition":       {"{% for i in range(2000) if false %}{% endfor %}", "too much work"},
		"long body":       {"{% for i in range(50) %}" + strings.Repeat("{% if i %}{% endif %}", 200) + "{% endfor %}", "too much work"},
		"output":          {"{% for i in range(20) %}" + strings.Repeat("x", 1000) + "{% endfor %}", "too much work"},
		"text":            {"{% set t = 'x' * 20 %}{% set t = t * 2000 %}", "too much work"},
		"number times":    {"{% set t = 9000000 * 'x' %}", "too much work"},
		"text of lists":   {"{% set l = [0] * 100 %}{% set l = [l] * 100 %}{{ l }}", "too much work"},
		"joined":          {"{% set t = 'x' * 100 %}{{ ([t] * 100)|join(t) }}", "too much work"},
		"replaced":        {"{% set t = 'x' * 400 %}{{ t|replace('x', t) }}", "too much work"},
		"doubled":         {"{% set ns = namespace(t='x') %}{% for i in range(20) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}", "too much work"},
		"indented":        {"{{ [1, [2]]|tojson(indent=50000) }}", "too much work"},
		"padded":          {"{{ 'x'.rjust(90000) }}", "too much work"},
		"equal":           {"{% set l = [0] * 100 %}{% set l = [l] * 100 %}{{ l == l }}", "too much work"},
		"range":           {"{{ range(100001)|length }}", "more than 100000 numbers"},
		"macros":          {"{% macro f(n) %}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(200) }}", "more than 100 calls"},
		"defaults":        {"{% macro f(n, v=f(n - 1) if n else 0) %}{{ v }}{% endmacro %}{{ f(200) }}", "more than 100 calls"},
		"recursive loop":  {"{% for i in [200] recursive %}{% if i %}{{ loop([i - 1]) }}{% endif %}{% endfor %}", "more than 100 calls"},
		"deep value":      {"{% set ns = namespace(l=[]) %}{% for i in range(200) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}", "more than 100 within each other"},
		"deep JSON":       {"{% set ns = namespace(l=[]) %}{% for i in range(200) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l|tojson }}", "more than 100 within each other"},
		"parentheses":     {"{{ " + nested(200, "(", "1", ")") + " }}", "more than 100 blocks and expressions"},
		"brackets":        {"{{ " + nested(200, "[", "1", "]") + " }}", "more than 100 blocks and expressions"},
		"calls":           {"{{ " + nested(200, "range(", "1", ")") + " }}", "more than 100 blocks and expressions"},
		"blocks":          {nested(200, "{% if true %}", "", "{% endif %}"), "more than 100 blocks and expressions"},
		"nots":            {"{{ " + strings.Repeat("not ", 200) + "1 }}", "more than 100 blocks and expressions"},
		"minuses":         {"{{ " + strings.Repeat("- ", 200) + "1 }}", "more than 100 blocks and expressions"},
		"elses":           {"{{ 1" + strings.Repeat(" if 0 else 1", 200) + " }}", "more than 100 blocks and expressions"},
		"pluses":          {"{{ 1" + strings.Repeat(" + 1", 1100) + " }}", "more than 1000 operators"},
		"dots":            {"{{ x" + strings.Repeat(".x", 1100) + " }}", "more than 1000 operators"},
		"source":          {strings.Repeat("x", maxSource+1), "a template of 65537 bytes, more than 65536"},
		"large number":    {"{{ 2 ** 60 }}", "a number beyond 53 bits"},
		"large product":   {"{{ 4611686018427387904 * 4 }}", "a number beyond 62 bits"},
		"numeral":         {"{{ 99999999999999999999 }}", "too large"},
		"wide format":     {"{{ '%999999d'|format(1) }}", "a format with the width"},
		"no file":         {"a\n{% include 'x' %}", `line 2: the block "include" is not known`},
		"no inheritance":  {"{% extends 'x' %}", `the block "extends" is not known`},
		"no import":       {"{% import 'x' as y %}", `the block "import" is not known`},
		"break":           {"{% break %}", "outside of a loop"},
		"break in macro":  {"{% for i in [1] %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}", "outside of a loop"},
		"line of a tag":   {"a\n\n{{ 1 }}\n{{ nope.a }}", "line 4: 'nope' is undefined"},
		"line in a macro": {"{% macro f() %}\n{{ 1 + none }}{% endmacro %}\n\n{{ f() }}", "line 2: a number + none"},
		"line behind one": {"{% macro f() %}\na{% endmacro %}\n\n{{ f() + 1 }}", "line 4: text + a number"},
	} {
		t.Run(name, func(t *testing.T) {
			tmpl, err := Compile(c.source)
			if err == nil {
				_, err = tmpl.render(nil, 50_000)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
				t.Errorf("error %v, want one line with %q", err, c.want)
			}
		})
	}
}

// TestWork holds what the real budget is good for: the longest conversations,
// but not one many times over.
func TestWork(t *testing.T) {
	tmpl, err := Compile("{% for m in messages %}{% for w in messages[-1].split('.') %}{{ (m ~ w)|trim|length }}{% endfor %}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	long := User(strings.Repeat("word. ", 1<<20/6))
	if _, err := tmpl.Render(map[string]any{"messages": []any{User("a"), long}}); err == nil || !strings.Contains(err.Error(), "too much work") {
		t.Errorf("two loops over a million characters: error %v", err)
	}
	if tmpl, err = Compile("{% for m in messages %}{% set c = m|trim %}{{ '<|' + c.split('|')[-1].lstrip('x') + '|>' + c }}{% endfor %}"); err != nil {
		t.Fatal(err)
	}
	if out, err := tmpl.Render(map[string]any{"messages": []any{long}}); err != nil || len(out) != 2*(1<<20/6*6-1)+4 {
		t.Errorf("%d characters, error %v", len(out), err)
	}
}

// TestUsersText holds that a user's characters stay the user's, and that all of
// them come back, bytes that are no UTF-8 included.
func TestUsersText(t *testing.T) {
	user := User("A\xff<b> é\xc3")
	for source, want := range map[string]string{
		"{{ u }}":                         "[A\xff<b> é\xc3]",
		"{{ u|upper }}{{ u.lower() }}":    "[A\xff<B> É\xc3a\xff<b> é\xc3]",
		"a{{ u[3] ~ 'b' }}":               "a[b]b",
		"{{ u|replace('b', 'q') }}":       "[A\xff<]q[> é\xc3]",
		"{{ u.split('<')[1] + '<' }}":     "[b> é\xc3]<",
		"{{ [u[0]] }}{{ u[2:4]|tojson }}": "['[A]']\"[<b]\"",
		"{{ '%s|%s'|format(u[0], 1) }}":   "[A]|1",
		"{{ '{}'.format(u[0]) }}":         "[A]",
		"{{ u|list|join }}":               "[A\xff<b> é\xc3]",
		"{{ u == 'x' or u[0] == 'A' }}":   "True",
		"{{ {'A': 'k'}[u[0]] }}":          "k",
		"{{ u|length }}":                  "8",
	} {
		tmpl, err := Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		out, err := tmpl.Render(map[string]any{"u": user})
		if err != nil {
			t.Fatal(err)
		}
		got, within := "", false
		for _, c := range append(out, 0) {
			if is := c&FromUser != 0; is != within {
				got, within = got+map[bool]string{true: "[", false: "]"}[is], is
			}
			if c != 0 {
				got += Text{c}.String()
			}
		}
		if got != want {
			t.Errorf("%s gives %q, want %q", source, got, want)
		}
	}
}

func TestStrftime(t *testing.T) {
	at := time.Date(2026, 3, 7, 5, 4, 5, 0, time.UTC)
	for format, want := range map[string]string{
		"%d %b %Y": "07 Mar 2026", "%A, %B %-d": "Saturday, March 7", "%H:%M:%S %p %I %y %j %m": "05:04:05 AM 05 26 066 03",
		"100%% %": "100% %", "": "", "%e|%-H|%F %T": " 7|5|2026-03-07 05:04:05", "%a %q %-": "Sat %q %-",
	} {
		if got := strftime(at, format).String(); got != want {
			t.Errorf("strftime(%q) = %q, want %q", format, got, want)
		}
	}
}

func TestConcurrent(t *testing.T) {
	tmpl, err := Compile("{% macro f(a) %}<{{ a }}>{% endmacro %}{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{{ f(m) }}{% endfor %}{{ ns.n }}")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 50 {
				out, err := tmpl.Render(map[string]any{"messages": []any{i, "x"}})
				if want := fmt.Sprintf("<%d><x>2", i); err != nil || out.String() != want {
					t.Errorf("%q, %v, want %q", out.String(), err, want)
				}
			}
		})
	}
	group.Wait()
}
