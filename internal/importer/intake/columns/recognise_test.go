package columns

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluis/internal/delivery"
)

var (
	testTypes  = Types{All: []string{"NGGV", "NGG"}, Link: "NGGV"}
	datedTypes = Types{All: []string{"NGGV", "NGG", "PGG"}, Dated: []string{"PGG"}, Link: "NGGV"}
)

// TestEveryHeader checks that each name of each field is recognised in any case, with
// marks and spaces, and that no name belongs to two fields.
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
				if got := NewWords(datedTypes).fieldOf(written).key(); got != field {
					t.Errorf("%q is taken for %q, want %q", written, got, field)
				}
			}
		}
	}
	for written, want := range map[string]delivery.Field{
		"Patiëntnummer": delivery.FieldPatientNumber, "PATIENTNUMMER": delivery.FieldPatientNumber,
		"Patie\u0308ntnummer": delivery.FieldPatientNumber,
		"Centrum id":          delivery.FieldCentre, "E-mail": fieldEmail, "Pseudoniem NGGV": "NGGV", "tijdelijk pseudoniem nggv": "NGGV",
		"NGG":                        "NGG",
		"Geboortedatum (dd-mm-jjjj)": delivery.FieldBirthDate, "Geslacht\n[m/v]": delivery.FieldSex, "Achternaam*": FieldSurname,
		"Achternaam van de patiënt": FieldSurname,
		"Patient gender":            delivery.FieldSex, "patient.birthDate": delivery.FieldBirthDate, "name.surname": FieldSurname,
		"patient.name.prefix": FieldPrefix, "contact.birthDate": "",
		"Patiëntnummer (geen BSN)": delivery.FieldPatientNumber, "Nummer (BSN)": fieldBSN, "patient.bsn": fieldBSN, "Patiënt": "",
		"NGGV pseudoniem": "NGGV", "Pseudoniem (NGGV)": "NGGV",
		"pseudoniem_NGG": "NGG", "Pseudoniem NGGVX": "", "Opmerking": "", "": "", "naam": "", "BSN": fieldBSN,
		"Burgerservicenummer": fieldBSN,
	} {
		if got := NewWords(testTypes).fieldOf(written).key(); got != want {
			t.Errorf("%q is taken for %q, want %q", written, got, want)
		}
	}
}

func TestRecognise(t *testing.T) {
	const pilot = "Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters"
	for name, c := range map[string]struct {
		header string
		kind   delivery.Kind
		want   []string // codes and columns of the refusals
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
		"two lesser numbers": {strings.Replace(pilot, "Patiëntnummer", "EPD-nummer;ZIS-nummer", 1), delivery.Identities,
			[]string{"DOUBLE_COLUMN ZIS-nummer"}},
		"two names":      {pilot + ";Meisjesnaam", delivery.Identities, []string{"DOUBLE_COLUMN Meisjesnaam"}},
		"a column twice": {pilot + ";Familienaam", delivery.Identities, []string{"DOUBLE_COLUMN Familienaam"}},
		"all that is missing at once": {"Tussenvoegsel;E-mail", delivery.Identities, []string{
			"MISSING_COLUMN Patiëntnummer", "MISSING_COLUMN Achternaam", "MISSING_COLUMN Geboortedatum", "MISSING_COLUMN Geslacht",
			"MISSING_COLUMN Voorletters",
		}},
		"a pseudonym by which we do not link": {"patientnummer;NGG", delivery.Temporary, []string{
			"MISSING_COLUMN Geslacht", "MISSING_COLUMN Geboortedatum", "NO_LINK_PSEUDONYM Pseudoniem NGGV",
		}},
		"everything at once": {"BSN;Patiëntnummer;Patid;Achternaam;NGGV", delivery.KindUnknown,
			[]string{"BSN_COLUMN BSN", "DOUBLE_COLUMN Patid", "MIXED"}},
		"no header at all": {"2809;2-1-2001;m;523534;Jansen;;a", delivery.KindUnknown, []string{"NO_HEADER"}},
		"a BSN alone": {"bsn", delivery.Identities,
			[]string{"BSN_COLUMN bsn", "MISSING_COLUMN Patiëntnummer", "MISSING_COLUMN Achternaam", "MISSING_COLUMN Geboortedatum",
				"MISSING_COLUMN Geslacht", "MISSING_COLUMN Voorletters"}},
	} {
		l, refusals := Recognise(strings.Split(c.header, ";"), testTypes)
		var got []string
		for _, r := range refusals {
			got = append(got, strings.TrimSpace(r.Code+" "+r.Args["column"]))
		}
		if !slices.Equal(got, c.want) || len(c.want) == 0 && l.Kind != c.kind {
			t.Errorf("%s: %s, refused for %q, want %s and %q", name, l.Kind, got, c.kind, c.want)
		}
	}
}

