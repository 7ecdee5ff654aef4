package server

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/server/api"
	"sluis/internal/server/request"
	"sluis/web/static"
)

// Two permissions beside those of a role.
const (
	Anyone   account.Permission = "anyone"   // no session needed
	SignedIn account.Permission = "signedin" // whatever the role
)

// Door is how a route is entered.
type Door string

// The doors.
const (
	Page  Door = "page"  // a session; errors are pages
	Quiet Door = "quiet" // the same, and being here does not keep a session alive
	API   Door = "api"   // a bearer token; errors are problems
)

// Route is a line of the table of all routes.
type Route struct {
	Method, Pattern string
	Permission      account.Permission
	Door            Door
	handler         func(http.ResponseWriter, *http.Request) error
}

// Routes lists every route there is, with the permission that it needs.
func (s *Server) Routes() []Route {
	const v1 = api.Prefix
	return []Route{
		{"GET", "/healthz", Anyone, Page, s.health},
		{"GET", "/static/*", Anyone, Page, serve(static.Handler())},
		{"GET", "/inloggen", Anyone, Page, s.signInForm},
		{"POST", "/inloggen", Anyone, Page, s.signIn},
		{"POST", "/taal", Anyone, Page, s.setLanguage},
		{"POST", "/uitloggen", SignedIn, Page, s.signOut},
		{"GET", "/", SignedIn, Page, s.overview},

		{"GET", "/patienten", account.ViewPatients, Page, s.listPatients},
		{"POST", "/patienten", account.ViewPatients, Page, s.searchPatients},
		{"GET", "/patienten/nieuw", account.EnterPatient, Page, s.patientForm},
		{"POST", "/patienten/nieuw", account.EnterPatient, Page, s.enterPatient},
		{"GET", "/patienten/{id}", account.ViewPatients, Page, s.viewPatient},
		{"GET", "/patienten/{id}/klaar", account.EnterPatient, Page, s.patientResult},

		{"GET", "/aanleveringen", account.ViewDeliveries, Page, s.listDeliveries},
		{"GET", "/aanleveringen/nieuw", account.Deliver, Page, s.uploadForm},
		{"POST", "/aanleveringen", account.Deliver, Page, s.receive},
		{"GET", "/aanleveringen/{id}", account.ViewDeliveries, Page, s.viewDelivery},
		{"GET", "/aanleveringen/{id}/kolommen", account.Deliver, Page, s.viewColumns},
		{"POST", "/aanleveringen/{id}/kolommen", account.Deliver, Page, s.assignColumns},
		{"GET", "/aanleveringen/voorbeeld/{name}", account.Deliver, Page, s.downloadExample},
		{"POST", "/aanleveringen/kolommen/vergeten", account.Deliver, Page, s.forgetColumns},
		{"GET", "/aanleveringen/{id}/voortgang", account.ViewDeliveries, Quiet, s.progress},
		{"POST", "/aanleveringen/{id}/opslaan", account.DecideDelivery, Page, s.saveDelivery},
		{"POST", "/aanleveringen/{id}/annuleren", account.DecideDelivery, Page, s.cancelDelivery},
		{"POST", "/aanleveringen/{id}/nu-proberen", account.DecideDelivery, Page, s.retryDelivery},
		{"GET", "/aanleveringen/{id}/fouten", account.ViewDeliveries, Page, s.viewReport},
		{"GET", "/aanleveringen/{id}/fouten.csv", account.ViewDeliveries, Page, s.downloadCSV},
		{"GET", "/aanleveringen/{id}/fouten.json", account.ViewDeliveries, Page, s.downloadJSON},
		{"GET", "/aanleveringen/{id}/fouten.xlsx", account.ViewDeliveries, Page, s.downloadXLSX},

		{"GET", "/datasets", account.ImportDatasets, Page, s.listDatasets},
		{"POST", "/datasets/{id}/importeren", account.ImportDatasets, Page, s.importDataset},

		{"GET", "/beoordelen", account.JudgeReviews, Page, s.listReviews},
		{"GET", "/beoordelen/{id}", account.JudgeReviews, Page, s.viewReview},
		{"POST", "/beoordelen/{id}", account.JudgeReviews, Page, s.judgeReview},

		{"GET", "/migratie", account.RunConversion, Page, s.viewExisting},
		{"GET", "/migratie/rijen", account.RunConversion, Page, s.listExistingRows},
		{"POST", "/migratie/{id}/pauzeren", account.RunConversion, Page, s.pauseExisting},
		{"POST", "/migratie/{id}/hervatten", account.RunConversion, Page, s.resumeExisting},
		{"POST", "/migratie/{id}/doorgaan", account.RunConversion, Page, s.confirmExisting},
		{"POST", "/migratie/{id}/goedkeuren", account.ApproveErasure, Page, s.approveErasure},
		{"GET", "/migratie/bewijzen", account.ViewProofs, Page, s.listProofs},
		{"GET", "/migratie/bewijzen/{id}", account.ViewProofs, Page, s.viewProof},
		{"GET", "/migratie/bewijzen/{id}/bewijs.json", account.ExportProofs, Page, s.exportProof},

		{"GET", "/status/ttp", account.ViewTTP, Page, s.ttpStatus},
		{"GET", "/logboek", account.ViewLog, Page, s.viewLog},

		{"GET", v1 + "/openapi.json", Anyone, API, api.Describe},
		{"GET", v1 + "/deliveries", account.ViewDeliveries, API, s.api.ListDeliveries},
		{"POST", v1 + "/deliveries", account.Deliver, API, s.api.PostDelivery},
		{"GET", v1 + "/deliveries/{id}", account.ViewDeliveries, API, s.api.GetDelivery},
		{"POST", v1 + "/deliveries/{id}/confirm", account.Deliver, API, s.api.ConfirmDelivery},
		{"POST", v1 + "/deliveries/{id}/cancel", account.Deliver, API, s.api.CancelDelivery},
		{"POST", v1 + "/deliveries/{id}/retry", account.Deliver, API, s.api.RetryDelivery},
		{"GET", v1 + "/deliveries/{id}/report", account.ViewDeliveries, API, s.api.GetReport},
		{"GET", v1 + "/patients", account.ViewPatients, API, s.api.ListPatients},
		{"POST", v1 + "/patients", account.EnterPatient, API, s.api.PostPatient},
		{"GET", v1 + "/patients/{id}", account.ViewPatients, API, s.api.GetPatient},
	}
}

