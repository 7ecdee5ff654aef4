package intake_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/importer/intake/columns"
)

// odd is a file of which Sluis knows only one header.
const odd = "Uit het EPD\nZisnr;Wanneer geboren;M/V;Eigen naam;Initialen pat.;Tussenv.\n" +
	"0017;3/4/1970;M;Canarynaam;Q.;van\n0018;5/6/1971;V;Canarydrie;X.;\n0019;7/8/1972;V;Canarytwee;Z.;de\n"

func (p *plant) scope() account.Scope { return account.Actor{Centre: &p.centre}.Scope() }

// waits delivers a file and parses it, until it waits for a user or goes on.
func (p *plant) waits(file string) delivery.Delivery {
	p.t.Helper()
	id, err := p.intake.Receive(p.t.Context(), intake.Upload{Who: tester, Centre: p.centre, Mode: delivery.Save, Via: audit.ViaWeb},
		strings.NewReader(file))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.again(id)
}

func (p *plant) again(id string) delivery.Delivery {
	p.t.Helper()
	c, ok, err := p.store.ClaimDelivery(p.t.Context(), begun.Add(time.Second), time.Minute)
	if err != nil || !ok || c.Delivery.PublicID != id {
		p.t.Fatalf("claimed %v (%v)", ok, err)
	}
	if err := p.intake.Parse(p.t.Context(), c); err != nil {
		p.t.Fatal(err)
	}
	d, err := p.store.Delivery(p.t.Context(), p.scope(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

// TestColumnsAreAssigned follows a file with unknown columns, from its preview to the next
// file with the same header.
func TestColumnsAreAssigned(t *testing.T) {
	p := newPlant(t, nil)
	d := p.waits(odd)
	if d.State != delivery.Mapping || d.Status() != delivery.StatusNeedsMapping || !d.ExpiresAt.Equal(d.CreatedAt.Add(24*time.Hour)) {
		t.Fatalf("%s, until %v", d.State, d.ExpiresAt)
	}
	view, err := p.intake.Preview(t.Context(), p.scope(), d.PublicID, columns.Where{})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("preview", func(t *testing.T) { wantPreviewOfOdd(t, view) })
	t.Run("wrong assignments", func(t *testing.T) {
		for _, tc := range []struct {
			columns map[delivery.Field]int
			code    string
			n       int
		}{
			{map[delivery.Field]int{"surname": 3, "initials": 3}, "COLUMN_USED_TWICE", 1},
			{map[delivery.Field]int{"surname": 3}, "MISSING_COLUMN", 4},
		} {
			wrong, err := p.intake.Assign(t.Context(), tester, p.scope(), d.PublicID,
				delivery.Assignment{Header: 2, Columns: tc.columns}, true)
			if err != nil || len(wrong) != tc.n || wrong[0].Code != tc.code {
				t.Errorf("%v: %v (%v), want %d times %s", tc.columns, wrong, err, tc.n, tc.code)
			}
		}
	})
	t.Run("a right one", func(t *testing.T) {
		a := delivery.Assignment{Header: view.Header, Columns: view.Chosen, Dates: delivery.MonthFirst}
		if wrong, err := p.intake.Assign(t.Context(), tester, p.scope(), d.PublicID, a, true); err != nil || len(wrong) > 0 {
			t.Fatal(wrong, err)
		}
		d = p.again(d.PublicID)
		if d.State != delivery.Exchanging || d.Counts.Read != 3 || d.Columns["surname"] != "Eigen naam" {
			t.Errorf("%s %+v %v", d.State, d.Counts, d.Columns)
		}
		if !hasNote(d, "DATES_MONTH_FIRST") {
			t.Errorf("it is not said that the dates were read month first: %v", d.Notes)
		}
	})
	t.Run("the next file with the same header", func(t *testing.T) {
		next := p.waits(strings.ReplaceAll(odd, "001", "002"))
		if next.State != delivery.Exchanging || !hasNote(next, "COLUMNS_REMEMBERED") {
			t.Errorf("%s %v", next.State, next.Notes)
		}
		if n, err := p.store.RememberedHeaders(t.Context(), p.centre.ID); err != nil || n != 1 {
			t.Errorf("%d headers remembered (%v)", n, err)
		}
		if err := p.store.ForgetColumns(t.Context(), tester, p.centre.ID); err != nil {
			t.Fatal(err)
		}
		if d := p.waits(odd); d.State != delivery.Mapping {
			t.Errorf("after forgetting: %s", d.State)
		}
	})
}

// wantPreviewOfOdd checks the columns that are proposed for odd, and that no name is shown.
func wantPreviewOfOdd(t *testing.T, view columns.Preview) {
	t.Helper()
	for field, column := range map[delivery.Field]int{
		"patientNumber": 0, "birthDate": 1, "sex": 2, "surname": 3, "initials": 4, "surnamePrefix": 5,
	} {
		if got, ok := view.Chosen[field]; !ok || got != column {
			t.Errorf("%s is proposed as column %d (%v), want %d", field, got, ok, column)
		}
	}
	if view.Header != 2 || !view.AskDates || !view.CanKeep {
		t.Errorf("header at %d, dates asked %v, can keep %v", view.Header, view.AskDates, view.CanKeep)
	}
	for _, c := range view.Columns {
		if text := strings.Join(c.Samples, " "); strings.Contains(strings.ToLower(text), "canary") || strings.Contains(text, "Q") {
			t.Errorf("column %s shows %q", c.Place, text)
		}
	}
	if s := view.Columns[0].Samples; !slices.Equal(s, []string{"0017", "0018", "0019"}) {
		t.Errorf("the numbers are shown as %q", s)
	}
}

func hasNote(d delivery.Delivery, code string) bool {
	return slices.ContainsFunc(d.Notes, func(n delivery.Remark) bool { return n.Code == code })
}

func TestWithoutAHeader(t *testing.T) {
	p := newPlant(t, nil)
	d := p.waits("17;13-4-1970;M;Canarynaam;Q.\n18;5-6-1971;V;Canarytwee;X.\n")
	if d.State != delivery.Mapping {
		t.Fatal(d.State)
	}
	none := 0
	view, err := p.intake.Preview(t.Context(), p.scope(), d.PublicID, columns.Where{Header: &none})
	if err != nil || view.Header != 0 || view.CanKeep || view.AskDates || view.Chosen["birthDate"] != 1 || view.Chosen["sex"] != 2 {
		t.Fatalf("%+v (%v)", view, err)
	}
	for _, l := range view.Lines {
		if strings.Contains(strings.Join(l.Text, " "), "Canary") {
			t.Errorf("line %d shows %q", l.No, l.Text)
		}
	}
	a := delivery.Assignment{Columns: map[delivery.Field]int{"patientNumber": 0, "birthDate": 1, "sex": 2, "surname": 3, "initials": 4}}
	if wrong, err := p.intake.Assign(t.Context(), tester, p.scope(), d.PublicID, a, true); err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	if d = p.again(d.PublicID); d.State != delivery.Exchanging || d.Counts.Read != 2 || d.Columns["surname"] != "4 (D)" {
		t.Errorf("%s %+v %v", d.State, d.Counts, d.Columns)
	}
	if _, err := p.intake.Preview(t.Context(), p.scope(), d.PublicID, columns.Where{}); apperr.CodeOf(err) != "delivery_not_mapping" {
		t.Errorf("once more: %v", err)
	}
}

// TestAssigningOpensNoDoor checks that a file with forbidden content is refused even if the
// user assigned its columns.
func TestAssigningOpensNoDoor(t *testing.T) {
	p := newPlant(t, nil)
	if err := p.store.ChangeCentre(t.Context(), tester, account.Centre{Number: p.centre.Number, Name: p.centre.Name}); err != nil {
		t.Fatal(err)
	}
	d := p.waits("Nr;Geboortedatum;Geslacht;Naam pat;Letters\n1;2-3-1970;m;Canarynaam;Q\n")
	if d.State != delivery.Mapping {
		t.Fatal(d.State)
	}
	a := delivery.Assignment{Header: 1, Columns: map[delivery.Field]int{"patientNumber": 0, "birthDate": 1, "sex": 2, "surname": 3,
		"initials": 4}}
	wrong, err := p.intake.Assign(t.Context(), tester, p.scope(), d.PublicID, a, true)
	if err != nil || !slices.ContainsFunc(wrong, func(r delivery.Remark) bool { return r.Code == "IDENTITIES_NOT_ALLOWED" }) {
		t.Errorf("names from a centre that may not: %v (%v)", wrong, err)
	}
	if d := p.waits("Nr;BSN pat;Geboortedatum;M/V;Naam pat;Init\n1;111222333;2-3-1970;m;Canarynaam;Q\n"); d.State != delivery.Refused ||
		d.Refusals[0].Code != "BSN_COLUMN" {
		t.Errorf("a BSN column: %s %v", d.State, d.Refusals)
	}
}

// TestSeveralSheets checks that the user is asked for the sheet if several sheets have
// patients. A sheet with an explanation does not count.
func TestSeveralSheets(t *testing.T) {
	sheets := func(names ...string) string {
		f := excelize.NewFile()
		defer func() { _ = f.Close() }()
		for i, name := range names {
			if _, err := f.NewSheet(name); err != nil {
				t.Fatal(err)
			}
			rows := [][]any{{"Patiëntnummer", "Geboortedatum", "Geslacht", "Achternaam", "Voorletters"},
				{fmt.Sprint("00", i), "2-3-1970", "m", "Canarynaam", "A"}}
			if name == "Uitleg" {
				rows = [][]any{{"Patiëntnummer", "zie het EPD"}, {"Geen BSN.", "Dat mag niet."}}
			}
			for n, row := range rows {
				if err := f.SetSheetRow(name, fmt.Sprintf("A%d", n+1), &row); err != nil {
					t.Fatal(err)
				}
			}
		}
		var out bytes.Buffer
		if err := errors.Join(f.DeleteSheet("Sheet1"), f.Write(&out)); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	p := newPlant(t, nil)
	d := p.waits(sheets("Uitleg", "Patiënten"))
	if d.State != delivery.Exchanging || !slices.ContainsFunc(d.Notes,
		func(n delivery.Remark) bool { return n.Code == "SHEETS_IGNORED" && n.Args["sheet"] == "2" }) {
		t.Errorf("with an explanation: %s %v", d.State, d.Notes)
	}
	if d = p.waits(sheets("Poli A", "Poli B")); d.State != delivery.Mapping {
		t.Fatalf("with two: %s", d.State)
	}
	second := 1
	view, err := p.intake.Preview(t.Context(), p.scope(), d.PublicID, columns.Where{Table: &second})
	if err != nil || len(view.Sheets) != 2 || view.Sheets[1].Name != "Poli B" || view.Table != 1 || view.Columns[0].Samples[0] != "001" {
		t.Fatalf("%+v (%v)", view, err)
	}
	if wrong, err := p.intake.Assign(t.Context(), tester, p.scope(), d.PublicID,
		delivery.Assignment{Table: 1, Header: view.Header, Columns: view.Chosen}, false); err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	if d = p.again(d.PublicID); d.State != delivery.Exchanging || d.Counts.Read != 1 {
		t.Errorf("the second: %s %+v", d.State, d.Counts)
	}
}
