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

// header is that of the pilot's file.
const header = "Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters"

// person is a row with an identity. The names are made of syllables: no person
// is meant by them.
type person struct {
	number, surname, initials, sex string
	birth                          time.Time
}

// line is the person as a row of a file. The fields that the TTP refuses can be
// put in by hand.
func (p person) line() string {
	return p.row(p.birth.Format("2-1-2006"), p.sex)
}

func (p person) row(birth, sex string) string {
	return strings.Join([]string{"2809", birth, sex, p.number, p.surname, "", p.initials}, ";")
}

var syllables = strings.Fields("bo da fe gi ha ju ka lo me ni po ra su te vo wi za")

// people makes n persons whose numbers start with prefix.
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

// copyDir copies a data folder of a program that does not run.
func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	// CopyFS keeps the modes but for what only the owner may: the sandbox wants 0600.
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
