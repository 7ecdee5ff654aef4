package ttpsandbox

import (
	"strings"
	"time"
)

const (
	fatal   = "fatal"
	warning = "warning"
)

// The findings, letter by letter as the contract lists them. Only 2141 is the
// sandbox's own: the contract has no finding for a call that asks only for postcode
// types and brings no postcode.
var (
	birthDateEmpty   = finding{fatal, "2101", "birthDate", "De geboortedatum is leeg"}
	birthDateFuture  = finding{fatal, "2102", "birthDate", "De geboortedatum ligt in de toekomst"}
	birthDateInvalid = finding{fatal, "2103", "birthDate", "De geboortedatum is ongeldig"}
	sexInvalid       = finding{fatal, "2111", "sex", "Het geslacht bevat een ongeldige waarde"}
	surnameEmpty     = finding{fatal, "2121", "surname", "De achternaam is leeg"}
	surnameUnusable  = finding{fatal, "2122", "surname", "De achternaam bevat geen bruikbare letters"}
	initialsEmpty    = finding{fatal, "2131", "initials", "De voorletters zijn leeg"}
	postcodeEmpty    = finding{fatal, "2141", "postcode", "De postcode is leeg"}
	birthDateLongAgo = finding{warning, "3101", "birthDate", "De geboortedatum ligt meer dan 110 jaar terug"}
)

// Findings about a temporary pseudonym. Their field is its type.
var (
	temporaryExpired = finding{fatal, "2201", "", "Het tijdelijke pseudoniem is verlopen"}
	temporaryUnknown = finding{fatal, "2202", "", "Het tijdelijke pseudoniem is onbekend of beschadigd"}
	temporaryForeign = finding{fatal, "2203", "", "Het tijdelijke pseudoniem is voor een andere ontvanger bestemd"}
	temporaryOthers  = finding{fatal, "2205", "", "Het tijdelijke pseudoniem is door een andere instelling opgehaald"}
)

// definitiveUnknown is about a definitive pseudonym to be converted. The contract
// lists no finding for it.
var definitiveUnknown = finding{fatal, "2202", "", "Het pseudoniem is onbekend of beschadigd"}

func (f finding) at(typ string) finding {
	f.Field = typ
	return f
}

// check checks one identity for the types that are asked for, and normalises it. It
// returns false if a finding is fatal.
func check(id identity, types []string, today time.Time) (person, []finding, bool) {
	p := person{initial: initial(id.Initials)}
	var found []finding
	var f *finding
	if p.birthDate, f = checkBirthDate(id.BirthDate, today); f != nil {
		found = append(found, *f)
	}
	if p.sex = sex(id.Sex); p.sex == "" {
		found = append(found, sexInvalid)
	}
	if wants(types, func(k kind) bool { return k.surname }) {
		if p.surname, f = checkSurname(id.Surname); f != nil {
			found = append(found, *f)
		}
	}
	for _, pc := range id.Postcodes {
		if pc.Postcode = normalPostcode(pc.Postcode); pc.Postcode != "" {
			p.postcodes = append(p.postcodes, pc)
		}
	}
	if !usable(found) {
		return person{}, found, false
	}
	// A type whose ingredients are missing is left out. There is a finding only if
	// no type is left.
	if !wants(types, p.has) {
		if wants(types, func(k kind) bool { return k.initial }) {
			found = append(found, initialsEmpty)
		} else {
			found = append(found, postcodeEmpty)
		}
		return person{}, found, false
	}
	return p, found, true
}

// has reports whether the person has the ingredients of k.
func (p person) has(k kind) bool {
	return (!k.initial || p.initial != "") && (!k.postcode || len(p.postcodes) > 0)
}

func wants(types []string, is func(kind) bool) bool {
	for _, t := range types {
		if is(kinds[t]) {
			return true
		}
	}
	return false
}

func usable(found []finding) bool {
	for _, f := range found {
		if f.Severity == fatal {
			return false
		}
	}
	return true
}

// checkBirthDate returns s without spaces, or a finding if it is not a possible ISO
// date. today is midnight UTC of the current day.
func checkBirthDate(s string, today time.Time) (string, *finding) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", &birthDateEmpty
	}
	d, err := time.Parse(time.DateOnly, s)
	switch {
	case err != nil:
		return "", &birthDateInvalid
	case d.After(today):
		return "", &birthDateFuture
	case d.Before(today.AddDate(-110, 0, 0)):
		return s, &birthDateLongAgo
	}
	return s, nil
}

// sex returns M or V, or nothing if s is neither. The contract knows only m and v:
// man, vrouw and the like are the work of the program that reads a hospital's file.
func sex(s string) string {
	switch s = strings.ToUpper(strings.TrimSpace(s)); s {
	case "M", "V":
		return s
	}
	return ""
}

func checkSurname(s string) (string, *finding) {
	if strings.TrimSpace(s) == "" {
		return "", &surnameEmpty
	}
	if n := normalise(s); n != "" {
		return n, nil
	}
	return "", &surnameUnusable
}

// initial returns the first letter, in upper case, of initials such as "a.a" and
// "t t".
func initial(s string) string {
	n := normalise(s)
	return n[:min(1, len(n))]
}

// today returns the current day in the Netherlands, as midnight UTC.
func (s *Sandbox) today(now time.Time) time.Time {
	y, m, d := now.In(s.amsterdam).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
