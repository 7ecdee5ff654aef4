package page

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/server/request"
	"sluis/web/templates"
	"sluis/web/text"
)

// Visit is one request of a page: who makes it, in which language, and the ways
// to answer it. It is made once a request and belongs to its goroutine.
type Visit struct {
	W http.ResponseWriter
	R *http.Request
	T *text.Catalogue // the texts in the visitor's language

	Actor account.Actor // the zero Actor may nothing
	Who   audit.Who     // the same person as the access log knows them
	// Still reports whether the visitor would still be let in. A page that stays open
	// asks it every few seconds. It is nil on a page for everybody.
	Still func(ctx context.Context) bool
	// Left is how long the visitor's session still lives; nil if there is none.
	Left *Left

	frame *Frame
	query url.Values // see Knowing
	known []string   // the parameters that the page knows
}

// Left is how long a session still lives: unused, and in any case.
type Left struct {
	Idle, Life time.Duration
	Ends       time.Time // the first of the two
}

func (f *Frame) visit(w http.ResponseWriter, r *http.Request) *Visit {
	return &Visit{W: w, R: r, T: language(r), Actor: request.Actor(r), Who: request.Who(r), frame: f}
}

// SignedIn notes who makes the visit.
func (v *Visit) SignedIn(a account.Actor) {
	info := request.From(v.Context())
	info.Actor, info.Known = a, true
	v.Actor, v.Who = a, request.Who(v.R)
}

// SignedOut notes that nobody makes the visit any more.
func (v *Visit) SignedOut() {
	info := request.From(v.Context())
	info.Actor, info.Known = account.Actor{}, false
	v.Actor, v.Who = info.Actor, request.Who(v.R)
}

// Context is that of the request.
func (v *Visit) Context() context.Context { return v.R.Context() }

// Scope is the part of the registry that the visitor may see.
func (v *Visit) Scope() account.Scope { return v.Actor.Scope() }

// Query is the query of the address. It has only parameters that the table of routes
// names for the page, unless that lets the page take any.
func (v *Visit) Query() url.Values { return v.query }

// ID is the id in the address of a page about one thing.
func (v *Visit) ID() string { return v.R.PathValue("id") }

// Form reads the form that was posted.
func (v *Visit) Form() (url.Values, error) {
	err := v.R.ParseForm()
	if err == nil {
		return v.R.PostForm, nil
	}
	// The parser's own error repeats what it read.
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, apperr.New(apperr.TooLarge, "body_too_large")
	}
	if apperr.KindOf(err) != apperr.Internal {
		return nil, err
	}
	return nil, apperr.New(apperr.Invalid, "invalid")
}

// Centre is the visitor's own centre; apperr.Forbidden "centre_missing" for
// somebody who has none.
func (v *Visit) Centre() (account.Centre, error) {
	if c := v.Actor.Centre; c != nil {
		return *c, nil
	}
	return account.Centre{}, apperr.New(apperr.Forbidden, "centre_missing")
}

// LogFailure logs why the request, or a part of its page, failed.
func (v *Visit) LogFailure(err error) { request.LogFailure(v.frame.o.Log, v.R, err) }

// Redirect sends the browser to another page of ours, by GET.
func (v *Visit) Redirect(path string) error {
	http.Redirect(v.W, v.R, path, http.StatusSeeOther) // a path of ours, or one that LocalPath made so
	return nil
}

// Leave keeps a note for the visitor's next page.
func (v *Visit) Leave(key string, value any) error { return v.frame.o.Notes.Leave(v.R, key, value) }

// Find takes out a note that a page before left; it returns false if there is none.
func (v *Visit) Find(key string, value any) bool { return v.frame.o.Notes.Find(v.R, key, value) }

const flashNote = "flash"

// Flash shows on the next page what was done, or why it was not.
func (v *Visit) Flash(message string, success bool) error {
	return v.Leave(flashNote, templates.Flash{Text: message, Success: success})
}

// FlashPassing is Flash for words that are true only while a delivery still moves.
func (v *Visit) FlashPassing(message string, passing bool) error {
	return v.Leave(flashNote, templates.Flash{Text: message, Success: true, Passing: passing})
}

