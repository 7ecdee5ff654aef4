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
	"testing"
)

const module = "sluis/"

// may is who may import whom. A package that is not listed fails: put it in its
// place in docs/architecture.md first.
var may = map[string][]string{
	"cmd/web": {"*"},

	"internal/architecture": {},
	"internal/identity":     {},
	"internal/apperr":       {},
	"internal/audit":        {},
	"internal/packed":       {},
	"internal/patient":      {"internal/packed"},
	"internal/sealing":      {},
	"internal/config":       {},
	"internal/ttpsandbox":   {},
	"internal/ttphealth":    {},
	"internal/account":      {"internal/audit"},
	"internal/delivery":     {"internal/audit", "internal/patient"},
	"internal/conversion":   {"internal/account", "internal/delivery", "internal/patient"},

	"internal/ttpclient":         {"internal/apperr", "internal/patient", "internal/ttphealth"},
	"internal/ttpclient/prepare": {"internal/identity", "internal/patient", "internal/ttpclient"},
	"internal/ttpclient/resolve": {"internal/patient", "internal/ttpclient"},
	"internal/ttpclient/dataset": {"internal/apperr", "internal/patient", "internal/ttpclient"},
	"internal/ttpclient/ttptest": {"internal/ttpclient", "internal/ttpsandbox"},

	"internal/importer": {"internal/account", "internal/apperr", "internal/audit", "internal/delivery", "internal/conversion", "internal/patient", "internal/sealing"},
	"internal/importer/intake": {
		"internal/account", "internal/apperr", "internal/audit", "internal/delivery", "internal/identity",
		"internal/importer/intake/fhir", "internal/importer/intake/tabular",
		"internal/packed", "internal/patient", "internal/sealing",
	},
	"internal/importer/intake/fhir":    {"internal/importer/intake/tabular"},
	"internal/importer/intake/tabular": {},

	"internal/importer/oldtable": {
		"internal/account", "internal/apperr", "internal/audit", "internal/delivery", "internal/importer/intake", "internal/conversion",
		"internal/patient", "internal/sealing",
	},

	"internal/renewal": {"internal/patient"},

	"internal/store":           {"internal/account", "internal/apperr", "internal/audit", "internal/delivery", "internal/conversion", "internal/patient", "internal/renewal", "internal/ttphealth", "migrations"},
	"internal/store/oldtable":  {"internal/importer/oldtable", "internal/conversion"},
	"internal/store/storetest": {"internal/account", "internal/apperr", "internal/audit", "internal/delivery", "internal/conversion", "internal/patient", "internal/renewal", "internal/store", "internal/ttphealth"},

	"internal/server": {
		"internal/account", "internal/apperr", "internal/audit", "internal/delivery", "internal/importer", "internal/importer/intake",
		"internal/conversion", "internal/patient", "internal/server/api", "internal/server/entry", "internal/server/example", "internal/server/report", "internal/server/request",
		"internal/server/upload", "internal/ttphealth", "web/static", "web/templates", "web/text",
	},
	"internal/server/api": {
		"internal/account", "internal/apperr", "internal/audit", "internal/delivery", "internal/importer/intake", "internal/patient",
		"internal/server/entry", "internal/server/report", "internal/server/request", "internal/server/upload", "web/text",
	},
	"internal/server/entry":   {"internal/account", "internal/apperr", "internal/audit", "internal/identity", "internal/importer", "internal/patient"},
	"internal/server/example": {"internal/delivery", "internal/importer/intake", "web/text"},
	"internal/server/report":  {"internal/delivery", "internal/patient", "web/text"},
	"internal/server/request": {"internal/account", "internal/apperr", "internal/audit"},
	"internal/server/upload":  {"internal/apperr"},

	"web/static":       {},
	"web/text":         {},
	"web/templates":    {"web/static", "web/templates/ui", "web/text"},
	"web/templates/ui": {"web/text"},
	"migrations":       {},
	"e2e":              {},
	"bench":            {},
}

