package ttpclient

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

var answers = []string{
	`{"items":[{"ref":"2","pseudonyms":[{"type":"NGGV","value":"abc","expiresAt":"2026-12-01T10:00:00Z"},` +
		`{"type":"PGG","value":"d","recordedOn":"2020-01-01","expiresAt":"2026-12-01T10:00:00+02:00"}]}]}`,
	` { "items" : [ {"ref":"2","pseudonyms":[{"type":"NGGV","value":"v1.X","keyVersion":1}]} , ` +
		`{"ref":"9","findings":[{"severity":"fatal","code":"2201","field":"NGGV","message":"Het is verlopen"}]} ] } `,
	`{"items":[{"ref":"2","type":"NGGV","value":"v2.X","keyVersion":2}]}`,
	`{"items":[]}`, `{}`, `{"items":[{"ref":"a","pseudonyms":[]}]}`,
}

// TestScannerReadsAsEncodingJSON shows that the scanner reads ordinary answers, and
// that it reads whatever it does not give up on as encoding/json would.
func TestScannerReadsAsEncodingJSON(t *testing.T) {
	for _, text := range answers {
		if _, ok := plainAnswer(text); !ok {
			t.Errorf("the scanner gave up: %s", text)
		}
		compareScan(t, text)
	}
	for _, odd := range []string{
		``, `null`, `[]`, `{"items":null}`, `{"Items":[]}`, `{"items":[],"items":[]}`, `{"items":[],"more":1}`,
		`{"items":[null]}`, `{"items":[{}]} x`, `{"items":[{"ref":"\u0041"}]}`, `{"items":[{"ref":"é"}]}`, `{"items":[{"ref":1}]}`,
		`{"items":[{"ref":"a","ref":"b"}]}`, `{"items":[{"keyVersion":1.0}]}`, `{"items":[{"keyVersion":01}]}`,
		`{"items":[{"keyVersion":-0}]}`, `{"items":[{"keyVersion":1e3}]}`, `{"items":[{"keyVersion":99999999999}]}`,
		`{"items":[{"pseudonyms":[{"expiresAt":"2026-12-01"}]}]}`, `{"items":[{"pseudonyms":[{"expiresAt":""}]}]}`,
		`{"items":[{"ref":"a"},]}`, `{"items":[{"ref":"a",}]}`, `{"items":[{"ref":"a" "type":"b"}]}`, `{"items":[{"ref":"a"}`,
		`{"items":[{"ref":"a`, "{\"items\":[{\"ref\":\"a\nb\"}]}", `{"items":{}}`, `{,}`, `{"items":[,]}`,
	} {
		compareScan(t, odd)
	}
}

func compareScan(t *testing.T, text string) {
	t.Helper()
	got, ok := plainAnswer(text)
	if !ok {
		return
	}
	var want answerBody
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Errorf("the scanner read what is no JSON (%v): %s", err, text)
		return
	}
	inUTC := func(a answerBody) answerBody { // equal moments may have different *time.Location
		for i := range a.Items {
			for j := range a.Items[i].Pseudonyms {
				v := &a.Items[i].Pseudonyms[j]
				v.ExpiresAt = v.ExpiresAt.UTC()
			}
		}
		return a
	}
	if !reflect.DeepEqual(inUTC(got), inUTC(want)) {
		t.Errorf("%s\nscanned %+v\nwant    %+v", text, got, want)
	}
}

func FuzzScanner(f *testing.F) {
	for _, text := range answers {
		f.Add(text)
	}
	f.Fuzz(compareScan)
}

// TestBodiesAreAsEncodingJSONWritesThem compares the bodies that are written by hand
// with what encoding/json writes for the same structs.
func TestBodiesAreAsEncodingJSONWritesThem(t *testing.T) {
	odd := []string{"Jansen", "", "d'Arc <b>&", "Brontë ĳ \u2028", "quote \" back \\ tab \t", "bad \xff utf-8", "\x00\x7f"}
	t.Run("temporary", func(t *testing.T) { temporaryBody(t, odd) })
	t.Run("definitive", func(t *testing.T) { definitiveBody(t, odd) })
}

func temporaryBody(t *testing.T, odd []string) {
	type postcode struct {
		Postcode    string `json:"postcode"`
		HouseNumber string `json:"houseNumber"`
		Suffix      string `json:"suffix"`
		RecordedOn  string `json:"recordedOn"`
	}
	type person struct {
		Ref       string     `json:"ref"`
		Surname   string     `json:"surname"`
		Prefix    string     `json:"surnamePrefix"`
		Initials  string     `json:"initials"`
		BirthDate string     `json:"birthDate"`
		Sex       string     `json:"sex"`
		Postcodes []postcode `json:"postcodes,omitempty"`
	}
	var rows []Row
	var people []person
	for i, s := range odd {
		r := Row{Ref: "r" + s, Person: Person{Surname: s, Prefix: "de", Initials: "a", BirthDate: "2001-01-01", Sex: "m"}}
		p := person{Ref: r.Ref, Surname: s, Prefix: "de", Initials: "a", BirthDate: "2001-01-01", Sex: "m"}
		for range i % 3 {
			r.Person.Postcodes = append(r.Person.Postcodes, Postcode{"1234AB", "1", s, "2020-01-01"})
			p.Postcodes = append(p.Postcodes, postcode{"1234AB", "1", s, "2020-01-01"})
		}
		rows, people = append(rows, r), append(people, p)
	}
	got, err := Temporary("qrns", []string{"NGGV", "N<G"}).body(rows)
	want, _ := json.Marshal(struct {
		Domain string   `json:"domain"`
		Types  []string `json:"types"`
		Items  []person `json:"items"`
	}{"qrns", []string{"NGGV", "N<G"}, people})
	if err != nil || string(got) != string(want) {
		t.Errorf("temporary (%v):\n%s\n%s", err, got, want)
	}
}

func definitiveBody(t *testing.T, odd []string) {
	type value struct {
		Type       string `json:"type"`
		Value      string `json:"value"`
		RecordedOn string `json:"recordedOn,omitempty"`
	}
	type item struct {
		Ref        string  `json:"ref"`
		Provider   string  `json:"provider,omitempty"`
		Pseudonyms []value `json:"pseudonyms"`
	}
	var rows []Row
	var items []item
	for _, s := range odd {
		rows = append(rows, Row{Ref: s, Provider: s, Temporaries: []Value{
			{Type: "NGGV", Value: s, ExpiresAt: time.Now()}, {Type: "PGG", Value: "x", RecordedOn: "2020-01-01"},
		}})
		items = append(items, item{s, s, []value{{"NGGV", s, ""}, {"PGG", "x", "2020-01-01"}}})
	}
	got, err := Definitive("qrns").body(rows)
	want, _ := json.Marshal(struct {
		Domain string `json:"domain"`
		Items  []item `json:"items"`
	}{"qrns", items})
	if err != nil || string(got) != string(want) {
		t.Errorf("definitive (%v):\n%s\n%s", err, got, want)
	}
}
