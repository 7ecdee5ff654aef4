package templates_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/a-h/templ/parser/v2"

	"sluis/web/text"
)

// sources returns the .templ or .go files of the pages, without generated ones.
func sources(t *testing.T, extension string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range []string{"*" + extension, filepath.Join("ui", "*"+extension)} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_templ.go") || strings.HasSuffix(name, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = string(raw)
		}
	}
	if len(files) == 0 {
		t.Fatalf("no %s files", extension)
	}
	return files
}

var (
	keyOfT = regexp.MustCompile(`\.T\("([^"]+)"([ )+,]*)`)
	keyOfN = regexp.MustCompile(`\.N\("([^"]+)"`)
)

// TestKeysExist finds the keys that the pages ask for; one that is composed ends
// in a dot and must begin some keys at least.
func TestKeysExist(t *testing.T) {
	c := text.For(text.Dutch)
	n := 0
	for _, extension := range []string{".templ", ".go"} {
		for name, source := range sources(t, extension) {
			for _, m := range keyOfT.FindAllStringSubmatch(source, -1) {
				n++
				if strings.HasSuffix(m[1], ".") || strings.HasPrefix(strings.TrimLeft(m[2], " )"), "+") {
					if !begins(c, m[1]) {
						t.Errorf("%s: no key begins with %q", name, m[1])
					}
				} else if !c.Has(m[1]) {
					t.Errorf("%s: %q is not in the catalogue", name, m[1])
				}
			}
			for _, m := range keyOfN.FindAllStringSubmatch(source, -1) {
				n++
				if strings.HasSuffix(m[1], ".") {
					if !begins(c, m[1]) {
						t.Errorf("%s: no key begins with %q", name, m[1])
					}
				} else if !c.Has(m[1]+".one") || !c.Has(m[1]+".other") {
					t.Errorf("%s: the plural %q is not in the catalogue", name, m[1])
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d keys found: does this test still read the pages?", n)
	}
}

func begins(c *text.Catalogue, prefix string) bool {
	for _, k := range c.Keys() {
		if strings.HasPrefix(k, prefix) {
			return true
		}
	}
	return false
}

// TestNoLiteralText wants all words of a page to come from the catalogue.
func TestNoLiteralText(t *testing.T) {
	for name, source := range sources(t, ".templ") {
		for _, words := range literals(t, source) {
			t.Errorf("%s: literal text %q belongs in the catalogue", name, words)
		}
	}
	const planted = "package x\n\ntempl x(t T) {\n\t<p class=\"a\">Goedendag { t.T(\"x\") }</p>\n\tif a {\n\t\t<b>Dag</b>\n\t}\n}\n"
	if got := literals(t, planted); len(got) != 2 {
		t.Errorf("the test itself is blind: it finds %q", got)
	}
}

// literals returns the texts between the tags of a template.
func literals(t *testing.T, source string) []string {
	t.Helper()
	file, err := parser.ParseString(source)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	var walk func(nodes []parser.Node)
	walk = func(nodes []parser.Node) {
		for _, n := range nodes {
			if text, ok := n.(*parser.Text); ok && strings.ContainsFunc(text.Value, unicode.IsLetter) {
				found = append(found, text.Value)
			}
			if inner, ok := n.(parser.CompositeNode); ok {
				walk(inner.ChildNodes())
			}
		}
	}
	for _, n := range file.Nodes {
		if template, ok := n.(*parser.HTMLTemplate); ok {
			walk(template.Children)
		}
	}
	return found
}
