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
)

// known reports whether a record of a patient has a member of this name.
func known(name string) bool { return name == "patientNumber" || name == "sex" || name == "a" }

func readJSON(raw string, limits Limits) (header []string, rows []string, err error) {
	j, err := OpenJSON(strings.NewReader(raw), int64(len(raw)), limits, known)
	if err != nil {
		return nil, nil, err
	}
	r, err := j.Rows(0)
	if err != nil {
		return nil, nil, err
	}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return j.Tables()[0].Header, rows, nil
		} else if err != nil {
			return nil, rows, err
		}
		line := fmt.Sprintf("%d|%s", row.Line, strings.Join(row.Cells, "|"))
		for _, f := range row.Faults {
			line += fmt.Sprintf(" !%d %s", f.Column, f.Code)
		}
		rows = append(rows, line)
	}
}

func TestJSON(t *testing.T) {
	for name, c := range map[string]struct{ raw, header, rows string }{
		"an array":                  {`[{"a":"x","b":1},{"b":2,"c":" y "}]`, "a|b|c", "1|x|1| 2||2|y"},
		"an object a line":          {"{\"a\":1}\n\n{\"a\":2}\r\n{\"a\":3}", "a", "1|1 3|2 4|3"},
		"objects over lines":        {"{\n\"a\":1\n}\n{\"a\":2}", "a", "1|1 4|2"},
		"a byte order mark":         {"\ufeff[{\"a\":\"é\"}]", "a", "1|é"},
		"numbers as they are meant": {`[{"a":1e5,"b":0.10,"c":12345678901234567890}]`, "a|b|c", "1|100000|0.10|12345678901234567890"},
		"truth and nothing":         {`[{"a":true,"b":null,"c":false}]`, "a|b|c", "1|true||false"},
		"objects in it":             {`[{"p":{"n":"1","q":{"r":2}}}]`, "p.n|p.q.r", "1|1|2"},
		"too deep":                  {`[{"a":{"b":{"c":{"d":1}}}}]`, "a.b.c", "1| !0 CELL_NESTED"},
		"a list of values":          {`[{"a":[1,[2],{"b":3}],"b":1}]`, "a|b", "1||1 !0 CELL_NESTED"},
		"an empty list":             {`[{"a":[],"b":1}]`, "b", "1|1"},
		"typed values": {`[{"p":[{"type":"NGGV","value":"x","expiresAt":"d"},{"type":"PGG","value":"y"},{"type":"PGG","value":"z","recordedOn":"e"}]}]`,
			"p.NGGV|p.NGGV.expiresAt|p.PGG|p.PGG 2|p.PGG 2.recordedOn", "1|x|d|y|z|e"},
		"a list of objects": {`[{"postcodes":[{"postcode":"1234AB","houseNumber":1},{"postcode":"4321BA"}]}]`,
			"postcode 1|houseNumber 1|postcode 2", "1|1234AB|1|4321BA"},
		"a name twice": {`[{"a":1,"A":2,"b":3}]`, "a|b", "1||3 !0 CELL_TWICE"},
		"no object": {`[{"a":1},2,[{"a":3}],"x",null]`, "a",
			"1|1 2| !-1 ROW_NOT_OBJECT 3| !-1 ROW_NOT_OBJECT 4| !-1 ROW_NOT_OBJECT 5| !-1 ROW_NOT_OBJECT"},
		"a name in two ways":    {`[{"Ab":1,"c":1},{"aB":2},{"ab":3}]`, "Ab|c", "1|1|1 2|2| 3|3|"},
		"a fraction of nothing": {`[{"a":523534.0,"b":-1.00,"c":1.50}]`, "a|b|c", "1|523534|-1|1.50"},
		"several on a line":     {"{\"a\":1} {\"a\":2}\n{\"a\":3}", "a", "1|1 2|2 3|3"},
		"wrapped":               {`{"patients":[{"a":1,"sex":"m"},{"b":2}]}`, "a|sex|b", "1|1|m| 2|||2"},
		"wrapped, with more around": {`{"n":2,"by":{"who":"x"},"log":[],"list":[{"a":1,"sex":"m"}],"tail":[[1],{"a":2}],"end":null}`,
			"a|sex", "1|1|m"},
		"wrapped twice":          {`{"data":{"count":1,"patients":[{"a":1,"sex":"m"}]},"ok":true}`, "a|sex", "1|1|m"},
		"wrapped, a list before": {`{"fields":[{"label":"a"},{"label":"b"}],"rows":[{"a":1,"sex":"m"}]}`, "a|sex", "1|1|m"},
		"a large thing around": {`{"log":"` + strings.Repeat("x", 50_000) + `","rows":[{"a":1,"sex":"m"}],"tail":[` +
			strings.Repeat(`"x",`, 400_000) + `0]}`, "a|sex", "1|1|m"},
		"one record, lists in it":   {`{"a":1,"visits":[{"a":2,"sex":"x"}]}`, "a|a 1|sex 1", "1|1|2|x"},
		"records, lists before all": {"{\"v\":[{\"a\":2,\"sex\":\"x\"}],\"a\":1}\n{\"a\":3}", "a 1|sex 1|a", "1|2|x|1 2|||3"},
		"a long name":               {`[{"` + strings.Repeat("n", 300) + `":1,"b":2}]`, "|b", "1|1|2"},
		"a late column":             {`[` + strings.Repeat(`{"a":1},`, 5000) + `{"bsn":2}]`, "a|bsn", ""},
	} {
		header, rows, err := readJSON(c.raw, Limits{})
		if got := strings.Join(header, "|"); err != nil || got != c.header || c.rows != "" && strings.Join(rows, " ") != c.rows {
			t.Errorf("%s: %q %q (%v), want %q %q", name, got, rows, err, c.header, c.rows)
		}
	}
}

func TestJSONRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		code Code
		line int
	}{
		"cut":                    {"[\n{\"a\":1},\n{\"a\":", BrokenJSON, 3},
		"an array not closed":    {"[{\"a\":1}\n", BrokenJSON, 1},
		"something behind":       {"[{\"a\":1}]\n{\"a\":1}", BrokenJSON, 2},
		"a comma too many":       {"[{\"a\":1},\n]", BrokenJSON, 2},
		"no JSON":                {"{a:1}", BrokenJSON, 1},
		"a number":               {"5", NotRecords, 0},
		"an array of nothing":    {"[1,2]", NotRecords, 0},
		"an empty array":         {"[]", Empty, 0},
		"a wrapper":              {`{"patients":[{"a":1},{"a":2}]}`, NotRecords, 0},
		"a wrapper that tells":   {`{"version":1,"patients":[` + strings.Repeat(`{"a":1},`, 30) + `{"a":1}]}`, NotRecords, 0},
		"wrapped and cut":        {`{"rows":[{"a":1,"sex":"m"}]`, BrokenJSON, 1},
		"wrapped, more behind":   {`{"rows":[` + strings.Repeat(`{"a":1,"sex":"m"},`, 5000) + `{}]} {}`, BrokenJSON, 1},
		"wrapped, cut inside":    {`{"rows":[{"a":1,"sex":"m"},{"a"`, BrokenJSON, 1},
		"each under its number":  {`{"17":{"a":1,"sex":"m"},"18":{"a":2,"sex":"v"}}`, NotRecords, 0},
		"a wrapper a line":       {"{\"p\":[{\"a\":1}]}\n{\"p\":[{\"a\":2}]}", NotRecords, 0},
		"scalars a line":         {"{\"a\":1}\n5", NotRecords, 0},
		"not UTF-8":              {"[{\"a\":\"\xeb\"}]", BadEncoding, 0},
		"nothing":                {" \n ", Empty, 0},
		"a NUL":                  {"[{\"a\":\"\x00\"}]", NotText, 0},
		"a value without end":    {`[{"a":"` + strings.Repeat("x", 2<<20) + `"}]`, RecordTooLong, 1},
		"columns without end":    {"[{" + manyNames(600) + "}]", TooManyColumns, 1},
		"depth without end":      {`[{"a":` + strings.Repeat("[", 500_000) + `}]`, BrokenJSON, 1},
		"a bracket that is none": {`[{"a":1}}`, BrokenJSON, 1},
	} {
		_, _, err := readJSON(c.raw, Limits{})
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != c.code || c.line > 0 && e.Line != c.line {
			t.Errorf("%s: %v, want %s at line %d", name, err, c.code, c.line)
		}
	}
	if _, _, err := readJSON(`[{"a":1},{"a":2},{"a`, Limits{}); err == nil || *err.(*Error) != (Error{BrokenJSON, 1, 2}) { //nolint:errorlint // as it is
		t.Errorf("cut in the third: %v", err)
	}
	own := errors.New("the database is away")
	if _, err := OpenJSON(&failing{strings.NewReader("["), 0, own}, 1000, Limits{}, known); !errors.Is(err, own) {
		t.Errorf("a fault below: %v", err)
	}
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"n%d":1,`, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// TestJSONHostile checks that files that are made to cost time or memory are done soon.
func TestJSONHostile(t *testing.T) {
	for name, raw := range map[string]string{
		"a million empty objects": "[" + strings.Repeat("{},", 1_000_000) + "{}]",
		"a million nulls":         "[" + strings.Repeat("null,", 1_000_000) + `{"a":1}]`,
		"a million blank lines":   strings.Repeat("\n", 1_000_000) + `{"a":1}`,
		"spaces in a value":       `[{"a":` + strings.Repeat(" ", 20<<20) + `1}]`,
		"spaces between values":   `[` + strings.Repeat(" ", 20<<20) + `{"a":1}]`,
		"a number without end":    `[{"a":` + strings.Repeat("9", 20<<20) + `}]`,
		"a name without end":      `[{"` + strings.Repeat("n", 20<<20) + `":1}]`,
		"deep":                    strings.Repeat(`{"a":`, 200_000) + "1" + strings.Repeat("}", 200_000),
		"a large list":            `[{"a":[` + strings.Repeat("1,", 400_000) + `1]}]`,
		"escapes":                 `[{"a":"` + strings.Repeat(`\u0000`, 100_000) + `"}]`,
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, rows, err := readJSON(raw, Limits{})
		runtime.ReadMemStats(&after)
		t.Logf("%-24s %4.1f s, heap %+4d MB: %d rows, %v", name, time.Since(start).Seconds(),
			(int64(after.HeapInuse)-int64(before.HeapInuse))>>20, len(rows), err)
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			t.Errorf("%s: %v", name, err)
		}
		if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 300<<20 {
			t.Errorf("%s: the heap grew by %d MB", name, grown>>20)
		}
	}
}

// FuzzJSON checks three things of any input: the reader ends, the line numbers rise, and no
// row comes with an error.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`[{"a":"x","b":1},{"b":{"c":[{"type":"t","value":"v"}]}}]`, "{\"a\":1}\n{\"a\":[]}\n", "\ufeff[]", `[{"a":[1,2]},null]`,
		`{"p":[{"q":1}]}`, "[{}",
		"\xff\xfe[\x00]\x00", `{"n":1,"d":{"p":[{"a":1,"sex":"m"},{"a":2}]},"t":[]}`, `{"a":1} {"a":2}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		j, err := OpenJSON(bytes.NewReader(raw), int64(len(raw)), Limits{Columns: 20, RecordBytes: 4096}, known)
		if err != nil {
			return
		}
		r, err := j.Rows(0)
		for last, n := 0, 0; err == nil; n++ {
			var row Row
			if row, err = r.Next(); err != nil {
				if row.Cells != nil {
					t.Fatal("a row came with an error")
				}
				break
			}
			if row.Line < last || j.array() && row.Line == last {
				t.Fatalf("line %d after %d", row.Line, last)
			}
			if last = row.Line; n > len(raw) {
				t.Fatal("the reader does not end")
			}
		}
	})
}

func (j *JSON) array() bool {
	r, err := j.begin()
	return err == nil && r.array
}

func BenchmarkJSON(b *testing.B) {
	const n = 20_000
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, `{"centrum":"2809","geboortedatum":"1970-01-02","geslacht":"m","patientnummer":"%d","achternaam":"Naam","voorletters":"A"}`+"\n", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, rows, err := readJSON(s.String(), Limits{}); err != nil || len(rows) != n {
			b.Fatal(len(rows), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}
