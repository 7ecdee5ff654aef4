package intake

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/patient"
)

var (
	testTypes  = pseudonymTypes{all: []string{"NGGV", "NGG"}, link: "NGGV"}
	datedTypes = pseudonymTypes{all: []string{"NGGV", "NGG", "PGG"}, dated: []string{"PGG"}, link: "NGGV"}
)

// TestEveryHeader: each name of each field is recognised in any case, with marks
// and spaces; and none stands for two fields.
func TestEveryHeader(t *testing.T) {
	seen := map[string]delivery.Field{}
	for field, names := range headers {
		for _, n := range names {
			if other, twice := seen[n]; twice {
				t.Errorf("%q is %s and %s", n, field, other)
			}
			seen[n] = field
			if plain(n) != n {
				t.Errorf("%q can never be met: a header is compared as %q", n, plain(n))
			}
			for _, written := range []string{n, strings.ToUpper(n), " " + n + " ", n[:1] + "_" + n[1:], n[:2] + "-" + n[2:], n + ":"} {
				if got := newWords(datedTypes).fieldOf(written).key(); got != field {
					t.Errorf("%q is taken for %q, want %q", written, got, field)
				}
			}
		}
	}
	for written, want := range map[string]delivery.Field{
		"Patiëntnummer": delivery.FieldPatientNumber, "PATIENTNUMMER": delivery.FieldPatientNumber, "Patie\u0308ntnummer": delivery.FieldPatientNumber,
		"Centrum id": delivery.FieldCentre, "E-mail": fieldEmail, "Pseudoniem NGGV": "NGGV", "tijdelijk pseudoniem nggv": "NGGV", "NGG": "NGG",
		"Geboortedatum (dd-mm-jjjj)": delivery.FieldBirthDate, "Geslacht\n[m/v]": delivery.FieldSex, "Achternaam*": fieldSurname, "Achternaam van de patiënt": fieldSurname,
		"Patient gender": delivery.FieldSex, "patient.birthDate": delivery.FieldBirthDate, "name.surname": fieldSurname, "patient.name.prefix": fieldPrefix, "contact.birthDate": "",
		"Patiëntnummer (geen BSN)": delivery.FieldPatientNumber, "Nummer (BSN)": fieldBSN, "patient.bsn": fieldBSN, "Patiënt": "", "NGGV pseudoniem": "NGGV", "Pseudoniem (NGGV)": "NGGV",
		"pseudoniem_NGG": "NGG", "Pseudoniem NGGVX": "", "Opmerking": "", "": "", "naam": "", "BSN": fieldBSN, "Burgerservicenummer": fieldBSN,
	} {
		if got := newWords(testTypes).fieldOf(written).key(); got != want {
			t.Errorf("%q is taken for %q, want %q", written, got, want)
		}
	}
}

