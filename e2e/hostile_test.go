package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// hostile are files that are made to do harm: each needs more of something than a
// delivery may have.
var hostile = []struct {
	name string
	make func(t testing.TB) []byte
}{
	{"workbook that inflates to 4 GiB", func(t testing.TB) []byte { return workbook(t, sheetStart, strings.Repeat(" ", 1<<20), 4096) }},
	{"workbook of a million entities", func(t testing.TB) []byte {
		return workbook(
			t,
			`<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`+sheetStart,
			`<row><c t="inlineStr"><is><t>&c;&c;&c;&c;</t></is></c></row>`,
			1<<16,
		)
	}},
	{"workbook with a million merged cells", func(t testing.TB) []byte {
		return workbook(t, sheetStart+`</sheetData><mergeCells>`, `<mergeCell ref="A1:XFD1048576"/>`, 1<<20)
	}},
	{"field of 50 MB", func(testing.TB) []byte {
		return append([]byte(header+"\r\n2809;1-1-1970;m;1;"), bytes.Repeat([]byte("a"), 50<<20)...)
	}},
	{"header of 100,000 columns", func(testing.TB) []byte { return bytes.Repeat([]byte("kolom;"), 100_000) }},
	{"50 MB of delimiters", func(testing.TB) []byte { return append([]byte(header+"\r\n"), bytes.Repeat([]byte(";"), 50<<20)...) }},
	{"50 MB of line ends", func(testing.TB) []byte { return append([]byte(header+"\r\n"), bytes.Repeat([]byte("\n"), 50<<20)...) }},
	{"50 MB of NULs", func(testing.TB) []byte { return append([]byte(header+"\r\n"), make([]byte, 50<<20)...) }},
	{"a quote that is never closed", func(testing.TB) []byte {
		return append([]byte(header+"\r\n\""), bytes.Repeat([]byte("2809;1-1-1970;m;1;Jansen;;A\r\n"), 50<<20/30)...)
	}},
	{"50 MB of noise", func(testing.TB) []byte {
		raw := make([]byte, 50<<20)
		_, _ = rand.NewChaCha8([32]byte{1}).Read(raw)
		return raw
	}},
	{"JSON ten million deep", func(testing.TB) []byte { return bytes.Repeat([]byte("["), 10<<20) }},
	{"JSON object with a million keys", func(testing.TB) []byte {
		var b bytes.Buffer
		b.WriteString(`[{"patientnummer":"1"`)
		for i := range 1 << 20 {
			fmt.Fprintf(&b, `,"k%d":1`, i)
		}
		b.WriteString("}]")
		return b.Bytes()
	}},
	{"JSON text of 50 MB", func(testing.TB) []byte {
		return append([]byte(`[{"patientnummer":"`), bytes.Repeat([]byte("a"), 50<<20)...)
	}},
	{"FHIR Patient with a million names", func(testing.TB) []byte {
		var b bytes.Buffer
		b.WriteString(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","name":[{"family":"a"}`)
		b.WriteString(strings.Repeat(`,{"family":"a"}`, 1<<20))
		b.WriteString(`]}}]}`)
		return b.Bytes()
	}},
}

const sheetStart = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`

// workbook makes an .xlsx whose only sheet is start followed by times copies of piece.
func workbook(t testing.TB, start, piece string, times int) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	add := func(name string, write func(w io.Writer) error) {
		w, err := z.Create(name)
		if err == nil {
			err = write(w)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
	}
	add(
		"[Content_Types].xml",
		text(
			`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`,
		),
	)
	add(
		"_rels/.rels",
		text(
			`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		),
	)
	add(
		"xl/_rels/workbook.xml.rels",
		text(
			`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		),
	)
	add(
		"xl/workbook.xml",
		text(
			`<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Blad1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		),
	)
	add("xl/worksheets/sheet1.xml", func(w io.Writer) error {
		_, err := io.WriteString(w, start)
		for i := 0; i < times && err == nil; i++ {
			_, err = io.WriteString(w, piece)
		}
		return err
	})
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
