package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// platforms are those that test/all.sh does not vet, which would compile all that
// we import for each: it has met their files on Linux or Windows. The last two are
// for what other systems and processors fall back to.
var platforms = []string{"windows/arm64", "darwin/amd64", "darwin/arm64", "openbsd/amd64", "linux/riscv64"}

// TestPlatforms type-checks every package and its tests as each platform has them.
func TestPlatforms(t *testing.T) {
	for _, platform := range platforms {
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			system, arch, _ := strings.Cut(platform, "/")
			checked := map[string]*types.Package{"unsafe": types.Unsafe}
			for _, l := range listed(t, "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch) {
				p, err := l.check(checked, arch)
				if err != nil {
					t.Fatalf("%s: %v", l.ImportPath, err)
				}
				checked[l.ImportPath] = p
			}
			if len(checked) < 200 {
				t.Errorf("%d packages", len(checked))
			}
		})
	}
}

// A source is a package as go list has it.
type source struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string
	Module          *struct{ GoVersion string }
}

// listed returns our packages and their tests, behind all that they import.
func listed(t *testing.T, env ...string) (list []source) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-test", "-json=ImportPath,Dir,GoFiles,ImportMap,Module", "bitnet-gpu/...")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(out))
	for {
		var s source
		switch err := d.Decode(&s); {
		case err == io.EOF:
			return list
		case err != nil:
			t.Fatal(err)
		case s.ImportPath != "unsafe" && !strings.HasSuffix(s.ImportPath, ".test"): // those, go test writes
			list = append(list, s)
		}
	}
}

// check finds out the types of a package. Of another module's functions it reads
// the first line.
func (s source) check(checked map[string]*types.Package, arch string) (*types.Package, error) {
	ours := strings.HasPrefix(s.ImportPath, "bitnet-gpu")
	fset, files := token.NewFileSet(), []*ast.File{}
	for _, name := range s.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(s.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	c := types.Config{Sizes: types.SizesFor("gc", arch), IgnoreFuncBodies: !ours, Importer: importer(func(path string) (*types.Package, error) {
		if to := s.ImportMap[path]; to != "" {
			path = to
		}
		if p := checked[path]; p != nil {
			return p, nil
		}
		return nil, fmt.Errorf("%s is not listed before", path)
	})}
	if s.Module != nil {
		c.GoVersion = "go" + s.Module.GoVersion
	}
	return c.Check(s.ImportPath, fset, files, nil)
}

// An importer is a function that finds packages.
type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }
