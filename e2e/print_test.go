package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/page"
)

// paperOf prints the page as a browser does, and returns the PDF. With
// SLUIS_TEST_SCREENSHOTS it saves the PDF under name.
func (b *tab) paperOf(name string) []byte {
	b.t.Helper()
	colour, css := true, true
	printed := call(b, page.PrintToPDF, page.PrintToPDFParams{PrintBackground: &colour, PreferCSSPageSize: &css})
	pdf := printed.Data
	if raw, err := base64.StdEncoding.DecodeString(string(printed.Data)); err == nil {
		pdf = raw
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		b.t.Fatalf("%s: no PDF: %.20q", name, pdf)
	}
	b.keep(name+".pdf", pdf)
	return pdf
}

// keep writes a file next to the pictures, if SLUIS_TEST_SCREENSHOTS is set.
func (b *tab) keep(name string, content []byte) {
	b.t.Helper()
	dir := os.Getenv("SLUIS_TEST_SCREENSHOTS")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// sheets returns the number of pages of a PDF.
func sheets(pdf []byte) int {
	return bytes.Count(pdf, []byte("/Type /Page")) - bytes.Count(pdf, []byte("/Type /Pages"))
}

// spoken returns the page as a screen reader reads it, in its order, one line for each
// thing that it says.
func (b *tab) spoken() string {
	b.t.Helper()
	tree := call(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	byID := map[accessibility.NodeID]*accessibility.Node{}
	for _, n := range tree.Nodes {
		byID[n.NodeID] = n
	}
	var out strings.Builder
	var walk func(n *accessibility.Node, depth int)
	walk = func(n *accessibility.Node, depth int) {
		role, name := word(n.Role), word(n.Name)
		silent := n.Ignored || role == "none" || role == "generic" || role == "InlineTextBox" ||
			role == "StaticText" && depth > 0 && strings.TrimSpace(name) == ""
		if !silent {
			fmt.Fprintf(&out, "%s%s", strings.Repeat("  ", depth), role)
			if name != "" {
				fmt.Fprintf(&out, " %q", plain(name))
			}
			if v := word(n.Value); v != "" {
				fmt.Fprintf(&out, " = %q", v)
			}
			if d := word(n.Description); d != "" {
				fmt.Fprintf(&out, " (%s)", d)
			}
			for _, p := range n.Properties {
				switch p.Name {
				case "level", "checked", "expanded", "disabled":
					fmt.Fprintf(&out, " %s=%s", p.Name, word(p.Value))
				}
			}
			out.WriteByte('\n')
			depth++
		}
		if role == "InlineTextBox" {
			return
		}
		for _, id := range n.ChildIDs {
			if child := byID[id]; child != nil {
				walk(child, depth)
			}
		}
	}
	walk(tree.Nodes[0], 0)
	return out.String()
}

func word(v *accessibility.Value) string {
	if v == nil || len(v.Value) == 0 {
		return ""
	}
	var text string
	if json.Unmarshal(v.Value, &text) != nil {
		return string(v.Value)
	}
	return text
}

// TestReportOnPaper shows that the print view has everything and nothing to click. It
// fills several sheets if it must, and says so if it leaves rows out.
func TestReportOnPaper(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.signIn("uploader", "2809")
	b.deliver("save", abs(t, pilotFile))
	b.awaitResult()
	path := b.where()
	b.open(path + "/fouten")
	b.keep("report-causes.txt", []byte(b.spoken()))
	b.paperOf("report-causes")
	b.open(path + "/fouten?weergave=records&sorteer=patientnummer")
	b.keep("report-records.txt", []byte(b.spoken()))
	b.look("report-sorted")
	b.open(path + "/fouten")
	b.click("main a[href*='weergave=afdruk']")
	b.says("36 van 40 records opgeslagen, 4 afgewezen")
	b.look("report-print")
	b.keep("report-print.txt", []byte(b.spoken()))
	if n := sheets(b.paperOf("report-print")); n < 1 || n > 3 {
		t.Errorf("the pilot's report is %d sheets", n)
	}
	b.click("form[action='/taal'] button")
	b.wants("h1", "Error report")
	b.paperOf("report-print-english")
	b.click("form[action='/taal'] button")

	rows := append([]string{ownHeader}, wrongRows(620)...)
	d := p.checked(t, "many", strings.Join(rows, "\n"), 620)
	b.open("/aanleveringen/" + d.id + "/fouten?weergave=afdruk")
	b.says("De eerste 500 van 620 meldingen. Alle meldingen staan in de download voor Excel.")
	if n := sheets(b.paperOf("report-print-many")); n < 5 {
		t.Errorf("500 records are %d sheets", n)
	}
}
