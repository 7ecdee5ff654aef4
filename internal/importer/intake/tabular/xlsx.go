package tabular

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"

	"sluis/internal/value"
)

// IsWorkbook reports whether a file with these first bytes (8 are enough) is a zip or an OLE
// compound file. OpenXLSX can read it, or say why it cannot be read.
func IsWorkbook(head []byte) bool { return isZip(head) || isOLE(head) }

func isZip(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
}

func isOLE(head []byte) bool { return bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0")) }

const (
	maxSheets    = 2_000    // of a workbook
	auxExpanded  = 64 << 20 // bytes of a part other than a sheet and the shared texts
	auxToken     = 256 << 10
	tokenHeadway = 64 << 10 // bytes that a token may be longer than the row it is of
)

// workbook is an Excel file: a Source whose tables are its worksheets.
type workbook struct {
	pack   *pack
	limits Limits
	sheets []sheet
	tables []Table
	styles []format
	texts  texts
	left   int64 // bytes that the sheets not yet looked at may inflate to, all together
}

// sheet is the part of one worksheet, with its merges once they are read.
type sheet struct {
	part    string
	merges  []merge
	scanned bool
}

// OpenXLSX opens a workbook of Excel 2007 or later (.xlsx, .xlsm, .xltx) of size bytes.
// Every worksheet is a table. Rows and cells are streamed from r: nothing is written to a
// disk, and only the shared texts stay in memory.
//
// A file that is no such workbook, or that is encrypted or broken, is an *Error; an
// error of r itself comes out as it is.
func OpenXLSX(r io.ReaderAt, size int64, limits Limits) (Source, error) {
	limits = limits.OrDefault()
	at := &readerAt{r: r, size: size}
	head := make([]byte, 8)
	n, err := at.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, at.fail(err, 0)
	}
	switch head = head[:n]; {
	case isOLE(head):
		return nil, at.fail(compound(at, size), 0)
	case n == 0, !isZip(head):
		return nil, &Error{Code: OtherDocument}
	}
	p, err := openPack(at, size, limits)
	if err != nil {
		return nil, at.fail(err, 0)
	}
	w := &workbook{pack: p, limits: limits, left: limits.Expanded}
	if err := w.open(); err != nil {
		return nil, at.fail(err, 0)
	}
	return w, nil
}

// open reads what lies outside the sheets.
func (w *workbook) open() error {
	main, err := w.pack.main()
	if err != nil {
		return err
	}
	var rels relations
	if w.pack.has(relationsOf(main)) { // a text document may have none
		if rels, err = w.pack.relations(main); err != nil {
			return err
		}
	}
	if err := w.readWorkbook(main, rels); err != nil {
		return err
	}
	if len(w.sheets) == 0 {
		return &Error{Code: BrokenWorkbook}
	}
	if rel, ok := rels.first("styles"); ok {
		if w.styles, err = readStyles(w.pack, rel.target); err != nil {
			return err
		}
	}
	if rel, ok := rels.first("sharedStrings"); ok {
		w.texts, err = readTexts(w.pack, rel.target, w.limits)
	}
	return err
}

// readWorkbook takes the worksheets and the epoch from the workbook's main part.
func (w *workbook) readWorkbook(main string, rels relations) error {
	t, err := w.pack.tokens(main, w.pack.aux, auxToken)
	if err != nil {
		return err
	}
	defer t.close()
	epoch := value.Epoch1900
	for {
		tok, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		switch {
		case !ok:
		case t.depth() == 1 && start.Name.Local != "workbook":
			return &Error{Code: OtherDocument}
		case t.depth() == 2 && start.Name.Local == "workbookPr":
			if truth(attr(start, "date1904")) {
				epoch = value.Epoch1904
			}
		case t.depth() == 3 && start.Name.Local == "sheet" && t.within("sheets"):
			if err := w.addSheet(start, rels); err != nil {
				return err
			}
		}
	}
	for i := range w.tables {
		w.tables[i].Epoch = epoch
	}
	return nil
}

// addSheet adds one sheet of the workbook's list if it is a worksheet. Charts,
// dialogues and macro sheets have no rows.
func (w *workbook) addSheet(start xml.StartElement, rels relations) error {
	id := ""
	for _, a := range start.Attr {
		if a.Name.Local == "id" && a.Name.Space != "" {
			id = a.Value
		}
	}
	rel, ok := rels.byID(id)
	if !ok || len(w.sheets) == maxSheets {
		return &Error{Code: BrokenWorkbook}
	}
	if rel.external || !rel.is("worksheet") {
		return nil
	}
	if _, err := w.pack.find(rel.target); err != nil {
		return err
	}
	if slices.ContainsFunc(w.sheets, func(s sheet) bool { return s.part == rel.target }) {
		return errBroken // to read one part many times costs the more the smaller it is
	}
	state := attr(start, "state")
	w.sheets = append(w.sheets, sheet{part: rel.target})
	w.tables = append(w.tables, Table{Name: attr(start, "name"), Hidden: state != "" && !strings.EqualFold(state, "visible")})
	return nil
}

// Tables lists the worksheets in the order of their tabs.
func (w *workbook) Tables() []Table { return w.tables }

// Rows begins at the first row of a worksheet. The first time it goes through the
// whole sheet: its merges come after its rows, and so the sheet's checksum is
// known to be right before a row of it is given.
func (w *workbook) Rows(table int) (Rows, error) {
	if table < 0 || table >= len(w.sheets) {
		return nil, errors.New("tabular: no such table")
	}
	at := w.pack.at
	at.err = nil
	s := &w.sheets[table]
	if !s.scanned {
		merges, err := w.readMerges(s.part)
		if err != nil {
			return nil, at.fail(err, 0)
		}
		s.merges, s.scanned = merges, true
	}
	t, err := w.pack.tokens(s.part, w.limits.Expanded, w.limits.RecordBytes+tokenHeadway)
	if err != nil {
		return nil, at.fail(err, 0)
	}
	rows := &sheetRows{book: w, t: t, merges: mergeWalk{todo: s.merges}}
	if err := rows.begin(); err != nil {
		t.close()
		return nil, at.fail(err, 0)
	}
	return rows, nil
}

// attr returns an attribute by its local name, empty if it is absent.
func attr(start xml.StartElement, local string) string {
	for _, a := range start.Attr {
		if a.Name.Local == local && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// truth reads a boolean of XML Schema.
func truth(s string) bool { return s == "1" || s == "true" || s == "on" }

var _ Source = (*workbook)(nil)

// asBroken returns err if it is a refusal already, else BrokenWorkbook: zip, flate
// and XML errors may repeat what they met.
func asBroken(err error, line int) error {
	switch e, ok := errors.AsType[*Error](err); {
	case ok && e.Line == 0:
		return &Error{Code: e.Code, Line: line}
	case ok:
		return e
	case errors.Is(err, errTooExpanded):
		return &Error{Code: TooExpanded, Line: line}
	case errors.Is(err, errRecordTooLong) && line > 0:
		return &Error{Code: RecordTooLong, Line: line}
	case errors.Is(err, errRecordTooLong): // something else than a row
		return &Error{Code: TooExpanded}
	}
	return &Error{Code: BrokenWorkbook, Line: line}
}

// errBroken is a workbook that does not hold to the format.
var errBroken = &Error{Code: BrokenWorkbook}

// errTooExpanded ends a part that inflates beyond its limit.
var errTooExpanded = errors.New("part too large")
