package importer_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/value/valuetest"
)

// writingFormats writes twelve patients with these numbers as a file of each format.
var writingFormats = map[string]func(numbers []string) string{
	"csv": func(numbers []string) string {
		out := "Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Voorletters\n"
		for i, n := range numbers {
			out += fmt.Sprintf("%s;%d-3-1970;m;Naam%c;A\n", n, i+2, 'a'+i)
		}
		return out
	},
	"json": func(numbers []string) string {
		var rows []map[string]string
		for i, n := range numbers {
			rows = append(rows, map[string]string{"patientnummer": n, "geboortedatum": fmt.Sprintf("%d-3-1970", i+2), "geslacht": "m",
				"achternaam": fmt.Sprintf("Naam%c", 'a'+i), "voorletters": "A"})
		}
		raw, _ := json.Marshal(rows)
		return string(raw)
	},
	"fhir.json": func(numbers []string) string {
		var entries []string
		for i, n := range numbers {
			text, _ := json.Marshal(n)
			entries = append(entries, fmt.Sprintf(`{"resource":{"resourceType":"Patient","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"value":%s}],"name":[{"family":"Naam%c","given":["Anna"]}],"gender":"male","birthDate":"1970-03-%02d"}}`, text, 'a'+i, i+2))
		}
		return `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Join(entries, ",") + `]}`
	},
	"xlsx": func(numbers []string) string {
		row := func(cells ...string) string {
			out := "<row>"
			for _, c := range cells {
				out += `<c t="inlineStr"><is><t xml:space="preserve">` + c + `</t></is></c>`
			}
			return out + "</row>"
		}
		sheet := row("Patiëntnummer", "Geboortedatum", "Geslacht", "Achternaam", "Voorletters")
		for i, n := range numbers {
			sheet += row(n, fmt.Sprintf("%d-3-1970", i+2), "m", fmt.Sprintf("Naam%c", 'a'+i), "A")
		}
		const main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
		const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
		const rels = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="` +
			office
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, part := range [][2]string{
			{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`},
			{"_rels/.rels", rels + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
			{"xl/workbook.xml", `<workbook xmlns="` + main + `" xmlns:r="` + office +
				`"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>`},
			{"xl/_rels/workbook.xml.rels", rels + `/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
			{"xl/worksheets/sheet1.xml", `<worksheet xmlns="` + main + `"><sheetData>` + sheet + `</sheetData></worksheet>`},
		} {
			w, _ := z.Create(part[0])
			_, _ = w.Write([]byte(part[1]))
		}
		_ = z.Close()
		return out.String()
	},
}

// deliverDataset imports twelve patients with these numbers as a dataset of the TTP.
func deliverDataset(t *testing.T, ttp *ttptest.TTP, numbers []string) []string {
	t.Helper()
	set := fakeSets{said: len(numbers)}
	for i, n := range numbers {
		set.rows = append(set.rows, patient.DatasetRow{
			Number: n, BirthDate: fmt.Sprintf("1970-03-%02d", i+2), Sex: "m",
			Pseudonyms: []patient.Pseudonym{{Type: "NGGV", KeyVersion: 1, Value: fmt.Sprint("v", i)}},
		})
	}
	return importSet(t, ttp, set)
}

// importSet imports a dataset and returns the account of it.
func importSet(t *testing.T, ttp *ttptest.TTP, set fakeSets) []string {
	t.Helper()
	p := newPlantAt(t, ttp, 4, time.Now)
	p.withSets(t, ttp)
	o := p.options
	o.Sets = set
	p.use(t, o)
	id, err := p.desk.ImportDataset(t.Context(), tester, "set", delivery.Save)
	if err != nil {
		t.Fatal(err)
	}
	p.settle(t)
	return p.account(t, id)
}

// TestAnyWritingAtEveryDoor: BSNs in whatever writing are refused in every format and in a
// dataset, and plain numbers in whatever writing are one number there. The other doors have
// a test like it: single entry in server/entry, the old table in importer/oldtable.
func TestAnyWritingAtEveryDoor(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f != nil && f.Value.String() == f.DefValue {
		if err := f.Value.Set("8"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Value.Set(f.DefValue) }()
	}
	ttp := ttptest.Start(t)
	doors := map[string]func(numbers []string) []string{
		"dataset": func(numbers []string) []string { return deliverDataset(t, ttp, numbers) },
	}
	for format, file := range writingFormats {
		doors[format] = func(numbers []string) []string { return deliverFaulty(t, ttp, "any."+format, file(numbers)) }
	}
	for name, deliver := range doors {
		t.Run(name, func(t *testing.T) {
			writings, failures := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				var bsns, plain []string
				for i, bsn := range valuetest.BSNs {
					bsns = append(bsns, valuetest.BSN(t, bsn))
					plain = append(plain, valuetest.Number(t, fmt.Sprint(700100+i)))
				}
				writings += len(bsns) + len(plain)
				if account := deliver(bsns); !slices.Contains(account, "refused BSN_NUMBERS map[]") {
					failures++
					t.Errorf("BSNs %q: %q", bsns, account)
				}
				account := strings.Join(deliver(plain), "\n")
				for i, written := range plain {
					if !strings.Contains(account, fmt.Sprintf("patient %d ", 700100+i)) {
						failures++
						t.Errorf("%q is not %d in\n%s", written, 700100+i, account)
					}
				}
			})
			t.Logf("%d writings, %d failures", writings, failures)
		})
	}
}

// TestAnyWritingInEveryFormat: twelve BSNs, each written its own way, are refused in every
// format, and plain numbers, each written its own way, are the same in every format.
func TestAnyWritingInEveryFormat(t *testing.T) {
	ttp := ttptest.Start(t)
	bsns := []string{
		"100\u00a0023\u00a0757", "1000.39.595", "100,126,704", "100174218.0", "100372193,00", "BSN100419707", "BSN: 100475140",
		"1.00601844E8",
		"١٠٠٦١٧٦٨٢", "100\u200b665\u200b196", "１００７５２３０５", "000100768143",
	}
	plain := []string{
		"700100.0", "700101,0", "700102,00", "7.00103E5", "700\u200b104", "\u00a0700105", "700106\u2009", "700\u00ad107", "\ufeff700108",
		"70010\u202e9", "7.0011e+05", "700111",
	}
	for format, file := range writingFormats {
		t.Run(format, func(t *testing.T) {
			if account := deliverFaulty(t, ttp, "bsns."+format, file(bsns)); !slices.Contains(account, "refused BSN_NUMBERS map[]") {
				t.Errorf("BSNs: %q", account)
			}
			account := strings.Join(deliverFaulty(t, ttp, "plain."+format, file(plain)), "\n")
			for i := range plain {
				if !strings.Contains(account, fmt.Sprintf("patient %d ", 700100+i)) {
					t.Errorf("no patient %d in\n%s", 700100+i, account)
				}
			}
		})
	}
}
