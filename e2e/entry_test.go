package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entry has the values that a clinician fills in. The people are made up.
type entry struct{ number, day, month, year, sex, initials, prefix, surname string }

var zeepaard = entry{"7001", "27", "3", "1961", "v", "q", "van der", "Zeepaardstra"}

// enter fills in the form for one patient.
func (b *tab) enter(e entry) {
	b.t.Helper()
	for id, value := range map[string]string{
		"number": e.number, "birth-day": e.day, "birth-month": e.month, "birth-year": e.year,
		"initials": e.initials, "prefix": e.prefix, "surname": e.surname,
	} {
		b.fill("#"+id, value)
	}
	if e.sex != "" {
		b.choose("sex", e.sex)
	}
}

// entered returns the values that are in the form now.
func (b *tab) entered() entry {
	b.t.Helper()
	value := func(id string) string { return ask[string](b, `document.getElementById('`+id+`').value`) }
	sex := ask[string](b, `document.querySelector('[name=sex]:checked')?.value ?? ''`)
	return entry{value("number"), value("birth-day"), value("birth-month"), value("birth-year"), sex,
		value("initials"), value("prefix"), value("surname")}
}

const savePatient = "main form[action='/patienten/nieuw'] button[type=submit]"

// TestSingleEntry enters patients one by one.
func TestSingleEntry(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir())
	b := newTab(t, p)
	b.signIn("clinician", "2809")
	b.click("main a[href='/patienten/nieuw']")
	b.look("form")

	b.clickWrong(savePatient)
	b.focused("the error summary", ".govuk-error-summary")
	b.look("form-empty")

	// The TTP refuses the birth date. Its words are shown at that field, and the other
	// fields keep their values.
	wrong := zeepaard
	wrong.day, wrong.month, wrong.year = "", "", ""
	b.enter(wrong)
	b.clickWrong(savePatient)
	b.wants("#birth-error [lang=nl]", "De geboortedatum is leeg")
	b.says("De TTP meldt: De geboortedatum is leeg")
	if got := b.entered(); got != wrong {
		t.Errorf("the form comes back with %+v, not %+v", got, wrong)
	}
	b.sees("form-ttp-error")
	future := zeepaard
	future.year = "2899"
	b.enter(future)
	b.clickWrong(savePatient)
	b.wants("#birth-error [lang=nl]", "De geboortedatum ligt in de toekomst")

	b.enter(zeepaard)
	b.click(savePatient)
	b.wants("h1", "Patiënt opgeslagen")
	b.lookWithout("entered", zeepaard)
	b.click("main a[href='/patienten/nieuw']")
	b.enter(zeepaard)
	b.click(savePatient)
	b.wants("h1", "Patiënt was al bekend")
	b.lookWithout("entered-again", zeepaard)

	// The same person under another number, and another person under this number.
	other := zeepaard
	other.number = "7002"
	stranger := entry{"7001", "1", "2", "1950", "m", "z", "", "Waterspinnema"}
	for name, e := range map[string]entry{"entered-other-number": other, "entered-other-person": stranger} {
		b.open("/patienten/nieuw")
		b.enter(e)
		b.click(savePatient)
		b.wants("h1", "Niet opgeslagen: wordt beoordeeld")
		b.lookWithout(name, e)
	}
	if n := p.patients(t); n != 1 {
		t.Errorf("%d patients are stored, want 1", n)
	}
	for _, path := range []string{"/", "/patienten", "/aanleveringen"} {
		b.open(path)
		b.lookWithout("after-entry", zeepaard)
	}
}

// lookWithout examines the page like look, and checks that the surname of e is not on
// it either.
func (b *tab) lookWithout(name string, e entry) {
	b.t.Helper()
	b.look(name)
	for _, secret := range []string{e.surname, strings.ToLower(e.surname)} {
		if strings.Contains(b.html(), secret) || strings.Contains(b.where(), secret) {
			b.t.Errorf("%s (%s) holds the surname", name, b.where())
		}
	}
}

// write writes a file that is removed after the test, and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
