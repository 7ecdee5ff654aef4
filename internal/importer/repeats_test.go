package importer_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to change what the store would not

	"sluis/internal/delivery"
	"sluis/internal/ttpclient/ttptest"
)

// repeating is a file in whose chunks of three the same numbers and people come
// again, next to each other and far apart.
func repeating() string {
	var b strings.Builder
	b.WriteString(head)
	row := func(number, name string) { fmt.Fprintf(&b, "2809;2-1-1970;m;%s;%s;;A\n", number, name) }
	for i := range 30 {
		row(fmt.Sprint("n", i), "Naam"+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	row("n1", "Naamba")   // once more
	row("n2", "Ander")    // the number with another person
	row("x1", "Naamda")   // the person under another number
	row("n29", "Naamdb")  // once more, in the chunk after
	row("leeg", "Alleen") // nothing of anybody
	return b.String()
}

func outcomes(t *testing.T, p *plant, id string) []string {
	t.Helper()
	out := []string{fmt.Sprint(p.delivery(t, id).Counts)}
	for _, f := range p.findings(t, id) {
		out = append(out, fmt.Sprint(f.Line, f.Code, f.Partners))
	}
	return out
}

// TestRepeatsOverChunks checks that rows are compared with the rows of every other chunk:
// in a check, without one, and in chunks of an older version, which have no marks.
func TestRepeatsOverChunks(t *testing.T) {
	var want []string
	for name, how := range map[string]struct {
		mode   delivery.Mode
		before bool // as a chunk of an older version
	}{"saved": {delivery.Save, false}, "checked first": {delivery.Check, false}, "of before": {delivery.Save, true},
		"of before, checked first": {delivery.Check, true}} {
		t.Run(name, func(t *testing.T) {
			p := newPlantAt(t, ttptest.Start(t), 3, time.Now)
			id := p.receive(t, how.mode, false, repeating())
			for p.delivery(t, id).State != delivery.Deciding {
				if _, err := p.importer.Step(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if how.before {
				p.forgetMarks(t)
			}
			p.settle(t)
			if how.mode == delivery.Check {
				d := p.delivery(t, id)
				planned := d.Planned
				if d.State != delivery.Checked || planned.Created == 0 || planned.Review == 0 || p.total(t) != 0 {
					t.Fatalf("checked: %s, planned %+v, %d patients", d.State, planned, p.total(t))
				}
				checked := p.findings(t, id)
				if err := p.desk.Save(t.Context(), tester, p.scope(), id); err != nil {
					t.Fatal(err)
				}
				p.settle(t)
				if got := p.delivery(t, id).Counts; got != planned {
					t.Errorf("planned %+v, stored %+v", planned, got)
				}
				same := func(a, b delivery.Finding) bool {
					return a.Line == b.Line && a.Code == b.Code && slices.Equal(a.Partners, b.Partners)
				}
				if !slices.EqualFunc(checked, p.findings(t, id), same) {
					t.Errorf("found by the check %+v, when stored %+v", checked, p.findings(t, id))
				}
			}
			got := outcomes(t, p, id)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q\nwant %q", got, want)
			}
			if d := p.delivery(t, id); d.Counts.Unchanged != 2 || d.Counts.Review != 4 || d.Counts.Created != 29 || d.Counts.Read != 35 {
				t.Errorf("counts = %+v", d.Counts)
			}
		})
	}
}

// forgetMarks leaves the chunks as an older version made them.
func (p *plant) forgetMarks(t *testing.T) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+p.path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	res, err := db.ExecContext(t.Context(), "UPDATE chunk_contents SET marks = NULL")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 12 {
		t.Fatalf("%d chunks (%v)", n, err)
	}
}
