package e2e

import (
	"slices"
	"strings"
	"testing"
)

// asClinician looks up the pilot's patients, as a nurse of the same hospital.
func asClinician(t *testing.T, p *program) {
	t.Helper()
	b := newTab(t, p)
	b.signIn("clinician", "2809")
	b.look("overview-clinician")
	b.click("nav a[href='/patienten']")
	b.says("1–36 van 36")
	b.look("patients")
	var numbers []string
	for next := true; next; {
		numbers = append(numbers, b.texts("main tbody th")...)
		if next = ask[bool](b, `document.querySelector('a[rel=next]') !== null`); next {
			b.click("a[rel=next]")
			b.look("patients-next")
		}
	}
	slices.Sort(numbers)
	if n := len(numbers); n != 36 || len(slices.Compact(numbers)) != 36 {
		t.Errorf("the list has %d patients: %v", n, numbers)
	}

	b.open("/patienten")
	b.fill("#number", "0123")
	b.click("form[role=search] button")
	if at := b.where(); at != "/patienten" {
		t.Errorf("the search is at %s: a number must be in no address", at)
	}
	if rows := b.texts("main tbody tr"); len(rows) != 1 || !strings.HasPrefix(rows[0], "0123 21-12-1961 Man") {
		t.Errorf("0123 finds %q", rows)
	}
	b.look("patients-found")
	b.click("main tbody a")
	b.wants("h1", "Patiënt 0123")
	if strings.Contains(b.where(), "0123") || strings.Contains(b.text("title"), "0123") {
		t.Errorf("the patient number is in the address %s or the title %s", b.where(), b.text("title"))
	}
	b.says("Naam en voorletters zijn niet opgeslagen.")
	b.look("patient")

	b.open("/patienten")
	b.fill("#number", "987654") // of a rejected row
	b.click("form[role=search] button")
	b.says("Geen patiënt met precies dit nummer.")
	b.look("patients-none")
}

// asDataManager looks at the deliveries of all centres, and of one.
func asDataManager(t *testing.T, p *program, first string) {
	t.Helper()
	b := newTab(t, p)
	b.signIn("datamanager", "")
	b.look("overview-datamanager")
	b.open("/aanleveringen?groep=closed")
	b.look("deliveries-datamanager")
	if heads := b.texts("main thead th"); !slices.Contains(heads, "Centrum") {
		t.Errorf("the columns are %q", heads)
	}
	if rows := b.texts("main tbody tr"); len(rows) != 3 {
		t.Errorf("the deliveries are %q", rows)
	}
	b.choose("centrum", "2810")
	b.click("main form.app-filters button")
	b.is("main tbody tr", false)
	b.look("deliveries-none")
	b.choose("centrum", "2809")
	b.click("main form.app-filters button")
	if rows := b.texts("main tbody tr"); len(rows) != 3 {
		t.Errorf("the deliveries of 2809 are %q", rows)
	}
	b.open(first)
	b.wantStored()
	b.is("form[action*=annuleren], form[action*=opslaan], a[href='/aanleveringen/nieuw']", false)
	b.look("result-datamanager")
	b.open(first + "/fouten?weergave=records&ernst=fatal")
	b.wantRecords(pilotErrors...)
	b.open("/patienten")
	b.says("1–36 van 36")
	b.look("patients-datamanager")
	b.openStatus("/logboek", 403)
	b.look("forbidden")
}

// asAuditor reads the access log.
func asAuditor(t *testing.T, p *program) {
	t.Helper()
	b := newTab(t, p)
	b.signIn("auditor", "")
	b.look("overview-auditor")
	b.click("nav a[href='/logboek']")
	b.look("log")
	const searched = `[...document.querySelectorAll('[name=soort] option')].find(o => o.text === 'Patiënt gezocht op nummer').value`
	b.choose("soort", ask[string](b, searched))
	b.click("main form.app-filters button")
	if rows := b.texts("main tbody tr"); len(rows) != 2 || !strings.Contains(rows[0], "invoerder@2809.example") {
		t.Errorf("the searches in the log are %q, want two of the clinician", rows)
	}
	b.look("log-filtered")
	b.openStatus("/logboek?van=31-2-2025", 422)
	b.look("log-error")
	b.openStatus("/patienten", 403)
}
