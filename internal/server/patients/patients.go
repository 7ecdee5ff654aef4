// Package patients is the pages about patients: the list, one patient, and the
// entry of one. It shows the display set only.
//
// What is typed into the form goes to server/entry; nothing of it is kept here.
package patients

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/server/entry"
	"sluis/internal/server/page"
	"sluis/internal/server/search"
	"sluis/internal/value"
	"sluis/web/templates"
	"sluis/web/text"
)

// Records reads patients. Every read is in the access log when it returns. A
// foreign patient and one that does not exist are both apperr.NotFound.
type Records interface {
	Patients(ctx context.Context, who audit.Who, scope account.Scope, q patient.Query) (patient.Page, error)
	Patient(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (patient.Detail, error)
}

// Options is what the handlers need.
type Options struct {
	Records       Records
	Entry         *entry.Service
	BirthYearOnly bool
}

// Handlers are those of the pages about patients.
type Handlers struct{ o Options }

// New makes the handlers.
func New(o Options) *Handlers { return &Handlers{o} }

const newPath = page.PatientsPath + "/nieuw"

// warningsNote is the key of the warnings of an entry, which the page of its
// result shows.
const warningsNote = "warnings"

// maxFrom is the highest place in the list that an address can name: more patients
// than a registry has.
const maxFrom = 1_000_000_000

// List is GET /patienten?na=&vanaf=.
func (h *Handlers) List(v *page.Visit) error {
	after := v.Query().Get(page.CursorParam)
	from, err := v.Number("vanaf", 1, maxFrom)
	if err != nil {
		return err
	}
	found, err := h.o.Records.Patients(v.Context(), v.Who, v.Scope(), patient.Query{After: after, Limit: page.Size})
	if err != nil {
		return v.CursorError(err)
	}
	props := h.patientsProps(v, found)
	if n := len(found.Patients); n > 0 {
		props.From, props.To = from, from+n-1
	}
	if found.Next != "" {
		props.NextHref = page.Link(page.PatientsPath, page.CursorParam, found.Next, "vanaf", strconv.Itoa(from+len(found.Patients)))
	}
	if after != "" {
		props.FirstHref = page.PatientsPath
	}
	return v.Render(http.StatusOK, templates.PatientsPage(props))
}

// Search is POST /patienten. The number must not be in a URL, so the answer is the
// result itself and no redirect.
func (h *Handlers) Search(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	number := value.PlainNumber(form.Get("number"))
	if number == "" {
		return v.Redirect(page.PatientsPath)
	}
	if utf8.RuneCountInString(number) > patient.MaxNumberLength {
		props := h.patientsProps(v, patient.Page{})
		props.Searched, props.Number = true, number
		props.Errors = []templates.FieldError{{Field: "number", Message: v.T.T("entry.number_too_long")}}
		return v.Render(http.StatusUnprocessableEntity, templates.PatientsPage(props))
	}
	found, err := search.ByNumber(v.Context(), h.o.Records, v.Who, v.Scope(), patient.Query{Number: form.Get("number"), Limit: page.Size})
	if err != nil {
		return err
	}
	props := h.patientsProps(v, found)
	props.Searched, props.Number = true, number
	return v.Render(http.StatusOK, templates.PatientsPage(props))
}

func (h *Handlers) patientsProps(v *page.Visit, found patient.Page) templates.Patients {
	t, actor := v.T, v.Actor
	props := templates.Patients{
		Page: v.Page(v.Home()), ShowCentre: actor.Scope().All(), BirthYear: h.o.BirthYearOnly, Total: found.Total,
		MayEnter: actor.May(account.EnterPatient),
	}
	for _, p := range found.Patients {
		props.Rows = append(props.Rows, templates.PatientRow{
			Href: page.PatientPath(p.PublicID), Number: page.NumberWord(t, p.Number), Birth: v.Birth(p.Birth), Sex: page.SexWord(t, p.Sex),
			Changed: moment(t, p.UpdatedAt), Centre: p.CentreNumber,
		})
	}
	return props
}

// View is GET /patienten/{id}.
func (h *Handlers) View(v *page.Visit) error {
	actor := v.Actor
	found, err := h.o.Records.Patient(v.Context(), v.Who, actor.Scope(), v.ID())
	if err != nil {
		return err
	}
	t := v.T
	props := templates.Patient{
		Page:   v.Page(crumbs(v)...),
		Number: page.NumberWord(t, found.Number), Unnumbered: found.Number == "", Birth: v.Birth(found.Birth), BirthYear: h.o.BirthYearOnly,
		Sex:    page.SexWord(t, found.Sex),
		Centre: v.CentreTitle(found.CentreNumber), Version: found.Version, Created: moment(t, found.CreatedAt),
		Changed: moment(t, found.UpdatedAt),
	}
	if actor.Scope().All() { // the registry's own key is for the registry
		props.OldKeys = strings.Join(found.OldKeys, ", ")
	}
	for _, p := range found.Pseudonyms {
		props.Pseudonyms = append(props.Pseudonyms,
			templates.PseudonymRow{Type: p.Type, Domain: p.Domain, KeyVersion: p.KeyVersion, Observed: day(t, p.ObservedOn)})
	}
	return v.Render(http.StatusOK, templates.PatientPage(props))
}

// crumbs lead to a page about one patient.
func crumbs(v *page.Visit) []templates.Crumb {
	return []templates.Crumb{v.Home(), {Text: v.T.T("crumb.patients"), Href: page.PatientsPath}}
}

// moment shows a stored time, or nothing if it cannot be read.
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
