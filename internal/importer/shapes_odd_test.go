package importer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// oddShapes are more of the pilot's patients: what exports add, and what hands do.
func oddShapes(t *testing.T) map[string]string {
	p := pilotTable(t)
	plain, swap := p.csv(";", "\n"), strings.ReplaceAll
	lines := strings.SplitAfter(plain, "\n")
	// each changes every cell; every also those of the header.
	each := func(change func(row, column int, cell string) string) table {
		out := make(table, len(p))
		for i, row := range p {
			for j, cell := range row {
				out[i] = append(out[i], change(i, j, cell))
			}
		}
		return out
	}
	every := func(before, behind string) table {
		return each(func(_, _ int, cell string) string { return before + cell + behind })
	}
	instead := func(word string) string {
		return each(func(_, _ int, cell string) string {
			if cell == "" {
				return word
			}
			return cell
		}).csv(";", "\n")
	}
	named := func(layout string, names map[string]string) string {
		return p.with(colBirth, func(cell string) string {
			cell = day(cell, layout)
			for english, other := range names {
				cell = swap(cell, english, other)
			}
			return cell
		}).csv(";", "\n")
	}
	dutch := map[string]string{"January": "januari", "February": "februari", "March": "maart", "May": "mei", "June": "juni", "July": "juli",
		"August": "augustus", "October": "oktober"}
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	scripted := p.with(colBirth, func(cell string) string {
		at, err := time.ParseInLocation("2-1-2006", cell, amsterdam)
		if err != nil {
			return cell
		}
		return at.UTC().Format("2006-01-02T15:04:05.000Z")
	})
	english := []string{"centre", "birthDate", "sex", "patientNumber", "surname", "surnamePrefix", "initials"}
	records := p.with(colBirth, in(time.DateOnly)).records(english...)
	shouted := make([]map[string]any, len(records))
	grouped := make([]map[string]any, len(records))
	for i, r := range records {
		shouted[i] = map[string]any{}
		for name, value := range r {
			if i%2 == 1 {
				name = strings.ToUpper(name)
			}
			shouted[i][name] = value
		}
		grouped[i] = map[string]any{"patient": map[string]any{"patientNumber": r["patientNumber"], "birthDate": r["birthDate"],
			"gender": r["sex"]},
			"name": map[string]any{"surname": r["surname"], "prefix": r["surnamePrefix"], "initials": r["initials"]}}
	}
	resources := p.fhir(true)
	return map[string]string{
		"csv: numbers as =\"text\"": each(func(row, column int, cell string) string {
			return map[bool]string{true: `="` + cell + `"`, false: cell}[row > 0 && column == colNumber]
		}).csv(";", "\n"),
		"csv: all as quoted =\"\"text\"\"": every(`"=""`, `"""`).csv(";", "\n"),
		"csv: a space before quotes":       every(`"`, `"`).csv(", ", "\n"),
		"csv: what cannot be seen around":  every("\u200b\u00a0", "\u202f\u200e").csv(";", "\n"),
		"csv: padded":                      every("", strings.Repeat(" ", 20)).csv(";", "\n"),
		"csv: NULL for nothing":            instead("NULL"),
		"csv: (null) for nothing":          instead("(null)"),
		"csv: \\N for nothing":             instead(`\N`),
		"csv: three ends of lines":         mixedEnds(lines),
		"csv: CR under a header of LF":     lines[0] + swap(strings.Join(lines[1:], ""), "\n", "\r"),
		"csv: CR CR LF":                    p.csv(";", "\r\r\n"),
		"csv: the header again and again":  strings.Join(lines[:21], "") + "\f" + lines[0] + strings.Join(lines[21:], "") + lines[0],
		"csv: a rule under the header":     lines[0] + "---;---;---;---;---;---;---\n" + strings.Join(lines[1:], ""),
		"csv: the end sign of DOS":         swap(plain, "\n", "\r\n") + "\x1a",
		"csv: the centre by its name":      p.with(colCentre, func(string) string { return "bench" }).csv(";", "\n"),
		"csv: headers that explain": p.header("Centrum (nr)", "Geboortedatum (dd-mm-jjjj)", "Geslacht [m/v]",
			"Patiëntnummer (geen BSN)", "Achternaam*", "Tussenvoegsel(s)", "Voorletter(s)").csv(";", "\n"),
		"csv: headers of a patient": p.header("Instelling", "Geboortedatum van de patiënt", "Geslacht patiënt", "EPD-nummer",
			"Meisjesnaam", "Eigen voorvoegsel", "Patient initials").csv(";", "\n"),
		"csv: short headers": p.header("Centrumnr", "Geb.dat.", "M/V", "Pat.nr.", "Eigen naam", "Voorv.", "Init.").
			csv(";", "\n"),
		"csv: eight digits, day first": p.with(colBirth, in("02012006")).csv(";", "\n"),
		"csv: days of the week":        named("Monday 2 January 2006", dutch),
		"csv: English days":            named("January 2, 2006", nil),
		"csv: short English months": p.with(colBirth, func(cell string) string { return strings.ToUpper(day(cell, "02-Jan-2006")) }).
			csv(";", "\n"),
		"csv: a midnight of 12 hours": p.with(colBirth, func(cell string) string {
			return strings.Replace(day(cell, "1/2/2006 _"), "_",
				"12:00:00 AM", 1)
		}).csv(";", "\n"),
		"csv: a midnight with a zone":       p.with(colBirth, in("2006-01-02T00:00:00+01:00")).csv(";", "\n"),
		"csv: what a script makes of a day": scripted.csv(";", "\n"),
		"csv: spaces in dates":              p.with(colBirth, in("2 - 1 - 2006")).csv(";", "\n"),
		"xlsx: breaks and units in headers": p.header("Centrum\nid", "Geboorte-\ndatum\n(d-m-j)", "Geslacht\n(m/v)", "Patiënt-\nnummer",
			"Achternaam", "Tussen-\nvoegsel", "Voor-\nletters").workbook(t, 1, nil),
		"xlsx: groups above the header": p.workbook(t, 3, groupsAbove),
		"json: wrapped":                 asJSON(map[string]any{"patients": records}),
		"json: wrapped, with what tells more": asJSON(map[string]any{"exported": "2025-01-01",
			"data": map[string]any{"total": 40, "rows": records}, "links": []any{}}),
		"json: names in capitals or not": asJSON(shouted),
		"json: objects in records":       asJSON(grouped),
		"json: all on one line":          swap(strings.Trim(asJSON(records), "[]"), "},{", "} {"),
		"fhir: two Bundles":              bundleOf(resources[:20]) + "\n" + bundleOf(resources[20:]),
		"fhir: Bundles in an array":      "[" + bundleOf(resources[:20]) + "," + bundleOf(resources[20:]) + "]",
		"fhir: Bundles in a Bundle":      bundleOf([]string{bundleOf(resources[:20]), bundleOf(resources[20:])}),
		"fhir: a Bundle, then resources": bundleOf(resources[:20]) + "\n" + strings.Join(resources[20:], "\n"),
	}
}

// mixedEnds ends the lines in three ways by turns, as in files that were pasted together.
func mixedEnds(lines []string) string {
	var b strings.Builder
	for i, l := range lines {
		if l = strings.TrimSuffix(l, "\n"); l != "" {
			b.WriteString(l + []string{"\r\n", "\r", "\n"}[i%3])
		}
	}
	return b.String()
}

// groupsAbove adds names of groups of columns above the header, merged as reports do.
func groupsAbove(f *excelize.File, sheet string) error {
	for _, area := range [][3]string{{"A1", "G1", "Overzicht"}, {"B2", "D2", "Patiënt"}, {"E2", "G2", "Naam"}} {
		if err := f.SetCellStr(sheet, area[0], area[2]); err != nil {
			return err
		}
		if err := f.MergeCell(sheet, area[0], area[1]); err != nil {
			return err
		}
	}
	return nil
}