// TestLesserNumbers checks that the patient number is read if a file has another number
// too, in whatever order.
func TestLesserNumbers(t *testing.T) {
	for header, want := range map[string]int{"EPD-nummer;Patiëntnummer": 1, "Patiëntnummer;EPD-nummer": 0, "EPD-nummer;Afdeling": 0} {
		l, _ := Recognise(strings.Split(header, ";"), testTypes)
		if at := l.At[delivery.FieldPatientNumber]; at != want || len(l.ignored) != 1 || l.ignored[0] == want {
			t.Errorf("%s: column %d is read and %v are not", header, at, l.ignored)
		}
	}
}

// TestNothing checks that words of databases for no value, such as NULL, count as empty,
// except in fields in which they may be a name.
func TestNothing(t *testing.T) {
	l, _ := Recognise([]string{"Patiëntnummer", "Achternaam", "Tussenvoegsel"}, testTypes)
	for cell, want := range map[string][3]string{
		"NULL": {"", "NULL", ""}, "(null)": {}, `\N`: {}, "Null": {"Null", "Null", "Null"}, "x": {"x", "x", "x"},
	} {
		cells := []string{cell, cell, cell}
		if got := [3]string{l.Cell(cells, delivery.FieldPatientNumber), l.Cell(cells, FieldSurname),
			l.Cell(cells, FieldPrefix)}; got != want {
			t.Errorf("%s: %q, want %q", cell, got, want)
		}
	}
}

// TestUnknownColumns checks that an unknown column is named by its place only.
func TestUnknownColumns(t *testing.T) {
	header := []string{"Patiëntnummer", "Jansen", "", "Geboortedatum", "Geslacht", "Achternaam", "Voorletters"}
	for len(header) < 30 {
		header = append(header, "")
	}
	header[27] = "Opmerking van Jansen"
	l, refusals := Recognise(header, testTypes)
	if len(refusals) > 0 || !slices.Equal(l.Ignored(), []string{"2 (B)", "28 (AB)"}) {
		t.Errorf("unknown %q, refused %v", l.Ignored(), refusals)
	}
	if s := fmt.Sprint(l.Ignored(), l.Columns); strings.Contains(s, "Jansen") {
		t.Errorf("a header that nobody knows is repeated: %s", s)
	}
}

// TestReportColumns checks that a file that comes back with the columns of our error report
// is read as without them, and has the same header.
func TestReportColumns(t *testing.T) {
	head := []string{"Patiëntnummer", "Geboortedatum", "Geslacht", "Achternaam", "Voorletters"}
	plainly, _ := Recognise(head, testTypes)
	with, refusals := Recognise(append(slices.Clone(head), "", "Fouternst", "Foutmelding", "Foutadvies", "Foutcode", "Foutbron"), testTypes)
	if len(refusals) > 0 || len(with.ignored) > 0 || with.unknown > 0 || with.LastColumn != plainly.LastColumn ||
		len(with.Columns) != len(plainly.Columns) {
		t.Fatalf("%+v, %v", with, refusals)
	}
	f := Finder{CentreID: 1, MACKey: []byte("key")}
	mac := f.headerMAC(head)
	for _, names := range [][]string{
		append(slices.Clone(head), "", "Foutmelding", "Foutcode"), append(slices.Clone(head), "Fouternst", ""),
		append(slices.Clone(head), "", ""),
	} {
		if !slices.Equal(f.headerMAC(names), mac) {
			t.Errorf("%v is another header", names)
		}
	}
	if slices.Equal(f.headerMAC(append(slices.Clone(head), "Foutloos")), mac) {
		t.Error("a column of the user's own makes no difference")
	}
}