func TestRecognise(t *testing.T) {
	const pilot = "Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters"
	for name, c := range map[string]struct {
		header string
		kind   delivery.Kind
		want   []string // codes and columns of what is refused
	}{
		"the pilot's":           {pilot, delivery.Identities, nil},
		"another order":         {"Voorletters;Achternaam;PATID;Afdeling;Sexe;dob", delivery.Identities, nil},
		"pseudonyms":            {"patientnummer;geboortejaar;geslacht;pseudoniem nggv", delivery.Temporary, nil},
		"pseudonyms and a date": {"mrn;birthdate;sex;NGGV;NGG", delivery.Temporary, nil},
		"our own error report":  {pilot + ";Foutcode;Foutmelding;Foutadvies", delivery.Identities, nil},
		"both kinds":            {pilot + ";Pseudoniem NGG", delivery.KindUnknown, []string{"MIXED"}},
		"a BSN column":          {pilot + ";BSN", delivery.Identities, []string{"BSN_COLUMN BSN"}},
		"a BSN in the middle":   {pilot + ";Patiënt BSN nr", delivery.Identities, []string{"BSN_COLUMN Patiënt BSN nr"}},
		"two numbers":           {pilot + ";EPD-nummer", delivery.Identities, nil},
		"two lesser numbers":    {strings.Replace(pilot, "Patiëntnummer", "EPD-nummer;ZIS-nummer", 1), delivery.Identities, []string{"DOUBLE_COLUMN ZIS-nummer"}},
		"two names":             {pilot + ";Meisjesnaam", delivery.Identities, []string{"DOUBLE_COLUMN Meisjesnaam"}},
		"a column twice":        {pilot + ";Familienaam", delivery.Identities, []string{"DOUBLE_COLUMN Familienaam"}},
		"all that is missing at once": {"Tussenvoegsel;E-mail", delivery.Identities, []string{
			"MISSING_COLUMN Patiëntnummer", "MISSING_COLUMN Achternaam", "MISSING_COLUMN Geboortedatum", "MISSING_COLUMN Geslacht", "MISSING_COLUMN Voorletters",
		}},
		"a pseudonym by which we do not link": {"patientnummer;NGG", delivery.Temporary, []string{
			"MISSING_COLUMN Geslacht", "MISSING_COLUMN Geboortedatum", "NO_LINK_PSEUDONYM Pseudoniem NGGV",
		}},
		"everything at once": {"BSN;Patiëntnummer;Patid;Achternaam;NGGV", delivery.KindUnknown, []string{"BSN_COLUMN BSN", "DOUBLE_COLUMN Patid", "MIXED"}},
		"no header at all":   {"2809;2-1-2001;m;523534;Jansen;;a", delivery.KindUnknown, []string{"NO_HEADER"}},
		"a BSN alone":        {"bsn", delivery.Identities, []string{"BSN_COLUMN bsn", "MISSING_COLUMN Patiëntnummer", "MISSING_COLUMN Achternaam", "MISSING_COLUMN Geboortedatum", "MISSING_COLUMN Geslacht", "MISSING_COLUMN Voorletters"}},
	} {
		l, refusals := recognise(strings.Split(c.header, ";"), testTypes)
		var got []string
		for _, r := range refusals {
			got = append(got, strings.TrimSpace(r.Code+" "+r.Args["column"]))
		}
		if !slices.Equal(got, c.want) || len(c.want) == 0 && l.kind != c.kind {
			t.Errorf("%s: %s, refused for %q, want %s and %q", name, l.kind, got, c.kind, c.want)
		}
	}
}

// TestLesserNumbers: of two numbers the patient number is read, wherever it stands.
func TestLesserNumbers(t *testing.T) {
	for header, want := range map[string]int{"EPD-nummer;Patiëntnummer": 1, "Patiëntnummer;EPD-nummer": 0, "EPD-nummer;Afdeling": 0} {
		l, _ := recognise(strings.Split(header, ";"), testTypes)
		if at := l.at[delivery.FieldPatientNumber]; at != want || len(l.ignored) != 1 || l.ignored[0] == want {
			t.Errorf("%s: column %d is read and %v are not", header, at, l.ignored)
		}
	}
}

// TestNothing: words of databases for no value are none, save where somebody may be
// called so.
func TestNothing(t *testing.T) {
	l, _ := recognise([]string{"Patiëntnummer", "Achternaam", "Tussenvoegsel"}, testTypes)
	for cell, want := range map[string][3]string{
		"NULL": {"", "NULL", ""}, "(null)": {}, `\N`: {}, "Null": {"Null", "Null", "Null"}, "x": {"x", "x", "x"},
	} {
		cells := []string{cell, cell, cell}
		if got := [3]string{l.cell(cells, delivery.FieldPatientNumber), l.cell(cells, fieldSurname), l.cell(cells, fieldPrefix)}; got != want {
			t.Errorf("%s: %q, want %q", cell, got, want)
		}
	}
}

