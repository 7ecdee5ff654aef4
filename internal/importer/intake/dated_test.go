package intake

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/patient"
)

func TestPostcodesOfARow(t *testing.T) {
	const header = "patid;geboortedatum;sexe;achternaam;voorletters;Postcode;Huisnummer;Toevoeging;Peildatum postcode;Postcode 1;Huisnummer 1;Toevoeging 1;Peildatum postcode 1;Postcode 3;Huisnummer 3;Peildatum postcode 3"
	full := newChecker(t, header)
	dateless := newChecker(t, "patid;geboortedatum;sexe;achternaam;voorletters;Postcode 2;Huisnummer 2")
	for name, c := range map[string]struct {
		k     checker
		cells string
		want  string // postcode/number/suffix@day
		found []string
	}{
		"none": {full, ";;;;;;;;;;", "", nil},
		"one":  {full, "1234AB;1;a;1-1-2020;;;;;;;", "1234AB/1/a@2020-01-01", nil},
		"all": {full, "1234AB;1;a;1-1-2020;4321 BA;2;;2022-02-02;5555CC;3;20230303",
			"1234AB/1/a@2020-01-01 4321 BA/2/@2022-02-02 5555CC/3/@2023-03-03", nil},
		"the second alone": {full, ";;;;4321BA;2;;2022-02-02;;;", "4321BA/2/@2022-02-02", nil},
		"in the future":    {full, "1234AB;1;;1-1-2999;;;;;;;", "1234AB/1/@2999-01-01", nil},
		"without a day": {full, "1234AB;1;;;4321BA;2;;2022-02-02;;;", "4321BA/2/@2022-02-02",
			[]string{"POSTCODE_DATE_UNREADABLE recordedOn"}},
		"a day that is none": {full, ";;;;4321BA;2;;vorig jaar;5555CC;3;31-2-2023", "",
			[]string{"POSTCODE_DATE_UNREADABLE recordedOn.1", "POSTCODE_DATE_UNREADABLE recordedOn.3"}},
		"no column for days": {dateless, "1234AB;1", "", []string{"POSTCODE_DATE_UNREADABLE postcode.2"}},
		"a day without a postcode, a number without one": {full, ";;;1-1-2020;;2;;;;;", "",
			[]string{"POSTCODE_EMPTY postcode", "POSTCODE_EMPTY postcode.1"}},
		"the same twice": {full, "1234AB;1;a;1-1-2020;1234 ab;1;A;01-01-2020;;;", "1234AB/1/a@2020-01-01", nil},
		"two on a day": {full, "1234AB;1;;1-1-2020;4321BA;2;;2020-01-01;5555CC;3;1-1-2021",
			"1234AB/1/@2020-01-01 5555CC/3/@2021-01-01", []string{"POSTCODE_TWICE postcode.1"}},
		"two numbers on a day": {full, "1234AB;1;;1-1-2020;1234AB;2;;2020-01-01;;;", "1234AB/1/@2020-01-01",
			[]string{"POSTCODE_TWICE postcode.1"}},
		"one address on two days": {full, "1234AB;1;;1-1-2020;1234AB;1;;2021-01-01;;;", "1234AB/1/@2020-01-01 1234AB/1/@2021-01-01",
			nil},
		"what is left out takes no day": {full, "1234AB;1;;x;4321BA;2;;2020-01-01;5555CC;3;1-1-2020", "4321BA/2/@2020-01-01",
			[]string{"POSTCODE_DATE_UNREADABLE recordedOn", "POSTCODE_TWICE postcode.3"}},
	} {
		row, found := codes(t, c.k, "1;2-1-1970;m;Jansen;a;"+c.cells)
		var got []string
		for _, p := range row.identity.Reveal().Postcodes {
			got = append(got, p.Postcode+"/"+p.HouseNumber+"/"+p.Suffix+"@"+p.RecordedOn)
		}
		if strings.Join(got, " ") != c.want || !slices.Equal(found, c.found) {
			t.Errorf("%s: %q and %q, want %q and %q", name, got, found, c.want, c.found)
		}
		if row.rejected() {
			t.Errorf("%s: rejected", name)
		}
	}
	// A row that is rejected for its birth date has its other findings too.
	if _, found := codes(t, dateless, "1;nooit;m;Jansen;a;1234AB;1"); !slices.Equal(found,
		[]string{"BIRTH_DATE_UNREADABLE birthDate", "POSTCODE_DATE_UNREADABLE postcode.2"}) {
		t.Errorf("found %q", found)
	}
}

