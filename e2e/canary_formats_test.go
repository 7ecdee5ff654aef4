package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/xuri/excelize/v2"
)

// formats delivers files of every format, accepted and refused, with names where a
// reader might repeat them.
func (s *sieve) formats() {
	s.t.Helper()
	name := s.name
	s.deliver("JSON", "&confirm=true", asJSON([]map[string]any{
		{
			"patientnummer": s.newNumber(), "geboortedatum": "1970-02-03", "geslacht": "m", "achternaam": name("JSON surname"),
			"voorletters":       "Q",
			name("JSON member"): name("JSON value"),
		},
		{
			"patientnummer": s.newNumber(), "geboortedatum": name("JSON date"), "geslacht": "m", "achternaam": []string{name("JSON list")},
			"voorletters": "Q",
		},
	}), "done")
	s.deliver("JSON that breaks off", "", []byte(`[{"patientnummer":"1","achternaam":"`+name("cut JSON")), "refused")
	s.deliver("JSON of one name", "", []byte(`"`+name("JSON text")+`"`), "refused")
	record := func(place string) map[string]any {
		return map[string]any{"patientNumber": s.newNumber(), "birthDate": "1970-02-03", "sex": "m", "surname": name(place), "initials": "Q"}
	}
	s.deliver("JSON in an object", "&confirm=true", asJSON(map[string]any{
		name("member around"): name(
			"value around",
		), "by": map[string]any{"who": name("exporter")}, "patients": []any{record("wrapped"), record("M?ller")},
	}), "done")
	s.deliver("JSON under names", "", asJSON(map[string]any{name("key"): record("keyed"), name("second key"): record("second keyed")}),
		"refused")
	s.deliver("HTML", "", []byte("<html><table><tr><td>"+name("HTML cell")+"</td>"), "refused")
	s.deliver("one column", "", []byte("Opmerking\n"+name("one column")+"\n"), "refused")
	patient := func(place string, more map[string]any) map[string]any {
		p := map[string]any{
			"resourceType": "Patient", "id": name(place + " id"), "identifier": []any{map[string]any{"system": "urn:hospital", "value": s.newNumber()}},
			"gender": "male", "birthDate": "1970-02-03", "name": []any{map[string]any{"family": name(place), "given": []any{"Q."}, "text": name(place + " text")}},
			"contact": []any{map[string]any{"name": map[string]any{"family": name(place + " contact")}}},
		}
		for k, v := range more {
			p[k] = v
		}
		return map[string]any{"fullUrl": name(place + " url"), "resource": p}
	}
	bundle := func(entries ...map[string]any) []byte {
		return asJSON(map[string]any{"resourceType": "Bundle", "type": "collection", "id": name("bundle id"), "entry": entries})
	}
	s.deliver("FHIR", "&confirm=true", bundle(
		patient("FHIR", nil),
		patient("FHIR partial", map[string]any{"birthDate": "1970"}),
		patient("FHIR odd", map[string]any{"gender": 5}),
		map[string]any{"resource": map[string]any{"resourceType": name("resource type")}},
	), "done")
	s.deliver("two Bundles", "&confirm=true", append(bundle(patient("first Bundle", nil)), bundle(patient("second Bundle", nil))...), "done")
	s.deliver("FHIR with a BSN", "", bundle(patient("FHIR with BSN", map[string]any{"identifier": []any{
		map[string]any{
			"system": "http://fhir.nl/fhir/NamingSystem/bsn",
			"value":  name("BSN value"),
		}, map[string]any{"system": "urn:hospital", "value": "1"},
	}})), "refused")
	s.deliver("a workbook", "&confirm=true", s.workbook("workbook"), "done")
	cut := s.workbook("cut workbook")
	s.deliver("a cut workbook", "", cut[:len(cut)-200], "refused")
	s.assigning()
}

func asJSON(v any) []byte {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// workbook returns a workbook with names in its cells, its sheet names and its
// properties.
func (s *sieve) workbook(place string) []byte {
	s.t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	for i, row := range []string{"Lijst van " + s.name(place+" title"), header, s.plainRow(place), s.plainRow(place+" second") + ";" + s.name(place+" too far")} {
		cells := strings.Split(row, ";")
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &cells); err != nil {
			s.t.Fatal(err)
		}
	}
	if _, err := f.NewSheet(s.name(place + " sheet")); err != nil {
		s.t.Fatal(err)
	}
	if err := f.SetDocProps(&excelize.DocProperties{Creator: s.name(place + " creator")}); err != nil {
		s.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		s.t.Fatal(err)
	}
	return out.Bytes()
}

// assigning delivers files with unknown columns and with names in them, and assigns
// the columns: first wrongly, then rightly.
func (s *sieve) assigning() {
	s.t.Helper()
	row := func(place string) string {
		return s.newNumber() + ";3/4/1970;M;" + s.name(place) + ";Q." + s.name(place+" initials") + ";van"
	}
	id := s.deliver("columns to assign", "",
		file("Zisnr;Wanneer geboren;M/V;Eigen naam;Initialen pat.;Tussenv.", row("assigned"), row("assigned second")), "needs_mapping")
	path := "/aanleveringen/" + id + "/kolommen"
	s.web.get(path)
	s.web.get(path + "?kop=0")
	s.web.get(path + "?kop=2")
	s.web.do(outgoing{
		method: http.MethodGet, path: path + "?kop=" + url.QueryEscape(s.name("header line")) + "&blad=" + url.QueryEscape(s.name("sheet")),
		reshown: true,
	})
	form := url.Values{
		"blad":               {"0"},
		"kop":                {"1"},
		"veld-patientNumber": {"0"},
		"veld-birthDate":     {"1"},
		"veld-sex":           {"2"},
		"veld-surname":       {"3"},
	}
	s.web.form(path, form, false)
	form.Set("veld-initials", s.name("column"))
	form.Set("veld-"+s.name("field"), "4")
	form.Set("volgorde", s.name("order"))
	s.web.form(path, form, false)
	form.Set("veld-initials", "4")
	form.Set("volgorde", "dmy")
	form.Set("onthouden", "ja")
	s.web.form(path, form, false)
	if got := s.await(id); got.Status != "done" {
		s.t.Errorf("with its columns assigned: %s %+v", got.Status, got.Reasons)
	}
	s.deliver("a header that is remembered", "&confirm=true",
		file("Zisnr;Wanneer geboren;M/V;Eigen naam;Initialen pat.;Tussenv.", row("remembered")), "done")
	for what, lines := range map[string][]byte{
		"column twice": file(header+";Achternaam", s.plainRow("twice")+";"+s.name("second surname")),
		"no header":    file(s.plainRow("first line"), s.plainRow("second line")),
	} {
		id := s.deliver(what, "", lines, "needs_mapping")
		s.web.get("/aanleveringen/" + id + "/kolommen")
		s.web.get("/aanleveringen/" + id + "/kolommen?kop=1")
		s.web.form("/aanleveringen/"+id+"/annuleren", nil, false)
		if got := s.await(id); got.Status != "cancelled" {
			s.t.Errorf("%s, cancelled: %s", what, got.Status)
		}
	}
}
