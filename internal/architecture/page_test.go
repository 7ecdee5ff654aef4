package architecture

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// page is the one source of the import rules. Tests read its tables and keep no
// copy of them.
const page = "docs/architecture.md"

// table returns the rows of the one table below a heading of a page, each with its
// cells. A table of another width, or an empty one, fails the test: a rule
// that is not read is not kept.
func table(t *testing.T, page, heading string, columns int) [][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(page)))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", page, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var rows [][]string
	ended := false
	for line := range strings.SplitSeq(section, "\n") {
		if !strings.HasPrefix(line, "|") {
			ended = rows != nil
			continue
		}
		if ended {
			t.Fatalf("%s, %q: an empty line cuts the table in two, before: %s", page, heading, line)
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != columns {
			t.Fatalf("%s, %q: %d cells, want %d: %s", page, heading, len(cells), columns, line)
		}
		rows = append(rows, cells)
	}
	if len(rows) < 3 { // a header, a rule and one row at least
		t.Fatalf("%s, %q: no table", page, heading)
	}
	return rows[2:]
}

// names returns the names in a cell, which are written `name`, `name`. It
// returns none if the cell is the words for none, such as "nothing of ours".
func names(t *testing.T, cell, none string) []string {
	t.Helper()
	if cell == none {
		return nil
	}
	var out []string
	for part := range strings.SplitSeq(cell, ", ") {
		name, ok := strings.CutPrefix(part, "`")
		name, closed := strings.CutSuffix(name, "`")
		if !ok || !closed || strings.Contains(name, "`") {
			t.Fatalf("%s: write `name`, `name` or %q, not: %s", page, none, cell)
		}
		out = append(out, name)
	}
	return out
}

// path returns the package that the page calls name: its place below internal,
// or else from the root.
func path(packages map[string]bool, name string) string {
	if packages["internal/"+name] {
		return "internal/" + name
	}
	return name
}

// packages returns every package of the module that has a Go file.
func packages(all []file) map[string]bool {
	out := map[string]bool{}
	for _, f := range all {
		out[f.pkg] = true
	}
	return out
}

// mayImport returns the table of packages: who may import whom. Only cmd/web may
// import everything, which is "*" here.
func mayImport(t *testing.T, there map[string]bool) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, row := range table(t, page, "Packages", 4) {
		pkg := path(there, names(t, row[0], "")[0])
		if _, twice := out[pkg]; twice {
			t.Errorf("%s lists %s twice: keep one row", page, row[0])
		}
		if !there[pkg] {
			t.Errorf("%s lists %s, which does not exist: delete or rename its row", page, row[0])
		}
		if row[1] == "" || row[3] == "" {
			t.Errorf("%s does not say what %s is, or what it never does", page, row[0])
		}
		if pkg == "cmd/web" && row[2] == "everything" {
			out[pkg] = []string{"*"}
			continue
		}
		out[pkg] = []string{}
		for _, name := range names(t, row[2], "nothing of ours") {
			if !there[path(there, name)] {
				t.Errorf("%s lets %s import `%s`, which does not exist", page, row[0], name)
			}
			out[pkg] = append(out[pkg], path(there, name))
		}
	}
	return out
}

// onlyIn returns the table of libraries: the packages that may import each.
func onlyIn(t *testing.T, there map[string]bool) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, row := range table(t, page, "Libraries", 2) {
		lib := names(t, row[0], "")[0]
		if _, twice := out[lib]; twice {
			t.Errorf("%s lists the library %s twice: keep one row", page, lib)
		}
		out[lib] = []string{}
		for _, name := range names(t, row[1], "nothing but tests") {
			if !there[path(there, name)] {
				t.Errorf("%s lets `%s` import %s, but there is no such package", page, name, lib)
			}
			out[lib] = append(out[lib], path(there, name))
		}
	}
	return out
}

// TestStatesOfADelivery compares the page's list of states with the constants of
// delivery.State.
func TestStatesOfADelivery(t *testing.T) {
	var inCode, onPage []string
	for _, f := range files(t) {
		if f.pkg == "internal/delivery" && !f.test {
			inCode = append(inCode, constants(f.ast, "State")...)
		}
	}
	if len(inCode) == 0 {
		t.Fatal("internal/delivery has no constants of type State: is the test blind?")
	}
	for _, row := range table(t, page, "States of a delivery", 3) {
		state := names(t, row[0], "")[0]
		if slices.Contains(onPage, state) {
			t.Errorf("%s lists the state %s twice", page, state)
		}
		onPage = append(onPage, state)
	}
	for _, s := range inCode {
		if !slices.Contains(onPage, s) {
			t.Errorf("%s leaves out the state %s: add a row under \"States of a delivery\"", page, s)
		}
	}
	for _, row := range table(t, page, "States of a delivery", 3) {
		if s := names(t, row[0], "")[0]; !slices.Contains(inCode, s) {
			t.Errorf("%s lists the state %s, which delivery.State does not have", page, s)
		}
		next, _, _ := strings.Cut(row[2], " (")
		for _, s := range names(t, next, "–") {
			if !slices.Contains(inCode, s) {
				t.Errorf("%s: state %s goes on to %s, which delivery.State does not have", page, row[0], s)
			}
		}
	}
}

// constants returns the values of the constants of a type, as they are written
// in f: Name Type = "value".
func constants(f *ast.File, of string) []string {
	var out []string
	for _, d := range f.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.CONST {
			continue
		}
		for _, spec := range decl.Specs {
			v := spec.(*ast.ValueSpec)
			if typ, ok := v.Type.(*ast.Ident); !ok || typ.Name != of {
				continue
			}
			for _, value := range v.Values {
				if lit, ok := value.(*ast.BasicLit); ok {
					s, _ := strconv.Unquote(lit.Value)
					out = append(out, s)
				}
			}
		}
	}
	return out
}
