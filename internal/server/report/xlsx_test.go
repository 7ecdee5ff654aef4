package report_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"sluis/internal/delivery"
	"sluis/internal/server/report"
	"sluis/web/text"
)

// workbook sends a report and opens it as Excel would.
func workbook(t *testing.T, src report.Source) (*excelize.File, []byte) {
	t.Helper()
	w := httptest.NewRecorder()
	if err := report.Send(t.Context(), w, src, text.For("nl"), d, report.FormatXLSX); err != nil {
		t.Fatal(err)
	}
	if got := w.Header().Get("Content-Type"); got != report.XLSXType {
		t.Errorf("content type %s", got)
	}
	f, err := excelize.OpenReader(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, w.Body.Bytes()
}

func TestXLSX(t *testing.T) {
	odd := pages{findings: append([]delivery.Finding{
		finding(2, "0123", "birthDate", "2101", "_x0041_ <b> & \"x\"\nregel \x01"),
		finding(3, "@SUM(A1)", "birthDate", "2101", strings.Repeat("é", 40_000)),
	}, pilot.findings...)}
	f, raw := workbook(t, odd)
	if got := fmt.Sprint(f.GetSheetList()); got != "[Samenvatting Fouten]" {
		t.Errorf("sheets %s", got)
	}
	rows, err := f.GetRows("Fouten", excelize.Options{RawCellValue: true})
	if err != nil || len(rows) != 8 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if got := strings.Join(rows[0], ";"); got != "Regel;Patiëntnummer;Kolom;Code;Ernst;Melding;Bron;Advies" {
		t.Errorf("header %s", got)
	}
	if rows[1][1] != "0123" || rows[1][5] != "_x0041_ <b> & \"x\"\nregel \ufffd" || rows[2][1] != "@SUM(A1)" || rows[7][1] != "=1+1" {
		t.Errorf("rows %.300q", rows)
	}
	sheet, err := f.GetRows("Samenvatting")
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprint(sheet)
	for _, want := range []string{"Vertrouwelijk", "De geboortedatum is leeg", "Geb. datum", "Gelezen"} {
		if !strings.Contains(all, want) {
			t.Errorf("the summary does not say %q: %s", want, all)
		}
	}
	wantText(t, raw)
}

// wantText holds that every cell of every sheet is text, in a style of text, and
// none a formula.
func wantText(t *testing.T, raw []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range z.File {
		if !strings.HasPrefix(part.Name, "xl/worksheets/") {
			continue
		}
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		xml, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		cells := bytes.Count(xml, []byte("<c "))
		if cells == 0 || bytes.Count(xml, []byte(`t="inlineStr"`)) != cells || bytes.Contains(xml, []byte("<f>")) ||
			bytes.Contains(xml, []byte(` s="0"`)) {
			t.Errorf("%s: %d cells, not all of them text", part.Name, cells)
		}
	}
}

func TestEmptyXLSX(t *testing.T) {
	f, _ := workbook(t, pages{})
	if rows, err := f.GetRows("Fouten"); err != nil || len(rows) != 1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// many returns n findings, new ones each time.
type many struct{ n int }

func (m many) Causes(context.Context, delivery.Delivery) ([]delivery.Cause, error) { return nil, nil }

func (m many) Findings(_ context.Context, _ delivery.Delivery, q delivery.FindingQuery) (delivery.FindingPage, error) {
	page := delivery.FindingPage{Total: m.n}
	for i := int(q.After); i < m.n && len(page.Findings) < q.Limit; i++ {
		page.Findings = append(page.Findings, finding(i+2, strconv.Itoa(i), "birthDate", "2101", "De geboortedatum is leeg"))
	}
	if next := int(q.After) + len(page.Findings); next < m.n {
		page.Next = int64(next)
	}
	return page, nil
}

// counting counts bytes and the most memory that was in use while they came.
type counting struct {
	*httptest.ResponseRecorder
	bytes int
	peak  uint64
}

func (c *counting) Write(p []byte) (int, error) {
	if c.bytes>>20 != (c.bytes+len(p))>>20 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c.peak = max(c.peak, m.HeapAlloc)
	}
	c.bytes += len(p)
	return len(p), nil
}

// A large workbook goes out as it is made: it costs no memory that grows with it,
// and leaves no temporary file.
func TestLargeXLSX(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	measure := func(n int) *counting {
		runtime.GC()
		w := &counting{ResponseRecorder: httptest.NewRecorder()}
		if err := report.Send(t.Context(), w, many{n}, text.For("nl"), d, report.FormatXLSX); err != nil {
			t.Fatal(err)
		}
		return w
	}
	small, large := measure(20_000), measure(200_000)
	t.Logf("20,000 rows: %d kB, %d MB in use; 200,000 rows: %d kB, %d MB in use", small.bytes>>10, small.peak>>20, large.bytes>>10,
		large.peak>>20)
	if large.peak > small.peak+16<<20 {
		t.Errorf("%d MB in use for 200,000 rows, %d MB for 20,000", large.peak>>20, small.peak>>20)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("%d temporary files (%v)", len(left), err)
	}
}

// More rows than a sheet holds go on in another one.
func TestXLSXOfManySheets(t *testing.T) {
	var b bytes.Buffer
	x, err := report.NewXLSX(&b, text.For("nl"), d, nil, 1<<20+10)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1<<20 + 10 {
		if err := x.Write(report.Row{Line: i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var sizes []uint64
	for _, part := range z.File {
		if strings.HasPrefix(part.Name, "xl/worksheets/") {
			sizes = append(sizes, part.UncompressedSize64)
		}
	}
	if len(sizes) != 3 || sizes[2] > 10_000 || sizes[1] < 10<<20 {
		t.Errorf("the sheets are of %v bytes", sizes)
	}
}