// TestWithoutAPostcodeType checks that postcodes are not read if no pseudonym type is made
// of them.
func TestWithoutAPostcodeType(t *testing.T) {
	l, refusals := columns.Recognise(strings.Split("patid;geboortedatum;sexe;achternaam;voorletters;E-mail;Postcode;Huisnummer;Peildatum;Postcode 1;Peildatum 1", ";"), testTypes)
	if len(refusals) > 0 {
		t.Fatal(refusals)
	}
	k := checker{Layout: l, centre: account.Centre{Number: "2809", Name: "Voorbeeldziekenhuis"}, linkType: "NGGV"}
	c, found := codes(t, k, "1;2-1-1970;m;Jansen;a;canary@example.org;Canary\x07;Canary;Canary;Canary;1-1-2020")
	sent, err := json.Marshal(c.identity.Reveal())
	if err != nil || strings.Contains(strings.ToLower(string(sent)), "canary") || c.identity.Reveal().Postcodes != nil || len(found) > 0 {
		t.Errorf("%s, %q (%v)", sent, found, err)
	}
}

func TestTemporariesOfARow(t *testing.T) {
	const header = "patid;geboortedatum;sexe;NGGV;NGG;PGG;Peildatum PGG;PGG 1;Peildatum pseudoniem PGG 1;PGG 2;Peildatum 2;Geldig tot"
	full := newChecker(t, header)
	dateless := newChecker(t, "patid;geboortedatum;sexe;NGGV;PGG 3")
	for name, c := range map[string]struct {
		k        checker
		cells    string
		want     string // type=value@day
		found    []string
		rejected bool
	}{
		"no postcode": {full, "a;b;;;;;;;", "NGGV=a NGG=b", nil, false},
		"all": {full, "a;b;c;1-1-2020;d;1-1-2021;e;1-1-2022;",
			"NGGV=a NGG=b PGG=c@2020-01-01 PGG=d@2021-01-01 PGG=e@2022-01-01", nil, false},
		"no day": {full, "a;;c;;d;nooit;e;31-2-2022;", "NGGV=a",
			[]string{"PSEUDONYM_DATE_UNREADABLE recordedOn.PGG", "PSEUDONYM_DATE_UNREADABLE recordedOn.PGG.1",
				"PSEUDONYM_DATE_UNREADABLE recordedOn.2"}, false},
		"no column for days": {dateless, "a;c", "NGGV=a", []string{"PSEUDONYM_DATE_UNREADABLE PGG.3"}, false},
		"a day and nothing":  {full, "a;;;1-1-2020;;;;;", "NGGV=a", nil, false},
		"the same twice":     {full, "a;;c;1-1-2020;c;2020-01-01;;;", "NGGV=a PGG=c@2020-01-01", nil, false},
		"two on a day": {full, "a;;c;1-1-2020;d;2020-01-01;e;1-1-2022;", "NGGV=a PGG=c@2020-01-01 PGG=e@2022-01-01",
			[]string{"PSEUDONYM_TWICE PGG.1"}, false},
		"no linking type":         {full, ";b;c;1-1-2020;;;;;", "NGG=b PGG=c@2020-01-01", []string{"LINK_PSEUDONYM_MISSING NGGV"}, true},
		"malformed":               {full, "a;;c c;1-1-2020;;;;;", "NGGV=a", []string{"PSEUDONYM_MALFORMED PGG"}, true},
		"malformed, linking type": {full, "a a;;;;;;;;", "", []string{"PSEUDONYM_MALFORMED NGGV"}, true},
		"an end that is none":     {full, "a;;;;;;;;straks", "NGGV=a", []string{"EXPIRY_UNREADABLE expiresAt"}, false},
	} {
		row, found := codes(t, c.k, "1;2-1-1970;m;"+c.cells)
		var got []string
		for _, p := range row.temporaries {
			s := p.Type + "=" + p.Value
			if p.RecordedOn != "" {
				s += "@" + p.RecordedOn
			}
			got = append(got, s)
			if !p.ExpiresAt.IsZero() {
				t.Errorf("%s: runs out at %v", name, p.ExpiresAt)
			}
		}
		if strings.Join(got, " ") != c.want || !slices.Equal(found, c.found) || row.rejected() != c.rejected {
			t.Errorf("%s: %q, %q, rejected %v; want %q, %q, %v", name, got, found, row.rejected(), c.want, c.found, c.rejected)
		}
	}
	row, _ := codes(t, full, "1;2-1-1970;m;a;;c;1-1-2020;;;;;1-12-2026")
	want := time.Date(2026, 12, 1, 22, 59, 59, 0, time.UTC)
	if len(row.temporaries) != 2 || slices.ContainsFunc(row.temporaries, func(p patient.Temporary) bool { return p.ExpiresAt != want }) {
		t.Errorf("%+v, want both to run out at %v", row.temporaries, want)
	}
}
