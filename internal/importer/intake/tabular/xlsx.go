package tabular

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"path"
	"strings"
	"unicode/utf16"
)

// excelize, the library for workbooks, writes parts of a large file in clear to
// the temporary folder, and holds names while it does: so a workbook is read here,
// from the archive as a stream.

const (
	maxDirectory = 4 << 20 // bytes of a zip's directory
	maxSheets    = 500
	maxPart      = 64 << 20 // bytes of the small parts: relations, styles
)

// IsWorkbook tells by its first bytes whether a file is a zip or an old Office
// file, which [OpenXLSX] then reads or refuses.
func IsWorkbook(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) || bytes.HasPrefix(head, oleMagic)
}

var oleMagic = []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")

// XLSX is a workbook of Excel 2007 and later.
type XLSX struct {
	file    *rememberingReader
	limits  Limits
	parts   map[string]*zip.File // by name in lower case
	epoch   Epoch
	sheets  []sheet
	formats []numberFormat // by cell style
	texts   *texts
}

type sheet struct {
	Table
	part   *zip.File
	merges *merges // nil until they were looked for
}

// OpenXLSX opens a workbook: its texts, styles and the list of its sheets. A file
// that is none is an *Error that says what it is instead.
func OpenXLSX(file io.ReaderAt, size int64, limits Limits) (*XLSX, error) {
	x := &XLSX{file: &rememberingReader{r: file}, limits: limits.OrDefault()}
	head := make([]byte, len(oleMagic))
	if n, err := x.file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	} else if bytes.Equal(head[:n], oleMagic) {
		return nil, x.failed(oldOffice(x.file))
	}
	if err := x.openParts(size); err != nil {
		return nil, x.failed(err)
	}
	if err := x.openBook(); err != nil {
		return nil, x.failed(err)
	}
	return x, nil
}

