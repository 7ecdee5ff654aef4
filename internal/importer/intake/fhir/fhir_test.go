package fhir_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/importer/intake/fhir"
	"sluis/internal/importer/intake/tabular"
)

var options = fhir.Options{Types: []string{"NGGV", "NGG"}, Today: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}

func read(raw string, o fhir.Options) (header []string, rows []string, skipped map[string]int, err error) {
	head := tabular.Start([]byte(raw[:min(len(raw), 64<<10)]))
	if fhir.LooksXML(head) {
		return nil, nil, nil, &tabular.Error{Code: tabular.FHIRXML}
	}
	s, err := fhir.Open(strings.NewReader(raw), int64(len(raw)), o)
	if err != nil {
		return nil, nil, nil, err
	}
	table := s.Tables()[0]
	r, err := s.Rows(0)
	for err == nil {
		var row tabular.Row
		if row, err = r.Next(); err == nil {
			line := fmt.Sprintf("%d|%s", row.Line, strings.Join(row.Cells, "|"))
			for _, f := range row.Faults {
				line += fmt.Sprintf(" !%d %s", f.Column, f.Code)
			}
			rows = append(rows, line)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return table.Header, rows, table.Skipped, err
}

// bundle returns a Bundle of these resources.
func bundle(resources ...string) string {
	var entries []string
	for _, r := range resources {
		entries = append(entries, `{"fullUrl":"urn:uuid:x","resource":`+r+`}`)
	}
	return `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Join(entries, ",") + `]}`
}

const (
	jansen = `{"resourceType":"Patient","identifier":[{"system":"urn:h","value":"0123"}],"name":[{"use":"official","family":"Jansen","given":["A."]}],"gender":"male","birthDate":"1970-01-02"}`
	berg   = `{"resourceType":"Patient","identifier":[{"system":"urn:h","value":"7"}],"gender":"female","birthDate":"1971","name":[
		{"use":"official","family":"van den Berg-Smit","_family":{"extension":[
			{"url":"http://hl7.org/fhir/StructureDefinition/humanname-own-prefix","valueString":"van den"},
			{"url":"http://hl7.org/fhir/StructureDefinition/humanname-own-name","valueString":"Berg"},
			{"url":"http://hl7.org/fhir/StructureDefinition/humanname-partner-name","valueString":"Smit"}]},
		 "given":["Maria","M.","Mies"],"_given":[{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier","valueCode":"BR"}]},
			{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier","valueCode":"IN"}]},
			{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier","valueCode":"CL"}]}]}]}`
)

func TestBundle(t *testing.T) {
	want := "identifier|birthDate|gender|name.family|name.own-prefix|name.given"
	for name, raw := range map[string]string{
		"a Bundle": bundle(jansen, `{"resourceType":"Observation"}`, berg, `{"resourceType":"Jansenius"}`),
		"an array": "[" + jansen + `,{"resourceType":"Observation"},` + berg + `,{"resourceType":"Jansenius"}]`,
		"keys in any order": `{"entry":[{"resource":` + jansen + `},{"resource":{"resourceType":"Observation"}},{"resource":` + berg +
			`},{"resource":{"resourceType":"Jansenius"}}],"type":"searchset","resourceType":"Bundle"}`,
		"a byte order mark": "\ufeff" + bundle(jansen, `{"resourceType":"Observation"}`, berg, `{"resourceType":"Jansenius"}`),
		"members before them": `{"resourceType":"Bundle","meta":{"tag":[{"code":"x"}]},"link":[{"relation":"self"}],` +
			strings.TrimPrefix(bundle(jansen, `{"resourceType":"Observation"}`, berg, `{"resourceType":"Jansenius"}`),
				`{"resourceType":"Bundle",`),
	} {
		header, rows, skipped, err := read(raw, options)
		if err != nil || strings.Join(header, "|") != want || len(rows) != 2 || rows[0] != "1|0123|1970-01-02|male|Jansen||A." ||
			rows[1] != "3|7|1971|female|Berg|van den|M." {
			t.Errorf("%s: %q %q %v", name, header, rows, err)
		}
		if len(skipped) != 2 || skipped["Observation"] != 1 || skipped[""] != 1 {
			t.Errorf("%s: skipped %v", name, skipped)
		}
	}
	pages := func(behind string) []string {
		return []string{bundle(jansen), bundle(`{"resourceType":"Observation"}`, berg) + behind}
	}
	for name, raw := range map[string]string{
		"pages behind each other": strings.Join(pages("\n"), ""),
		"pages in an array":       "[" + strings.Join(pages(""), ",") + "]",
		"pages in a Bundle":       bundle(pages("")...),
		"pages in pages":          bundle(bundle(jansen), bundle(bundle(), bundle(`{"resourceType":"Observation"}`, bundle(berg)))),
		"a page, then a resource": bundle(jansen) + `{"resourceType":"Observation"}` + berg,
		"a resource, then a page": jansen + "\n" + bundle(`{"resourceType":"Observation"}`, berg),
		"three on a line":         jansen + `{"resourceType":"Observation"}` + strings.ReplaceAll(berg, "\n", ""),
		"large pages in an array": "[" + bundle(jansen, `{"resourceType":"Observation","id":"`+strings.Repeat("x", 900_000)+`"}`) + "," +
			bundle(berg, `{"resourceType":"Basic","id":"`+strings.Repeat("x", 900_000)+`"}`) + "]",
		"much before a page's type": `{"id":"` + strings.Repeat("x", 30_000) + `","entry":[{"resource":` + jansen + `},{}],"x":0}` +
			bundle(berg),
	} {
		_, rows, _, err := read(raw, options)
		if err != nil || len(rows) != 2 || !strings.HasPrefix(rows[0], "1|0123|") || !strings.HasPrefix(rows[1], "3|7|") {
			t.Errorf("%s: %q %v", name, rows, err)
		}
	}
	flat := func(s string) string { return strings.ReplaceAll(s, "\n", " ") }
	_, rows, _, err := read(flat(jansen)+"\n\n"+flat(berg)+"\n", options)
	if err != nil || len(rows) != 2 || !strings.HasPrefix(rows[0], "1|0123|") || !strings.HasPrefix(rows[1], "3|7|") {
		t.Errorf("a resource a line: %q %v", rows, err)
	}
}

func TestNames(t *testing.T) {
	ext := func(name, value string) string {
		return fmt.Sprintf(`{"url":"http://hl7.org/fhir/StructureDefinition/%s","valueString":"%s"}`, name, value)
	}
	for name, c := range map[string]struct{ json, want string }{
		"plain":             {`{"family":"Jansen","given":["Jan"]}`, "Jansen||J."},
		"two given names":   {`{"family":"Jansen","given":["Jan Hendrik","Piet"]}`, "Jansen||J.H.P."},
		"a double name":     {`{"family":"Jansen","given":["Anne-Marie"]}`, "Jansen||A.M."},
		"initials as given": {`{"family":"Jansen","given":["J.H.","a"]}`, "Jansen||J.H.a"},
		"only a partner's": {`{"family":"Smit","_family":{"extension":[` + ext("humanname-partner-name", "Smit") + `]},"given":["A."]}`,
			"||A."},
		"a prefix alone": {`{"family":"van der Smit","_family":{"extension":[` + ext("humanname-own-prefix", "van der") +
			`]},"given":["A."]}`, "Smit|van der|A."},
		"an old name":          {`{"use":"old","family":"Oud"},{"use":"official","family":"Nieuw","given":["A."]}`, "Nieuw||A."},
		"a maiden name":        {`{"use":"official","family":"Smit","given":["A."]},{"use":"maiden","family":"Bakker"}`, "Bakker||A."},
		"a nickname alone":     {`{"use":"nickname","family":"Jan"}`, "|| !1 FHIR_NO_NAME_IN_FORCE"},
		"temporary, anonymous": {`{"use":"temp","family":"T"},{"use":"anonymous","family":"A"}`, "|| !1 FHIR_NO_NAME_IN_FORCE"},
		"ended, no other":      {`{"use":"official","family":"Oud","period":{"end":"2019"}}`, "|| !1 FHIR_NO_NAME_IN_FORCE"},
		"ended, then current":  {`{"use":"official","family":"Oud","period":{"end":"2010-01-01"}},{"use":"official","family":"Nieuw","given":["A."]}`, "Nieuw||A."},
		"not yet begun":        {`{"use":"official","family":"Straks","period":{"start":"2031"}},{"use":"usual","family":"Nu","given":["A."]}`, "Nu||A."},
		"two official":         {`{"use":"official","family":"A"},{"use":"official","family":"B"}`, "|| !1 FHIR_SEVERAL_NAMES"},
		"one name twice":       {`{"use":"official","family":"Bakker","given":["A."]},{"use":"official","family":"BAKKER"}`, "Bakker||A."},
		"a text, then a name":  {`{"text":"Anna Bakker"},{"family":"Bakker","given":["A."]}`, "Bakker||A."},
		"a maiden name ended":  {`{"use":"official","family":"Smit","given":["A."]},{"use":"maiden","family":"Bakker","period":{"end":"2001"}}`, "Bakker||A."},
		"usual after none":     {`{"use":"usual","family":"B","given":["B."]},{"family":"A","given":["A."]}`, "A||A."},
		"a null among given":   {`{"family":"Jansen","given":[null,"A."],"_given":[null,null]}`, "Jansen||A."},
	} {
		raw := bundle(`{"resourceType":"Patient","identifier":[{"value":"1"}],"name":[`+c.json+`]}`,
			`{"resourceType":"Patient","identifier":[{"value":"2"}],"name":[{"_family":{"extension":[`+ext("humanname-own-prefix",
				"de")+`,`+ext("humanname-own-name", "X")+`]}}]}`)
		_, rows, _, err := read(raw, options)
		if err != nil || len(rows) != 2 || rows[0] != "1|1|"+c.want {
			t.Errorf("%s: %q (%v), want %q", name, rows, err, c.want)
		}
	}
}

func TestIdentifiers(t *testing.T) {
	id := func(system, value, code string) string {
		return fmt.Sprintf(`{"system":"%s","value":"%s","type":{"coding":[{"code":"%s"}]}}`, system, value, code)
	}
	for name, c := range map[string]struct {
		ids, system, header, row string
	}{
		"one system":         {id("urn:a", "1", ""), "", "identifier", "1|1"},
		"none given":         {`{"value":"1"}`, "", "identifier", "1|1"},
		"two":                {id("urn:a", "1", "") + "," + id("urn:b", "2", ""), "", "identifier urn:a|identifier urn:b", "1|1|2"},
		"two, one of record": {id("urn:a", "1", "") + "," + id("urn:b", "2", "MR"), "", "identifier|identifier urn:a", "1|2|1"},
		"two, the centre's":  {id("urn:a", "1", "") + "," + id("urn:b", "2", "MR"), "urn:a", "identifier|identifier urn:b", "1|1|2"},
		"a BSN beside": {id("urn:a", "1", "") + `,{"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":"111222333"}`, "",
			"identifier|bsn", "1|1|"},
		"a BSN by its number": {id("urn:a", "1", "") + `,{"system":"urn:oid:2.16.840.1.113883.2.4.6.3","value":111222333}`, "",
			"identifier|bsn", "1|1|"},
		"pseudonyms": {id("urn:a", "1", "") + `,{"system":"urn:sluis:temporary-pseudonym:NGGV","value":"x","period":{"end":"2026-12-01"}},{"system":"https://ttp/ngg","value":"y","period":{"end":"2026-11-30"}}`, "",
			"identifier|pseudonym NGGV|pseudonym NGG|expiresAt", "1|1|x|y|2026-11-30"},
	} {
		o := options
		o.NumberSystem = c.system
		header, rows, _, err := read(bundle(`{"resourceType":"Patient","identifier":[`+c.ids+`]}`), o)
		if err != nil || strings.Join(header, "|") != c.header || len(rows) != 1 || rows[0] != c.row {
			t.Errorf("%s: %q %q (%v), want %q %q", name, header, rows, err, c.header, c.row)
		}
	}
}

// TestNumberInForce checks which of several numbers of one system is the patient's.
func TestNumberInForce(t *testing.T) {
	for name, c := range map[string]struct{ ids, want string }{
		"old, then current":    {`"value":"1","use":"old"},{"value":"2"`, "2"},
		"current, then old":    {`"value":"2"},{"value":"1","use":"old"`, "2"},
		"ended":                {`"value":"1","period":{"end":"2019-01-01"}},{"value":"2"`, "2"},
		"ends today":           {`"value":"1","period":{"end":"2026-07-01"}`, "1"},
		"ends this year":       {`"value":"1","period":{"end":"2026"}`, "1"},
		"ended in June":        {`"value":"1","period":{"end":"2026-06"}`, " !0 FHIR_NUMBER_NOT_IN_FORCE"},
		"a moment":             {`"value":"1","period":{"end":"2026-06-30T23:59:59+02:00"}},{"value":"2"`, "2"},
		"not yet begun":        {`"value":"1","period":{"start":"2026-07-02"}},{"value":"2"`, "2"},
		"only an old one":      {`"value":"1","use":"old"`, " !0 FHIR_NUMBER_NOT_IN_FORCE"},
		"two":                  {`"value":"1"},{"value":"2"`, " !0 FHIR_SEVERAL_NUMBERS"},
		"official and usual":   {`"value":"1","use":"official"},{"value":"2","use":"usual"`, " !0 FHIR_SEVERAL_NUMBERS"},
		"one twice":            {`"value":"1"},{"value":" 1 ","use":"official"`, "1"},
		"a temporary one":      {`"value":"1","use":"temp"},{"value":"2"`, "2"},
		"only a temporary one": {`"value":"1","use":"temp"`, "1"},
		"a secondary one":      {`"value":"1","use":"secondary"},{"value":"2"`, "2"},
		"a number":             {`"value":1`, " !0 FHIR_NOT_TEXT"},
		"an old number":        {`"value":1,"use":"old"},{"value":"2"`, "2"},
		"masked":               {`"_value":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]}`, ""},
		"masked and given":     {`"_value":{}},{"value":"2"`, "2"},
		"no date":              {`"value":"1","period":{"end":"unknown"}`, "1"},
		"null":                 {`"value":null},{"value":"2"`, "2"},
	} {
		ids := strings.ReplaceAll("{"+c.ids+"}", `{"value"`, `{"system":"urn:a","value"`)
		ids = strings.ReplaceAll(ids, `{"_value"`, `{"system":"urn:a","_value"`)
		_, rows, _, err := read(bundle(`{"resourceType":"Patient","identifier":[`+ids+`]}`), options)
		if err != nil || len(rows) != 1 || rows[0] != "1|"+c.want {
			t.Errorf("%s: %q (%v), want %q", name, rows, err, c.want)
		}
	}
}

// TestBSNByType checks that the type of an identifier says that it is a BSN, and that
// one without a value is none.
func TestBSNByType(t *testing.T) {
	for name, c := range map[string]struct {
		id  string
		bsn bool
	}{
		"NNNLD": {`"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"NNNLD"}]},"value":"1"`,
			true},
		"in small letters":    {`"type":{"coding":[{"code":"nnnld"}]},"value":"1"`, true},
		"behind another code": {`"type":{"coding":[{"code":"MR"},{"code":"NNNLD"}]},"value":"1"`, true},
		"NN with NLD":         {`"type":{"coding":[{"code":"NN"},{"system":"urn:iso:std:iso:3166","code":"NLD"}]},"value":"1"`, true},
		"NN of elsewhere":     {`"type":{"coding":[{"code":"NN"},{"code":"BEL"}]},"value":"1"`, false},
		"a text":              {`"type":{"text":"BSN"},"value":"1"`, true},
		"the word":            {`"type":{"text":"Burgerservicenummer"},"value":"1"`, true},
		"none, it says":       {`"type":{"text":"Patiëntnummer (geen BSN)"},"value":"1"`, false},
		"old":                 {`"type":{"coding":[{"code":"NNNLD"}]},"value":"1","use":"old"`, true},
		"masked":              {`"type":{"coding":[{"code":"NNNLD"}]},"_value":{"extension":[{"url":"x","valueCode":"masked"}]}`, false},
		"masked, by system":   {`"system":"http://fhir.nl/fhir/NamingSystem/bsn","_value":{}`, false},
		"null":                {`"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":null`, false},
		"a number":            {`"system":"http://fhir.nl/fhir/NamingSystem/bsn","value":1`, true},
	} {
		for _, more := range []string{"", `,"link":[{"type":"replaced-by"}]`} {
			header, rows, _, err := read(bundle(`{"resourceType":"Patient","identifier":[{"system":"urn:a","value":"7"},{`+c.id+`}]`+more+`}`), options)
			if got := slices.Contains(header, "bsn"); err != nil || got != c.bsn || c.bsn &&
				strings.Contains(strings.Join(rows, ""), "|1") {
				t.Errorf("%s %s: %q %q (%v), want a BSN: %t", name, more, header, rows, err, c.bsn)
			}
		}
	}
}

func TestAddresses(t *testing.T) {
	raw := bundle(`{"resourceType":"Patient","identifier":[{"value":"1"}],"telecom":[{"system":"phone","value":"06"},{"system":"email","value":"a@b.nl"}],"address":[
		{"use":"old","line":["Oude weg 3 bis"],"postalCode":"1111AA","period":{"start":"2000-01-01"}},
		{"use":"home","postalCode":"1234 AB","line":["Dorpsstraat 12-a"],"_line":[{"extension":[
			{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-houseNumber","valueString":"12"},
			{"url":"http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-buildingNumberSuffix","valueString":"a"}]}],"period":{"start":"2020-02-03T10:00:00Z"}},
		{"city":"Utrecht"}]}`)
	header, rows, _, err := read(raw, options)
	want := "1|1|a@b.nl|1234 AB|12|a|2020-02-03|1111AA|3|bis|2000-01-01"
	if err != nil || len(rows) != 1 || rows[0] != want ||
		!strings.Contains(strings.Join(header, "|"), "address.postalCode 2|address.houseNumber 2") {
		t.Errorf("%q %q (%v), want %q", header, rows, err, want)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		code tabular.Code
	}{
		"XML":                 {`<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir">`, tabular.FHIRXML},
		"no patient":          {bundle(`{"resourceType":"Observation"}`), tabular.NoPatients},
		"no entry":            {`{"resourceType":"Bundle","type":"collection"}`, tabular.NoPatients},
		"another resource":    {`{"resourceType":"Observation","id":"x"}`, tabular.NotABundle},
		"cut in an entry":     {bundle(jansen)[:200], tabular.BrokenJSON},
		"cut behind an entry": {strings.TrimSuffix(bundle(jansen), "]}"), tabular.BrokenJSON},
		"cut at the end":      {strings.TrimSuffix(bundle(jansen), "}"), tabular.BrokenJSON},
		"an entry of 2 MB":    {bundle(`{"resourceType":"Patient","gender":"` + strings.Repeat("x", 2<<20) + `"}`), tabular.RecordTooLong},
		"entry is no list":    {`{"resourceType":"Bundle","entry":{"resource":` + jansen + `}}`, tabular.NotABundle},
		"not UTF-8":           {strings.ReplaceAll(bundle(jansen), "Jansen", "J\xe4nsen"), tabular.BadEncoding},
	} {
		_, _, _, err := read(c.raw, options)
		if e, ok := errors.AsType[*tabular.Error](err); !ok || e.Code != c.code || strings.Contains(fmt.Sprint(err), "Jansen") {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	_, rows, _, err := read(bundle(`{"resourceType":"Patient","gender":1}`, jansen, `{"resourceType":"Patient","name":"Jansen"}`), options)
	if err != nil || len(rows) != 3 || !strings.HasSuffix(rows[0], "!-1 FHIR_NOT_TEXT") ||
		!strings.HasSuffix(rows[2], "!-1 FHIR_NOT_TEXT") {
		t.Errorf("patients that are none: %q %v", rows, err)
	}
}

// TestHostile checks that files that are made to cost time or memory are done soon.
func TestHostile(t *testing.T) {
	whole := bundle(jansen, berg)
	for name, raw := range map[string]string{
		"a million entries": `{"resourceType":"Bundle","entry":[` + strings.Repeat("{},", 1_000_000) + `{"resource":` + jansen +
			`}]}`,
		"a million resources": strings.Repeat("{\"resourceType\":\"Observation\"}\n", 300_000) + jansen,
		"deep": `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","x":` +
			strings.Repeat("[", 500_000),
		"an endless string":       `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"` + strings.Repeat("x", 30<<20),
		"an endless member":       `{"resourceType":"Bundle","meta":{"x":"` + strings.Repeat("x", 30<<20) + `"}}`,
		"a type that is a number": `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":5}}]}`,
		"many Bundles":            bundle(bundle(strings.Split(strings.TrimSuffix(strings.Repeat(bundle()+" ", 9_000), " "), " ")...), jansen),
		"duplicate keys":          bundle(`{"resourceType":"Patient","resourceType":"Observation","identifier":[],"identifier":[]}`),
		"many systems":            bundle(`{"resourceType":"Patient","identifier":[` + strings.TrimSuffix(strings.Repeat(`{"system":"urn:x","value":"1"},`, 10_000), ",") + `]}`),
		"NULs":                    bundle("{\"resourceType\":\"Patient\",\"id\":\"\x00\"}"),
		"huge numbers":            bundle(`{"resourceType":"Patient","x":1e999999999999}`, jansen),
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, rows, _, err := read(raw, options)
		runtime.ReadMemStats(&after)
		t.Logf("%-24s %4.1f s, heap %+4d MB: %d rows, %v", name, time.Since(start).Seconds(), (int64(after.HeapInuse)-int64(before.HeapInuse))>>20, len(rows), err)
		if _, ok := errors.AsType[*tabular.Error](err); err != nil && !ok {
			t.Errorf("%s: %v", name, err)
		}
		if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 200<<20 {
			t.Errorf("%s: the heap grew by %d MB", name, grown>>20)
		}
	}
	for n := 1; n < len(whole); n += 97 {
		_, _, _, err := read(whole[:n], options)
		if _, ok := errors.AsType[*tabular.Error](err); !ok {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

// FuzzFHIR checks three things of any input: the reader ends, the line numbers rise, and no
// row comes with an error.
func FuzzFHIR(f *testing.F) {
	for _, s := range []string{bundle(jansen, berg), jansen + "\n" + jansen, "[" + jansen + "]", `{"resourceType":"Bundle"}`, `{"entry":[],"resourceType":"Bundle"}`, bundle(bundle(jansen)) + bundle(berg), jansen + jansen} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := fhir.Open(strings.NewReader(string(raw)), int64(len(raw)), fhir.Options{Types: options.Types, Limits: tabular.Limits{RecordBytes: 8192}})
		if err != nil {
			return
		}
		r, err := s.Rows(0)
		for last, n := 0, 0; err == nil; n++ {
			var row tabular.Row
			if row, err = r.Next(); err != nil {
				if row.Cells != nil {
					t.Fatal("a row came with an error")
				}
				break
			}
			if row.Line <= last {
				t.Fatalf("line %d after %d", row.Line, last)
			}
			if last = row.Line; n > len(raw) {
				t.Fatal("the reader does not end")
			}
		}
	})
}

func BenchmarkFHIR(b *testing.B) {
	const n = 10_000
	raw := bundle(strings.Split(strings.TrimSuffix(strings.Repeat(strings.ReplaceAll(jansen, "\n", " ")+"\n", n), "\n"), "\n")...)
	b.ReportAllocs()
	for b.Loop() {
		if _, rows, _, err := read(raw, options); err != nil || len(rows) != n {
			b.Fatal(len(rows), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
}
