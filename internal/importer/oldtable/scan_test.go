package oldtable_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"sluis/internal/conversion"
	"sluis/internal/importer/oldtable"
)

func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func needles(own []string, names ...string) *oldtable.Needles {
	n := oldtable.NewNeedles(own)
	for _, name := range names {
		n.Add(oldtable.Surnames, name)
	}
	return n
}

func look(t *testing.T, n *oldtable.Needles, data []byte) (conversion.Scan, int) {
	t.Helper()
	s := oldtable.NewScanner(n, time.Now())
	s.Stream("data", bytes.NewReader(data))
	return s.Result(), s.Unfound()
}

// TestScannerFinds checks that every notation of a name is found, and that the scanner
// reports the place and not the name.
func TestScannerFinds(t *testing.T) {
	for what, c := range map[string]struct {
		name string
		data []byte
		want int
	}{
		"as it is written":          {"Timmermans", []byte("xx|Timmermans|xx"), 1},
		"in lower case":             {"Timmermans", []byte("xxtimmermansxx"), 1},
		"in upper case":             {"Timmermans", []byte("TIMMERMANS"), 1},
		"in UTF-16":                 {"Timmermans", wide("x Timmermans"), 1},
		"in UTF-16, odd":            {"Timmermans", append([]byte("x"), wide("timmermans")...), 1},
		"with letters of elsewhere": {"Çelikoğlu", []byte("naam Çelikoğlu."), 1},
		"those in upper case":       {"Çelikoğlu", []byte("ÇELIKOĞLU"), 1},
		"between other fields":      {"Jansen", []byte("deJansena.b.m2809"), 1},
		"more than once":            {"Jansen", []byte("Jansen jansen JANSEN"), 3},
		"with spaces":               {"van Dijk-Bakker", []byte("van Dijk-Bakker"), 1},
		"six letters":               {"Visser", []byte("Visser"), 1},
		"five are too few":          {"Vries", []byte("Vries"), 0},
		"half a name":               {"Timmermans", []byte("Timmerman"), 0},
		"nothing":                   {"Timmermans", nil, 0},
	} {
		n := needles(nil, c.name)
		scan, unfound := look(t, n, c.data)
		if scan.Found() != c.want || len(scan.Hits) != c.want || c.want > 0 && unfound != 0 {
			t.Errorf("%s: %d hits, %d listed, %d unfound; want %d", what, scan.Found(), len(scan.Hits), unfound, c.want)
		}
		if strings.Contains(strings.ToLower(fmt.Sprintf("%+v", scan)), strings.ToLower(c.name)) {
			t.Errorf("%s: the result says the name", what)
		}
		if short := c.name == "Vries"; (n.Short == 1) != short {
			t.Errorf("%s: %d are too short", what, n.Short)
		}
	}
}

// TestScannerAtEveryPlace: no block boundary hides a name, and its place is right.
func TestScannerAtEveryPlace(t *testing.T) {
	n := needles(nil, "Timmermans", strings.Repeat("Lang", 40))
	const block = 4 << 20
	random := rand.New(rand.NewPCG(1, 2))
	for _, at := range []int{0, 1, block - 2049, block - 2048, block - 2047, block - 11, block - 5, block, block + 1, 2*block - 7, 2*block + 100} {
		for _, name := range []string{"Timmermans", strings.Repeat("Lang", 40)} {
			data := bytes.Repeat([]byte{'.'}, 2*block+2000)
			for range 1000 {
				data[random.IntN(len(data))] = byte(random.IntN(256))
			}
			copy(data[at:], name)
			scan, _ := look(t, n, data)
			if scan.Found() != 1 || scan.Hits[0].Offset != int64(at) || scan.Files[0].Bytes != int64(len(data)) {
				t.Errorf("%.10s at %d: %+v", name, at, scan)
			}
		}
	}
}