// failed gives the fault of the file itself where there is one, for that is not
// the workbook's, and an *Error for all others.
func (x *XLSX) failed(err error) error {
	if x.file.err != nil {
		return x.file.err
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{Code: BrokenWorkbook}
}

// Tables lists the worksheets.
func (x *XLSX) Tables() []Table {
	out := make([]Table, len(x.sheets))
	for i, s := range x.sheets {
		out[i] = s.Table
	}
	return out
}

func (x *XLSX) openParts(size int64) error {
	x.file.budget = maxDirectory + 128<<10
	z, err := zip.NewReader(x.file, size)
	x.file.budget = -1
	if x.file.spent {
		return &Error{Code: TooExpanded}
	} else if err != nil {
		return err
	}
	x.parts = make(map[string]*zip.File, len(z.File))
	for _, f := range z.File {
		if f.Flags&1 != 0 {
			return &Error{Code: Encrypted}
		}
		name := partName(f.Name)
		if _, twice := x.parts[name]; !twice {
			x.parts[name] = f
		}
	}
	return nil
}

func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// relation is how one part of a workbook names another.
type relation struct{ id, kind, target string }

// relations reads what a part is related to; none where it says nothing.
func (x *XLSX) relations(of string) ([]relation, error) {
	folder, name := path.Split(of)
	part, ok := x.parts[partName(folder+"_rels/"+name+".rels")]
	if !ok {
		return nil, nil
	}
	var out []relation
	err := x.read(part, maxPart, func(d *xmlReader, e element) error {
		if e.name == "Relationship" && e.attr("TargetMode") != "External" {
			target := e.attr("Target")
			if !strings.HasPrefix(target, "/") {
				target = path.Join(folder, target)
			}
			kind := e.attr("Type")
			out = append(out, relation{e.attr("Id"), kind[strings.LastIndexByte(kind, '/')+1:], partName(path.Clean(target))})
		}
		return nil
	})
	return out, err
}

func (x *XLSX) openBook() error {
	book := "xl/workbook.xml"
	root, err := x.relations("")
	if err != nil {
		return err
	}
	for _, r := range root {
		if r.kind == "officeDocument" {
			book = r.target
		}
	}
	if strings.HasSuffix(book, ".bin") || x.parts["xl/workbook.bin"] != nil {
		return &Error{Code: BinaryWorkbook}
	}
	part, ok := x.parts[book]
	if !ok {
		return &Error{Code: OtherDocument}
	}
	related, err := x.relations(book)
	if err != nil {
		return err
	}
	if err := x.readBook(part, related); err != nil {
		return err
	}
	for _, r := range related {
		switch part := x.parts[r.target]; {
		case part == nil:
		case r.kind == "styles":
			err = x.readStyles(part)
		case r.kind == "sharedStrings":
			err = x.readTexts(part)
		}
		if err != nil {
			return err
		}
	}
	if len(x.sheets) == 0 {
		return &Error{Code: BrokenWorkbook}
	}
	return nil
}

func (x *XLSX) readBook(part *zip.File, related []relation) error {
	sheets := map[string]*zip.File{}
	for _, r := range related {
		if r.kind == "worksheet" {
			sheets[r.id] = x.parts[r.target]
		}
	}
	x.epoch = Epoch1900
	first := true
	err := x.read(part, maxPart, func(_ *xmlReader, e element) error {
		if first && e.name != "workbook" {
			return &Error{Code: OtherDocument}
		}
		first = false
		switch e.name {
		case "workbookPr":
			if v := e.attr("date1904"); v == "1" || v == "true" {
				x.epoch = Epoch1904
			}
		case "sheet":
			part, ok := sheets[e.attr("id")]
			if !ok {
				return nil // a chart, or a sheet of macros
			}
			if part == nil || len(x.sheets) == maxSheets {
				return &Error{Code: BrokenWorkbook}
			}
			state := e.attr("state")
			x.sheets = append(x.sheets, sheet{part: part, Table: Table{Name: e.attr("name"), Hidden: state == "hidden" || state == "veryHidden"}})
		}
		return nil
	})
	for i := range x.sheets {
		x.sheets[i].Epoch = x.epoch
	}
	return err
}

// oldOffice tells what an OLE compound file is: its directory names its streams.
func oldOffice(r io.ReaderAt) error {
	buf := make([]byte, 512)
	if _, err := r.ReadAt(buf, 0); err != nil {
		return &Error{Code: OtherDocument}
	}
	shift := binary.LittleEndian.Uint16(buf[0x1E:])
	if shift < 7 || shift > 16 {
		return &Error{Code: OtherDocument}
	}
	start := (int64(binary.LittleEndian.Uint32(buf[0x30:])) + 1) << shift
	directory := make([]byte, 64<<10)
	n, err := r.ReadAt(directory, start)
	if err != nil && !errors.Is(err, io.EOF) {
		return &Error{Code: OtherDocument}
	}
	has := func(name string) bool {
		var b []byte
		for _, u := range utf16.Encode([]rune(name)) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		return bytes.Contains(directory[:n], b)
	}
	switch {
	case has("EncryptedPackage"):
		return &Error{Code: Encrypted}
	case has("Workbook"), has("Book"):
		return &Error{Code: OldWorkbook}
	}
	return &Error{Code: OtherDocument}
}

// rememberingReader keeps the first fault of the file it reads, which a zip reader
// or a decoder might pass on as a fault of the content, and stops at a budget.
type rememberingReader struct {
	r      io.ReaderAt
	err    error
	budget int64 // bytes that may still be read; no limit where negative
	spent  bool
}

var errBudget = errors.New("tabular: more than may be read")

func (r *rememberingReader) ReadAt(p []byte, off int64) (int, error) {
	if r.budget > 0 {
		if r.budget -= int64(len(p)); r.budget <= 0 {
			r.budget, r.spent = -1, true
			return 0, errBudget
		}
	}
	n, err := r.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) && r.err == nil {
		r.err = err
	}
	return n, err
}
