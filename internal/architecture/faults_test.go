package architecture

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var namedTest = regexp.MustCompile("`([a-z0-9]+\\.Test[A-Za-z0-9]+)`")

// TestFaultMatrix checks that docs/faults.md has a row for every fault, and that
// every test it names exists. It logs each fault with its tests.
func TestFaultMatrix(t *testing.T) {
	there := map[string]bool{}
	for _, f := range files(t) {
		if !f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				there[filepath.Base(f.pkg)+"."+fn.Name.Name] = true
			}
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[int]bool{}
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 6 {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(cells[1]))
		if err != nil {
			continue
		}
		rows[n] = true
		var names []string
		for _, m := range namedTest.FindAllStringSubmatch(cells[4], -1) {
			names = append(names, m[1])
			if !there[m[1]] {
				t.Errorf("row %d names %s, which does not exist", n, m[1])
			}
		}
		if len(names) == 0 {
			t.Errorf("row %d names no test", n)
		}
		t.Logf("%2d %-55s %s", n, strings.TrimSpace(cells[2]), strings.Join(names, ", "))
	}
	for n := 2; n <= 24; n++ {
		if !rows[n] {
			t.Errorf("row %d is missing", n)
		}
	}
}
