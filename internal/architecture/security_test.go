package architecture

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// asvs lists the requirements of OWASP ASVS 5.0.0 that Sluis answers for: those of level 1
// and 2 that its threat model names, and some of level 3.
var asvs = map[int]string{
	1: `1.2.1 1.2.4 1.5.1 2.2.1 2.3.1 3.2.1 3.3.1 3.4.1 3.4.2 3.5.1 3.5.3 4.1.1 5.2.1 5.2.2 5.3.2 6.3.1 7.2.1 7.2.3 7.2.4 7.4.1 7.4.2 8.2.1 8.2.2
		12.1.1 14.2.1 14.3.1`,
	2: `1.3.6 2.2.3 2.3.3 2.4.1 3.3.2 3.3.3 3.3.4 3.4.3 3.4.4 3.4.5 3.4.6 3.7.2 4.1.3 4.2.1 5.1.1 5.2.3 5.4.1 6.3.3 6.8.2 7.3.1 7.3.2 7.4.3 7.4.5 8.2.3
		8.4.1 10.5.1 10.5.2 10.5.4 11.4.2 12.3.1 12.3.2 13.2.4 13.3.1 13.4.2 13.4.3 13.4.4 14.3.2 14.3.3 15.1.2 15.2.2 15.3.2 15.3.3 16.2.1 16.2.5 16.3.1
		16.3.2 16.4.1 16.4.2 16.4.3 16.5.1 16.5.2 16.5.3`,
	3: `1.2.10 1.5.3 2.3.5 4.1.4 5.2.4 6.3.8 8.3.2 11.2.4 13.3.4 14.2.6 14.2.7 15.2.4 15.4.1 15.4.2 16.5.4`,
}

var provingTest = regexp.MustCompile("`((?:[a-z0-9]+\\.)?(?:Test|Fuzz)[A-Za-z0-9]+)`")

// TestSecurityPage checks that docs/security.md has a row for each requirement, that a row
// that does not say "Not met" names a test, and that every test that the page names exists.
func TestSecurityPage(t *testing.T) {
	there := map[string]bool{}
	for _, f := range files(t) {
		if !f.test && !strings.HasSuffix(f.pkg, "storetest") {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				there[fn.Name.Name], there[filepath.Base(f.pkg)+"."+fn.Name.Name] = true, true
			}
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range provingTest.FindAllStringSubmatch(string(text), -1) {
		if !there[strings.TrimPrefix(m[1], "main.")] {
			t.Errorf("docs/security.md names %s, which does not exist", m[1])
		}
	}
	type row struct{ level, how, tests string }
	rows := map[string]row{}
	for _, line := range strings.Split(string(text), "\n") {
		if cells := strings.Split(line, "|"); len(cells) == 7 && regexp.MustCompile(`^ \d+\.\d+\.\d+ $`).MatchString(cells[1]) {
			rows[strings.TrimSpace(cells[1])] = row{strings.TrimSpace(cells[2]), cells[4], cells[5]}
		}
	}
	listed := 0
	for level, ids := range asvs {
		met, not := 0, []string(nil)
		for _, id := range strings.Fields(ids) {
			listed++
			r, ok := rows[id]
			switch {
			case !ok || r.level != strconv.Itoa(level):
				t.Errorf("docs/security.md has no row for %s of level %d", id, level)
			case strings.Contains(r.how, "**Not met.**"):
				not = append(not, id)
			case !provingTest.MatchString(r.tests):
				t.Errorf("%s names no test", id)
			default:
				met++
			}
		}
		t.Logf("level %d: %d met with a test, not met: %v", level, met, not)
	}
	if len(rows) != listed {
		t.Errorf("docs/security.md has %d rows, the list of this test %d", len(rows), listed)
	}
}

// TestDocumentedLimits compares the limits in docs/api.md with those of the program.
func TestDocumentedLimits(t *testing.T) {
	root := filepath.Join("..", "..")
	read := func(path, pattern string) string {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(pattern).FindStringSubmatch(string(raw))
		if m == nil {
			t.Fatalf("%s has no %s", path, pattern)
		}
		return strings.NewReplacer(",", "", "_", "").Replace(m[1])
	}
	for what, pair := range map[string][4]string{
		"bytes of a file":        {"internal/config/load.go", `SLUIS_MAX_FILE_MB" envDefault:"(\d+)"`, "docs/api.md", `\| file \| (\d+) MB`},
		"records of a file":      {"internal/config/load.go", `SLUIS_MAX_ROWS" envDefault:"(\d+)"`, "docs/api.md", `\| records of a file \| ([\d,]+)`},
		"columns":                {"internal/importer/intake/tabular/tabular.go", `DefaultColumns += (\d+)`, "docs/api.md", `\| columns \| (\d+)`},
		"searches of a token":    {"internal/server/limits.go", `costlyAccount += (\d+)`, "docs/api.md", `of one token \| (\d+) a minute`},
		"searches of an address": {"internal/server/limits.go", `costlyAddress += (\d+)`, "docs/api.md", `of one address ([\d,]+)`},
	} {
		if is, said := read(pair[0], pair[1]), read(pair[2], pair[3]); is != said {
			t.Errorf("%s: %s in the program, %s in %s", what, is, said, pair[2])
		}
	}
}

// outside lists the packages that may make a connection of their own, and to where.
var outside = map[string]string{
	"internal/ttpclient": "the TTP's two addresses of the settings",
	"internal/oidc":      "the providers that an administrator set; no address inside",
}

// TestOnlyKnownPlacesAreCalled: only the listed packages make a client, a transport or a
// connection, so that an address that somebody typed is never called.
func TestOnlyKnownPlacesAreCalled(t *testing.T) {
	calls := map[string]bool{
		"http.Client": true, "http.Transport": true, "http.Get": true, "http.Post": true, "http.PostForm": true, "http.Head": true,
		"http.DefaultClient": true, "http.DefaultTransport": true, "net.Dial": true, "net.DialTimeout": true, "net.Dialer": true, "tls.Dial": true,
		"tls.Dialer": true, "smtp.SendMail": true, "smtp.Dial": true,
	}
	found := map[string]bool{}
	for _, f := range files(t) {
		if f.test || regexp.MustCompile(`test$|^e2e|^bench`).MatchString(f.pkg) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.StarExpr: // a type, such as that of a parameter
				return false
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && calls[pkg.Name+"."+n.Sel.Name] {
					found[f.pkg] = true
					if outside[f.pkg] == "" {
						t.Errorf("%s uses %s.%s: whom does it call?", f.path, pkg.Name, n.Sel.Name)
					}
				}
			}
			return true
		})
	}
	for pkg := range outside {
		if !found[pkg] {
			t.Errorf("%s is listed and calls nobody", pkg)
		}
	}
}

