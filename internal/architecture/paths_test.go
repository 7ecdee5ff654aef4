package architecture

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)]*)?\)`)
	codePath = regexp.MustCompile("`((?:cmd|internal|web|docs|migrations|bench|e2e|testdata)/[A-Za-z0-9_./-]*)`")
	codeName = regexp.MustCompile("`([a-z][a-z0-9]*)\\.((?:[A-Z][A-Za-z0-9]*\\.)?[A-Za-z][A-Za-z0-9]*)`")
)

// pages returns the pages of documentation, with their text, by path from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..")
	out := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			rel, err := filepath.Rel(root, name)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.ToSlash(rel)] = string(text)
		}
	}
	if len(out) < 20 {
		t.Fatalf("read only %d pages: is the test in its place?", len(out))
	}
	return out
}

// TestPagesNameWhatExists checks the links of every page, and each path that a
// page writes as code: `internal/store/dialect.go`.
func TestPagesNameWhatExists(t *testing.T) {
	there := func(path string) bool {
		_, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(path)))
		return err == nil
	}
	for name, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if !there(filepath.ToSlash(filepath.Join(filepath.Dir(name), m[1]))) {
				t.Errorf("%s links to %s, which does not exist", name, m[1])
			}
		}
		for _, m := range codePath.FindAllStringSubmatch(text, -1) {
			if !there(m[1]) {
				t.Errorf("%s names %s, which does not exist: write its new path", name, m[1])
			}
		}
	}
}

// TestFirstHourNamesFunctionsThatExist checks the names in docs/first-hour.md
// that are written as package.Function, package.Type or package.Type.Method.
func TestFirstHourNamesFunctionsThatExist(t *testing.T) {
	const name = "docs/first-hour.md"
	ours, there := map[string]bool{}, map[string]bool{}
	for _, f := range files(t) {
		pkg := f.ast.Name.Name
		ours[pkg] = true
		for _, d := range f.ast.Decls {
			for _, declared := range declares(d) {
				there[pkg+"."+declared] = true
			}
		}
	}
	found := 0
	for _, m := range codeName.FindAllStringSubmatch(pages(t)[name], -1) {
		if !ours[m[1]] || m[2] == "go" || m[2] == "md" { // a library, or the name of a file
			continue
		}
		if found++; !there[m[1]+"."+m[2]] {
			t.Errorf("%s names %s.%s, which does not exist: write its new name", name, m[1], m[2])
		}
	}
	if found < 10 {
		t.Errorf("%s names %d functions: is the test blind?", name, found)
	}
}

// declares returns the names that d declares, a method as Type.Method.
func declares(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		typ := d.Recv.List[0].Type
		if star, ok := typ.(*ast.StarExpr); ok {
			typ = star.X
		}
		if id, ok := typ.(*ast.Ident); ok {
			return []string{id.Name + "." + d.Name.Name}
		}
	case *ast.GenDecl:
		var out []string
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				out = append(out, spec.Name.Name)
				if in, ok := spec.Type.(*ast.InterfaceType); ok {
					for _, m := range in.Methods.List {
						for _, id := range m.Names {
							out = append(out, spec.Name.Name+"."+id.Name)
						}
					}
				}
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					out = append(out, id.Name)
				}
			}
		}
		return out
	}
	return nil
}
