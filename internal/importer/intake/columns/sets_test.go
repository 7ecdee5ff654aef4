package columns

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"sluis/internal/delivery"
)

func TestNumberedHeaders(t *testing.T) {
	for header, want := range map[string]delivery.Field{
		"Postcode": "postcode", "Postcode 1": "postcode.1", "Postcode1": "postcode.1", "postcode_2": "postcode.2",
		"POSTCODE-03": "postcode.3", "Postcode 20": "postcode.20",
		"zip code 4": "postcode.4", "Postal Code (5)": "postcode.5",
		"Huisnummer 1": "houseNumber.1", "huisnr2": "houseNumber.2", "House number 3": "houseNumber.3",
		"Toevoeging 1": "houseNumberSuffix.1", "Huisnummertoevoeging 1": "houseNumberSuffix.1",
		"House number suffix 2": "houseNumberSuffix.2", "Huisnummer 2 toevoeging": "houseNumberSuffix.2",
		"Peildatum postcode 1": "recordedOn.1", "Peildatum 1": "recordedOn.1", "Postcode 1 peildatum": "recordedOn.1",
		"Peildatum 2 postcode": "recordedOn.2", "recorded on 3": "recordedOn.3",
		"Pseudoniem PGG": "PGG", "Pseudoniem PGG 1": "PGG.1", "PGG1": "PGG.1", "tijdelijk_pseudoniem_pgg_02": "PGG.2",
		"Temporary pseudonym PGG 3": "PGG.3",
		"Peildatum PGG":             "recordedOn.PGG", "Peildatum PGG 1": "recordedOn.PGG.1",
		"Peildatum pseudoniem PGG 1": "recordedOn.PGG.1",
		"Pseudoniem PGG 1 peildatum": "recordedOn.PGG.1",
		"PGG recorded on":            "recordedOn.PGG", "Recorded on PGG 12": "recordedOn.PGG.12",
		"Pseudoniem PGG2 20": "PGG2.20", "Pseudoniem PGG2": "PGG2", // and not the second of PGG
		"Geldig tot": "expiresAt", "Verloopt op": "expiresAt", "expiresAt": "expiresAt", "Valid until": "expiresAt",
		"Vervaldatum": "expiresAt",
		"BSN 1":       "bsn", "Sofinummer 2": "bsn", "2e BSN": "bsn",
		"Pseudoniem NGGV 1": "", "Peildatum NGGV": "", "Postcode 0": "", "Postcode 100": "", "Postcode a": "",
		"Postcode 1 2": "postcode.12", "Postcode १": "",
		"Achternaam 1": "", "Geldig tot 1": "", "1 Postcode": "", "Postcode plaats": "",
	} {
		types := Types{All: []string{"NGGV", "PGG", "PGG2"}, Dated: []string{"PGG", "PGG2"}, Link: "NGGV"}
		if got := NewWords(types).fieldOf(header).key(); got != want {
			t.Errorf("%q is taken for %q, want %q", header, got, want)
		}
	}
	if got := NewWords(testTypes).fieldOf("Pseudoniem PGG 1").key(); got != "" {
		t.Errorf("a type that is not configured is taken for %q", got)
	}
}

