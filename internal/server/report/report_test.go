package report_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/report"
	"sluis/web/text"
)

// pages returns findings a few at a time, and can break off.
type pages struct {
	findings []delivery.Finding
	failAt   int64
}

var errBroken = errors.New("the database went away")

func (p pages) Findings(_ context.Context, _ delivery.Delivery, q delivery.FindingQuery) (delivery.FindingPage, error) {
	if p.failAt > 0 && q.After >= p.failAt {
		return delivery.FindingPage{}, errBroken
	}
	const few = 3
	rest := p.findings[q.After:]
	page := delivery.FindingPage{Findings: rest, Total: len(p.findings)}
	if len(rest) > few {
		page.Findings, page.Next = rest[:few], q.After+few
	}
	return page, nil
}

func (p pages) Causes(context.Context, delivery.Delivery) ([]delivery.Cause, error) {
	var out []delivery.Cause
	for _, f := range p.findings {
		out = append(out, delivery.Cause{Finding: f.Finding, Count: 1, Lines: []int{f.Line}})
	}
	return out, nil
}

func finding(line int, number, field, code, message string) delivery.Finding {
	return delivery.Finding{Line: line, PatientNumber: number, Finding: patient.Finding{
		Severity: patient.Fatal, Source: patient.TTP, Code: code, Field: field, Message: message,
	}}
}

var pilot = pages{findings: []delivery.Finding{
	finding(7, "987654", "birthDate", "2101", "De geboortedatum is leeg"),
	finding(27, "8561234897", "birthDate", "2102", "De geboortedatum ligt in de toekomst"),
	finding(30, "666", "sex", "2111", "Het geslacht bevat een ongeldige waarde"),
	finding(39, "001", "birthDate", "2101", "De geboortedatum is leeg"),
	finding(40, "=1+1", "birthDate", "2101", "met ; en \"\nregel"),
}}

var d = delivery.Delivery{PublicID: "0197-ab", Columns: delivery.Columns{"birthDate": "Geb. datum"}}

func TestCSV(t *testing.T) {
	w := httptest.NewRecorder()
	if err := report.Send(t.Context(), w, pilot, text.For("nl"), d, report.FormatCSV); err != nil {
		t.Fatal(err)
	}
	body := w.Body.String()
	if !strings.HasPrefix(body, "\ufeffRegel;Patiëntnummer;Kolom;Code;Ernst;Melding;Bron;Advies\r\n7;987654;Geb. datum;2101;fout;De geboortedatum is leeg;TTP;") {
		t.Errorf("starts with %.200q", body)
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff")))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if rows[4][1] != "001" {
		t.Errorf("leading zeros are gone: %q", rows[4][1])
	}
	if rows[5][1] != "'=1+1" {
		t.Errorf("a formula: %q", rows[5][1])
	}
	if got := w.Header().Get("Content-Disposition"); got != `attachment; filename="aanlevering-0197-ab-foutenrapport.csv"` {
		t.Errorf("file name: %s", got)
	}
}

func TestJSON(t *testing.T) {
	w := httptest.NewRecorder()
	if err := report.Send(t.Context(), w, pilot, text.For("nl"), d, report.FormatJSON); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Delivery string
		Rows     []report.Row
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, w.Body)
	}
	if got.Delivery != "0197-ab" || len(got.Rows) != 5 || got.Rows[4].PatientNumber != "=1+1" ||
		got.Rows[4].Message != "met ; en \"\nregel" {
		t.Errorf("%+v", got)
	}
	empty := httptest.NewRecorder()
	if err := report.Send(t.Context(), empty, pages{}, text.For("nl"), d, report.FormatJSON); err != nil ||
		!json.Valid(empty.Body.Bytes()) {
		t.Errorf("an empty report: %v, %s", err, empty.Body)
	}
}

