package tabular

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"sluis/internal/value"
)

// TestXLSXLikeExcelize reads a workbook that another library wrote, and must find the same
// cells as that library.
func TestXLSXLikeExcelize(t *testing.T) {
	f := excelize.NewFile()
	values := []any{"tekst", " O'Neil & <zoon> ", 12, -3.25, 1e9, 85612348970, true, "0123", "a_x000D_b", "regel\neen", "Łukasz 😀",
		0.1 + 0.2}
	for i, v := range values {
		ref, _ := excelize.CoordinatesToCellName(i%5+2, i/5*3+2)
		if err := f.SetCellValue("Sheet1", ref, v); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	src, err := openBytes(b.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := src.Rows(0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range row.Cells {
			ref, _ := excelize.CoordinatesToCellName(i+1, row.Line)
			want, err := f.GetCellValue("Sheet1", ref)
			if err != nil || c != value.Text(want) {
				t.Errorf("%s: %q, want %q (%v)", ref, c, want, err)
			}
			if c != "" {
				seen++
			}
		}
	}
	if seen != len(values) {
		t.Errorf("%d cells, want %d", seen, len(values))
	}
}

// TestXLSXPilot writes the pilot's file as workbooks in the ways of hospitals, and must
// read the cells of the CSV from each.
func TestXLSXPilot(t *testing.T) {
	raw, err := os.ReadFile("../../../../testdata/pilot40.csv")
	if err != nil {
		t.Fatal(err)
	}
	file, err := OpenCSV(bytes.NewReader(raw), int64(len(raw)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	csv, err := file.Rows(0)
	if err != nil {
		t.Fatal(err)
	}
	var want [][]string
	for {
		row, err := csv.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, append([]string{}, row.Cells...))
	}
	if len(want) != 41 {
		t.Fatalf("%d lines", len(want))
	}
	for _, shape := range []string{"text", "date", "serial"} {
		for _, epoch := range []value.Epoch{value.Epoch1900, value.Epoch1904} {
			t.Run(fmt.Sprint(shape, epoch), func(t *testing.T) { comparePilot(t, want, shape, epoch) })
		}
	}
}

// writePilot returns the lines as a workbook, with dates as texts, as date cells or as
// plain serial numbers.
func writePilot(t *testing.T, lines [][]string, shape string, epoch value.Epoch) []byte {
	t.Helper()
	f := excelize.NewFile()
	if epoch == value.Epoch1904 {
		yes := true
		if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}); err != nil {
			t.Fatal(err)
		}
	}
	style, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		t.Fatal(err)
	}
	for i, cells := range lines {
		for j, c := range cells {
			ref, _ := excelize.CoordinatesToCellName(j+1, i+1)
			var v any = c
			if at, err := time.Parse("2-1-2006", c); err == nil && shape != "text" {
				first := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
				if epoch == value.Epoch1904 {
					first = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
				}
				v = (at.Unix() - first.Unix()) / 86_400 // a Duration ends at 292 years
				if shape == "date" {
					_ = f.SetCellStyle("Sheet1", ref, ref, style)
				}
			}
			if err := f.SetCellValue("Sheet1", ref, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func comparePilot(t *testing.T, want [][]string, shape string, epoch value.Epoch) {
	src, err := openBytes(writePilot(t, want, shape, epoch), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := src.Tables()[0].Epoch; got != epoch {
		t.Fatalf("epoch %d", got)
	}
	rows, err := src.Rows(0)
	if err != nil {
		t.Fatal(err)
	}
	for i, cells := range want {
		row, err := rows.Next()
		if err != nil || row.Line != i+1 || len(row.Faults) > 0 {
			t.Fatalf("line %d: %+v, %v", i+1, row, err)
		}
		for j, c := range cells {
			got := ""
			if j < len(row.Cells) {
				got = row.Cells[j]
			}
			at, dateErr := time.Parse("2-1-2006", c)
			if dateErr == nil && shape != "text" {
				c = at.Format(time.DateOnly)
				if before := epoch == value.Epoch1904 && at.Year() < 1904; before {
					continue // Excel itself has no such days
				}
				if shape == "serial" {
					var serial float64
					if _, err := fmt.Sscan(got, &serial); err != nil || !row.Numeric[j] {
						t.Fatalf("line %d column %d is no number", i+1, j)
					}
					got, _ = epoch.Day(serial)
				}
			}
			if got != c {
				t.Errorf("line %d column %d: %q, want %q", i+1, j, got, c)
			}
		}
	}
	if _, err := rows.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last row: %v", err)
	}
}
