package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/server/access"
	"sluis/internal/server/api"
	"sluis/internal/server/entry"
	"sluis/internal/server/fhirdoor"
	"sluis/internal/server/page"
	"sluis/internal/server/request"
	"sluis/web/static"
)

// Three permissions besides those of a role.
const (
	Anyone       account.Permission = "anyone"   // no session needed
	HalfSignedIn account.Permission = "halfway"  // the password was right, and the second factor is missing
	SignedIn     account.Permission = "signedin" // whatever the role
)

// Door is how a route is entered.
type Door string

// The doors.
const (
	Page  Door = "page"  // a session; errors are pages
	Quiet Door = "quiet" // the same, and being here does not keep a session alive
	API   Door = "api"   // a bearer token; errors are problems
	FHIR  Door = "fhir"  // a bearer token; errors are OperationOutcomes
)

// Route is a line of the table of all routes.
type Route struct {
	Method, Pattern string
	Permission      account.Permission
	Door            Door
	page            page.Handler // of the doors Page and Quiet
	// Call is of the doors API and FHIR. The FHIR door reads the query itself, as FHIR's
	// general parameters ask.
	Call api.Call
}

// names are those of parameters or fields.
type names = []string

// line is a Route as the tables below write it, with a handler of a page or of the
// API.
type line[H any] struct {
	method, pattern string
	permission      account.Permission
	door            Door
	handler         H
}

// Routes lists every route there is, with the permission that it needs.
func (s *Server) Routes() []Route {
	var routes []Route
	for _, l := range s.pageTable() {
		path, any := strings.CutSuffix(l.pattern, takesAny)
		if !any {
			var query string
			path, query, _ = strings.Cut(path, "?")
			l.handler = page.Knowing(l.handler, strings.FieldsFunc(query, func(r rune) bool { return r == '&' })...)
		}
		routes = append(routes, Route{l.method, path, l.permission, l.door, l.handler, api.Call{}})
	}
	for _, l := range s.apiTable() {
		routes = append(routes, Route{l.method, api.Prefix + l.pattern, l.permission, l.door, nil, l.handler})
	}
	for _, l := range s.fhirTable() {
		routes = append(routes, Route{l.method, fhirdoor.Prefix + l.pattern, l.permission, l.door, nil, api.Call{Do: l.handler}})
	}
	return routes
}

// takesAny ends the path of a page that takes any parameter and passes over all of
// them. It is for what programs ask: a monitor or a cache may add a parameter of its
// own, and there is no list that a filter would shorten.
const takesAny = "?*"

// pageTable lists the pages. A path ends with the parameters that the page knows; a
// request with any other is refused.
func (s *Server) pageTable() []line[page.Handler] {
	return slices.Concat(s.doorPages(), s.dataPages(), s.registryPages(), s.logPages(), s.peoplePages(), s.centrePages(), s.ownPages())
}

// doorPages are the way in, the way out, the first page, and what programs ask.
func (s *Server) doorPages() []line[page.Handler] {
	return []line[page.Handler]{
		{"GET", "/healthz" + takesAny, Anyone, Page, health},
		{"GET", "/readyz" + takesAny, Anyone, Page, s.ready.serve},
		{"GET", "/static/*" + takesAny, Anyone, Page, staticFiles()},
		{"GET", "/inloggen?terug&verlopen&klaar", Anyone, Page, s.access.SignInForm},
		{"POST", "/inloggen", Anyone, Page, s.access.SignIn},
		{"GET", "/inloggen/via/{id}?terug", Anyone, Page, s.signon.Start},
		{"GET", "/inloggen/via/{id}/terug" + takesAny, Anyone, Page, s.signon.Back},
		{"POST", "/inloggen/via/{id}/afmelden", Anyone, Page, s.signon.Logout},
		{"POST", "/inloggen/via", Anyone, Page, s.signon.Find},
		{"POST", "/inloggen/passkey/opties", Anyone, Page, s.factors.OfferSignIn},
		{"POST", "/inloggen/passkey", Anyone, Page, s.factors.SignIn},
		{"GET", "/inloggen/factor", HalfSignedIn, Page, s.half(s.factors.View)},
		{"POST", "/inloggen/factor", HalfSignedIn, Page, s.half(s.factors.Give)},
		{"POST", "/inloggen/factor/opties", HalfSignedIn, Page, s.half(s.factors.Offer)},
		{"GET", "/inloggen/instellen", HalfSignedIn, Page, s.half(s.factors.SetUp)},
		{"POST", "/inloggen/instellen/opties", HalfSignedIn, Page, s.half(s.factors.OfferPasskey)},
		{"POST", "/inloggen/instellen/passkey", HalfSignedIn, Page, s.half(s.factors.AddPasskey)},
		{"GET", "/inloggen/instellen/app", HalfSignedIn, Page, s.half(s.factors.SetUpApp)},
		{"POST", "/inloggen/instellen/app", HalfSignedIn, Page, s.half(s.factors.AddApp)},
		{"POST", "/inloggen/stoppen", HalfSignedIn, Page, s.half(s.access.Stop)},
		{"GET", "/bevestigen?terug", SignedIn, Page, s.factors.AskConfirmation},
		{"POST", "/bevestigen", SignedIn, Page, s.factors.Confirm},
		{"POST", "/bevestigen/opties", SignedIn, Page, s.factors.OfferConfirmation},
		{"POST", "/taal", Anyone, Page, s.access.SetLanguage},
		{"POST", "/uitloggen", SignedIn, Page, s.access.SignOut},
		{"GET", "/", SignedIn, Page, s.desk.Overview},
	}
}

