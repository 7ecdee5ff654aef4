package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "sluis/"

type file struct {
	pkg, path string
	test      bool
	ast       *ast.File
}

// read reads every Go file of the module, once for all tests.
var read = sync.OnceValues(func() ([]file, error) {
	root := filepath.Join("..", "..")
	var out []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, 0)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		out = append(out, file{
			pkg: filepath.ToSlash(filepath.Dir(rel)), path: filepath.ToSlash(rel), test: strings.HasSuffix(path, "_test.go"), ast: f,
		})
		return nil
	})
	return out, err
})

// files returns every Go file of the module.
func files(t *testing.T) []file {
	t.Helper()
	out, err := read()
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("read only %d files: is the test in its place?", len(out))
	}
	return out
}

// imports returns the paths that f imports.
func imports(f file) []string {
	var out []string
	for _, i := range f.ast.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		out = append(out, p)
	}
	return out
}

// TestImportDirections compares every import with the table of packages in
// docs/architecture.md.
func TestImportDirections(t *testing.T) {
	all := files(t)
	there := packages(all)
	may := mayImport(t, there)
	used := map[string]bool{}
	for _, f := range all {
		allowed, listed := may[f.pkg]
		if !listed {
			t.Errorf("%s: package %s has no row in the table of packages of %s: add it there, with what it is and never does",
				f.path, f.pkg, page)
			may[f.pkg] = []string{"*"} // one message a package is enough
			continue
		}
		if f.test || slices.Contains(allowed, "*") {
			continue
		}
		for _, i := range imports(f) {
			name, ours := strings.CutPrefix(i, module)
			if ours && !slices.Contains(allowed, name) {
				t.Errorf("%s: %s may not import %s; if it should, add it to the package's row in %s", f.path, f.pkg, name, page)
			}
			used[f.pkg+" "+name] = ours
		}
	}
	for pkg, allowed := range may {
		for _, name := range allowed {
			if name != "*" && !used[pkg+" "+name] {
				t.Errorf("%s lets %s import %s, which it does not: take it out of the package's row", page, pkg, name)
			}
		}
	}
}

// TestLibrariesStayInTheirPlace compares every import of a library with the table
// of libraries in docs/architecture.md.
func TestLibrariesStayInTheirPlace(t *testing.T) {
	all := files(t)
	libraries := onlyIn(t, packages(all))
	for _, f := range all {
		if f.test || f.pkg == "e2e" { // all of e2e is a test
			continue
		}
		for _, i := range imports(f) {
			for lib, places := range libraries {
				inside := i == lib || strings.HasPrefix(i, strings.TrimSuffix(lib, "/")+"/")
				if inside && !slices.Contains(places, f.pkg) {
					t.Errorf("%s: %s may not import %s; its place is in the table of libraries of %s", f.path, f.pkg, i, page)
				}
			}
		}
	}
}

// TestIdentitiesNeverMeetDefinitivePseudonyms checks that a package that can name
// an identity cannot name a definitive pseudonym, and cannot import the resolving
// half of the TTP client.
func TestIdentitiesNeverMeetDefinitivePseudonyms(t *testing.T) {
	sees := map[string]bool{}
	all := files(t)
	for _, f := range all {
		if !f.test && slices.Contains(imports(f), module+"internal/identity") {
			sees[f.pkg] = true
		}
	}
	want := []string{"internal/importer/intake", "internal/server/entry", "internal/ttpclient/prepare"}
	for pkg := range sees {
		if !slices.Contains(want, pkg) {
			t.Errorf("%s imports identity; only %v may", pkg, want)
		}
	}
	if len(sees) != len(want) {
		t.Errorf("identity is imported by %v, want %v: is the test blind?", sees, want)
	}
	// These two hold identities without the type: rows of the old table, as its database returns them.
	sees["internal/importer/oldtable"], sees["internal/store/oldtable"] = true, true
	for _, f := range all {
		if f.test || !sees[f.pkg] {
			continue
		}
		for _, i := range imports(f) {
			if i == module+"internal/ttpclient/resolve" {
				t.Errorf("%s: a package that sees an identity may not import %s", f.path, i)
			}
		}
		for _, banned := range []string{"Pseudonym", "Resolved", "Resolver", "Candidate", "Registrar"} {
			if uses(f.ast, "patient", banned) {
				t.Errorf("%s: patient.%s is in reach of an identity", f.path, banned)
			}
		}
		if uses(f.ast, "chunk", "DefinitiveRows") {
			t.Errorf("%s: definitive pseudonyms can be opened in reach of an identity", f.path)
		}
	}
}

// TestOnlyTheTTPAndTheSealReveal checks that the values of an identity are read
// only to send or to seal them.
func TestOnlyTheTTPAndTheSealReveal(t *testing.T) {
	places := []string{"internal/importer/intake/parse.go", "internal/ttpclient/prepare/prepare.go"}
	found := 0
	for _, f := range files(t) {
		if f.test || f.pkg == "internal/identity" || !slices.Contains(imports(f), module+"internal/identity") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Reveal" {
				if found++; !slices.Contains(places, f.path) {
					t.Errorf("%s reveals an identity", f.path)
				}
			}
			return true
		})
	}
	if found == 0 {
		t.Error("no file reveals an identity: is the test blind?")
	}
}

// TestMultipartStaysAStream checks that the server uses nothing that may write an
// upload to a temporary file.
func TestMultipartStaysAStream(t *testing.T) {
	for _, f := range files(t) {
		if f.test || !strings.HasPrefix(f.pkg, "internal/server") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok &&
				slices.Contains([]string{"ParseMultipartForm", "FormFile", "MultipartForm", "FormValue"}, s.Sel.Name) {
				t.Errorf("%s uses %s: it may put an upload on the disk", f.path, s.Sel.Name)
			}
			return true
		})
	}
}

// TestPackagesSayWhatTheyAreFor checks that every package has a comment that says
// what it is for.
func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	root := filepath.Join("..", "..")
	said := map[string]bool{}
	for _, f := range files(t) {
		said[f.pkg] = said[f.pkg] || f.test && f.pkg == "e2e"
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, f.path), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.Doc != nil && len(parsed.Doc.Text()) > 60 {
			said[f.pkg] = true
		}
	}
	for pkg, ok := range said {
		if !ok {
			t.Errorf("package %s does not say what it is for", pkg)
		}
	}
}

// uses reports whether f names pkg.name.
func uses(f *ast.File, pkg, name string) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg {
				found = true
			}
		}
		return true
	})
	return found
}
