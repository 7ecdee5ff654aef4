package importer_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluis/internal/ttpclient/ttptest"
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
			rows = append(rows, map[string]string{"patientnummer": n, "geboortedatum": fmt.Sprintf("%d-3-1970", i+2), "geslacht": "m", "achternaam": fmt.Sprintf("Naam%c", 'a'+i), "voorletters": "A"})
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
		const rels = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="` + office
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, part := range [][2]string{
			{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`},
			{"_rels/.rels", rels + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
			{"xl/workbook.xml", `<workbook xmlns="` + main + `" xmlns:r="` + office + `"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>`},
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

// TestAnyWritingInEveryFormat: twelve BSNs, each written its own way, are refused in every
// format, and plain numbers, each written its own way, are the same in every format.
func TestAnyWritingInEveryFormat(t *testing.T) {
	ttp := ttptest.Start(t)
	bsns := []string{
		"100\u00a0023\u00a0757", "1000.39.595", "100,126,704", "100174218.0", "100372193,00", "BSN100419707", "BSN: 100475140", "1.00601844E8",
		"١٠٠٦١٧٦٨٢", "100\u200b665\u200b196", "１００７５２３０５", "000100768143",
	}
	plain := []string{
		"700100.0", "700101,0", "700102,00", "7.00103E5", "700\u200b104", "\u00a0700105", "700106\u2009", "700\u00ad107", "\ufeff700108", "70010\u202e9", "7.0011e+05", "700111",
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
