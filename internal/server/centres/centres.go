// Package centres is the pages about hospitals, the processors that deliver on their
// behalf, and API tokens.
//
// It stores what an administrator chooses, and enforces none of it: that is done where
// files and tokens come in.
package centres

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/importer"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/templates/ui"
	"sluis/web/text"
)

// Store keeps centres and tokens. Every change, and every look at them, is in the access
// log when it returns.
type Store interface {
	ListCentres(ctx context.Context, who audit.Who) ([]account.Centre, error)
	CentreByNumber(ctx context.Context, number string) (account.Centre, error)
	ViewCentre(ctx context.Context, who audit.Who, number string) (account.Centre, error)
	AddCentre(ctx context.Context, who audit.Who, c account.Centre) (account.Centre, error) // apperr.Conflict "centre_exists"
	ChangeCentreFor(ctx context.Context, who audit.Who, c account.Centre, reason string) error
	TokensPage(ctx context.Context, who audit.Who, scope account.Scope, q account.TokenQuery) (account.TokenPage, error)
	TokenIn(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (account.Token, error)
	AddTokenFor(ctx context.Context, who audit.Who, k account.Token, hash [32]byte, reason string) (account.Token, error)
	RevokeTokenIn(ctx context.Context, who audit.Who, scope account.Scope, publicID, reason string) error
	Mandates
}

// Mandates keeps the processors and what centres let them do. A mandate of another centre
// and one that does not exist are both apperr.NotFound.
type Mandates interface {
	Processors(ctx context.Context) ([]account.Processor, error)
	// AddProcessor is apperr.Conflict "processor_exists" if the name is taken.
	AddProcessor(ctx context.Context, who audit.Who, p account.Processor, reason string) (account.Processor, error)
	Mandates(ctx context.Context, who audit.Who, scope account.Scope) ([]account.Mandate, error)
	Mandate(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (account.Mandate, error)
	// GrantMandate is apperr.Conflict "mandate_exists" if another one covers some of the time.
	GrantMandate(ctx context.Context, who audit.Who, m account.Mandate) (account.Mandate, error)
	// WithdrawMandate ends what is under way too; apperr.Conflict "mandate_withdrawn".
	WithdrawMandate(ctx context.Context, who audit.Who, scope account.Scope, publicID, reason string) error
}

// Options is what the handlers need.
type Options struct {
	Now   func() time.Time
	Store Store
	// MaxRows is the registry's limit of a delivery: what a centre has unless it has its own.
	MaxRows int
	// Certificates reports whether Sluis knows the client certificates of scripts.
	Certificates bool
}

// Handlers are those of the pages about centres and tokens.
type Handlers struct{ o Options }

// New makes the handlers.
func New(o Options) *Handlers { return &Handlers{o} }

const centresPath = "/centra"

func centrePath(number string) string { return centresPath + "/" + url.PathEscape(number) }

// The lengths of what is typed, in characters.
const (
	maxName   = 200
	maxSystem = 300
	maxPhone  = 50
)

// numbers are the centre numbers that a page accepts: they are part of an address.
var numbers = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,19}$`)

// List is GET /centra.
func (h *Handlers) List(v *page.Visit) error {
	found, err := h.o.Store.ListCentres(v.Context(), v.Who)
	if err != nil {
		return err
	}
	props := templates.Centres{Page: v.Page(v.Home())}
	for _, c := range found {
		props.Rows = append(props.Rows, templates.CentreRow{
			Href: centrePath(c.Number), Number: c.Number, Name: c.Name, Kinds: kinds(v.T, c), Brake: v.T.T("word.percent", "n", brake(c)),
			MaxRows: v.T.Number(h.maxRows(c)), Contact: contact(c),
		})
	}
	return v.Render(http.StatusOK, templates.CentresPage(props))
}

func kinds(t *text.Catalogue, c account.Centre) string {
	var words []string
	if !c.TemporaryRefused {
		words = append(words, t.T("centres.kind.temporary"))
	}
	if c.IdentitiesAllowed {
		words = append(words, t.T("centres.kind.identities"))
	}
	return strings.Join(words, ", ")
}

func brake(c account.Centre) int {
	if c.BrakePercent == 0 {
		return importer.BrakeShare
	}
	return c.BrakePercent
}

func (h *Handlers) maxRows(c account.Centre) int {
	if c.MaxRows == 0 {
		return h.o.MaxRows
	}
	return min(c.MaxRows, h.o.MaxRows)
}

func contact(c account.Centre) string {
	if c.ContactName != "" {
		return c.ContactName
	}
	return c.ContactEmail
}

// NewForm is GET /centra/nieuw.
func (h *Handlers) NewForm(v *page.Visit) error {
	return h.showForm(v, http.StatusOK, templates.CentreForm{New: true, Temporary: true})
}

// View is GET /centra/{id}, where the id is the centre's number.
func (h *Handlers) View(v *page.Visit) error {
	c, err := h.o.Store.ViewCentre(v.Context(), v.Who, v.ID())
	if err != nil {
		return err
	}
	return h.showForm(v, http.StatusOK, filled(c))
}

func filled(c account.Centre) templates.CentreForm {
	form := templates.CentreForm{
		Number: c.Number, Name: c.Name, Identities: c.IdentitiesAllowed, Temporary: !c.TemporaryRefused, System: c.NumberSystem,
		ContactName: c.ContactName, ContactEmail: c.ContactEmail, ContactPhone: c.ContactPhone,
	}
	if c.BrakePercent > 0 {
		form.Brake = strconv.Itoa(c.BrakePercent)
	}
	if c.MaxRows > 0 {
		form.MaxRows = strconv.Itoa(c.MaxRows)
	}
	return form
}

func (h *Handlers) showForm(v *page.Visit, status int, form templates.CentreForm) error {
	t := v.T
	form.Page = v.Page(v.Home(), templates.Crumb{Text: t.T("centres.title"), Href: centresPath})
	form.Action, form.RegistryBrake, form.RegistryRows = centresPath+"/nieuw", t.Number(importer.BrakeShare), t.Number(h.o.MaxRows)
	if !form.New {
		form.Action = centrePath(form.Number)
		form.TokensHref = page.Link(tokensPath, "centrum", form.Number)
	}
	form.Kinds = []ui.Checkbox{
		{Value: "tijdelijk", Text: t.T("centres.kind.temporary"), Hint: t.T("centres.kind.temporary_hint"), Checked: form.Temporary},
		{Value: "namen", Text: t.T("centres.kind.identities"), Hint: t.T("centres.kind.identities_hint"), Checked: form.Identities},
	}
	return v.Render(status, templates.CentrePage(form))
}

// Add is POST /centra/nieuw.
func (h *Handlers) Add(v *page.Visit) error {
	posted, err := v.Form()
	if err != nil {
		return err
	}
	form, c := h.read(v.T, posted, account.Centre{Number: strings.TrimSpace(posted.Get("nummer"))})
	form.New = true
	if !numbers.MatchString(c.Number) || c.Number == "nieuw" {
		form.Errors = append([]templates.FieldError{{Field: "nummer", Message: v.T.T("centres.error.number")}}, form.Errors...)
	}
	if len(form.Errors) > 0 {
		return h.showForm(v, http.StatusUnprocessableEntity, form)
	}
	_, err = h.o.Store.AddCentre(v.Context(), v.Who, c)
	if apperr.KindOf(err) == apperr.Conflict {
		form.Errors = []templates.FieldError{{Field: "nummer", Message: v.T.T("centres.error.exists")}}
		return h.showForm(v, http.StatusConflict, form)
	} else if err != nil {
		return err
	}
	if err := v.Flash(v.T.T("centres.added", "number", c.Number), true); err != nil {
		return err
	}
	return v.Redirect(centresPath)
}

// Change is POST /centra/{id}.
func (h *Handlers) Change(v *page.Visit) error {
	posted, err := v.Form()
	if err != nil {
		return err
	}
	was, err := h.o.Store.CentreByNumber(v.Context(), v.ID())
	if err != nil {
		return err
	}
	form, c := h.read(v.T, posted, was)
	form.Why = strings.TrimSpace(posted.Get("reden"))
	form.Errors = append(form.Errors, page.CheckReason(v.T, "reden", form.Why)...)
	if len(form.Errors) > 0 {
		return h.showForm(v, http.StatusUnprocessableEntity, form)
	}
	if err := h.o.Store.ChangeCentreFor(v.Context(), v.Who, c, form.Why); err != nil {
		return err
	}
	if err := v.Flash(v.T.T("centres.changed"), true); err != nil {
		return err
	}
	return v.Redirect(centrePath(c.Number))
}

// read reads the form of a centre on top of what the centre was.
func (h *Handlers) read(t *text.Catalogue, posted url.Values, c account.Centre) (templates.CentreForm, account.Centre) {
	get := func(name string) string { return strings.TrimSpace(posted.Get(name)) }
	var faults []templates.FieldError
	fault := func(wrong bool, field, key string, args ...any) {
		if wrong {
			faults = append(faults, templates.FieldError{Field: field, Message: t.T(key, args...)})
		}
	}
	number := func(field, key string, most int) int {
		if get(field) == "" {
			return 0
		}
		n, err := strconv.Atoi(get(field))
		fault(err != nil || n < 1 || n > most, field, key, "max", most)
		return n
	}
	long := func(s string, most int) bool { return utf8.RuneCountInString(s) > most }

	c.Name, c.NumberSystem = get("naam"), get("nummersysteem")
	c.ContactName, c.ContactEmail, c.ContactPhone = get("contact"), get("contact-email"), get("contact-telefoon")
	c.IdentitiesAllowed, c.TemporaryRefused = false, true
	for _, kind := range posted["soort"] {
		c.IdentitiesAllowed = c.IdentitiesAllowed || kind == "namen"
		c.TemporaryRefused = c.TemporaryRefused && kind != "tijdelijk"
	}
	fault(c.Name == "" || long(c.Name, maxName), "naam", "centres.error.name")
	fault(c.TemporaryRefused && !c.IdentitiesAllowed, "soort", "centres.error.kinds")
	c.MaxRows = number("limiet", "centres.error.limit", h.o.MaxRows)
	c.BrakePercent = number("rem", "centres.error.brake", 100)
	fault(long(c.NumberSystem, maxSystem), "nummersysteem", "centres.error.system")
	fault(long(c.ContactName, maxName), "contact", "centres.error.contact")
	fault(c.ContactEmail != "" && !page.IsEmail(c.ContactEmail), "contact-email", "users.error.email")
	fault(long(c.ContactPhone, maxPhone), "contact-telefoon", "centres.error.phone")

	form := filled(c)
	form.Brake, form.MaxRows, form.Errors = get("rem"), get("limiet"), faults
	return form, c
}
