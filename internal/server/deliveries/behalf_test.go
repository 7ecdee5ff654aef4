package deliveries_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// onePatient is a file of one patient with temporary pseudonyms that are not the TTP's: it
// is accepted as a file, which is all that these tests ask of it.
const identities = servertest.EntryHeader + "2809;1-1-1955;v;90001;Bakker;;q\n"

// TestProcessorDelivers: a processor with one mandate delivers as if for its own centre;
// the centre sees who did, and the log on whose behalf.
func TestProcessorDelivers(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("processor")
	form := b.Get("/aanleveringen/nieuw")
	servertest.Contains(t, "the upload form", form.Body, "Namens 2809 Ziekenhuis 2809", "namens=2809")
	sent := b.Do("POST", html.UnescapeString(servertest.Action(form.Body)), multipartKind(t), multipartBody(t))
	if sent.Status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", sent.Status, sent.Body)
	}
	behalf := "door EPD-leverancier processor, namens 2809"
	servertest.Contains(t, "its page", b.Follow(sent).Body, behalf)
	servertest.Contains(t, "its report", b.Get(sent.Location()+"/fouten").Body, behalf)
	for _, name := range []string{"processor", "uploader", "clinician", "datamanager"} {
		servertest.Contains(t, "the list of "+name, s.SignedIn(name).Get("/aanleveringen?groep=closed").Body, behalf)
	}
	seen := map[audit.Type]int64{}
	for _, ev := range s.Events() {
		if ev.Name == "processor@example.nl" && ev.ObjectID == strings.TrimPrefix(sent.Location(), "/aanleveringen/") {
			seen[ev.Type] = ev.CentreID
		}
	}
	for _, kind := range []audit.Type{audit.DeliveryReceived, audit.DeliveryStored, audit.DeliveryViewed, audit.ReportViewed} {
		if seen[kind] != s.Centres["2809"].ID {
			t.Errorf("%s is in the log on behalf of %d", kind, seen[kind])
		}
	}
	// Nothing else of the centre is there for a processor.
	own := s.SignedIn("uploader").Upload("save", "eigen.csv", servertest.Pilot(t))
	for _, path := range []string{own.Location(), "/patienten"} {
		if a := b.Get(path); a.Status != http.StatusNotFound && a.Status != http.StatusForbidden {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	if list := b.Get("/aanleveringen?groep=closed").Body; strings.Contains(list, "eigen.csv") {
		t.Error("the list has a delivery of the centre's own")
	}
}

func multipartKind(t *testing.T) string {
	t.Helper()
	kind, _ := servertest.Multipart()
	return strings.Split(kind, ";")[0] + "; boundary=grens"
}

func multipartBody(t *testing.T) *strings.Reader {
	t.Helper()
	return strings.NewReader("--grens\r\nContent-Disposition: form-data; name=\"mode\"\r\n\r\nsave\r\n" +
		"--grens\r\nContent-Disposition: form-data; name=\"file\"; filename=\"namens.csv\"\r\n\r\n" + servertest.Pilot(t) + "\r\n--grens--\r\n")
}

// TestProcessorSaysForWhom: with two mandates, page, API and FHIR ask for which centre; with
// a centre that gave none, they refuse, and the log says so.
func TestProcessorSaysForWhom(t *testing.T) {
	s := servertest.New(t)
	s.Grant("processor", "2810")
	b := s.SignedIn("processor")
	ask := b.Get("/aanleveringen/nieuw")
	servertest.Contains(t, "the question", ask.Body, "Namens welk centrum", "/aanleveringen/nieuw?namens=2809", "/aanleveringen/nieuw?namens=2810")
	if a := b.Upload("save", "x.csv", identities); a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Body, "Namens welk centrum") {
		t.Errorf("an upload that does not say: %d", a.Status)
	}
	call := func(path, kind, body string) servertest.Answer { return s.Call("processor", "POST", path, kind, body) }
	for _, c := range []struct {
		path, kind string
		status     int
		code       string
	}{
		{"/api/v1/deliveries?filename=x.csv", "text/csv", 400, `"parameter":"onBehalfOf"`},
		{"/api/v1/deliveries?filename=x.csv&onBehalfOf=9999", "text/csv", 403, `"code":"mandate_missing"`},
		{"/api/v1/deliveries?filename=x.csv&onBehalfOf=2809", "text/csv", 202, `"status"`},
		{"/fhir", "application/fhir+json", 400, "(onBehalfOf)"},
		{"/fhir?onBehalfOf=9999", "application/fhir+json", 403, "mandate_missing"},
	} {
		if a := call(c.path, c.kind, identities); a.Status != c.status || !strings.Contains(a.Body, c.code) {
			t.Errorf("%s: %d %s", c.path, a.Status, a.Body)
		}
	}
	if a := b.Get("/aanleveringen/nieuw?namens=9999"); a.Status != http.StatusForbidden || !strings.Contains(a.Body, "Geen mandaat") {
		t.Errorf("a centre without mandate: %d", a.Status)
	}
	if ev := s.Events()[0]; ev.Type != audit.AccessDenied || ev.Code != account.MandateNone {
		t.Errorf("it is not in the log: %+v", ev)
	}
	list := s.Call("processor", "GET", "/api/v1/deliveries", "", "")
	servertest.Contains(t, "the list of the API", list.Body, `"onBehalfOf":"2809"`, `"processor":"EPD-leverancier processor"`)
	servertest.Contains(t, "who it is", s.Call("processor", "GET", "/api/v1/me", "", "").Body, `"onBehalfOf":[{"number":"2809"`)
	if a := s.Call("uploader", "POST", "/api/v1/deliveries?filename=x.csv&onBehalfOf=2810", "text/csv", identities); a.Status != 403 {
		t.Errorf("a hospital on behalf of another: %d", a.Status)
	}
}

