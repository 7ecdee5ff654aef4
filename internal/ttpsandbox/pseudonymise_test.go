package ttpsandbox_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"sluis/internal/ttpsandbox"
)

func readCSV(t *testing.T, text string, comma rune) [][]string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	r.Comma = comma
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestPseudonymisePilot(t *testing.T) {
	x := start(t, options(""))
	file, err := os.ReadFile("../../testdata/pilot40.csv")
	if err != nil {
		t.Fatal(err)
	}
	var out, rejected bytes.Buffer
	rows, refused, err := x.Pseudonymise(t.Context(), bytes.NewReader(file), &out, &rejected, ttpsandbox.Order{})
	if err != nil || rows != 36 || refused != 4 {
		t.Fatalf("%d rows, %d refused, %v", rows, refused, err)
	}
	got := readCSV(t, out.String(), ';')
	if h := strings.Join(got[0], ";"); h != "Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Pseudoniem NGGV;Pseudoniem NGG" ||
		len(got) != 37 {
		t.Errorf("header %s, %d lines", h, len(got))
	}
	if r := got[8]; !slices.Equal(r[:4], []string{"2809", "21-12-1961", "m", "0123"}) {
		t.Errorf("row of 0123: %v", r[:4])
	}
	want := [][]string{
		{"Regel", "Patiëntnummer", "Code", "Melding"},
		{"7", "987654", "2101", "De geboortedatum is leeg"},
		{"27", "8561234897", "2102", "De geboortedatum ligt in de toekomst"},
		{"30", "666", "2111", "Het geslacht bevat een ongeldige waarde"},
		{"39", "001", "2101", "De geboortedatum is leeg"},
	}
	if got := readCSV(t, rejected.String(), ';'); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("rejected %v", got)
	}
	for _, name := range []string{"Jansen", "Scholten", "Postma", "Molenaar"} {
		if strings.Contains(out.String()+rejected.String(), name) {
			t.Errorf("the output holds %s", name)
		}
	}
	// A call over HTTP makes a pseudonym of the same person.
	jan := x.person("NGGV", `"surname":"Jansen","initials":"a","birthDate":"2001-01-01","sex":"m"`)
	if d := x.definitive("NGGV", got[1][4]).Pseudonyms[0].Value; d != jan {
		t.Errorf("%s from the file, %s from the call", d, jan)
	}
}

func TestPseudonymiseShapes(t *testing.T) {
	x := start(t, options(""))
	for name, c := range map[string]struct {
		in            string
		comma         rune
		rows, refused int
		header        string
		rejected      string // the first line after the header
	}{
		"comma, other order, BOM": {
			"\ufeffVoorletters,Achternaam,Patiëntnummer,Geslacht,Geboortedatum\r\na,Jansen,0123,Man,1-1-2001\r\n", ',', 1, 0,
			"Patiëntnummer,Geslacht,Geboortedatum", "",
		},
		"tab, unknown column": {
			"Patientnummer\tGeboortedatum\tGeslacht\tAchternaam\tE-mail\n1\t2001-01-01\tv\tJansen\ta@b.nl\n", '\t', 1, 0,
			"Patientnummer\tGeboortedatum\tGeslacht", "",
		},
		"line of a spreadsheet": {
			"Patiëntnummer;Geboortedatum;Geslacht;Achternaam\n1;1-1-2001;v;\"Jan\nsen\"\n\n;;;\n4;31-2-2001;v;Jansen\n", ';', 1, 1,
			"Patiëntnummer;Geboortedatum;Geslacht", "5;4;2103;De geboortedatum is ongeldig",
		},
		"windows-1252": {
			"Pati\xebntnummer;Geboortedatum;Geslacht;Achternaam\n1;1-1-2001;v;Jans\xe9n\n", ';', 1, 0,
			"Patiëntnummer;Geboortedatum;Geslacht", "",
		},
		"short row": {
			"Geboortedatum;Geslacht;Patiëntnummer;Achternaam\n1-1-2001;v;5\n", ';', 0, 1, "Geboortedatum;Geslacht;Patiëntnummer",
			"2;5;2121;De achternaam is leeg",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out, rejected bytes.Buffer
			rows, refused, err := x.Pseudonymise(t.Context(), strings.NewReader(c.in), &out, &rejected,
				ttpsandbox.Order{Types: []string{"NGG"}})
			if err != nil || rows != c.rows || refused != c.refused {
				t.Fatalf("%d rows, %d refused, %v", rows, refused, err)
			}
			if strings.HasPrefix(out.String(), "\ufeff") != strings.HasPrefix(c.in, "\ufeff") {
				t.Error("the byte order mark is not as it was")
			}
			got := readCSV(t, out.String(), c.comma)
			if want := c.header + string(c.comma) + "Pseudoniem NGG"; strings.Join(got[0], string(c.comma)) != want {
				t.Errorf("header %q, want %q", got[0], want)
			}
			if r := readCSV(t, rejected.String(), c.comma); c.rejected != "" && strings.Join(r[1], ";") != c.rejected {
				t.Errorf("rejected %q", r[1])
			}
		})
	}
}

func TestPseudonymiseSaysWhatIsWrong(t *testing.T) {
	x := start(t, options(""))
	const header = "Patiëntnummer;Geboortedatum;Geslacht;Achternaam\n"
	for name, c := range map[string]struct {
		in, want string
		order    ttpsandbox.Order
	}{
		"empty":          {"", "no header", ttpsandbox.Order{}},
		"no names":       {"Patiëntnummer;Geboortedatum;Geslacht\n1;1-1-2001;m\n", "no column Achternaam", ttpsandbox.Order{}},
		"column twice":   {"Achternaam;" + header, "column 5", ttpsandbox.Order{}},
		"stray quote":    {header + "1;1-1-2001;m;Qa\"nary\n", "line 2", ttpsandbox.Order{}},
		"unknown domain": {header, "DOMAIN_NOT_ALLOWED", ttpsandbox.Order{Domain: "nowhere"}},
		"registry":       {header, "no client", ttpsandbox.Order{ClientID: "registry"}},
		"unknown type":   {header, "types", ttpsandbox.Order{Types: []string{"X"}}},
	} {
		var out, rejected bytes.Buffer
		_, _, err := x.Pseudonymise(t.Context(), strings.NewReader(c.in), &out, &rejected, c.order)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "nary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkTemporary1000 measures one call of 1,000 rows and two types over HTTP.
func BenchmarkTemporary1000(b *testing.B) {
	x := start(b, options(""))
	var body strings.Builder
	body.WriteString(`{"domain":"qrns","types":["NGGV","NGG"],"items":[`)
	for i := range 1000 {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"ref":"%d","surname":"Jånsen%c%c","initials":"a","birthDate":"2001-01-01","sex":"m"}`, i, 'a'+i%26,
			'a'+i/26%26)
	}
	body.WriteString(`]}`)
	for i := 0; b.Loop(); i++ {
		status, answer := x.post("hospital", "temporary", fmt.Sprint(i), body.String())
		if status != http.StatusOK || len(answer) < 100_000 {
			b.Fatal(status, len(answer))
		}
	}
}
