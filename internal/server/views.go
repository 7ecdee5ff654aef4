package server

import (
	"net/http"
	"net/url"
	"strings"

	"sluis/internal/account"
	"sluis/internal/patient"
	"sluis/internal/server/request"
	"sluis/web/templates"
	"sluis/web/text"
)

// pageSize is how many things a page of a list shows.
const pageSize = 50

// base is what every page has. It takes the flash, if there is one.
func (s *Server) base(r *http.Request, crumbs ...templates.Crumb) templates.Page {
	t := s.text(r)
	page := templates.Page{T: t, Return: localPath(here(r)), Crumbs: crumbs, Demo: s.Demo}
	info := request.From(r.Context())
	if !info.Known || isAPI(r) {
		return page
	}
	page.User = &templates.User{Name: info.Actor.Name, Roles: roleWords(t, info.Actor.Roles)}
	if c := info.Actor.Centre; c != nil {
		page.User.Centre = t.T("word.centre_named", "number", c.Number, "name", c.Name)
	}
	page.Nav = navigation(t, info.Actor, r.URL.Path)
	var flash templates.Flash
	if s.find(r, flashKey, &flash) {
		page.Flash = &flash
	}
	return page
}

// here is where a change of language comes back to: the page itself, or where it
// cannot be asked for by GET, the page before it.
func here(r *http.Request) string {
	if r.Method == http.MethodGet {
		return r.URL.RequestURI()
	}
	if strings.HasPrefix(r.URL.Path, "/patienten") || strings.HasPrefix(r.URL.Path, "/beoordelen/") || r.URL.Path == "/aanleveringen" || r.URL.Path == "/inloggen" {
		return r.URL.Path
	}
	if strings.HasPrefix(r.URL.Path, existingPath) {
		return existingPath
	}
	return "/"
}

// navigation is the menu of an actor.
func navigation(t *text.Catalogue, a account.Actor, path string) []templates.NavItem {
	items := []templates.NavItem{{Text: t.T("nav.overview"), Href: "/", Current: path == "/"}}
	for _, item := range []struct {
		permission account.Permission
		key, href  string
	}{
		{account.ViewPatients, "nav.patients", "/patienten"},
		{account.ViewDeliveries, "nav.deliveries", "/aanleveringen"},
		{account.JudgeReviews, "nav.reviews", "/beoordelen"},
		{account.ImportDatasets, "nav.datasets", "/datasets"},
		{account.RunConversion, "nav.existing", existingPath},
		{account.ViewProofs, "nav.proofs", proofsPath},
		{account.ViewTTP, "nav.ttp", "/status/ttp"},
		{account.ViewLog, "nav.log", "/logboek"},
	} {
		if a.May(item.permission) {
			current := path == item.href || strings.HasPrefix(path, item.href+"/")
			if item.href == existingPath && strings.HasPrefix(path, proofsPath) {
				current = false // those are an item of their own
			}
			items = append(items, templates.NavItem{Text: t.T(item.key), Href: item.href, Current: current})
		}
	}
	return items
}

func roleWords(t *text.Catalogue, roles []account.Role) string {
	words := make([]string, len(roles))
	for i, role := range roles {
		words[i] = t.T("role." + string(role))
	}
	return strings.Join(words, ", ")
}

func centreName(c account.Centre) string { return strings.TrimSpace(c.Number + " " + c.Name) }

// centreTitle is a centre by its number and name; by its number alone where the
// name cannot be read.
func (s *Server) centreTitle(r *http.Request, number string) string {
	if own := request.Actor(r).Centre; own != nil && own.Number == number {
		return centreName(*own)
	}
	centres, err := s.Accounts.Centres(r.Context())
	if err != nil {
		request.LogFailure(s.Log, r, err) // the page stands without the name
	}
	for _, c := range centres {
		if c.Number == number {
			return centreName(c)
		}
	}
	return number
}

// birth is a birth as it is typed; the year alone where the registry keeps it so.
func birth(t *text.Catalogue, b patient.Birth, yearOnly bool) string {
	if yearOnly {
		b = b.YearOnly()
	}
	return t.ShortDate(b.Year, b.Month, b.Day)
}

// numberWord is a patient number; one from the old table may have none yet.
func numberWord(t *text.Catalogue, number string) string {
	if number == "" {
		return t.T("word.no_number")
	}
	return number
}

// sexWord is a sex in words; the catalogue has one for the unknown too.
func sexWord(t *text.Catalogue, sex patient.Sex) string {
	return t.T("sex." + string(sex))
}

// link is a path with those of its parameters that are not empty.
func link(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// centreOptions are the choices of a centre filter, all of them first.
func (s *Server) centreOptions(r *http.Request, chosen string) ([]templates.Option, error) {
	centres, err := s.Accounts.Centres(r.Context())
	if err != nil {
		return nil, err
	}
	options := []templates.Option{{Text: s.text(r).T("word.all_centres"), Selected: chosen == ""}}
	for _, c := range centres {
		options = append(options, templates.Option{Value: c.Number, Text: centreName(c), Selected: c.Number == chosen})
	}
	return options, nil
}