// dataPages are about patients, deliveries and datasets.
func (s *Server) dataPages() []line[page.Handler] {
	return []line[page.Handler]{
		{"GET", "/patienten?na&vanaf", account.ViewPatients, Page, s.patients.List},
		{"POST", "/patienten", account.ViewPatients, Page, s.patients.Search},
		{"GET", "/patienten/nieuw", account.EnterPatient, Page, s.patients.EntryForm},
		{"POST", "/patienten/nieuw", account.EnterPatient, Page, s.patients.Submit},
		{"GET", "/patienten/{id}", account.ViewPatients, Page, s.patients.View},
		{"GET", "/patienten/{id}/klaar?uitkomst", account.EnterPatient, Page, s.patients.Result},
		{"GET", "/aanleveringen?groep&centrum&na", account.ViewDeliveries, Page, s.deliveries.List},
		{"GET", "/aanleveringen/nieuw?herstelt&namens", account.Deliver, Page, s.deliveries.UploadForm},
		{"POST", "/aanleveringen?sleutel&herstelt&namens", account.Deliver, Page, s.deliveries.Receive},
		{"GET", "/aanleveringen/{id}", account.ViewDeliveries, Page, s.deliveries.View},
		{"GET", "/aanleveringen/{id}/kolommen?blad&kop", account.Deliver, Page, s.deliveries.ViewColumns},
		{"POST", "/aanleveringen/{id}/kolommen", account.Deliver, Page, s.deliveries.AssignColumns},
		{"GET", "/aanleveringen/voorbeeld/{name}?namens", account.Deliver, Page, s.deliveries.DownloadExample},
		{"POST", "/aanleveringen/kolommen/vergeten", account.ForgetColumns, Page, s.deliveries.ForgetColumns},
		{"GET", "/aanleveringen/{id}/voortgang", account.ViewDeliveries, Quiet, s.deliveries.Progress},
		{"POST", "/aanleveringen/{id}/opslaan", account.DecideDelivery, Page, s.deliveries.Save},
		{"POST", "/aanleveringen/{id}/annuleren?opslaan", account.DecideDelivery, Page, s.deliveries.Cancel},
		{"POST", "/aanleveringen/{id}/nu-proberen", account.DecideDelivery, Page, s.deliveries.Retry},
		{"GET", "/aanleveringen/{id}/fouten?weergave&ernst&kolom&code&bron&sorteer&richting&vanaf", account.ViewDeliveries, Page,
			s.deliveries.ViewReport},
		{"GET", "/aanleveringen/{id}/fouten.csv", account.ViewDeliveries, Page, s.deliveries.DownloadCSV},
		{"GET", "/aanleveringen/{id}/fouten.json", account.ViewDeliveries, Page, s.deliveries.DownloadJSON},
		{"GET", "/aanleveringen/{id}/fouten.xlsx", account.ViewDeliveries, Page, s.deliveries.DownloadXLSX},
		{"GET", "/datasets", account.ImportDatasets, Page, s.deliveries.ListDatasets},
		{"POST", "/datasets/{id}/importeren", account.ImportDatasets, Page, s.deliveries.ImportDataset},
	}
}

