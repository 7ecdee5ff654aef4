package importer_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/store"
	"sluis/internal/store/pgtest"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/ttpsandbox"
)

// table is a file's cells, the header first.
type table [][]string

// The columns of the pilot's file.
const (
	colCentre = iota
	colBirth
	colSex
	colNumber
	colSurname
	colPrefix
	colInitials
)

func pilotTable(tb testing.TB) table {
	tb.Helper()
	raw, err := os.ReadFile("../../testdata/pilot40.csv")
	if err != nil {
		tb.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

// with returns the table with one column changed below the header.
func (t table) with(column int, change func(string) string) table {
	out := make(table, len(t))
	for i, row := range t {
		out[i] = slices.Clone(row)
		if i > 0 {
			out[i][column] = change(row[column])
		}
	}
	return out
}

func (t table) header(names ...string) table { return append(table{names}, t[1:]...) }

func (t table) csv(delimiter, eol string) string {
	var b strings.Builder
	for _, row := range t {
		b.WriteString(strings.Join(row, delimiter) + eol)
	}
	return b.String()
}

// day is a birth date of the pilot's in another layout.
func day(cell, layout string) string {
	at, err := time.Parse("2-1-2006", cell)
	if err != nil {
		return cell
	}
	return at.Format(layout)
}

func in(layout string) func(string) string {
	return func(cell string) string { return day(cell, layout) }
}

func encoded(e encoding.Encoding, text string) string {
	out, err := e.NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return out
}

// workbook writes a table as a workbook; change can do more to it.
func (t table) workbook(tb testing.TB, at int, change func(f *excelize.File, sheet string) error) string {
	tb.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	for i, row := range t {
		for j, cell := range row {
			name, err := excelize.CoordinatesToCellName(j+1, at+i)
			if err != nil {
				tb.Fatal(err)
			}
			if err := f.SetCellStr("Sheet1", name, cell); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if change != nil {
		if err := change(f, "Sheet1"); err != nil {
			tb.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

// days writes the birth dates of a workbook as numbers, with a style or none.
func (t table) days(at int, epoch string, style *excelize.Style) func(f *excelize.File, sheet string) error {
	first, _ := time.Parse(time.DateOnly, epoch)
	return func(f *excelize.File, sheet string) error {
		if epoch == "1904-01-01" {
			yes := true
			if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}); err != nil {
				return err
			}
		}
		id := 0
		if style != nil {
			var err error
			if id, err = f.NewStyle(style); err != nil {
				return err
			}
		}
		for i, row := range t[1:] {
			born, err := time.Parse("2-1-2006", row[colBirth])
			if err != nil {
				continue
			}
			cell := fmt.Sprintf("B%d", at+i+1)
			if err := f.SetCellInt(sheet, cell, int64(born.Sub(first)/(24*time.Hour))); err != nil {
				return err
			}
			if err := f.SetCellStyle(sheet, cell, cell, id); err != nil {
				return err
			}
		}
		return nil
	}
}

func (t table) records(names ...string) []map[string]string {
	var out []map[string]string
	for _, row := range t[1:] {
		m := map[string]string{}
		for j, n := range names {
			if n != "" && row[j] != "" {
				m[n] = row[j]
			}
		}
		out = append(out, m)
	}
	return out
}

func asJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// fhir writes the patients as resources.
func (t table) fhir(split bool) []string {
	type m = map[string]any
	ext := func(name, value string) m {
		return m{"url": "http://hl7.org/fhir/StructureDefinition/" + name, "valueString": value}
	}
	var out []string
	for _, row := range t[1:] {
		name := m{"use": "official", "family": strings.TrimSpace(row[colPrefix] + " " + row[colSurname]),
			"given":  []string{row[colInitials]},
			"_given": []m{{"extension": []m{{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier", "valueCode": "IN"}}}}}
		if split || row[colPrefix] != "" {
			name["_family"] = m{"extension": []m{ext("humanname-own-prefix", row[colPrefix]), ext("humanname-own-name", row[colSurname]),
				ext("humanname-partner-name", "Partner")}}
		}
		p := m{"resourceType": "Patient", "identifier": []m{{"system": "urn:hospital", "value": row[colNumber]}}, "name": []m{name}}
		if row[colBirth] != "" {
			p["birthDate"] = day(row[colBirth], time.DateOnly)
		}
		if sex := map[string]string{"m": "male", "v": "female"}[row[colSex]]; sex != "" {
			p["gender"] = sex
		}
		out = append(out, asJSON(p))
	}
	return out
}

func bundleOf(resources []string) string {
	return `{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + strings.Join(resources, `},{"resource":`) + `}]}`
}

// identityShapes are the pilot's patients as hospitals' programs would write them.
func identityShapes(t *testing.T) map[string]string {
	p := pilotTable(t)
	plain := p.csv(";", "\n")
	english := p.header("Center", "Date of birth", "Gender", "MRN", "Last name", "Surname prefix", "Initials")
	names := []string{"centrum", "geboortedatum", "geslacht", "patiëntnummer", "achternaam", "tussenvoegsel", "voorletters"}
	wide := func(row []string) []string {
		return append([]string{"x", ""}, append(slices.Clone(row), "", "opmerking; met \"tekens\"")...)
	}
	extra := table{}
	for _, row := range p {
		cells := wide(row)
		for i, c := range cells {
			cells[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
		extra = append(extra, cells)
	}
	turned := table{}
	for _, row := range p {
		row = slices.Clone(row)
		slices.Reverse(row)
		turned = append(turned, row)
	}
	serial := "1899-12-30"
	dutch := "d\\-m\\-yyyy;@"
	custom := &excelize.Style{CustomNumFmt: &dutch}
	nested := []map[string]any{}
	for _, r := range p.with(colBirth, in(time.DateOnly)).records("centre", "birthDate", "sex", "patientNumber", "surname", "surnamePrefix",
		"initials") {
		nested = append(nested, map[string]any{"patientNumber": r["patientNumber"], "surname": r["surname"],
			"surnamePrefix": r["surnamePrefix"], "initials": r["initials"],
			"birthDate": r["birthDate"], "sex": r["sex"], "extra": map[string]any{"afdeling": 3, "lijst": []int{1}}})
	}
	return map[string]string{
		"csv: semicolons":                plain,
		"csv: byte order mark, CRLF":     "\ufeff" + p.csv(";", "\r\n"),
		"csv: commas":                    p.csv(",", "\n"),
		"csv: tabs, UTF-16 LE":           utf16le(p.csv("\t", "\r\n"), true),
		"csv: UTF-16 without a mark":     utf16le(plain, false),
		"csv: pipes":                     p.csv("|", "\n"),
		"csv: Windows-1252":              encoded(charmap.Windows1252, plain),
		"csv: DOS":                       encoded(charmap.CodePage850, plain),
		"csv: Macintosh, CR":             encoded(charmap.Macintosh, p.csv(";", "\r")),
		"csv: sep line":                  "sep=,\r\n" + p.csv(",", "\r\n"),
		"csv: other columns, all quoted": extra.csv(";", "\r\n"),
		"csv: columns turned round":      turned.csv(";", "\n"),
		"csv: English, ISO dates":        english.with(colBirth, in(time.DateOnly)).csv(",", "\n"),
		"csv: slashes and two digits":    p.with(colBirth, in("02/01/2006")).csv(";", "\n"),
		"csv: month first":               p.with(colBirth, in("1/2/2006")).csv(";", "\n"),
		"csv: compact dates":             p.with(colBirth, in("20060102")).csv(";", "\n"),
		"csv: dates with a midnight":     p.with(colBirth, in("2006-01-02 15:04:05")).csv(";", "\n"),
		"csv: words for the sex": p.with(colSex, func(s string) string { return map[string]string{"m": "Man", "v": "Vrouw"}[s] }).
			csv(";", "\n"),
		"csv: titles and blank lines":      "Export EPD;;;;;;\n\nPeriode: 2025, kwartaal 3\n\n" + strings.ReplaceAll(plain, "\n", "\n\n"),
		"xlsx: text":                       p.workbook(t, 1, nil),
		"xlsx: date cells":                 p.workbook(t, 1, p.days(1, serial, &excelize.Style{NumFmt: 14})),
		"xlsx: Dutch date cells, a title":  p.workbook(t, 5, p.days(5, serial, custom)),
		"xlsx: serials without a style":    p.workbook(t, 1, p.days(1, serial, nil)),
		"xlsx: days from 1904":             p.workbook(t, 1, p.days(1, "1904-01-01", &excelize.Style{NumFmt: 14})),
		"xlsx: titles, sheets, a merge":    p.workbook(t, 4, sheetsAround),
		"xlsx: blank styled rows, formula": p.workbook(t, 1, styledAround),
		"json: an array":                   asJSON(p.records(names...)),
		"json: an object a line":           strings.ReplaceAll(strings.Trim(asJSON(p.records(names...)), "[]"), "},{", "}\n{"),
		"json: English, other members":     asJSON(nested),
		"fhir: a Bundle":                   bundleOf(p.fhir(false)),
		"fhir: a resource a line":          strings.Join(p.fhir(true), "\r\n"),
	}
}

// sheetsAround adds a title, an explanation before the data, and a hidden sheet.
func sheetsAround(f *excelize.File, sheet string) error {
	for _, name := range []string{"Uitleg", "Verborgen"} {
		if _, err := f.NewSheet(name); err != nil {
			return err
		}
	}
	steps := []error{
		f.SetCellStr(sheet, "A1", "Patiënten van de poli, 2025"), f.MergeCell(sheet, "A1", "G2"), f.MergeCell(sheet, "A5", "A44"),
		f.SetCellStr("Uitleg", "A1", "Patiëntnummer: zie het EPD"), f.SetCellStr("Verborgen", "A1", "Patiëntnummer"),
		f.SetSheetVisible("Verborgen", false),
		f.MoveSheet("Uitleg", sheet),
	}
	for _, err := range steps {
		if err != nil {
			return err
		}
	}
	return nil
}

// styledAround styles rows and columns that hold nothing, and adds a formula that
// has its outcome.
func styledAround(f *excelize.File, sheet string) error {
	style, err := f.NewStyle(&excelize.Style{Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"#FFFF00"}}})
	if err != nil {
		return err
	}
	if err := f.SetCellStyle(sheet, "A1", "Z500", style); err != nil {
		return err
	}
	if err := f.SetCellStr(sheet, "I1", "Leeftijd"); err != nil {
		return err
	}
	return f.SetCellFormula(sheet, "I2", "1+1")
}

// pseudonymShapes are the 36 that the TTP accepts, with temporary pseudonyms.
func pseudonymShapes(t *testing.T, ttp *ttptest.TTP) map[string]string {
	t.Helper()
	fetch := func() table {
		var out, refused bytes.Buffer
		if _, _, err := ttp.Sandbox.Pseudonymise(t.Context(), strings.NewReader(pilotTable(t).csv(";", "\n")), &out, &refused,
			ttpsandbox.Order{Domain: ttptest.Domain}); err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(&out)
		r.Comma = ';'
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	var records []map[string]any
	for _, r := range fetch().records("centrum", "birthDate", "sex", "patientNumber", "NGGV", "NGG") {
		records = append(records, map[string]any{"patientNumber": r["patientNumber"], "birthDate": r["birthDate"], "sex": r["sex"],
			"temporaryPseudonyms": []map[string]string{{"type": "NGGV", "value": r["NGGV"], "expiresAt": "2099-01-01T00:00:00Z"},
				{"type": "NGG", "value": r["NGG"], "expiresAt": "2099-01-01T00:00:00Z"}}})
	}
	var resources []string
	for _, r := range fetch().records("centrum", "birthDate", "sex", "patientNumber", "NGGV", "NGG") {
		resources = append(resources, asJSON(map[string]any{"resourceType": "Patient", "birthDate": day(r["birthDate"], time.DateOnly),
			"gender": map[string]string{"m": "male", "v": "female"}[r["sex"]], "identifier": []map[string]any{
				{"system": "urn:hospital", "value": r["patientNumber"]},
				{"system": "urn:sluis:temporary-pseudonym:NGGV", "value": r["NGGV"]},
				{"system": "https://ttp.example/NGG", "value": r["NGG"], "period": map[string]string{"end": "2099-01-01"}}}}))
	}
	english := []string{"centre", "date_of_birth", "sex", "patient_id"}
	return map[string]string{
		"pseudonyms: English, UTF-16": utf16le(fetch().header(append(slices.Clone(english), "temporary_pseudonym_nggv",
			"temporary_pseudonym_ngg")...).csv("\t", "\r\n"), true),
		"pseudonyms: the type first": fetch().header(append(slices.Clone(english), "NGGV pseudoniem", "NGG-pseudoniem")...).csv(",", "\n"),
		"pseudonyms: json, wrapped": asJSON(map[string]any{"count": len(records), "patients": fetch().
			records("", "birthDate", "sex", "patient_number", "nggv", "ngg")}),
		"pseudonyms: csv": fetch().csv(";", "\n"), "pseudonyms: xlsx": fetch().workbook(t, 3, nil),
		"pseudonyms: json": asJSON(records), "pseudonyms: fhir": bundleOf(resources),
	}
}

// outcome returns a digest of the stored patients of a delivery, and one of its findings. The
// lines of the rows are not part of them.
func (p *plant) outcome(tb testing.TB, id string) (stored, found string) {
	tb.Helper()
	var numbers, lines, said []string
	for _, f := range p.findings(tb, id) {
		said = append(said, fmt.Sprintf("%s %s %s %s %s", f.PatientNumber, f.Source, f.Code, f.Field, f.Message))
	}
	page, err := p.store.Patients(tb.Context(), audit.Who{Name: "outcome"}, account.AllCentres(), patient.Query{Limit: 200})
	if err != nil {
		tb.Fatal(err)
	}
	for _, x := range page.Patients {
		numbers = append(numbers, x.Number)
	}
	patients, err := p.store.PatientsByNumber(tb.Context(), p.centre.ID, numbers)
	if err != nil {
		tb.Fatal(err)
	}
	for _, x := range patients {
		lines = append(lines, fmt.Sprintf("%s %s %s %v", x.Number, x.Birth, x.Sex, x.Pseudonyms))
	}
	sort.Strings(lines)
	sort.Strings(said)
	sum := func(l []string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(l, "\n"))))[:12] }
	return sum(lines), sum(said)
}

// TestShapes: the pilot's 40 patients end the same in whatever shape they come, on every
// database.
func TestShapes(t *testing.T) {
	ttp := ttptest.Start(t)
	now := time.Now()
	at := func() time.Time { return now }
	shapes, pseudonyms := identityShapes(t), pseudonymShapes(t, ttp)
	maps.Copy(shapes, oddShapes(t))
	wantStored, wantFound := "", ""
	for _, database := range []struct {
		name  string
		plant func(t *testing.T) *plant
	}{
		{"SQLite", func(t *testing.T) *plant { return newPlantAt(t, ttp, 500, at) }},
		{"PostgreSQL", func(t *testing.T) *plant {
			o := store.Options{Now: at, Log: slog.New(slog.NewTextHandler(&ttp.Log, nil))}
			return newPlantOn(t, pgtest.Open(t, o), t.TempDir(), ttp, 500, at)
		}},
	} {
		deliver := func(t *testing.T, file string) (delivery.Delivery, string, string) {
			p := database.plant(t)
			id, err := p.intake.Receive(t.Context(), intake.Upload{Who: tester, Centre: p.centre, Mode: delivery.Save}, strings.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			p.settle(t)
			stored, found := p.outcome(t, id)
			return p.delivery(t, id), stored, found
		}
		if wantStored == "" {
			_, wantStored, wantFound = deliver(t, pilotTable(t).csv(";", "\n"))
		}
		for _, name := range slices.Sorted(maps.Keys(shapes)) {
			t.Run(database.name+"/"+name, func(t *testing.T) {
				d, stored, found := deliver(t, shapes[name])
				t.Logf("%s: %d read, %d created, %d rejected; stored %s, found %s", d.State, d.Counts.Read, d.Counts.Created,
					d.Counts.Rejected, stored, found)
				if d.State != delivery.Done || d.Counts.Read != 40 || d.Counts.Created != 36 || stored != wantStored || found != wantFound {
					t.Errorf("%s %v, stored %s and found %s, want %s and %s", d.State, d.Refusals, stored, found, wantStored, wantFound)
				}
			})
		}
		for _, name := range slices.Sorted(maps.Keys(pseudonyms)) {
			t.Run(database.name+"/"+name, func(t *testing.T) {
				d, stored, _ := deliver(t, pseudonyms[name])
				t.Logf("%s: %d read, %d created; stored %s", d.State, d.Counts.Read, d.Counts.Created, stored)
				if d.State != delivery.Done || d.Counts.Read != 36 || d.Counts.Created != 36 || stored != wantStored {
					t.Errorf("%s %v, stored %s, want %s", d.State, d.Refusals, stored, wantStored)
				}
			})
		}
	}
}