// TestScannerTellsChance: in a pseudonym six letters come by chance.
func TestScannerTellsChance(t *testing.T) {
	for what, c := range map[string]struct {
		data         string
		hits, chance int
	}{
		"in a pseudonym":                {"v1.ABCDEFGH234567JANSENABCDEFGH234567", 0, 1},
		"beside one, in lower case":     {"v1.ABCDEFGH234567ABCDEFGHjansen", 1, 0},
		"in upper case, in a few words": {"DE HEER JANSEN", 1, 0},
		"in a short run":                {"ABCJANSENABC", 1, 0},
	} {
		scan, _ := look(t, needles(nil, "Jansen"), []byte(c.data))
		if f := scan.Files[0]; f.Hits != c.hits || f.Chance != c.chance {
			t.Errorf("%s: %d hits, %d by chance", what, f.Hits, f.Chance)
		}
	}
}

// TestScannerKnowsOwnWords checks that a name that is part of one of our own words is found
// only as a word by itself.
func TestScannerKnowsOwnWords(t *testing.T) {
	n := needles([]string{"datamanager", "jansen@registratie.example"}, "Datama", "Jansen")
	if n.Words != 2 {
		t.Errorf("%d words", n.Words)
	}
	if scan, _ := look(t, n, []byte("datamanager jansen@registratie.example")); scan.Found() != 0 {
		t.Errorf("own words are hits: %+v", scan)
	}
	if scan, _ := look(t, n, []byte("Datama, Jansen, JANSEN")); scan.Found() != 3 {
		t.Errorf("names are none: %+v", scan)
	}
}

// TestScannerReadsFolders, and says what it could not read.
func TestScannerReadsFolders(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.bak": "Jansen", "sub/b.log": "jansen", "c": ""} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := oldtable.NewScanner(needles(nil, "Jansen", "Pietersen"), time.Now())
	s.Path(dir)
	s.Path(filepath.Join(dir, "not there"))
	scan := s.Result()
	if scan.Found() != 2 || len(scan.Files) != 3 || s.Unfound() != 1 || scan.Unread() != 0 {
		t.Errorf("%+v, %d unfound", scan, s.Unfound())
	}
	if !slices.ContainsFunc(scan.Files, func(f conversion.Scanned) bool { return strings.HasSuffix(f.File, "b.log") && f.Hits == 1 }) {
		t.Errorf("%+v", scan.Files)
	}
	proof := conversion.Proof{Surnames: 1, After: conversion.Scan{Files: []conversion.Scanned{{File: "x"}}}}
	for what, change := range map[string]func(p *conversion.Proof){
		"a hit":           func(p *conversion.Proof) { p.After.Files[0].Hits = 1 },
		"unread":          func(p *conversion.Proof) { p.After.Files[0].Error = "x" },
		"no file":         func(p *conversion.Proof) { p.After.Files = nil },
		"a blind scanner": func(p *conversion.Proof) { p.Control = 1 }, "nothing looked for": func(p *conversion.Proof) { p.Surnames = 0 },
		"a row": func(p *conversion.Proof) { p.Rows = &conversion.Scan{Files: []conversion.Scanned{{Hits: 1}}} },
	} {
		p := proof
		p.After.Files = slices.Clone(proof.After.Files)
		if !p.Clean() {
			t.Fatal("the good proof is not clean")
		}
		if change(&p); p.Clean() {
			t.Errorf("%s: the proof is clean", what)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	n := oldtable.NewNeedles(nil)
	random := rand.New(rand.NewPCG(1, 2))
	for range 60_000 {
		name := make([]byte, 6+random.IntN(8))
		for i := range name {
			name[i] = byte('a' + random.IntN(26))
		}
		n.Add(oldtable.Surnames, string(name))
	}
	data := make([]byte, 16<<20)
	for i := range data {
		data[i] = byte(random.IntN(256))
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		s := oldtable.NewScanner(n, time.Now())
		s.Stream("data", bytes.NewReader(data))
	}
}