// registryPages are the work of the registry: conflicts, the conversion, the TTP and maintenance.
func (s *Server) registryPages() []line[page.Handler] {
	return []line[page.Handler]{
		{"GET", "/beoordelen?reden&centrum&aanlevering&na", account.JudgeConflicts, Page, s.conflicts.List},
		{"GET", "/beoordelen/{id}?reden&centrum&aanlevering", account.JudgeConflicts, Page, s.conflicts.View},
		{"POST", "/beoordelen/{id}?reden&centrum&aanlevering", account.JudgeConflicts, Page, s.conflicts.Judge},
		{"GET", "/migratie", account.RunConversion, Page, s.conversions.View},
		{"GET", "/migratie/rijen?van&soort&centrum&na", account.RunConversion, Page, s.conversions.ListRows},
		{"POST", "/migratie/{id}/pauzeren", account.RunConversion, Page, s.conversions.Pause},
		{"POST", "/migratie/{id}/hervatten", account.RunConversion, Page, s.conversions.Resume},
		{"POST", "/migratie/{id}/doorgaan", account.RunConversion, Page, s.conversions.Confirm},
		{"POST", "/migratie/{id}/goedkeuren", account.ApproveErasure, Page, s.factors.Fresh(s.conversions.ApproveErasure)},
		{"GET", "/migratie/bewijzen", account.ViewProofs, Page, s.conversions.ListProofs},
		{"GET", "/migratie/bewijzen/{id}", account.ViewProofs, Page, s.conversions.ViewProof},
		{"GET", "/migratie/bewijzen/{id}/bewijs.json", account.ExportProofs, Page, s.factors.Fresh(s.conversions.ExportProof)},
		{"GET", "/status/ttp", account.ViewTTP, Page, s.desk.TTPStatus},
		{"GET", "/onderhoud", account.AnnounceMaintenance, Page, s.desk.Maintenance},
		{"POST", "/onderhoud", account.AnnounceMaintenance, Page, s.desk.Announce},
		{"POST", "/onderhoud/{id}/intrekken", account.AnnounceMaintenance, Page, s.desk.CancelMaintenance},
	}
}

// logPages are the access log and the alarms.
func (s *Server) logPages() []line[page.Handler] {
	return []line[page.Handler]{
		{"GET", "/logboek?groep&soort&gebruiker&centrum&resultaat&van&tot&voor", account.ViewLog, Page, s.logbook.ViewLog},
		{"POST", "/logboek", account.ViewLog, Page, s.logbook.WhoLooked},
		{"GET", "/logboek.csv?groep&soort&gebruiker&centrum&resultaat&van&tot", account.ExportLog, Page, s.factors.Fresh(s.logbook.Export)},
		{"GET", "/logboek/inzage", account.ExportLog, Page, s.logbook.DiscloseForm},
		{"POST", "/logboek/inzage", account.ExportLog, Page, s.factors.Fresh(s.logbook.Disclose)},
		{"POST", "/logboek/inzage.csv", account.ExportLog, Page, s.factors.Fresh(s.logbook.DiscloseCSV)},
		{"GET", "/logboek/controle", account.ReviewLog, Page, s.logbook.ViewReview},
		{"POST", "/logboek/controle", account.ReviewLog, Page, s.logbook.SignReview},
		{"GET", "/logboek/{id}", account.ViewLog, Page, s.logbook.ViewRecord},
		{"GET", "/alarmen?staat&na", account.ViewLog, Page, s.logbook.ListAlarms},
		{"GET", "/alarmen/{id}", account.ViewLog, Page, s.logbook.ViewAlarm},
		{"POST", "/alarmen/{id}", account.ReviewLog, Page, s.logbook.CloseAlarm},
	}
}

