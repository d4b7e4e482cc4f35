package jinja

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A construct is a template with one construct of those that the templates of
// models use, and what Jinja2 makes of it: a text, or an error. What libraries
// make of it stands beside: right, refused, or wrong, which is another text.
type construct struct {
	Name      string  `json:"name"`
	Template  string  `json:"template"`
	Want      *string `json:"want"`
	Raises    string  `json:"raises"`
	Refused   string  `json:"refused"`   // our error, where Jinja2 has none
	Gonja     string  `json:"gonja"`     // 2.9.1
	Ardanlabs string  `json:"ardanlabs"` // 1.8.0

	Variables json.RawMessage `json:"variables"`
}

func constructs(t *testing.T) (all []construct) {
	t.Helper()
	data, err := os.ReadFile("testdata/constructs.json")
	if err != nil {
		t.Fatal(err)
	}
	var sets []struct {
		Variables json.RawMessage
		Cases     []construct
	}
	if err := json.Unmarshal(data, &sets); err != nil {
		t.Fatal(err)
	}
	for _, set := range sets {
		for _, c := range set.Cases {
			c.Variables = set.Variables
			all = append(all, c)
		}
	}
	return all
}

// variables returns JSON as Render's variables, with dictionaries in order.
func variables(t *testing.T, data []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	made := map[string]any{}
	for _, f := range readJSON(t, d).(Dict) {
		made[f.Name] = f.Value
	}
	return made
}

func readJSON(t *testing.T, d *json.Decoder) any {
	t.Helper()
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch token := token.(type) {
	case json.Delim:
		var list []any
		var dict Dict
		for d.More() {
			if token == '[' {
				list = append(list, readJSON(t, d))
				continue
			}
			name := readJSON(t, d).(string)
			dict = append(dict, Field{name, readJSON(t, d)})
		}
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
		if token == '[' {
			return list
		}
		return dict
	case json.Number:
		n, err := token.Int64()
		if err != nil {
			t.Fatal(err)
		}
		return int(n)
	default:
		return token
	}
}

func render(source string, variables map[string]any) (string, error) {
	tmpl, err := Compile(source)
	if err != nil {
		return "", err
	}
	out, err := tmpl.Render(variables)
	return out.String(), err
}

// TestConstructs holds that templates render as in Jinja2, fail where it fails,
// and that no construct is passed over. The figures of the package comment are
// these.
func TestConstructs(t *testing.T) {
	figures := map[string]int{}
	for _, c := range constructs(t) {
		figures["gonja "+c.Gonja]++
		figures["ardanlabs "+c.Ardanlabs]++
		t.Run(c.Name, func(t *testing.T) {
			got, err := render(c.Template, variables(t, c.Variables))
			switch {
			case c.Refused != "":
				if err == nil || !strings.Contains(err.Error(), c.Refused) {
					t.Errorf("%s\ngives %q and the error %v, want %s", c.Template, got, err, c.Refused)
				}
				figures["ours refused"]++
			case c.Want == nil:
				if err == nil || !strings.HasPrefix(err.Error(), "line ") || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s\ngives %q and the error %v, where Jinja2 raises %s", c.Template, got, err, c.Raises)
				}
			case err != nil:
				t.Errorf("%s\n%v", c.Template, err)
			case got != *c.Want:
				t.Errorf("%s\n got %q\nwant %q", c.Template, got, *c.Want)
			}
		})
	}
	for what, n := range map[string]int{
		"gonja right": 134, "gonja refused": 34, "gonja wrong": 70, "ardanlabs right": 139, "ardanlabs refused": 24, "ardanlabs wrong": 75, "ours refused": 2,
	} {
		if figures[what] != n {
			t.Errorf("%d times %s, the package comment says %d", figures[what], what, n)
		}
	}
}

// jinja2 renders with the real one; without it the test is skipped.
func jinja2(t *testing.T, cases []construct) []construct {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import jinja2").Run() != nil {
			continue
		}
		input, err := json.Marshal(cases)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(python, "testdata/jinja2_oracle.py")
		cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		made := make([]construct, len(cases))
		d := json.NewDecoder(bytes.NewReader(out))
		for i := range made {
			if err := d.Decode(&made[i]); err != nil {
				t.Fatal(err)
			}
		}
		return made
	}
	const missing = "needs python3 with Jinja2 (Debian's python3-jinja2)"
	if slices.Contains(strings.Split(os.Getenv("BITNET_TEST_REQUIRE"), ","), "jinja2") {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return nil
}

// TestConstructsAreJinja2s holds that the answers in testdata are Jinja2's.
func TestConstructsAreJinja2s(t *testing.T) {
	cases := constructs(t)
	for i, got := range jinja2(t, cases) {
		c := cases[i]
		switch {
		case (got.Want == nil) != (c.Want == nil), got.Want == nil && got.Raises != c.Raises:
			t.Errorf("%s: Jinja2 raises %q, testdata has %q", c.Name, got.Raises, c.Raises)
		case got.Want != nil && *got.Want != *c.Want:
			t.Errorf("%s: Jinja2 renders %q, testdata has %q", c.Name, *got.Want, *c.Want)
		}
	}
}