// mount makes the router out of the table.
func (s *Server) mount() *chi.Mux {
	m := chi.NewRouter()
	m.Use(s.identify, s.secureHeaders, s.logRequests, s.recoverPanics, s.sameOrigin, s.limit)
	for _, route := range s.Routes() {
		m.Method(route.Method, route.Pattern, s.open(route))
	}
	m.NotFound(s.notFound)
	m.MethodNotAllowed(s.methodNotAllowed)
	return m
}

// open puts the door of a route before its handler.
func (s *Server) open(route Route) http.Handler {
	if strings.Contains(route.Pattern, "{id}") {
		route.handler = s.logMisses(route.handler)
	}
	switch {
	case route.Door == API && route.Permission == Anyone:
		return s.api.Open(route.handler)
	case route.Door == API:
		return s.api.Require(route.Permission, route.handler)
	case route.Permission == Anyone:
		return s.page(route.handler)
	}
	return s.page(s.require(route, route.handler))
}

// logMisses writes to the access log that somebody asked for an object that is
// not there, or is another centre's: who tries numbers must be seen.
func (s *Server) logMisses(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		if apperr.KindOf(err) != apperr.NotFound {
			return err
		}
		ev := audit.Event{
			At: s.Now(), Type: audit.AccessDenied, Action: audit.Read, Result: audit.MinorFailure, Who: request.Who(r),
			ObjectType: "route", Code: "not_found",
		}
		// Anything can be typed in an address; only what has the shape of an id is kept.
		if id, parseErr := uuid.Parse(chi.URLParam(r, "id")); parseErr == nil {
			ev.ObjectID = id.String()
		}
		if logErr := s.Audit.Record(r.Context(), ev); logErr != nil {
			return logErr
		}
		return err
	}
}

// serve makes a handler of ours out of one of net/http.
func serve(h http.Handler) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// health is GET /healthz: the process answers.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte("ok\n"))
	return err
}