func TestReportThatBreaksOff(t *testing.T) {
	for _, format := range report.Formats {
		src := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = report.Send(r.Context(), w, pages{pilot.findings, 3}, text.For("nl"), d, format)
		}))
		res, err := src.Client().Get(src.URL)
		if err == nil {
			var sink strings.Builder
			_, err = copyAll(&sink, res)
		}
		if err == nil {
			t.Errorf("%s: half a report passes for a whole one", format)
		}
		src.Close()
	}
}

func copyAll(to *strings.Builder, res *http.Response) (int64, error) {
	defer func() { _ = res.Body.Close() }()
	buf := make([]byte, 512)
	for {
		n, err := res.Body.Read(buf)
		to.Write(buf[:n])
		if err != nil {
			if err.Error() == "EOF" {
				return int64(to.Len()), nil
			}
			return int64(to.Len()), err
		}
	}
}

func TestColumn(t *testing.T) {
	nl := text.For("nl")
	if got := report.Column(nl, d.Columns, "birthDate"); got != "Geb. datum" {
		t.Errorf("not as in the user's file: %q", got)
	}
	if got := report.Column(nl, d.Columns, "unheardOf"); got != "unheardOf" {
		t.Errorf("unknown field: %q", got)
	}
}

func TestRefusal(t *testing.T) {
	if got := report.Refusal(text.For("nl"), delivery.Remark{Code: "never_heard_of"}); got != "never_heard_of" {
		t.Errorf("%q", got)
	}
}

func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "0123", "=1+1", "+31", "-1", "@SUM(A1)", "\t=1", "\r=1", "\x00=1", "＝1", "＋1", "－1", "＠A", "a;b", "\"",
		"a\nb", "'=1", "\xef\xbc\r\r\x8b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cell := report.Cell(s)
		if strings.TrimPrefix(cell, "'") != s && cell != s {
			t.Fatalf("%q became %q", s, cell)
		}
		var out strings.Builder
		w, err := report.NewCSV(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Write(report.Row{Line: 2, PatientNumber: s, Message: s}), w.Close()); err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff")))
		r.Comma = ';'
		rows, err := r.ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 8 {
			t.Fatalf("%q breaks the file: %v, %q", s, err, out.String())
		}
		for _, got := range rows[1] {
			if got != "" && strings.ContainsRune("=+-@\t\r\n\x00＝＋－＠", []rune(got)[0]) {
				t.Fatalf("%q opens as a formula: %q", s, got)
			}
		}
	})
}

// How many is grouped as people write it; lines and columns are names.
func TestRefusalsGroupAmounts(t *testing.T) {
	for _, c := range []struct {
		remark delivery.Remark
		want   string
	}{
		{delivery.Remark{Code: "TOO_MANY_ROWS", Args: map[string]string{"max": "200000"}}, "meer dan 200.000 records"},
		{delivery.Remark{Code: "TOO_MANY_COLUMNS", Args: map[string]string{"max": "500", "line": "1"}}, "meer dan 500 kolommen"},
		{delivery.Remark{Code: "UNCLOSED_QUOTE", Args: map[string]string{"line": "12345"}}, "op regel 12345 begint"},
		{delivery.Remark{Code: "DOUBLE_COLUMN", Args: map[string]string{"column": "2024"}}, "De kolom 2024 komt"},
	} {
		if got := report.Refusal(text.For("nl"), c.remark); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.remark.Code, got, c.want)
		}
	}
}

// A form has no file to mend.
func TestFormAdvice(t *testing.T) {
	nl := text.For("nl")
	for _, key := range nl.Keys() {
		if code, ok := strings.CutPrefix(key, "advice.form."); ok {
			f := patient.Finding{Code: code}
			if got := report.FormAdvice(nl, f); got != nl.T(key) || strings.Contains(got, "bestand") || strings.Contains(got, "regel ") {
				t.Errorf("%s: %q", code, got)
			}
		}
	}
	if f := (patient.Finding{Code: "2102"}); report.FormAdvice(nl, f) != report.Advice(nl, f) {
		t.Error("without advice of its own a form does not give the usual one")
	}
}
