package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// header is the header of the pilot's file.
const header = "Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters"

// person is a row with an identity. The names are made of syllables and are nobody's.
type person struct {
	number, surname, initials, sex string
	birth                          time.Time
}

// line returns the person as a row of a file.
func (p person) line() string {
	return p.row(p.birth.Format("2-1-2006"), p.sex)
}

// row returns the person as a row with another birth date and sex, such as the TTP
// refuses.
func (p person) row(birth, sex string) string {
	return strings.Join([]string{"2809", birth, sex, p.number, p.surname, "", p.initials}, ";")
}

var syllables = strings.Fields("bo da fe gi ha ju ka lo me ni po ra su te vo wi za")

// people makes n persons, with patient numbers that start with prefix.
func people(r *rand.Rand, prefix string, n int) []person {
	out := make([]person, n)
	for i := range out {
		var name strings.Builder
		for range 6 {
			name.WriteString(syllables[r.IntN(len(syllables))])
		}
		s := name.String()
		out[i] = person{
			number: fmt.Sprintf("%s%05d", prefix, i), surname: strings.ToUpper(s[:1]) + s[1:],
			initials: string(rune('A' + r.IntN(26))), sex: []string{"m", "v"}[r.IntN(2)],
			birth: time.Date(1930+r.IntN(90), time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC),
		}
	}
	return out
}

// writeRows writes a file with the pilot's header.
func writeRows(t testing.TB, path string, rows []string) {
	t.Helper()
	text := header + "\r\n" + strings.Join(rows, "\r\n") + "\r\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// copyDir copies the data folder of a program that is not running.
func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	// CopyFS lets others read the copies, but the sandbox wants its key file to be 0600.
	err := filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