// TestMandateWithdrawn: what waits for a person when the mandate ends is not stored, whoever
// asks; what is stored stays; the processor sees nothing any more.
func TestMandateWithdrawn(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("processor")
	stored := b.Upload("save", "eerst.csv", servertest.Pilot(t))
	waiting := b.Upload("check", "wacht.csv", identities)
	m := s.Mandate("processor", "2809")
	local := s.SignedIn("centreadmin")
	if a := local.Post("/mandaten/"+m.PublicID+"/intrekken", url.Values{"reden": {"kort"}}); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("without a reason: %d", a.Status)
	}
	done := local.Post("/mandaten/"+m.PublicID+"/intrekken", url.Values{"reden": {"de overeenkomst is opgezegd"}})
	servertest.Contains(t, "the mandate", local.Follow(done).Body, "Ingetrokken", "de overeenkomst is opgezegd")
	uploader := s.SignedIn("uploader")
	servertest.Contains(t, "the delivery that waited", uploader.Get(waiting.Location()).Body, "Het mandaat waarmee deze aanlevering")
	servertest.Contains(t, "the stored one", uploader.Get(stored.Location()).Body, "36 van 40 records")
	for _, path := range []string{stored.Location(), waiting.Location()} {
		if a := b.Get(path); a.Status != http.StatusNotFound {
			t.Errorf("the processor still sees %s: %d", path, a.Status)
		}
	}
	if a := b.Get("/aanleveringen/nieuw"); a.Status != http.StatusForbidden {
		t.Errorf("the upload form without a mandate: %d", a.Status)
	}
	if a := s.Call("processor", "POST", "/api/v1/deliveries?filename=x.csv", "text/csv", identities); a.Status != http.StatusForbidden {
		t.Errorf("a delivery without a mandate: %d %s", a.Status, a.Body)
	}
	var withdrawn, failed bool
	for _, ev := range s.Events() {
		withdrawn = withdrawn || ev.Type == audit.MandateWithdrawn && ev.Name == "centreadmin@example.nl" && ev.Reason == "de overeenkomst is opgezegd"
		failed = failed || ev.Type == audit.DeliveryFailed && ev.Code == "mandate_ended"
	}
	if !withdrawn || !failed {
		t.Errorf("the log: withdrawn %v, failed %v", withdrawn, failed)
	}
}

// TestMandateRunsOut: a mandate with a last day ends by itself, and what waits then is not
// stored either.
func TestMandateRunsOut(t *testing.T) {
	s := servertest.New(t, func(o *server.Options) { o.BusyWait = 5 * time.Second })
	local := s.SignedIn("otherca")
	today := time.Now().Format(time.DateOnly)
	form := url.Values{"verwerker": {s.Processors["processor"].PublicID}, "van": {today}, "tot": {today}, "reden": {"eenmalige aanlevering"}}
	if a := local.Post("/mandaten/nieuw", form); a.Status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.Status, a.Body)
	}
	if a := local.Post("/mandaten/nieuw", form); a.Status != http.StatusConflict {
		t.Errorf("the same again: %d", a.Status)
	}
	sent := s.Call("processor", "POST", "/api/v1/deliveries?check=true&filename=x.csv&onBehalfOf=2810", "text/csv",
		"Patiëntnummer;Geboortedatum;Geslacht;NGGV\n1;1-1-1955;v;abc\n")
	if sent.Status != http.StatusAccepted {
		t.Fatalf("%d %s", sent.Status, sent.Body)
	}
	s.Clock.Advance(25 * time.Hour)
	if a := s.Call("processor", "GET", "/api/v1/deliveries", "", ""); strings.Contains(a.Body, `"onBehalfOf":"2810"`) {
		t.Errorf("the processor still sees it: %s", a.Body)
	}
	if a := s.Call("processor", "POST", "/api/v1/deliveries?filename=x.csv&onBehalfOf=2810", "text/csv", identities); a.Status != 403 {
		t.Errorf("after the last day: %d %s", a.Status, a.Body)
	}
}
