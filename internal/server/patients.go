package server

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"sluis/internal/account"
	"sluis/internal/patient"
	"sluis/internal/server/request"
	"sluis/web/templates"
	"sluis/web/text"
)

// listPatients is GET /patienten?na=&vanaf=.
func (s *Server) listPatients(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	from, err := strconv.Atoi(q.Get("vanaf"))
	if err != nil || from < 1 || q.Get("na") == "" {
		from = 1
	}
	found, err := s.Records.Patients(r.Context(), request.Who(r), request.Actor(r).Scope(), patient.Query{After: q.Get("na"), Limit: pageSize})
	if err != nil {
		return err
	}
	page := s.patientsProps(r, found)
	if n := len(found.Patients); n > 0 {
		page.From, page.To = from, from+n-1
	}
	if found.Next != "" {
		page.NextHref = link("/patienten", "na", found.Next, "vanaf", strconv.Itoa(from+len(found.Patients)))
	}
	if q.Get("na") != "" {
		page.FirstHref = "/patienten"
	}
	return s.render(w, r, http.StatusOK, templates.PatientsPage(page))
}

// searchPatients is POST /patienten: the number that is searched is never in a
// URL, so the answer is the result itself.
func (s *Server) searchPatients(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	number := strings.TrimSpace(r.PostForm.Get("number"))
	if number == "" {
		return redirect(w, r, "/patienten")
	}
	if utf8.RuneCountInString(number) > patient.MaxNumberLength {
		page := s.patientsProps(r, patient.Page{})
		page.Searched, page.Number = true, number
		page.Errors = []templates.FieldError{{Field: "number", Message: s.text(r).T("entry.number_too_long")}}
		return s.render(w, r, http.StatusUnprocessableEntity, templates.PatientsPage(page))
	}
	found, err := s.Records.Patients(r.Context(), request.Who(r), request.Actor(r).Scope(), patient.Query{Number: number, Limit: pageSize})
	if err != nil {
		return err
	}
	page := s.patientsProps(r, found)
	page.Searched, page.Number = true, number
	return s.render(w, r, http.StatusOK, templates.PatientsPage(page))
}

func (s *Server) patientsProps(r *http.Request, found patient.Page) templates.Patients {
	t, actor := s.text(r), request.Actor(r)
	page := templates.Patients{
		Page: s.base(r, s.home(r)), ShowCentre: actor.Scope().All(), BirthYear: s.BirthYearOnly, Total: found.Total,
		MayEnter: actor.May(account.EnterPatient),
	}
	for _, p := range found.Patients {
		page.Rows = append(page.Rows, templates.PatientRow{
			Href: "/patienten/" + p.PublicID, Number: numberWord(t, p.Number), Birth: birth(t, p.Birth, s.BirthYearOnly), Sex: sexWord(t, p.Sex),
			Changed: moment(t, p.UpdatedAt), Centre: p.CentreNumber,
		})
	}
	return page
}

// viewPatient is GET /patienten/{id}.
func (s *Server) viewPatient(w http.ResponseWriter, r *http.Request) error {
	actor := request.Actor(r)
	found, err := s.Records.Patient(r.Context(), request.Who(r), actor.Scope(), chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	t := s.text(r)
	page := templates.Patient{
		Page:   s.base(r, s.patientsCrumbs(r)...),
		Number: numberWord(t, found.Number), Unnumbered: found.Number == "", Birth: birth(t, found.Birth, s.BirthYearOnly), BirthYear: s.BirthYearOnly, Sex: sexWord(t, found.Sex),
		Centre: s.centreTitle(r, found.CentreNumber), Version: found.Version, Created: moment(t, found.CreatedAt), Changed: moment(t, found.UpdatedAt),
	}
	if actor.Scope().All() { // the registry's own key is for the registry
		page.LegacyIDs = strings.Join(found.LegacyIDs, ", ")
	}
	for _, p := range found.Pseudonyms {
		page.Pseudonyms = append(page.Pseudonyms, templates.PseudonymRow{Type: p.Type, Domain: p.Domain, KeyVersion: p.KeyVersion, Observed: day(t, p.ObservedOn)})
	}
	return s.render(w, r, http.StatusOK, templates.PatientPage(page))
}

// patientsCrumbs lead to a page about one patient.
func (s *Server) patientsCrumbs(r *http.Request) []templates.Crumb {
	return []templates.Crumb{s.home(r), {Text: s.text(r).T("crumb.patients"), Href: "/patienten"}}
}

// moment shows a stored time; one that cannot be read is left out.
func moment(t *text.Catalogue, stored string) string {
	at, err := time.Parse(time.RFC3339, stored)
	if err != nil {
		return ""
	}
	return t.Moment(at)
}

// day shows a stored date.
func day(t *text.Catalogue, stored string) string {
	b, ok := patient.ParseBirth(stored)
	if !ok {
		return ""
	}
	return t.ShortDate(b.Year, b.Month, b.Day)
}
