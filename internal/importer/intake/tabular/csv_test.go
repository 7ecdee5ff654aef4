package tabular

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

const sample = "Nr;Naam;Opmerking\n1;Müller;\n\n2;\"Berg; van den\";\"regel een\nregel twee\"\n3;Łukasz;x\n\n\n"

func TestLinesAreTheSpreadsheets(t *testing.T) {
	rows := readAll(t, []byte(sample))
	want := []string{"1|Nr|Naam|Opmerking", "2|1|Müller|", "4|2|Berg; van den|regel een\nregel twee", "5|3|Łukasz|x"}
	if got := strings.Join(rows, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("rows:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

func TestEncodings(t *testing.T) {
	text := "Nr;Patiëntnaam\r\n0123;Müller\r\n"
	utf16 := func(e unicode.Endianness, bom unicode.BOMPolicy) []byte {
		b, err := unicode.UTF16(e, bom).NewEncoder().Bytes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	encoded := func(c *charmap.Charmap) []byte {
		b, err := c.NewEncoder().Bytes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, raw := range map[string][]byte{
		"utf-8":            []byte(text),
		"utf-8 bom":        append([]byte("\uFEFF"), text...),
		"utf-16le":         utf16(unicode.LittleEndian, unicode.UseBOM),
		"utf-16be":         utf16(unicode.BigEndian, unicode.UseBOM),
		"utf-16le, no bom": utf16(unicode.LittleEndian, unicode.IgnoreBOM),
		"utf-16be, no bom": utf16(unicode.BigEndian, unicode.IgnoreBOM),
		"windows-1252":     encoded(charmap.Windows1252),
		"cp850":            encoded(charmap.CodePage850),
		"macintosh":        encoded(charmap.Macintosh),
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(readAll(t, raw), "\n")
			if want := "1|Nr|Patiëntnaam\n2|0123|Müller"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestDelimiters(t *testing.T) {
	for _, d := range []string{";", ",", "\t", "|"} {
		raw := strings.ReplaceAll("a;b;c\n1;\"x,y;z\";3\n", ";", d)
		if got := readAll(t, []byte(raw)); len(got) != 2 || !strings.HasPrefix(got[1], "2|1|") {
			t.Errorf("delimiter %q: %q", d, got)
		}
	}
	for name, raw := range map[string]string{
		"a title above":      "Patiënten, cohort 2026, versie 2\na;b;c;d\n1;2;3;4\n",
		"commas in a remark": "a;b;c;d\n1;2;3;x, y, z, u, v\n4;5;6;x, y, z, u, v\n",
		"a title with cells": "Export;2026\n\na;b;c;d\n1;2;3;4\n1;2;3;4\n",
	} {
		if got := readAll(t, []byte(raw)); strings.Count(got[len(got)-1], "|") != 4 {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := readAll(t, []byte("sep=;\na;b\n1;2\n")); got[0] != "1|a|b" {
		t.Errorf("sep= line: %q", got)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		code Code
		line int
	}{
		"empty":                    {"", Empty, 0},
		"white space":              {" \r\n \n", Empty, 0},
		"zip":                      {"PK\x03\x04rest", NotText, 0},
		"nul":                      {"a;b\n1\x00;2\n", NotText, 0},
		"quote to the end":         {"a;b;c\n1;\"x;3\n4;5;6", UnclosedQuote, 2},
		"quote swallows same rows": {"a;b;c\n1;2;\"x\n4;5;\"6\n7;8;\"9\";\n", UnclosedQuote, 2},
		"quote at the last row":    {"a;b;c\n1;2;3\n1;\"2;3", UnclosedQuote, 3},
		"columns":                  {"a;b\n" + strings.Repeat(";", 600) + "\n", TooManyColumns, 2},
		"record":                   {"a;b\n1;" + strings.Repeat("x", 2<<20) + "\n", RecordTooLong, 2},
	} {
		t.Run(name, func(t *testing.T) {
			err := readError([]byte(c.raw))
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != c.code || e.Line != c.line {
				t.Errorf("err = %v, want %s at line %d", err, c.code, c.line)
			}
		})
	}
}

func TestLoneQuoteIsKept(t *testing.T) {
	got := readAll(t, []byte("a;b\n1;O\"Neil\n2;x\n"))
	if len(got) != 3 || got[1] != `2|1|O"Neil` {
		t.Errorf("rows: %q", got)
	}
}

// FuzzCSV checks three things of any input: the reader ends, the line numbers rise, and no
// row comes with an error.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{sample, "a,b\n\"", "\xff\xfea\x00;\x00", "sep=,\n1,2", "a\tb\n\x80\x81", "\"\n\"\n;;;\n", "a;b\r1;2\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := OpenCSV(bytes.NewReader(raw), int64(len(raw)), Limits{Columns: 50, RecordBytes: 4096})
		if err != nil {
			return
		}
		r, err := file.Rows(0)
		if err != nil {
			return
		}
		last := 0
		for range len(raw) + 2 {
			row, err := r.Next()
			if err != nil {
				if row.Cells != nil {
					t.Fatal("a row came with an error")
				}
				return
			}
			if row.Line <= last {
				t.Fatalf("line %d after %d", row.Line, last)
			}
			last = row.Line
		}
		t.Fatal("the reader does not end")
	})
}

func readError(raw []byte) error {
	rows, err := openCSV(raw)
	for err == nil {
		_, err = rows.Next()
	}
	return err
}

func openCSV(raw []byte) (Rows, error) {
	f, err := OpenCSV(bytes.NewReader(raw), int64(len(raw)), Limits{})
	if err != nil {
		return nil, err
	}
	return f.Rows(0)
}

func readAll(t *testing.T, raw []byte) []string {
	t.Helper()
	var out []string
	r, err := openCSV(raw)
	for err == nil {
		var row Row
		if row, err = r.Next(); err == nil {
			out = append(out, fmt.Sprintf("%d|%s", row.Line, strings.Join(row.Cells, "|")))
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return out
}

// TestCSVHostile checks that files that are made to cost time or memory are done soon.
func TestCSVHostile(t *testing.T) {
	for name, raw := range map[string]string{
		"a million blank lines":    strings.Repeat("\n", 1_000_000) + "a;b\n1;2\n",
		"a million delimiters":     "a;b\n" + strings.Repeat(";", 1_000_000) + "\n",
		"a million empty rows":     "a;b;c\n" + strings.Repeat(";;\n", 1_000_000),
		"one cell of 20 MB":        "a;b\n1;" + strings.Repeat("x", 20<<20) + "\n",
		"one quoted cell of 20 MB": "a;b\n1;\"" + strings.Repeat("x\n", 10<<20) + "\"\n",
		"quotes alone":             strings.Repeat(`"`, 10<<20),
		"a quote a line":           "a;b\n" + strings.Repeat("1;\"\n", 500_000),
		"bytes of every kind":      "a;b\n" + strings.Repeat("\x80\xff\x90;\xc3\n", 500_000),
		"half of a character":      "a;b\n" + strings.Repeat("é;", 100_000) + "\xc3",
		"UTF-16 that breaks off":   "\xff\xfe" + strings.Repeat("a\x00;\x00\n\x00", 500_000) + "b",
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		rows := 0
		r, err := openCSV([]byte(raw))
		for err == nil {
			if _, err = r.Next(); err == nil {
				rows++
			}
		}
		runtime.ReadMemStats(&after)
		t.Logf("%-26s %4.1f s, heap %+4d MB: %d rows, %v", name, time.Since(start).Seconds(),
			(int64(after.HeapInuse)-int64(before.HeapInuse))>>20, rows, err)
		if _, ok := errors.AsType[*Error](err); !ok && !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
		if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 200<<20 {
			t.Errorf("%s: the heap grew by %d MB", name, grown>>20)
		}
	}
}
