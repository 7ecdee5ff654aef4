package deliveries_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sluis/internal/server/servertest"
)

// Each filter says how many findings its choices leave, given the choices in the
// other filters.
func TestReportFilters(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	path := b.Upload("save", "pilot40.csv", servertest.Pilot(t)).Location() + "/fouten"
	option := regexp.MustCompile(`<option value="([^"]*)"( selected)?>([^<]*)</option>`)
	options := func(query, name string) []string {
		_, rest, _ := strings.Cut(b.Get(path+query).Body, `name="`+name+`"`)
		list, _, _ := strings.Cut(rest, "</select>")
		var out []string
		for _, m := range option.FindAllStringSubmatch(list, -1) {
			out = append(out, m[1]+"="+m[3])
		}
		return out
	}
	wants := func(query, name, want string) {
		t.Helper()
		if got := strings.Join(options(query, name), "; "); got != want {
			t.Errorf("%s%s: %s, want %s", query, name, got, want)
		}
	}
	wants("", "bron", "=Alle (21); ttp=TTP (6); sluis=Sluis (15)")
	wants("", "ernst", "=Alle (21); fatal=Afgewezen (4); warning=Waarschuwing (17)")
	wants("?ernst=fatal", "bron", "=Alle (4); ttp=TTP (4)")
	wants("?ernst=fatal", "ernst", "=Alle (21); fatal=Afgewezen (4); warning=Waarschuwing (17)")
	wants("?ernst=fatal&kolom=sex", "code", "=Alle (1); 2111=Het geslacht bevat een ongeldige waarde (1)")
	wants("?ernst=fatal&code=2101", "kolom", "=Alle (2); birthDate=Geboortedatum (2)")
	if page := b.Get(path + "?kolom=sex").Body; strings.Count(page, `app-card--fatal`) != 1 || strings.Contains(page, `app-card--warning`) {
		t.Error("the causes are not filtered")
	}
	if page := b.Get(path + "?code=2101&bron=sluis").Body; !strings.Contains(page, "Geen meldingen met deze filters") {
		t.Error("nothing found is not told")
	}
}

// The records come in any order, by links, and a page of them says which they are.
func TestReportOrder(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	path := b.Upload("save", "pilot40.csv", servertest.Pilot(t)).Location() + "/fouten"
	line := regexp.MustCompile(`data-label="Regel"[^>]*>(\d+)<`)
	lines := func(query string) string {
		var out []string
		for _, m := range line.FindAllStringSubmatch(b.Get(path+"?weergave=records&ernst=fatal"+query).Body, -1) {
			out = append(out, m[1])
		}
		return strings.Join(out, " ")
	}
	for query, want := range map[string]string{
		"": "7 27 30 39", "&richting=af": "39 30 27 7", "&sorteer=patientnummer": "39 30 27 7",
		"&sorteer=patientnummer&richting=af": "7 27 30 39",
		"&sorteer=fout&richting=af":          "30 27 7 39", "&sorteer=kolom": "7 27 39 30", "&vanaf=2": "30 39",
	} {
		if got := lines(query); got != want {
			t.Errorf("%s: lines %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"?bron=anders", "?code=nergens", "?vanaf=-1", "?vanaf=99999999999999", "?sorteer=anders"} {
		if page := b.Get(path + query); page.Status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, page.Status)
		}
	}
	b.Says(path+"?weergave=records&ernst=fatal&vanaf=2", "3–4 van 4 meldingen", "sorteer=patientnummer")
	if page := b.Get(path + "?weergave=records&sorteer=fout").Body; !strings.Contains(page, "(oplopend)") ||
		!strings.Contains(page, "richting=af&amp;sorteer=fout") && !strings.Contains(page, "sorteer=fout&amp;richting=af") {
		t.Error("the order cannot be turned round")
	}
	// No address of the page holds a patient number.
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(b.Get(path+"?weergave=records").Body, -1) {
		if strings.Contains(m[1], "8561234897") {
			t.Errorf("a patient number in the address %s", m[1])
		}
	}
}

func TestReportInPrint(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	path := b.Upload("save", "pilot40.csv", servertest.Pilot(t)).Location() + "/fouten"
	b.Says(path, `href="`+path+`?weergave=afdruk"`)
	b.Says(path+"?weergave=afdruk", "Vertrouwelijk", "pilot40.csv", "Centrum 2809", "36 van 40 records opgeslagen, 4 afgewezen",
		"8561234897", "21 meldingen", "De geboortedatum is leeg")
	b.Says(path+"?weergave=afdruk&ernst=fatal", "Alleen de records van het gekozen filter.", "4 meldingen")

	var rows strings.Builder
	for range 600 {
		rows.WriteString("2809;;m;x;Naam;;A\n")
	}
	many := b.Upload("check", "veel.csv", servertest.EntryHeader+rows.String()).Location() + "/fouten"
	b.Says(many+"?weergave=afdruk", "De eerste 500 van ", "Kolom Geboortedatum is leeg in 100% van de regels")
	b.Says(many, "in de kolom Geboortedatum")
}

func TestReportAsWorkbook(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	path := b.Upload("save", "pilot40.csv", servertest.Pilot(t)).Location()
	id := strings.TrimPrefix(path, "/aanleveringen/")
	for what, a := range map[string]servertest.Answer{
		"page": b.Get(path + "/fouten.xlsx"), "parameter": s.Call("uploader", "GET", "/api/v1/deliveries/"+id+"/report?format=xlsx", "", ""),
		"accept": s.Call("uploader", "GET", "/api/v1/deliveries/"+id+"/report", "", "", "Accept",
			"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
	} {
		if a.Status != http.StatusOK || !strings.HasPrefix(a.Body, "PK") ||
			!strings.Contains(a.Header.Get("Content-Disposition"), "-foutenrapport.xlsx") {
			t.Errorf("%s: %d %v", what, a.Status, a.Header)
		}
	}
	if a := s.Call("uploader", "GET", "/api/v1/deliveries/"+id+"/report?format=pdf", "", ""); a.Status != http.StatusBadRequest {
		t.Errorf("an unknown format: %d", a.Status)
	}
}