// TestUnknownColumns: a column that we do not know is told by its place.
func TestUnknownColumns(t *testing.T) {
	header := []string{"Patiëntnummer", "Jansen", "", "Geboortedatum", "Geslacht", "Achternaam", "Voorletters"}
	for len(header) < 30 {
		header = append(header, "")
	}
	header[27] = "Opmerking van Jansen"
	l, refusals := recognise(header, testTypes)
	if len(refusals) > 0 || !slices.Equal(l.places(), []string{"2 (B)", "28 (AB)"}) {
		t.Errorf("unknown %q, refused %v", l.places(), refusals)
	}
	if s := fmt.Sprint(l.places(), l.columns); strings.Contains(s, "Jansen") {
		t.Errorf("a header that nobody knows is repeated: %s", s)
	}
}

// codes checks one row of the pilot's columns.
func codes(t *testing.T, k checker, row string) (checked, []string) {
	t.Helper()
	c := k.row(tabular.Row{Line: 2, Cells: strings.Split(row, ";")})
	var out []string
	for _, f := range c.findings {
		out = append(out, f.Code+" "+f.Field)
	}
	return c, out
}

func newChecker(t *testing.T, header string) checker {
	t.Helper()
	l, refusals := recognise(strings.Split(header, ";"), datedTypes)
	if len(refusals) > 0 {
		t.Fatalf("%s: %v", header, refusals)
	}
	return checker{layout: l, centre: account.Centre{Number: "2809", Name: "Voorbeeldziekenhuis"}, linkType: "NGGV"}
}

func TestRowWithIdentity(t *testing.T) {
	k := newChecker(t, "Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters")
	long := strings.Repeat("n", 65)
	for row, want := range map[string][]string{
		"2809;2-1-2001;m;1;Jansen;;a":                            nil,
		";2-1-2001;m;1;Jansen;;a":                                nil,
		"2809;;m;1;Jansen;;a":                                    nil, // the TTP's to judge
		"2809;31-2-2001;m;1;Jansen;;a":                           nil,
		"2809;2-1-2001;x;1;;;":                                   nil,
		"2809;2-1-2001;m;1":                                      nil, // short: the rest is empty
		"2809;2-1-2001;m;1;Jansen;;a;;;":                         nil,
		"2809;2-1-2001;m;" + long[:64] + ";Jansen;;a":            nil,
		"2809;2-1-2001;m;" + strings.Repeat("é", 64) + ";J;;a":   nil,
		"2809;2-1-2001;m;🙂;Jansen;;a":                            nil,
		"2809;2-1-2001;m;" + long + ";Jansen;;a":                 {"PATIENT_NUMBER_TOO_LONG patientNumber"},
		"2810;2-1-2001;m;1;Jansen;;a":                            {"CENTRE_OTHER centre"},
		"2809;2-1-2001;m;;Jansen;;a":                             {"PATIENT_NUMBER_EMPTY patientNumber"},
		"2809;Jansen;m;1;2-1-2001;;a":                            {"BIRTH_DATE_UNREADABLE birthDate"},
		"2809;2-1-2001;m;1;Jansen;;a;b":                          {"ROW_TOO_MANY_COLUMNS "},
		"2809;2-1-2001;m;1\x00;Jansen;;a":                        {"CONTROL_CHARACTER patientNumber"},
		"2809;2-1-2001;m;1;Jan\x07sen;;a\x1b":                    {"CONTROL_CHARACTER surname", "CONTROL_CHARACTER initials"},
		"2809;2-1-2001;m;1;" + strings.Repeat("é", 1001) + ";;a": {"FIELD_TOO_LONG surname"},
		"2809;2-1-2001;m;Canarynaam;1;Jansen;;a":                 {"ROW_TOO_MANY_COLUMNS "},
		"2811;x;m;;Jansen;;a;y":                                  {"ROW_TOO_MANY_COLUMNS "},
	} {
		c, got := codes(t, k, row)
		if !slices.Equal(got, want) {
			t.Errorf("%.60q: %q, want %q", row, got, want)
		}
		if slices.Contains(want, "ROW_TOO_MANY_COLUMNS ") && c.display.Number != "" {
			t.Errorf("%.60q: what stands in the number's column of a shifted row is kept", row)
		}
		if c.rejected() != (len(want) > 0) {
			t.Errorf("%.60q: rejected %v", row, c.rejected())
		}
	}
	c, _ := codes(t, k, "2809;1-4-1978;V;0123;Berg;van den;A.B.")
	f := c.identity.Reveal()
	if f.Surname != "Berg" || f.Prefix != "van den" || f.Initials != "A.B." || f.BirthDate != "1978-04-01" || f.Sex != "v" {
		t.Errorf("the TTP gets %+v", f)
	}
	if c.display != (patient.Display{Number: "0123", Birth: patient.Birth{Year: 1978, Month: 4, Day: 1}, Sex: patient.Female}) {
		t.Errorf("kept: %+v", c.display)
	}
	k.yearOnly = true
	if c, _ = codes(t, k, "2809;1-4-1978;V;0123;Berg;van den;A.B."); c.display.Birth != (patient.Birth{Year: 1978}) || c.identity.Reveal().BirthDate != "1978-04-01" {
		t.Errorf("with years alone: kept %+v", c.display.Birth)
	}
	if c, _ = codes(t, k, "2809;1-4-1978;zomaar;1;Berg;;A"); c.display.Sex != "" || c.identity.Reveal().Sex != "zomaar" {
		t.Errorf("a sex for the TTP to judge: kept %q", c.display.Sex)
	}
}