// outside is where a library may be imported at all.
var outside = map[string][]string{
	"gorm.io/":                        {"internal/store"},
	"modernc.org/sqlite":              {"internal/store", "internal/store/oldtable"},
	"github.com/microsoft/go-mssqldb": {"internal/store", "internal/store/oldtable"},
	"github.com/pressly/goose":        {"internal/store"},
	"database/sql":                    {"internal/store", "internal/store/oldtable", "internal/identity"}, // identity: driver.Valuer, to refuse
	"github.com/go-chi/chi":           {"internal/server", "internal/server/api"},
	"github.com/gorilla/":             {"internal/server"},
	"github.com/a-h/templ":            {"internal/server", "web/templates", "web/templates/ui"},
	"github.com/tink-crypto/":         {"internal/sealing", "internal/ttpsandbox"},
	"github.com/alecthomas/kong":      {"cmd/web"},
	"github.com/alexedwards/argon2id": {"internal/account"},
	"github.com/failsafe-go/":         {"internal/ttpclient"},
	"golang.org/x/oauth2":             {"internal/ttpclient"},
	"github.com/caarlos0/env":         {"internal/config"},
	"github.com/santhosh-tekuri/":     {},
	"github.com/chromedp/":            {},
	"pgregory.net/rapid":              {"internal/ttpclient/ttptest"},
	"github.com/PuerkitoBio/goquery":  {},
	"html/template":                   {},
}

type file struct {
	pkg, path string
	test      bool
	ast       *ast.File
}

// files reads every Go file of the module.
func files(t *testing.T) []file {
	t.Helper()
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
		out = append(out, file{pkg: filepath.ToSlash(filepath.Dir(rel)), path: filepath.ToSlash(rel), test: strings.HasSuffix(path, "_test.go"), ast: f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("read %d files only: is the test in its place?", len(out))
	}
	return out
}

func imports(f file) []string {
	var out []string
	for _, i := range f.ast.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		out = append(out, p)
	}
	return out
}

func TestImportDirections(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range files(t) {
		allowed, listed := may[f.pkg]
		if !listed {
			t.Errorf("%s: package %s has no place in the architecture", f.path, f.pkg)
			continue
		}
		seen[f.pkg] = true
		if f.test || slices.Contains(allowed, "*") {
			continue
		}
		for _, i := range imports(f) {
			if name, ours := strings.CutPrefix(i, module); ours && !slices.Contains(allowed, name) {
				t.Errorf("%s: %s may not import %s", f.path, f.pkg, name)
			}
		}
	}
	for pkg := range may {
		if !seen[pkg] {
			t.Errorf("package %s is listed and does not exist", pkg)
		}
	}
}

func TestLibrariesStayInTheirPlace(t *testing.T) {
	for _, f := range files(t) {
		if f.test || f.pkg == "e2e" {
			continue
		}
		for _, i := range imports(f) {
			for lib, where := range outside {
				inside := i == lib || strings.HasPrefix(i, strings.TrimSuffix(lib, "/")+"/")
				if inside && !slices.Contains(where, f.pkg) {
					t.Errorf("%s: %s may not import %s", f.path, f.pkg, i)
				}
			}
		}
	}
}

// TestIdentitiesNeverMeetDefinitivePseudonyms: a package that can name an
// identity cannot name a definitive pseudonym, and the resolving half of the TTP
// client is out of its reach.
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
	// These hold them without the type: rows of the old table, as its database gives them.
	sees["internal/importer/oldtable"], sees["internal/store/oldtable"] = true, true
	for _, f := range all {
		if f.test || !sees[f.pkg] {
			continue
		}
		for _, i := range imports(f) {
			if i == module+"internal/ttpclient/resolve" {
				t.Errorf("%s: whoever sees an identity may not import %s", f.path, i)
			}
		}
		for _, banned := range []string{"Pseudonym", "Resolved", "Resolver", "Candidate", "Registrar"} {
			if uses(f.ast, "patient", banned) {
				t.Errorf("%s: patient.%s is in reach of an identity", f.path, banned)
			}
		}
	}
}

// TestOnlyTheTTPAndTheSealReveal: the values of an identity are taken out to be
// sent or sealed, nowhere else.
func TestOnlyTheTTPAndTheSealReveal(t *testing.T) {
	where := []string{"internal/importer/intake/parse.go", "internal/ttpclient/prepare/prepare.go"}
	found := 0
	for _, f := range files(t) {
		if f.test || f.pkg == "internal/identity" || !slices.Contains(imports(f), module+"internal/identity") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Reveal" {
				if found++; !slices.Contains(where, f.path) {
					t.Errorf("%s reveals an identity", f.path)
				}
			}
			return true
		})
	}
	if found == 0 {
		t.Error("nobody reveals an identity: is the test blind?")
	}
}

// TestMultipartStaysAStream: these write a temporary file with what was uploaded.
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

// TestPackagesSayWhatTheyAreFor: every package has a comment that says what it
// is for.
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
