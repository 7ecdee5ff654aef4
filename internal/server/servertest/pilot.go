package servertest

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluis/internal/server/report"
)

// rejected are the pilot's four rows: line, number, column, message.
var rejected = []string{
	"7 987654 Geboortedatum De geboortedatum is leeg",
	"27 8561234897 Geboortedatum De geboortedatum ligt in de toekomst",
	"30 666 Geslacht Het geslacht bevat een ongeldige waarde",
	"39 001 Geboortedatum De geboortedatum is leeg",
}

// CheckPilotCSV fails the test if an error report is not that of the pilot.
func CheckPilotCSV(t *testing.T, body string) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff")))
	r.Comma = ';'
	rows := Must(r.ReadAll())(t)
	var got []string
	for _, row := range rows[1:] {
		if row[4] == "fout" {
			got = append(got, strings.Join([]string{row[0], row[1], row[2], row[5]}, " "))
		}
	}
	if !slices.Equal(got, rejected) {
		t.Errorf("CSV: %q", got)
	}
}

// CheckPilotJSON is CheckPilotCSV for the report as JSON.
func CheckPilotJSON(t *testing.T, body string) {
	t.Helper()
	var got struct{ Rows []report.Row }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	var fatal []string
	for _, row := range got.Rows {
		if row.Severity == "fatal" {
			fatal = append(fatal, strings.Join([]string{strconv.Itoa(row.Line), row.PatientNumber, row.Column, row.Message}, " "))
			if row.Source != "ttp" || row.Advice == "" {
				t.Errorf("not the TTP's, or without our advice: %+v", row)
			}
		}
	}
	if !slices.Equal(fatal, rejected) {
		t.Errorf("JSON: %q", fatal)
	}
}

// Mended returns the pilot's four rejected rows, the first so many of them put right.
func Mended(good int) string {
	rows := []string{"2809;1-2-1970;m;987654;Eend;;A", "2809;1-5-1969;v;8561234897;Fuut;;B", "2809;1-1-1971;m;666;Gans;;C",
		"2809;3-4-1950;v;001;Haan;;D"}
	bad := []string{"2809;;m;987654;Eend;;A", "2809;;v;8561234897;Fuut;;B", "2809;;m;666;Gans;;C", "2809;;v;001;Haan;;D"}
	return EntryHeader + strings.Join(append(rows[:good:good], bad[good:]...), "\n") + "\n"
}

// Says fails the test for each of the words that the page at path lacks.
func (b *Browser) Says(path string, want ...string) {
	b.s.t.Helper()
	page := b.Get(path)
	for _, w := range want {
		if !strings.Contains(page.Body, w) {
			b.s.t.Errorf("%s does not say %q:\n%s", path, w, page.Body)
		}
	}
}
