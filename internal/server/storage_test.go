package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"modernc.org/sqlite"

	"sluis/internal/server"
	"sluis/internal/server/servertest"
	"sluis/internal/store"
)

// opened takes the connections to SQLite that are opened while it is set.
var opened atomic.Pointer[[]sqlite.ExecQuerierContext]

func init() {
	sqlite.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, _ string) error {
		if all := opened.Load(); all != nil {
			*all = append(*all, c)
		}
		return nil
	})
}

// onSick returns a server of the same site that has a connection to the database on
// which this statement was run.
func onSick(t *testing.T, s *servertest.Site, statement string) *servertest.Site {
	t.Helper()
	var all []sqlite.ExecQuerierContext
	opened.Store(&all)
	db := servertest.Must(store.OpenSQLite(t.Context(), s.Database, store.Options{Now: s.Clock.Now, Beside: true, AuditKey: s.AuditKey}))(t)
	opened.Store(nil)
	t.Cleanup(func() { _ = db.Close() })
	for _, c := range all { // nobody uses them yet
		servertest.Must(c.ExecContext(t.Context(), statement, nil))(t)
	}
	return s.Again(func(o *server.Options) {
		o.Accounts, o.People, o.Sessions, o.Audit, o.Records, o.Watch, o.Conversion = db, db, db, db, db, db, db
	})
}

// TestStorageFaultIsUnavailable: if the database is read-only or full, every door says
// that it passes, and when to come again. It is not told as a fault of the request or
// of the program.
func TestStorageFaultIsUnavailable(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	told := func(t *testing.T, what string, got servertest.Answer, words ...string) {
		t.Helper()
		if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") != "60" {
			t.Errorf("%s: %d, Retry-After %q\n%s", what, got.Status, got.Header.Get("Retry-After"), got.Body)
		}
		servertest.Contains(t, what, got.Body, words...)
	}
	page := []string{"Sluis kan nu niets opslaan", "De opslag van Sluis is vol of niet bereikbaar", "Referentie:"}
	problem := []string{`"status":503`, `"code":"storage_unavailable"`, "De opslag van Sluis is vol of niet bereikbaar"}
	outcome := []string{`"resourceType":"OperationOutcome"`, `"code":"transient"`, `"code":"storage_unavailable"`}

	t.Run("read-only", func(t *testing.T) {
		ill := onSick(t, s, "PRAGMA query_only = 1")
		told(t, "a page", b.At(ill).Get("/patienten"), page...)
		told(t, "a form", ill.Browser().Post("/inloggen", url.Values{"email": {"uploader@example.nl"}, "password": {servertest.Password}}), page...)
		told(t, "the API", ill.Call("uploader", "GET", "/api/v1/patients", "", ""), problem...)
		told(t, "FHIR", ill.Call("clinician", "POST", "/fhir", "application/fhir+json", "{}"), outcome...)
		english := b.At(ill).Get("/patienten", "Cookie", "taal=en")
		told(t, "in English", english, "Sluis cannot store anything now")
	})
	t.Run("full", func(t *testing.T) {
		ill := onSick(t, s, "PRAGMA max_page_count = 1") // that is, as many as there are
		for range 500 {                                  // until the access log needs a page more
			if got := ill.Call("uploader", "GET", "/api/v1/patients", "", ""); got.Status != http.StatusOK {
				told(t, "the API", got, problem...)
				return
			}
		}
		t.Error("the database is never full")
	})
	if log := s.Log.String(); !strings.Contains(log, "the database is read-only") || !strings.Contains(log, "the disk or its quota is full") ||
		!strings.Contains(log, `"code":"storage_unavailable"`) {
		t.Errorf("the log does not name the causes:\n%s", log)
	}
}