// peoplePages are about accounts, one-time links and the providers at which people sign in.
func (s *Server) peoplePages() []line[page.Handler] {
	return []line[page.Handler]{
		{"GET", "/gebruikers?zoek&rol&staat&centrum&na", account.ManageUsers, Page, s.accounts.List},
		{"GET", "/gebruikers/nieuw", account.ManageUsers, Page, s.accounts.InviteForm},
		{"POST", "/gebruikers/nieuw", account.ManageUsers, Page, s.factors.Fresh(s.accounts.Invite)},
		{"GET", "/gebruikers/controle", account.ReviewAccess, Page, s.accounts.ViewReview},
		{"POST", "/gebruikers/controle", account.ReviewAccess, Page, s.accounts.SignReview},
		{"GET", "/gebruikers/controle.csv", account.ReviewAccess, Page, s.factors.Fresh(s.accounts.ExportReview)},
		{"GET", "/gebruikers/{id}", account.ManageUsers, Page, s.accounts.View},
		{"POST", "/gebruikers/{id}/rollen", account.ManageUsers, Page, s.factors.Fresh(s.accounts.SetRoles)},
		{"POST", "/gebruikers/{id}/blokkeren", account.ManageUsers, Page, s.accounts.Block},
		{"POST", "/gebruikers/{id}/deblokkeren", account.ManageUsers, Page, s.accounts.Unblock},
		{"POST", "/gebruikers/{id}/link", account.ManageUsers, Page, s.factors.Fresh(s.accounts.MakeLink)},
		{"POST", "/gebruikers/{id}/factoren", account.ManageUsers, Page, s.factors.Fresh(s.accounts.ResetFactors)},
		{"GET", "/uitnodiging/{token}", Anyone, Page, s.accounts.FollowLink},
		{"POST", "/uitnodiging/{token}", Anyone, Page, s.accounts.SetPassword},
		{"GET", "/uitnodiging/{token}/via/{id}", Anyone, Page, s.signon.FollowLink},
		{"POST", "/gebruikers/{id}/ontkoppelen", account.ManageUsers, Page, s.accounts.Unlink},
		{"GET", "/inlogdiensten", account.ManageProviders, Page, s.signon.List},
		{"GET", "/inlogdiensten/nieuw", account.ManageProviders, Page, s.signon.NewForm},
		{"POST", "/inlogdiensten/nieuw", account.ManageProviders, Page, s.factors.Fresh(s.signon.Add)},
		{"GET", "/inlogdiensten/{id}", account.ManageProviders, Page, s.signon.View},
		{"POST", "/inlogdiensten/{id}", account.ManageProviders, Page, s.factors.Fresh(s.signon.Change)},
		{"POST", "/inlogdiensten/{id}/controleren", account.ManageProviders, Page, s.signon.Check},
	}
}

// centrePages are about hospitals, processors, mandates and tokens.
func (s *Server) centrePages() []line[page.Handler] {
	return []line[page.Handler]{
		{"GET", "/centra", account.ManageCentres, Page, s.centres.List},
		{"GET", "/centra/nieuw", account.ManageCentres, Page, s.centres.NewForm},
		{"POST", "/centra/nieuw", account.ManageCentres, Page, s.centres.Add},
		{"GET", "/centra/{id}", account.ManageCentres, Page, s.centres.View},
		{"POST", "/centra/{id}", account.ManageCentres, Page, s.centres.Change},
		{"GET", "/verwerkers", account.GrantMandates, Page, s.centres.ListProcessors},
		{"GET", "/verwerkers/nieuw", account.ManageCentres, Page, s.centres.ProcessorForm},
		{"POST", "/verwerkers/nieuw", account.ManageCentres, Page, s.centres.AddProcessor},
		{"GET", "/mandaten/nieuw", account.GrantMandates, Page, s.centres.MandateForm},
		{"POST", "/mandaten/nieuw", account.GrantMandates, Page, s.centres.GrantMandate},
		{"GET", "/mandaten/{id}", account.GrantMandates, Page, s.centres.ViewMandate},
		{"POST", "/mandaten/{id}/intrekken", account.GrantMandates, Page, s.centres.WithdrawMandate},
		{"GET", "/tokens?centrum&na", account.ManageTokens, Page, s.centres.ListTokens},
		{"GET", "/tokens/nieuw", account.ManageTokens, Page, s.centres.TokenForm},
		{"POST", "/tokens/nieuw", account.ManageTokens, Page, s.factors.Fresh(s.centres.AddToken)},
		{"GET", "/tokens/{id}", account.ManageTokens, Page, s.centres.ViewToken},
		{"POST", "/tokens/{id}/intrekken", account.ManageTokens, Page, s.factors.Fresh(s.centres.RevokeToken)},
	}
}