// TestSets checks which columns of several sets are read and which are ignored.
func TestSets(t *testing.T) {
	const person, pseudonyms = "patid;geboortedatum;sexe;achternaam;voorletters;", "patid;geboortedatum;sexe;NGGV;"
	for name, c := range map[string]struct {
		header  string
		types   Types
		read    string // fields other than those of person and pseudonyms, sorted
		ignored string // places of columns
		refused string // codes of the refusals
	}{
		"any order, some without a number": {
			person + "Peildatum postcode 2;Postcode;Huisnummer 2;Peildatum;Postcode 2;Huisnummer", datedTypes,
			"houseNumber houseNumber.2 postcode postcode.2 recordedOn recordedOn.2", "", "",
		},
		"no postcode type": {person + "E-mail;Postcode;Huisnummer;Toevoeging;Peildatum;Postcode 1;Peildatum 1;Geldig tot",
			testTypes, "", "6 (F), 7 (G), 8 (H), 9 (I), 10 (J), 11 (K), 12 (L), 13 (M)", ""},
		"a set without a postcode":  {person + "Postcode 1;Huisnummer 2;Peildatum 1", datedTypes, "postcode.1 recordedOn.1", "7 (G)", ""},
		"a number that is too high": {person + "Postcode 20;Postcode 21", datedTypes, "postcode.20", "7 (G)", ""},
		"e-mail is never read":      {person + "E-mail", datedTypes, "", "6 (F)", ""},
		"a column twice":            {person + "Postcode 1;Postcode_01", datedTypes, "postcode.1", "", "DOUBLE_COLUMN"},
		"a numbered BSN":            {person + "Sofinummer 2", datedTypes, "", "", "BSN_COLUMN"},

		"pseudonyms with days": {pseudonyms + "PGG 1;Peildatum PGG 1;Pseudoniem PGG;Peildatum PGG;Geldig tot", datedTypes,
			"PGG PGG.1 expiresAt recordedOn.PGG recordedOn.PGG.1", "", ""},
		"a pseudonym with a number too high": {pseudonyms + "PGG 20;PGG 21;Peildatum PGG 21", datedTypes, "PGG.20", "6 (F), 7 (G)", ""},
		"a day of no pseudonym":              {pseudonyms + "PGG 1;Peildatum PGG 2", datedTypes, "PGG.1", "6 (F)", ""},
		"a day that names no type": {pseudonyms + "PGG 1;Peildatum 1;PGG 2;Peildatum 2;Peildatum PGG 2", datedTypes,
			"PGG.1 PGG.2 recordedOn.1 recordedOn.PGG.2", "8 (H)", ""},
		"a day, and no postcode type":         {pseudonyms + "Peildatum", testTypes, "", "5 (E)", ""},
		"a type that is unknown":              {pseudonyms + "PGG 1;Peildatum PGG 1", testTypes, "", "5 (E), 6 (F)", ""},
		"a postcode beside pseudonyms":        {pseudonyms + "Postcode 1", datedTypes, "-", "-", "MIXED"},
		"the same without a postcode type":    {pseudonyms + "Huisnummer", testTypes, "-", "-", "MIXED"},
		"the same with a number too high":     {pseudonyms + "Postcode 21", testTypes, "-", "-", "MIXED"},
		"an e-mail address beside pseudonyms": {pseudonyms + "E-mail", testTypes, "-", "-", "MIXED"},
		"a postcode type alone":               {"patid;geboortedatum;sexe;PGG 1;Peildatum PGG 1", datedTypes, "-", "", "NO_LINK_PSEUDONYM"},
	} {
		header := strings.Split(c.header, ";")
		l, refusals := Recognise(header, c.types)
		var codes []string
		for _, r := range refusals {
			codes = append(codes, r.Code)
		}
		if got := strings.Join(codes, " "); got != c.refused {
			t.Errorf("%s: refused for %q, want %q", name, got, c.refused)
		}
		var read []string
		for _, f := range slices.Sorted(maps.Keys(l.At)) {
			if l.At[f] >= strings.Count(person, ";") || l.Kind == delivery.Temporary && l.At[f] >= strings.Count(pseudonyms, ";") {
				read = append(read, string(f))
			}
		}
		if got := strings.Join(read, " "); got != c.read && c.read != "-" {
			t.Errorf("%s: reads %q, want %q", name, got, c.read)
		}
		if got := strings.Join(l.Ignored(), ", "); got != c.ignored && c.ignored != "-" {
			t.Errorf("%s: ignores %q, want %q", name, got, c.ignored)
		}
		for f, i := range l.At {
			if l.Columns[f] != header[i] {
				t.Errorf("%s: %s is called %q, and stands under %q", name, f, l.Columns[f], header[i])
			}
		}
	}
}

// FuzzRecognise checks of any header that each column is read, ignored or refused, and that
// an unknown header is not repeated in a message.
func FuzzRecognise(f *testing.F) {
	for _, s := range []string{
		"Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters", "mrn;birthdate;sex;NGGV;NGG;expires at",
		";;Postcode;postcode_1;Postcode 01",
		"Postcode 1;Huisnummer 1;Toevoeging 1;Peildatum postcode 1;Postcode20;Postcode21",
		"Pseudoniem PGG 1;Peildatum PGG 1;Peildatum pseudoniem PGG 1;PGG1datum", "BSN 1;2e bsn",
		"Postcode ①;Postcode ²;Postcode १;postcode99999999999999999999", "patid;sexe;dob;NGGV;Peildatum;PGG;E-mail", "Foutcode;\x00;\xff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		header := strings.Split(s, ";")
		l, refusals := Recognise(header, datedTypes)
		read := map[int]bool{}
		for field, i := range l.At {
			if read[i] || header[i] == "" || l.Columns[field] != header[i] || slices.Contains(l.ignored, i) {
				t.Fatalf("%q: column %d is read as %s, and something else", s, i, field)
			}
			read[i] = true
		}
		if len(l.Columns) != len(l.At) || len(l.Fields) != len(l.At) || !slices.IsSorted(l.ignored) ||
			len(slices.Compact(slices.Clone(l.ignored))) != len(l.ignored) {
			t.Fatalf("%q: %+v", s, l)
		}
		known := NewWords(datedTypes)
		for i, h := range header {
			r := known.fieldOf(h)
			if r.no > 99 {
				t.Fatalf("%q has number %d", h, r.no)
			}
			if h != "" && r.field == "" && !slices.Contains(l.ignored, i) {
				t.Fatalf("%q: nothing is said of column %d", s, i)
			}
		}
		if again, same := Recognise(header, datedTypes); len(same) != len(refusals) || !maps.Equal(again.At, l.At) ||
			!slices.Equal(again.Slots, l.Slots) || !slices.Equal(again.Addresses, l.Addresses) {
			t.Fatalf("%q is recognised in two ways", s)
		}
		for _, x := range l.Slots {
			if l.At[x.Value] == 0 && l.Columns[x.Value] == "" {
				t.Fatalf("%q: a slot without a column: %+v", s, x)
			}
		}
	})
}