func TestRowWithPseudonyms(t *testing.T) {
	k := newChecker(t, "Patiëntnummer;Geboortejaar;Geslacht;Pseudoniem NGGV;Pseudoniem NGG")
	for row, want := range map[string][]string{
		"1;1970;m;abc;def":  nil,
		"1;1970;m;abc;":     nil,
		"1;;;abc;":          nil,
		"1;1970;x;abc;":     {"SEX_UNKNOWN sex"}, // a warning
		"1;1970;m;;def":     {"LINK_PSEUDONYM_MISSING NGGV"},
		"1;70;m;abc;":       {"BIRTH_YEAR_UNREADABLE birthYear"},
		"1;2-1-1970;m;abc;": {"BIRTH_YEAR_UNREADABLE birthYear"},
		"1;1970;m;a b;":     {"PSEUDONYM_MALFORMED NGGV"},
		"1;1970;m;abc;" + strings.Repeat("x", 513): {"PSEUDONYM_MALFORMED NGG"},
	} {
		c, got := codes(t, k, row)
		if !slices.Equal(got, want) {
			t.Errorf("%.60q: %q, want %q", row, got, want)
		}
		if warned := slices.Equal(want, []string{"SEX_UNKNOWN sex"}); c.rejected() != (len(want) > 0 && !warned) {
			t.Errorf("%.60q: rejected %v", row, c.rejected())
		}
	}
	k = newChecker(t, "Patiëntnummer;Geboortedatum;Geslacht;NGGV")
	for row, want := range map[string][]string{
		"1;1-4-1978;m;abc": nil, "1;;m;abc": nil, "1;31-2-1978;m;abc": {"BIRTH_DATE_UNREADABLE birthDate"}, "1;nooit;m;abc": {"BIRTH_DATE_UNREADABLE birthDate"},
	} {
		if _, got := codes(t, k, row); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", row, got, want)
		}
	}
}

