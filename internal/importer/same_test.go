package importer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/ttpclient/ttptest"
)

// told says what became of a delivery: its counts, and each finding of a line
// with the lines that it concerns too.
func (p *plant) told(tb testing.TB, id string) string {
	tb.Helper()
	d := p.delivery(tb, id)
	var parts []string
	for _, c := range []struct {
		what string
		n    int
	}{
		{"created", d.Counts.Created}, {"updated", d.Counts.Updated}, {"unchanged", d.Counts.Unchanged}, {"rejected", d.Counts.Rejected},
		{"review", d.Counts.Review}, {"pending", d.Counts.Pending},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	for _, f := range p.findings(tb, id) {
		said := fmt.Sprintf("%d: %s", f.Line, f.Code)
		if len(f.Partners) > 0 {
			said += fmt.Sprint(" with ", f.Partners)
		}
		parts = append(parts, said)
	}
	return strings.Join(parts, "; ")
}

// sameOrChanged are two deliveries after each other, and what becomes of the second.
type sameOrChanged struct {
	name          string
	before, after string // before may be empty
	want          string
	open          int // conflicts after both
}

// TestSameAndChanged delivers rows that came before, or that other rows contradict
// (product.md, "The rules").
func TestSameAndChanged(t *testing.T) {
	const (
		a  = "2809;2-1-1970;m;1;Jansen;;A\n"
		b  = "2809;3-1-1971;v;2;Bakker;;B\n"
		c  = "2809;4-1-1972;m;3;Visser;;C\n"
		a2 = "2809;2-1-1970;m;9;Jansen;;A\n"    // the first person under another number
		b1 = "2809;3-1-1971;v;1;Bakker;;B\n"    // the second person under the first number
		bx = "2809;;v;2;Bakker;;B\n"            // without a birth date
		x  = "2809;5-1-1980;v;7;Willemsen;;W\n" // two lines of one person
		y  = "2809;6-1-1981;v;7;Ander;;W\n"     // another one under that number
		z  = "2809;5-1-1980;v;8;Willemsen;;W\n" // that person under another number
	)
	workbook := table{strings.Split(strings.TrimSpace(head), ";"), strings.Split(strings.TrimSpace(a), ";"),
		strings.Split(strings.TrimSpace(b), ";")}
	ttp := ttptest.Start(t)
	for _, k := range []sameOrChanged{
		{"the same file again", head + a + b, head + a + b, "2 unchanged", 0},
		{"saved again as Windows-1252", head + a + b, encoded(charmap.Windows1252, head+a+b), "2 unchanged", 0},
		{"saved again as a workbook", head + a + b, workbook.workbook(t, 1, nil), "2 unchanged", 0},
		{"in another order", head + a + b + c, head + c + a + b, "3 unchanged", 0},
		{"one corrected row", head + a + bx, head + a + b, "1 created; 1 unchanged", 0},
		{"one new row", head + a, head + a + b, "1 created; 1 unchanged", 0},
		{"twice in one file, identical", "", head + x + x, "1 created; 1 unchanged; 3: ROW_REPEATED with [2]", 0},
		{"twice in one file, different", "", head + x + y, "2 review; 2: DUPLICATE_NUMBER with [3]; 3: DUPLICATE_NUMBER with [2]", 2},
		{"one person, two numbers", "", head + x + z, "2 review; 2: DUPLICATE_PSEUDONYM with [3]; 3: DUPLICATE_PSEUDONYM with [2]", 2},
		{"same number, other pseudonyms", head + a + b, head + b1, "1 review; 2: CONFLICT_NUMBER", 1},
		{"other number, same pseudonyms", head + a, head + a2, "1 review; 2: CONFLICT_PSEUDONYM", 1},
		{"numbers swapped", head + a + b, head + "2809;2-1-1970;m;2;Jansen;;A\n" + b1, "2 review; 2: CONFLICT_NUMBER; 3: CONFLICT_NUMBER",
			2},
		{"a conflict that waits already", head + a + "2809;9-9-1999;v;4;Smit;;S\n", head + a2 + b,
			"1 created; 1 review; 2: CONFLICT_PSEUDONYM", 1},
		{"identical twice, different once", "", head + x + x + y,
			"3 review; 2: DUPLICATE_NUMBER with [3 4]; 3: DUPLICATE_NUMBER with [2 4]; 4: DUPLICATE_NUMBER with [2 3]", 2},
		{"two numbers, one of them twice", "", head + x + z + z,
			"3 review; 2: DUPLICATE_PSEUDONYM with [3 4]; 3: DUPLICATE_PSEUDONYM with [2 4]; 4: DUPLICATE_PSEUDONYM with [2 3]", 2},
		{"a rejected row of that number too", "", head + "2809;;v;7;Willemsen;;W\n" + x, "1 created; 1 rejected; 2: 2101", 0},
		{"another person, in the file too", head + a, head + a + b1, "2 review; 2: DUPLICATE_NUMBER with [3]; 3: DUPLICATE_NUMBER with [2]",
			2},
		{"only the sex corrected", head + a, head + "2809;2-1-1970;v;1;Jansen;;A\n", "1 review; 2: CONFLICT_NUMBER", 1},
		{"rejected before, rejected again", head + bx, head + bx, "1 rejected; 2: 2101", 0},
	} {
		t.Run(k.name, func(t *testing.T) { k.deliver(t, ttp) })
	}
}

func (k sameOrChanged) deliver(t *testing.T, ttp *ttptest.TTP) {
	p := newPlantAt(t, ttp, 500, time.Now)
	if k.before != "" {
		p.receive(t, delivery.Save, true, k.before)
		p.settle(t)
	}
	if strings.HasPrefix(k.name, "a conflict that waits") {
		p.receive(t, delivery.Save, true, k.after)
		p.settle(t)
		k.want = strings.Replace(k.want, "1 created", "1 unchanged", 1)
	}
	// A check before it must say what then happens: the same code decides in both.
	check := p.receive(t, delivery.Check, false, k.after)
	p.settle(t)
	planned := p.delivery(t, check).Planned
	said := p.findings(t, check)
	id := p.receive(t, delivery.Save, true, k.after)
	p.settle(t)
	got := p.told(t, id)
	t.Log(got)
	if got != k.want {
		t.Errorf("%s, want %s", got, k.want)
	}
	if n := p.delivery(t, id).Counts; planned != n || len(said) != len(p.findings(t, id)) {
		t.Errorf("the check said %+v and then %+v happened", planned, n)
	}
	if n, err := p.store.CountConflicts(t.Context(), p.scope()); err != nil || n != k.open {
		t.Errorf("%d conflicts are open, want %d (%v)", n, k.open, err)
	}
}

// TestSamePersonInTwoCentres: a person is followed along the chain of care.
func TestSamePersonInTwoCentres(t *testing.T) {
	p := newPlantAt(t, ttptest.Start(t), 500, time.Now)
	other, err := p.store.AddCentre(t.Context(), tester, account.Centre{Number: "2810", Name: "Ander", IdentitiesAllowed: true})
	if err != nil {
		t.Fatal(err)
	}
	p.receive(t, delivery.Save, true, head+"2809;2-1-1970;m;1;Jansen;;A\n")
	id, err := p.intake.Receive(t.Context(), intake.Upload{Who: tester, Centre: other, Mode: delivery.Save},
		strings.NewReader(head+"2810;2-1-1970;m;H7;Jansen;;A\n"))
	if err != nil {
		t.Fatal(err)
	}
	p.settle(t)
	if got := p.told(t, id); got != "1 created" {
		t.Errorf("in the second centre: %s", got)
	}
	page, err := p.store.Patients(t.Context(), tester, account.AllCentres(), patient.Query{})
	if err != nil || page.Total != 2 {
		t.Errorf("%d patients, want one in each centre (%v)", page.Total, err)
	}
}