// ownPages are about the visitor's own account.
func (s *Server) ownPages() []line[page.Handler] {
	return []line[page.Handler]{
		{"GET", "/account", SignedIn, Page, s.accounts.ViewOwn},
		{"GET", "/account/sessie", SignedIn, Quiet, s.access.Remaining},
		{"POST", "/account/sessie", SignedIn, Page, s.access.Extend},
		{"POST", "/account/wachtwoord", SignedIn, Page, s.accounts.ChangePassword},
		{"POST", "/account/sessies/{id}/beeindigen", SignedIn, Page, s.accounts.EndSession},
		{"GET", "/account/passkeys/nieuw", SignedIn, Page, s.factors.Fresh(s.factors.NewOwnPasskey)},
		{"POST", "/account/passkeys/opties", SignedIn, Page, s.factors.OfferOwnPasskey},
		{"POST", "/account/passkeys", SignedIn, Page, s.factors.Fresh(s.factors.AddOwnPasskey)},
		{"POST", "/account/passkeys/{id}/naam", SignedIn, Page, s.factors.RenamePasskey},
		{"POST", "/account/passkeys/{id}/verwijderen", SignedIn, Page, s.factors.Fresh(s.factors.RemovePasskey)},
		{"GET", "/account/app", SignedIn, Page, s.factors.Fresh(s.factors.NewOwnApp)},
		{"POST", "/account/app", SignedIn, Page, s.factors.Fresh(s.factors.AddOwnApp)},
		{"POST", "/account/app/verwijderen", SignedIn, Page, s.factors.Fresh(s.factors.RemoveApp)},
		{"POST", "/account/herstelcodes", SignedIn, Page, s.factors.Fresh(s.factors.RenewCodes)},
	}
}

// apiTable lists the calls of the API, each with the parameters, fields and media types
// that it knows.
func (s *Server) apiTable() []line[api.Call] {
	return []line[api.Call]{
		{"GET", "/openapi.json", Anyone, API, api.Call{Do: api.Describe}},
		{"GET", "/me", SignedIn, API, api.Call{Do: s.api.GetMe}},
		{"GET", "/deliveries", account.ViewDeliveries, API, api.Call{
			Do: s.api.ListDeliveries, Query: names{"limit", "after", "centre", "since"}, Lists: names{"status"},
		}},
		{"POST", "/deliveries", account.Deliver, API, api.Call{
			Do: s.api.PostDelivery, Query: names{"check", "confirm", "dates", "filename", "onBehalfOf", "repairs"}, Files: api.FileTypes,
		}},
		{"GET", "/deliveries/{id}", account.ViewDeliveries, API, api.Call{Do: s.api.GetDelivery}},
		{"POST", "/deliveries/{id}/confirm", account.Deliver, API, api.Call{Do: s.api.ConfirmDelivery}},
		{"POST", "/deliveries/{id}/cancel", account.Deliver, API, api.Call{Do: s.api.CancelDelivery}},
		{"POST", "/deliveries/{id}/retry", account.Deliver, API, api.Call{Do: s.api.RetryDelivery}},
		{"GET", "/deliveries/{id}/report", account.ViewDeliveries, API, api.Call{Do: s.api.GetReport, Query: names{"format"}}},
		{"GET", "/patients", account.ViewPatients, API, api.Call{Do: s.api.ListPatients, Query: names{"limit", "after", "centre"}}},
		{"POST", "/patients", account.EnterPatient, API, api.Call{
			Do: s.api.PostPatient, Fields: names{entry.Number, entry.Birth, entry.Sex, entry.Surname, entry.Prefix, entry.Initials},
		}},
		{"POST", "/patients/search", account.ViewPatients, API, api.Call{
			Do: s.api.SearchPatients, Fields: names{api.SearchNumber, api.SearchCentre},
		}},
		{"GET", "/patients/{id}", account.ViewPatients, API, api.Call{Do: s.api.GetPatient}},
	}
}