// TestNoDebugPackages: nothing of the program brings a debugger's endpoints with it.
func TestNoDebugPackages(t *testing.T) {
	for _, f := range files(t) {
		if f.test {
			continue
		}
		for _, imported := range f.ast.Imports {
			switch path, _ := strconv.Unquote(imported.Path.Value); path {
			case "net/http/pprof", "expvar", "golang.org/x/net/trace":
				t.Errorf("%s imports %s", f.path, path)
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "http" && (sel.Sel.Name == "DefaultServeMux" || sel.Sel.Name == "HandleFunc") {
					t.Errorf("%s uses the mux on which others put their debug pages", f.path)
				}
			}
			return true
		})
	}
}

// TestSecretsAreComparedInConstantTime: whoever makes an HMAC compares it with hmac.Equal
// or subtle, not byte by byte.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	looked := 0
	for _, f := range files(t) {
		if f.path == "internal/audit/tree/key.go" { // whether its own file has other keys now; nobody else sends one
			continue
		}
		if f.test || !importsAny(f, "crypto/hmac", "crypto/subtle") {
			continue
		}
		looked++
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "bytes" && (n.Sel.Name == "Equal" || n.Sel.Name == "Compare") {
					t.Errorf("%s compares with bytes.%s", f.path, n.Sel.Name)
				}
			case *ast.BinaryExpr:
				if (n.Op == token.EQL || n.Op == token.NEQ) && isSum(n.X) {
					t.Errorf("%s compares an HMAC with %s", f.path, n.Op)
				}
			}
			return true
		})
	}
	if looked < 3 {
		t.Errorf("only %d files make an HMAC", looked)
	}
}

// isSum reports whether e is the result of a hash.
func isSum(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Sum"
}

func importsAny(f file, paths ...string) bool {
	for _, imported := range f.ast.Imports {
		for _, p := range paths {
			if imported.Path.Value == strconv.Quote(p) {
				return true
			}
		}
	}
	return false
}