// FlashConflict shows err on the next page, as what came between: somebody was first,
// or a button was pressed twice.
func (v *Visit) FlashConflict(err error) error {
	v.LogFailure(err)
	return v.Flash(v.T.T("error."+apperr.CodeOf(err)+".body"), false)
}

// Page is what every page has around its content. It takes the flash, if there is
// one.
func (v *Visit) Page(crumbs ...templates.Crumb) templates.Page {
	t := v.T
	props := templates.Page{
		T: t, Return: LocalPath(v.here()), Crumbs: crumbs, Demo: v.frame.o.Demo, FactorOptional: v.frame.o.FactorOptional,
		Posted: v.R.Method == http.MethodPost,
	}
	if !request.From(v.Context()).Known {
		return props
	}
	props.Version = v.frame.o.Version // not for strangers: it says what to attack
	props.User = &templates.User{Name: v.Actor.Name, Roles: RoleWords(t, v.Actor.Roles)}
	if c := v.Actor.Centre; c != nil {
		props.User.Centre = t.T("word.centre_named", "number", c.Number, "name", c.Name)
	} else if p := v.Actor.Processor; p != nil {
		props.User.Centre = p.Name
	}
	if l := v.Left; l != nil {
		props.Session = &templates.Session{Idle: int(l.Idle / time.Second), Life: int(l.Life / time.Second), Ends: t.Clock(l.Ends)}
	}
	props.Nav = navigation(t, v.Actor, v.R.URL.Path)
	var flash templates.Flash
	if v.Find(flashNote, &flash) {
		props.Flash = &flash
	}
	return props
}

// Home is the first crumb of every page.
func (v *Visit) Home() templates.Crumb {
	return templates.Crumb{Text: v.T.T("crumb.overview"), Href: home}
}

// here is where a change of language comes back to: the page itself or, if it
// cannot be asked for by GET, the page before it.
func (v *Visit) here() string {
	path := v.R.URL.Path
	if v.R.Method == http.MethodGet {
		return v.R.URL.RequestURI()
	}
	if strings.HasPrefix(path, PatientsPath) || strings.HasPrefix(path, ConflictsPath+"/") || path == DeliveriesPath ||
		path == "/inloggen" || path == "/logboek" || path == "/logboek/inzage" || path == "/logboek/controle" ||
		strings.HasPrefix(path, "/alarmen/") {
		return path
	}
	if strings.HasPrefix(path, ConversionPath) {
		return ConversionPath
	}
	if base, ok := strings.CutSuffix(path, "/controleren"); ok {
		return base
	}
	if base, _, ok := strings.Cut(path, "/wachtwoord"); ok && base == "/account" {
		return base
	}
	return home
}

// CentreTitle is a centre by its number and name, or by its number only if the
// name cannot be read.
func (v *Visit) CentreTitle(number string) string {
	if own := v.Actor.Centre; own != nil && own.Number == number {
		return CentreName(*own)
	}
	centres, err := v.frame.o.Centres.Centres(v.Context())
	if err != nil {
		v.LogFailure(err) // the page does without the name
	}
	for _, c := range centres {
		if c.Number == number {
			return CentreName(c)
		}
	}
	return number
}

// CentreNames are the names of all centres by their numbers.
func (v *Visit) CentreNames() (map[string]string, error) {
	centres, err := v.frame.o.Centres.Centres(v.Context())
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, c := range centres {
		names[c.Number] = CentreName(c)
	}
	return names, nil
}

// CentreOptions are the choices of a filter on the centre, all of them first.
func (v *Visit) CentreOptions(chosen string) ([]templates.Option, error) {
	centres, err := v.frame.o.Centres.Centres(v.Context())
	if err != nil {
		return nil, err
	}
	options := []templates.Option{{Text: v.T.T("word.all_centres"), Selected: chosen == ""}}
	for _, c := range centres {
		options = append(options, templates.Option{Value: c.Number, Text: CentreName(c), Selected: c.Number == chosen})
	}
	return options, nil
}

// Birth is a birth as it is typed, or its year only if the registry keeps no more.
func (v *Visit) Birth(b patient.Birth) string {
	if v.frame.o.BirthYearOnly {
		b = b.YearOnly()
	}
	return v.T.ShortDate(b.Year, b.Month, b.Day)
}