func (s *Server) fhirTable() []line[api.Handler] {
	return []line[api.Handler]{
		{"GET", "/metadata", Anyone, FHIR, s.fhir.Metadata},
		{"POST", "", account.Deliver, FHIR, s.fhir.Post},
		{"POST", "/", account.Deliver, FHIR, s.fhir.Post},
		{"POST", "/Patient", account.Deliver, FHIR, s.fhir.PostPatient},
	}
}

// mount makes the router out of the table.
func (s *Server) mount() *chi.Mux {
	m := chi.NewRouter()
	m.Use(middleware.GetHead, s.identify, s.secureHeaders, s.logRequests, s.recoverPanics, s.sameOrigin, limit)
	for _, route := range s.Routes() {
		m.Method(route.Method, route.Pattern, s.open(route))
	}
	m.NotFound(s.notFound)
	m.MethodNotAllowed(s.methodNotAllowed)
	return m
}

// open puts the door of a route before its handler.
func (s *Server) open(route Route) http.Handler {
	if route.Door == API || route.Door == FHIR {
		do := route.Call.Serve
		if route.Door == FHIR {
			do = route.Call.Do
		}
		h := func(w http.ResponseWriter, r *http.Request) error {
			if err := s.limitRoute(route, w, r); err != nil {
				return err
			}
			return s.logMiss(r, do(w, r))
		}
		if route.Door == FHIR && route.Permission != Anyone {
			return s.fhir.Serve(s.api.Guard(route.Permission, h))
		}
		if route.Door == FHIR {
			return s.fhir.Serve(h)
		}
		if route.Permission == Anyone {
			return s.api.Open(h)
		}
		return s.api.Require(rightOf(route), h)
	}
	h := func(v *page.Visit) error {
		if err := s.limitRoute(route, v.W, v.R); err != nil {
			return err
		}
		return s.logMiss(v.R, route.page(v))
	}
	if route.Permission == Anyone || route.Permission == HalfSignedIn {
		return s.frame.Serve(h) // the handlers of the second are made by half
	}
	return s.frame.Serve(s.access.Require(access.Rights{Permission: rightOf(route), Quiet: route.Door == Quiet}, h))
}

// half makes a page that only a half session opens.
func (s *Server) half(h func(v *page.Visit, x access.Half) error) page.Handler {
	return s.access.RequireHalf(h)
}

// rightOf is the permission of a role that a route needs; "" if any role will do.
func rightOf(route Route) account.Permission {
	if route.Permission == SignedIn {
		return ""
	}
	return route.Permission
}

// logMiss writes to the access log that somebody asked for an object that does not
// exist or is another centre's, for whoever tries numbers must be seen. It returns
// err, the result of r.
func (s *Server) logMiss(r *http.Request, err error) error {
	if apperr.CodeOf(err) == account.MandateNone {
		return s.logNoMandate(r, err)
	}
	if apperr.KindOf(err) != apperr.NotFound || !strings.Contains(routeOf(r), "{id}") {
		return err
	}
	ev := audit.Event{
		At: s.o.Now(), Type: audit.AccessDenied, Action: audit.Read, Result: audit.MinorFailure, Who: request.Who(r),
		ObjectType: "route", Code: "not_found",
	}
	// Anything can be typed in an address: only something in the shape of an id is
	// kept.
	if id, parseErr := uuid.Parse(chi.URLParam(r, "id")); parseErr == nil {
		ev.ObjectID = id.String()
	}
	if logErr := s.o.Audit.Record(r.Context(), ev); logErr != nil {
		return logErr
	}
	return err
}

// logNoMandate writes to the access log that somebody wanted to deliver for a centre that
// did not ask them to. It returns err, the result of r.
func (s *Server) logNoMandate(r *http.Request, err error) error {
	logErr := s.o.Audit.Record(r.Context(), audit.Event{
		At: s.o.Now(), Type: audit.AccessDenied, Action: audit.Create, Result: audit.MinorFailure, Who: request.Who(r),
		ObjectType: "route", Code: account.MandateNone,
	})
	if logErr != nil {
		return logErr
	}
	return err
}

// staticFiles is GET /static/*.
func staticFiles() page.Handler {
	files := static.Handler()
	return func(v *page.Visit) error {
		files.ServeHTTP(v.W, v.R)
		return nil
	}
}

// health is GET /healthz: the process answers.
func health(v *page.Visit) error {
	v.W.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := v.W.Write([]byte("ok\n"))
	return err
}
