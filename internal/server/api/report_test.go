package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluis/internal/audit"
	"sluis/internal/server/servertest"
)

// An expired report keeps its numbers and says so; nothing of a row is left.
func TestExpiredReport(t *testing.T) {
	s := servertest.New(t)
	d := describe(t)
	b := s.SignedIn("uploader")
	path := b.Upload("save", "pilot40.csv", servertest.Pilot(t)).Location()
	for {
		_, more, err := s.Store.ExpireReports(t.Context(), time.Now().Add(time.Hour), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	b.Says(path, "36 van 40 records opgeslagen, 4 afgewezen", "De regels van dit foutenrapport zijn verwijderd", "De geboortedatum is leeg")
	if page := b.Get(path).Body; strings.Contains(page, "/fouten.csv") || strings.Contains(page, "8561234897") {
		t.Error("the page still leads to rows")
	}
	report := b.Get(path + "/fouten?weergave=records")
	if report.Status != http.StatusOK || !strings.Contains(report.Body, "De regels van dit foutenrapport zijn verwijderd") ||
		!strings.Contains(report.Body, "De geboortedatum is leeg") ||
		strings.Contains(report.Body, "data-own-file") {
		t.Errorf("%d\n%s", report.Status, report.Body)
	}
	for _, format := range []string{"csv", "json", "xlsx"} {
		if a := b.Get(path + "/fouten." + format); a.Status != http.StatusGone ||
			!strings.Contains(a.Body, "Dit foutenrapport is verlopen") {
			t.Errorf("%s: %d", format, a.Status)
		}
		id := strings.TrimPrefix(path, "/aanleveringen/")
		d.problem(format, s.Call("uploader", "GET", "/api/v1/deliveries/"+id+"/report?format="+format, "", ""), 410, "report_expired")
		got := s.Call("uploader", "GET", "/api/v1/deliveries/"+id, "", "")
		d.fits("Delivery", got)
		if !strings.Contains(got.Body, "reportExpiredAt") {
			t.Error("the API does not tell that it expired")
		}
	}
	if page := s.SignedIn("auditor").Get("/logboek"); !strings.Contains(page.Body, "Foutenrapport verlopen: regels verwijderd") {
		t.Error("the access log does not tell it")
	}
	events, err := s.Store.Events(context.Background(), audit.Who{Name: "test"}, audit.Query{Type: audit.ReportExpired})
	if err != nil || len(events.Events) != 1 {
		t.Errorf("%d events (%v)", len(events.Events), err)
	}
}
