package importer_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/ttpclient/ttptest"
)

func utf16le(s string, bom bool) string {
	var b strings.Builder
	if bom {
		b.WriteString("\xff\xfe")
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// bsnRows makes n rows whose numbers pass the 11-proef, but for the first few.
func bsnRows(n, other int) string {
	var b strings.Builder
	for v, i := 100_000_000, 0; i < n; v++ {
		number, sum := fmt.Sprint(v), 0
		for j, c := range number[:8] {
			sum += (9 - j) * int(c-'0')
		}
		if sum -= int(number[8] - '0'); sum%11 != 0 {
			continue
		}
		if i < other {
			number = fmt.Sprint("P", i)
		}
		fmt.Fprintf(&b, "2809;2-1-1970;m;%s;Naam%c;;A\n", number, 'a'+i%26)
		i++
	}
	return b.String()
}

// wanted is what must become of a file: how many rows are read, stored and rejected, or the
// codes of the reasons for which it is refused.
type wanted struct {
	read, created, rejected int
	refused                 []string
}

// strangeFile is a file as a hospital's program, or somebody's hand, makes it.
type strangeFile struct {
	file string
	want wanted
}

// assigns is in wanted.refused if the user must assign the columns of the file.
var assigns = []string{"the user assigns its columns"}

const one, two = "2809;2-1-1970;m;1;Jansen;;A\n", "2809;2-1-1971;v;2;Pietersen;;B\n"

// TestStrangeFiles delivers files that are not as they should be.
func TestStrangeFiles(t *testing.T) {
	ttp := ttptest.Start(t)
	for name, c := range readableFiles() {
		t.Run(name, func(t *testing.T) { c.deliver(t, ttp) })
	}
	for name, c := range refusedFiles() {
		t.Run(name, func(t *testing.T) { c.deliver(t, ttp) })
	}
}

// readableFiles returns files of which rows are stored or rejected.
func readableFiles() map[string]strangeFile {
	swap := strings.ReplaceAll
	return map[string]strangeFile{
		"line feeds":             {head + one + two, wanted{2, 2, 0, nil}},
		"CRLF":                   {swap(head+one+two, "\n", "\r\n"), wanted{2, 2, 0, nil}},
		"CR alone":               {swap(head+one+two, "\n", "\r"), wanted{2, 2, 0, nil}},
		"UTF-16 with BOM":        {utf16le(head+one+two, true), wanted{2, 2, 0, nil}},
		"UTF-16 without BOM":     {utf16le(head+one+two, false), wanted{2, 2, 0, nil}},
		"UTF-16, CR alone":       {utf16le(swap(head+one+two, "\n", "\r"), true), wanted{2, 2, 0, nil}},
		"UTF-8 with BOM":         {"\ufeff" + head + one, wanted{1, 1, 0, nil}},
		"Windows-1252":           {swap(head, "ë", "\xeb") + "2809;2-1-1970;m;1;Jans\xe9n;;A\n", wanted{1, 1, 0, nil}},
		"commas":                 {swap(head+one+two, ";", ","), wanted{2, 2, 0, nil}},
		"tabs":                   {swap(head+one+two, ";", "\t"), wanted{2, 2, 0, nil}},
		"Excel's sep line":       {"sep=,\r\n" + swap(head+one, ";", ","), wanted{1, 1, 0, nil}},
		"blank lines everywhere": {"\n\n;;;;;;\n" + head + "\n" + one + "\n\n" + two + "\n;;;;;;\n", wanted{2, 2, 0, nil}},
		"empty columns behind":   {swap(head+one+two, "\n", ";;;\n"), wanted{2, 2, 0, nil}},
		"spaces around":          {head + "2809; 2-1-1970 ; m ; 1 ; Jansen ;; A \n", wanted{1, 1, 0, nil}},
		"all cells quoted": {"\"" + swap(swap(strings.TrimSpace(head+one), ";", "\";\""), "\n", "\"\n\"") + "\"\n",
			wanted{1, 1, 0, nil}},
		"a quote in a name":      {head + "2809;2-1-1970;m;1;Jan\"sen;;A\n" + two, wanted{2, 2, 0, nil}},
		"a quoted semicolon":     {head + "2809;2-1-1970;m;1;\"Jansen;de\";;A\n" + two, wanted{2, 2, 0, nil}},
		"a semicolon in a name":  {head + "2809;2-1-1970;m;1;Jansen;de;;A\n" + two, wanted{2, 1, 1, nil}},
		"64 characters":          {head + swap(one, ";1;", ";"+strings.Repeat("é", 64)+";"), wanted{1, 1, 0, nil}},
		"65 characters":          {head + swap(one, ";1;", ";"+strings.Repeat("é", 65)+";"), wanted{1, 0, 1, nil}},
		"emoji":                  {head + swap(one, ";1;", ";🙂1;") + "2809;2-1-1970;m;2;🙂;;A\n", wanted{2, 1, 1, nil}},
		"a cell of a megabyte":   {head + swap(one, "Jansen", strings.Repeat("x", 1<<20)) + two, wanted{2, 1, 1, nil}},
		"cut off in a row":       {head + one + "2809;1-1-19", wanted{2, 1, 1, nil}},
		"a NUL far down":         {head + strings.Repeat(one, 3000) + swap(two, "Pieter", "Pie\x00ter"), wanted{3001, 1, 1, nil}},
		"nine BSNs":              {head + bsnRows(9, 0), wanted{9, 9, 0, nil}},
		"eight BSNs of ten":      {head + bsnRows(10, 2), wanted{10, 10, 0, nil}},
		"a title first":          {"Aanlevering maart;;;;;;\n" + head + one, wanted{1, 1, 0, nil}},
		"titles, then a header":  {"Aanlevering maart\n\nUit: EPD, versie 2, \"x;y\"\n" + head + one + two, wanted{2, 2, 0, nil}},
		"text with a lone CR":    {head + swap(one, "Jansen", "Jan\rsen") + two + two, wanted{3, 1, 1, nil}},
		"the centre by its name": {head + swap(one, "2809", "bench") + swap(two, "2809", "Ander"), wanted{2, 1, 1, nil}},
		"DOS":                    {swap(head, "ë", "\x89") + swap(one, "Jansen", "Jans\x82n"), wanted{1, 1, 0, nil}},
		"month first": {head + "2809;1/31/1970;m;1;Jansen;;A\n2809;2/28/1971;v;2;Pietersen;;B\n2809;3/4/1971;v;3;Smit;;C\n",
			wanted{3, 3, 0, nil}},
		"months by name": {head + "2809;31 januari 1970;m;1;Jansen;;A\n2809;1-mrt-1971;v;2;Pietersen;;B\n", wanted{2, 2, 0, nil}},
	}
}

// refusedFiles returns files that are refused, or that wait for their columns.
func refusedFiles() map[string]strangeFile {
	swap, ask := strings.ReplaceAll, assigns
	return map[string]strangeFile{
		"nine BSNs of ten":      {head + bsnRows(10, 1), wanted{refused: []string{"BSN_NUMBERS"}}},
		"a header alone":        {head, wanted{refused: []string{"NO_ROWS"}}},
		"a header, no line end": {strings.TrimSpace(head), wanted{refused: []string{"NO_ROWS"}}},
		"blank lines":           {"\n\r\n\n", wanted{refused: []string{"EMPTY"}}},
		"blank cells":           {";;;\n;;;\n", wanted{refused: []string{"EMPTY"}}},
		"no header":             {one + two, wanted{refused: ask}},
		"a column twice":        {swap(head, "Tussenvoegsel", "achternaam") + one, wanted{refused: ask}},
		"a strange header":      {swap(head, "Geslacht", "m of v") + one, wanted{refused: ask}},
		"no column to assign": {swap(swap(head, "Geslacht;", ""), "Tussenvoegsel", "E-mail") + one,
			wanted{refused: []string{"MISSING_COLUMN"}}},
		"all in one column": {"\"" + swap(swap(strings.TrimSpace(head+one), ";", ","), "\n", "\";;;\n\"") + "\";;;\n",
			wanted{refused: []string{"ONE_COLUMN"}}},
		"a strange delimiter": {swap(head+one, ";", "^"), wanted{refused: []string{"ONE_COLUMN"}}},
		"HTML":                {"<html><table><tr><td>" + swap(head, ";", "</td><td>"), wanted{refused: []string{"MARKUP"}}},
		"UTF-32":              {"\xff\xfe\x00\x00C\x00\x00\x00", wanted{refused: []string{"ENCODING"}}},
		"one column":          {"Opmerking\nx\n", wanted{refused: []string{"ONE_COLUMN"}}},
		"100,000 columns":     {strings.Repeat("a;", 100_000) + "\n" + one, wanted{refused: []string{"TOO_MANY_COLUMNS"}}},
		"100,000 cells":       {head + strings.Repeat("a;", 100_000) + "\n" + one, wanted{refused: []string{"TOO_MANY_COLUMNS"}}},
		"a row of 3 MB":       {head + strings.Repeat("a", 3<<20) + "\n" + one, wanted{refused: []string{"RECORD_TOO_LONG"}}},
		"a NUL":               {head + swap(one, "Jan", "J\x00n"), wanted{refused: []string{"NOT_TEXT"}}},
		"an open quote":       {head + swap(one, "Jansen", "\"Jansen") + two, wanted{refused: []string{"UNCLOSED_QUOTE"}}},
		"an open last quote":  {head + swap(one, ";A", ";\"A") + two + two, wanted{refused: []string{"UNCLOSED_QUOTE"}}},
		"a spreadsheet":       {"PK\x03\x04abc", wanted{refused: []string{"BROKEN_WORKBOOK"}}},
		"every fault at once": {swap(head, "Tussenvoegsel", "BSN;Pseudoniem NGG") + bsnRows(10, 0),
			wanted{refused: []string{"BSN_COLUMN", "MIXED", "BSN_NUMBERS"}}},
	}
}

// deliver delivers the file and checks what becomes of it. Its key must be gone afterwards,
// and everything that was sealed with it.
func (c strangeFile) deliver(t *testing.T, ttp *ttptest.TTP) {
	p := newPlantAt(t, ttp, 500, time.Now)
	id := p.receive(t, delivery.Save, true, c.file)
	p.settle(t)
	d := p.delivery(t, id)
	var codes []string
	for _, r := range d.Refusals {
		codes = append(codes, r.Code)
	}
	state := delivery.Done
	if len(c.want.refused) > 0 {
		state = delivery.Refused
	}
	if slices.Equal(c.want.refused, assigns) {
		state, c.want.refused = delivery.Mapping, nil
		if err := p.desk.Cancel(t.Context(), tester, p.scope(), id); err != nil || d.State != state {
			t.Errorf("%s %v, want it to wait for its columns (%v)", d.State, codes, err)
		}
	}
	if d.State != state || !slices.Equal(codes, c.want.refused) {
		t.Errorf("%s %v, want %s %v", d.State, codes, state, c.want.refused)
	}
	n := d.Counts
	if n.Read != c.want.read || n.Created != c.want.created || n.Rejected != c.want.rejected {
		t.Errorf("%+v, want %d read, %d created, %d rejected", n, c.want.read, c.want.created, c.want.rejected)
	}
	if got := p.total(t); got != c.want.created {
		t.Errorf("%d patients, want %d", got, c.want.created)
	}
	if ids, err := p.store.KeyIDsInUse(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("keys %v are still needed (%v)", ids, err)
	}
}

// TestLinesAsInTheSpreadsheet checks that the line of a finding is the one that the user's
// spreadsheet shows, whatever comes before it in the file.
func TestLinesAsInTheSpreadsheet(t *testing.T) {
	const bad = "2809;;m;9;Jansen;;A\n"
	ttp := ttptest.Start(t)
	for name, c := range map[string]struct {
		file string
		line int
	}{
		"first row":                  {head + bad, 2},
		"blank lines before":         {head + "\n\n" + bad, 4},
		"blank cells before":         {head + ";;;;;;\n" + bad, 3},
		"header lower down":          {"\n\n" + head + bad, 4},
		"a cell of two lines before": {head + "2809;2-1-1970;m;1;\"Jan\nsen\";;A\n" + bad, 3},
		"CR alone":                   {strings.ReplaceAll(head+"\n"+bad, "\n", "\r"), 3},
		"CRLF":                       {strings.ReplaceAll(head+"\n"+bad, "\n", "\r\n"), 3},
		"a sep line":                 {"sep=;\n" + head + bad, 2},
	} {
		p := newPlantAt(t, ttp, 500, time.Now)
		id := p.receive(t, delivery.Save, true, c.file)
		p.settle(t)
		f := p.findings(t, id)
		if len(f) != 1 || f[0].Line != c.line || f[0].Message != "De geboortedatum is leeg" {
			t.Errorf("%s: %+v, want one finding at line %d", name, f, c.line)
		}
	}
}

// TestIdentitiesNotAllowed: a centre that may not deliver names is told so, with
// every other reason, and nothing of its file stays.
func TestIdentitiesNotAllowed(t *testing.T) {
	p := newPlantAt(t, ttptest.Start(t), 500, time.Now)
	var err error
	if p.centre, err = p.store.AddCentre(t.Context(), tester, account.Centre{Number: "2810", Name: "Twee"}); err != nil {
		t.Fatal(err)
	}
	id := p.receive(t, delivery.Save, true, strings.ReplaceAll(head, "Tussenvoegsel", "BSN")+"2810;2-1-1970;m;1;Jansen;111222333;A\n")
	p.settle(t)
	d := p.delivery(t, id)
	if d.State != delivery.Refused || len(d.Refusals) != 2 || d.Refusals[0].Code != "BSN_COLUMN" ||
		d.Refusals[1].Code != "IDENTITIES_NOT_ALLOWED" {
		t.Errorf("%s %v", d.State, d.Refusals)
	}
	id = p.receive(t, delivery.Save, true, "Patiëntnummer;Geboortejaar;Geslacht;NGGV\n1;1970;m;kapot\n")
	p.settle(t)
	if d := p.delivery(t, id); d.State != delivery.Done || d.Counts.Rejected != 1 {
		t.Errorf("with pseudonyms: %s %+v", d.State, d.Counts)
	}
}

// broken is an upload whose line breaks.
type broken struct{ *bytes.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil {
		err = errors.New("the line broke")
	}
	return n, err
}

// TestUploadLeavesNothing: an upload that breaks off, is empty or is too large is
// no delivery.
func TestUploadLeavesNothing(t *testing.T) {
	p := newPlantAt(t, ttptest.Start(t), 4, time.Now)
	receiving := p.receiving
	receiving.MaxBytes = 1 << 20
	in, err := intake.New(receiving)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from interface{ Read([]byte) (int, error) }
		want apperr.Kind
	}{
		"broken off": {broken{bytes.NewReader(bytes.Repeat([]byte("x"), 900<<10))}, apperr.Internal},
		"too large":  {bytes.NewReader(bytes.Repeat([]byte("x"), 1<<20+1)), apperr.TooLarge},
		"empty":      {strings.NewReader(""), apperr.Invalid},
	} {
		_, err := in.Receive(t.Context(), intake.Upload{Who: tester, Centre: p.centre, Mode: delivery.Save}, c.from)
		if err == nil || apperr.KindOf(err) != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if ids, err := p.store.KeyIDsInUse(t.Context()); err != nil || len(ids) != 0 {
			t.Errorf("%s: a delivery is left with a key (%v)", name, err)
		}
	}
	page, err := p.store.Deliveries(t.Context(), tester, p.scope(), delivery.Query{})
	if err != nil || len(page.Deliveries) != 0 {
		t.Errorf("%d deliveries, want none (%v)", len(page.Deliveries), err)
	}
}
