package fhirdoor_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sluis/internal/server/servertest"
)

// TestRefusalsInWordsOfFHIR: each reason for which a Bundle can be refused reaches the
// OperationOutcome, in words that a sender of FHIR understands.
func TestRefusalsInWordsOfFHIR(t *testing.T) {
	s := servertest.New(t)
	good := person("1", "Jansen", "1960-02-03", "male")
	without := func(part string) string {
		if !strings.Contains(good, part) {
			t.Fatalf("%s is not in %s", part, good)
		}
		return strings.Replace(good, part, "", 1)
	}
	births := func(list ...string) (out []string) {
		for i, b := range list {
			out = append(out, person(fmt.Sprint("d", i), "Jansen", b, "male"))
		}
		return out
	}
	withPseudonym := strings.Replace(good, `"identifier":[`, `"identifier":[{"system":"urn:sluis:temporary-pseudonym:NGGV","value":"abc"},`,
		1)
	onlyNGG := `{"resourceType":"Patient","identifier":[{"system":"urn:hospital","value":"1"},{"system":"urn:sluis:temporary-pseudonym:NGG","value":"abc"}],` +
		`"birthDate":"1960-02-03","gender":"male"}`
	for code, c := range map[string]struct {
		patients []string
		text     string
		who      string
	}{
		"FHIR_BSN": {[]string{strings.Replace(good, "urn:hospital", "http://fhir.nl/fhir/NamingSystem/bsn", 1)},
			"An identifier without a value", ""},
		"NO_PATIENTS":       {[]string{`{"resourceType":"Observation"}`}, "does not contain a single Patient", ""},
		"BSN_NUMBERS":       {bsns(), "Nearly all patient numbers look like a BSN", ""},
		"MIXED":             {[]string{withPseudonym}, "The Patients have both personal data and temporary pseudonyms", ""},
		"MISSING_COLUMN":    {[]string{without(`,"gender":"male"`)}, "No Patient has gender. Deliver that element.", ""},
		"NO_LINK_PSEUDONYM": {[]string{onlyNGG}, "No Patient has an identifier with the temporary pseudonym", ""},
		"ONE_COLUMN": {[]string{`{"resourceType":"Patient","identifier":[{"system":"urn:hospital","value":"1"}]}`},
			"only one item that Sluis reads", ""},
		"SEX_ZERO_ONE": {[]string{person("1", "A", "1960-02-03", "0"), person("2", "B", "1960-02-03", "1")},
			"gender has only 0 and 1", ""},
		"DATES_ORDER_OPEN": {births("7/1/1990 12:00:00 AM"), "FHIR prescribes yyyy-mm-dd.", ""},
		"DATES_MIXED": {births("31-1-1950", "30-1-1951", "29-1-1952", "1-31-1950", "1-30-1951", "1-29-1952"),
			"FHIR prescribes yyyy-mm-dd.", ""},
		"DATES_SWAPPED": {births("1950-02-01", "1951-12-12", "1952-03-04", "13-1-1950", "14-2-1951", "31-3-1952"),
			"FHIR prescribes yyyy-mm-dd.", ""},
		"BIRTHS_NUMBERED_TEXT": {births("18264", "20000", "25000", "30000", "31000"), "birthDate has numbers instead of dates: 5. FHIR",
			""},
		"IDENTITIES_NOT_ALLOWED": {[]string{good}, "may not deliver personal data", "other"},
	} {
		t.Run(code, func(t *testing.T) {
			who := c.who
			if who == "" {
				who = "uploader"
			}
			a := s.Call(who, "POST", "/fhir", fhirJSON, bundleOf("batch", c.patients...), "Accept-Language", "en")
			got := parse[outcome](t, a)
			if a.Status != http.StatusUnprocessableEntity || got.ResourceType != "OperationOutcome" {
				t.Fatalf("%d %.1000s", a.Status, a.Body)
			}
			at := slices.IndexFunc(got.Issue, func(i struct {
				Severity, Code, Diagnostics string
				Details                     struct {
					Text   string
					Coding []struct{ Code string }
				}
				Expression []string
			}) bool {
				return len(i.Details.Coding) == 1 && i.Details.Coding[0].Code == code
			})
			if at < 0 || got.Issue[at].Severity != "error" || !strings.Contains(got.Issue[at].Details.Text, c.text) {
				t.Errorf("%.1000s", a.Body)
			}
			for _, word := range []string{"column", "header", "quote", "{"} {
				if at >= 0 && strings.Contains(got.Issue[at].Details.Text, word) {
					t.Errorf("a sender of FHIR knows no %s: %s", word, got.Issue[at].Details.Text)
				}
			}
		})
	}
}

// bsns are twelve patients with BSNs as numbers.
func bsns() (out []string) {
	for i, n := range strings.Fields("100023757 100039595 100126704 100174218 100372193 100419707 100475140 100601844 100617682 100665196 100752305 100768143") {
		out = append(out, person(n, fmt.Sprintf("Naam%c", 'a'+i), "1960-02-03", "male"))
	}
	return out
}