// TestNoValueInAFinding: whatever stands in a row, what is said of it is one of
// our codes and one of our fields; and it is said the same way each time.
func TestNoValueInAFinding(t *testing.T) {
	for _, header := range []string{
		"Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters;Postcode;Huisnummer;Peildatum;Postcode 1;Peildatum postcode 1",
		"Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Pseudoniem NGGV;Pseudoniem PGG 1;Peildatum PGG 1;Pseudoniem PGG 2;Peildatum PGG 2;Geldig tot",
	} {
		k := newChecker(t, header)
		rapid.Check(t, func(t *rapid.T) {
			cell := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{1,4}[-/. ][0-9]{1,2}[-/. ][0-9]{1,5}( 1[0-9]:00)?`), rapid.Just("1-1-2020"))
			cells := rapid.SliceOfN(cell, 0, 14).Draw(t, "cells")
			c, again := k.row(tabular.Row{Line: 7, Cells: cells}), k.row(tabular.Row{Line: 7, Cells: cells})
			if !slices.Equal(c.findings, again.findings) {
				t.Fatalf("%v, and then %v", c.findings, again.findings)
			}
			seen := map[patient.Finding]bool{}
			for _, f := range c.findings {
				if _, ours := k.at[delivery.Field(f.Field)]; f.Message != "" || strings.ToUpper(f.Code) != f.Code || f.Field != "" && !ours {
					t.Fatalf("finding %+v", f)
				}
				if seen[f] {
					t.Fatalf("%+v is said twice", f)
				}
				seen[f] = true
			}
			if b := c.display.Birth; !b.IsZero() {
				if _, ok := patient.ParseBirth(b.String()); !ok {
					t.Fatalf("a birth is kept that cannot be read back: %+v", b)
				}
			}
			type space struct{ typ, recordedOn string }
			held := map[space]bool{}
			for _, x := range c.temporaries {
				if held[space{x.Type, x.RecordedOn}] || (x.Type == "PGG") != (x.RecordedOn != "") {
					t.Fatalf("temporary pseudonyms %+v", c.temporaries)
				}
				held[space{x.Type, x.RecordedOn}] = true
			}
			for _, x := range c.identity.Reveal().Postcodes {
				if x.Postcode == "" || x.RecordedOn == "" || held[space{"", x.RecordedOn}] {
					t.Fatalf("postcodes on %q", x.RecordedOn)
				}
				held[space{"", x.RecordedOn}] = true
			}
		})
	}
}

// TestReportColumns: a file that comes back with the columns of our error report
// is read as it was without them, and a row that is too long still is.
func TestReportColumns(t *testing.T) {
	head := []string{"Patiëntnummer", "Geboortedatum", "Geslacht", "Achternaam", "Voorletters"}
	plainly, _ := recognise(head, testTypes)
	with, refusals := recognise(append(slices.Clone(head), "", "Fouternst", "Foutmelding", "Foutadvies", "Foutcode", "Foutbron"), testTypes)
	if len(refusals) > 0 || len(with.ignored) > 0 || with.unknown > 0 || with.lastColumn != plainly.lastColumn || len(with.columns) != len(plainly.columns) {
		t.Fatalf("%+v, %v", with, refusals)
	}
	row := func(cells ...string) checked {
		return checker{layout: with, linkType: "NGGV"}.row(tabular.Row{Line: 2, Cells: cells})
	}
	if c := row("1", "1-4-1970", "m", "Eend", "A", "", "afgewezen", "De geboortedatum is leeg", "Vul hem in", "2101", "TTP"); c.rejected() {
		t.Errorf("a row with errors beside it: %+v", c.findings)
	}
	if c := row("1", "1-4-1970", "m", "Eend", "A", "te veel", "afgewezen", "De geboortedatum is leeg"); !c.shifted {
		t.Error("a row that is too long is not told any more")
	}
	in := &Intake{Options: Options{MACKey: []byte("key")}}
	mac := in.headerMAC(1, head)
	for _, names := range [][]string{
		append(slices.Clone(head), "", "Foutmelding", "Foutcode"), append(slices.Clone(head), "Fouternst", ""), append(slices.Clone(head), "", ""),
	} {
		if !slices.Equal(in.headerMAC(1, names), mac) {
			t.Errorf("%v is another header", names)
		}
	}
	if slices.Equal(in.headerMAC(1, append(slices.Clone(head), "Foutloos")), mac) {
		t.Error("a column of the user's own makes no difference")
	}
}
