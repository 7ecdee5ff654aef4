package accounts

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/mail"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/templates/ui"
	"sluis/web/text"
)

// maxName is the longest name of a person, in characters.
const maxName = 100

// List is GET /gebruikers?zoek=&rol=&staat=&centrum=&na=.
func (h *Handlers) List(v *page.Visit) error {
	q, t, actor := v.Query(), v.T, v.Actor
	filter := account.PeopleQuery{
		Search: q.Get("zoek"), Role: account.Role(q.Get("rol")), State: account.State(q.Get("staat")),
		CentreNumber: q.Get(page.CentreParam), After: q.Get(page.CursorParam), Limit: page.Size,
	}
	switch {
	case filter.Role != "" && !filter.Role.Valid():
		return page.Unreadable("rol")
	case filter.State != "" && !slices.Contains(account.States, filter.State):
		return page.Unreadable("staat")
	}
	var centres []templates.Option
	if actor.PeopleScope().All() {
		var err error
		if filter.CentreNumber, centres, err = v.CentreFilter(); err != nil {
			return err
		}
	}
	found, err := h.o.Store.People(v.Context(), v.Who, actor.PeopleScope(), filter)
	if err != nil {
		return v.CursorError(err)
	}
	props := templates.Users{
		Page: v.Page(v.Home()), Search: filter.Search, Total: found.Total, Centres: centres,
		Roles: page.FilterOptions(t, string(filter.Role), roleNames(t, account.Roles)),
	}
	if actor.May(account.ReviewAccess) {
		if err := h.reviewDue(v, &props); err != nil {
			return err
		}
	}
	var states []page.Choice
	for _, s := range account.States {
		states = append(states, page.Choice{Value: string(s), Text: t.T("user.state." + string(s))})
	}
	props.States = page.FilterOptions(t, string(filter.State), states)
	for _, u := range found.Users {
		props.Rows = append(props.Rows, userRow(v, u))
	}
	pairs := []string{"zoek", filter.Search, "rol", string(filter.Role), "staat", string(filter.State), "centrum", filter.CentreNumber}
	props.Filtered = page.Link("", pairs...) != ""
	if filter.After != "" {
		props.FirstHref = page.Link(usersPath, pairs...)
	}
	if found.Next != "" {
		props.NextHref = page.Link(usersPath, append(pairs, "na", found.Next)...)
	}
	return v.Render(http.StatusOK, templates.UsersPage(props))
}

func userRow(v *page.Visit, u account.User) templates.UserRow {
	row := templates.UserRow{
		Href: userPath(u.PublicID), Name: u.Name, Email: u.Email, Roles: page.RoleWords(v.T, u.Roles), State: string(u.State()),
		SignIn: page.MomentOrNone(v.T, u.LastSignInAt), IsOwner: u.ID == v.Actor.UserID,
	}
	if row.Name == "" {
		row.Name = u.Email
	}
	row.Centre = page.OrganisationName(u.Centre, u.Processor)
	return row
}

func roleNames(t *text.Catalogue, roles []account.Role) []page.Choice {
	out := make([]page.Choice, len(roles))
	for i, r := range roles {
		out[i] = page.Choice{Value: string(r), Text: t.T("role." + string(r))}
	}
	return out
}

// roleForm is the filled-in form with which somebody is given roles.
type roleForm struct {
	roles  []account.Role
	centre string // its number; or a processor, as page.ProcessorOptions writes it
}

func readRoles(form url.Values) roleForm {
	f := roleForm{centre: form.Get("centrum")}
	for _, r := range form["rol"] {
		if r != "" && !slices.Contains(f.roles, account.Role(r)) {
			f.roles = append(f.roles, account.Role(r))
		}
	}
	return f
}

// choice offers the roles that the visitor may give, and the centres if there is a
// choice.
func (h *Handlers) choice(v *page.Visit, f roleForm) (templates.RoleChoice, error) {
	var c templates.RoleChoice
	for _, r := range v.Actor.Gives() {
		c.Roles = append(c.Roles, ui.Checkbox{
			Value: string(r), Text: v.T.T("role." + string(r)), Hint: v.T.T("role.hint." + string(r)), Checked: slices.Contains(f.roles, r),
		})
	}
	if !v.Actor.PeopleScope().All() {
		return c, nil
	}
	options, err := v.CentreOptions(f.centre)
	if err != nil {
		return c, err
	}
	options[0].Text = v.T.T("users.no_centre")
	processors, err := page.ProcessorOptions(v, h.o.Store, f.centre)
	c.Centres = slices.Concat(options, processors)
	return c, err
}

// organisation is where somebody has their roles: a centre, a processor, or neither.
type organisation struct {
	centre    *account.Centre
	processor *account.Processor
}

// resolve turns what was chosen into roles and an organisation, and says what is wrong with
// them. Somebody who manages one centre gives roles in that centre only.
func (h *Handlers) resolve(v *page.Visit, f roleForm) (at organisation, faults []templates.FieldError, err error) {
	for _, r := range f.roles {
		if !slices.Contains(v.Actor.Gives(), r) {
			return at, nil, apperr.New(apperr.Forbidden, "role_above")
		}
	}
	switch {
	case !v.Actor.PeopleScope().All():
		at.centre = v.Actor.Centre
	case f.centre != "":
		if at.processor, err = page.ChosenProcessor(v, h.o.Store, f.centre); err != nil {
			return at, nil, err
		}
		centres, err := h.o.Store.Centres(v.Context())
		if err != nil {
			return at, nil, err
		}
		i := slices.IndexFunc(centres, func(c account.Centre) bool { return c.Number == f.centre })
		switch {
		case i >= 0:
			at.centre = &centres[i]
		case at.processor == nil:
			return at, []templates.FieldError{{Field: "centrum", Message: v.T.T("users.error.centre_needed")}}, nil
		}
	}
	if code := account.CheckRoles(f.roles, at.centre, at.processor); code != "" {
		field := "centrum"
		if code == account.RolesMissing || code == account.RolesMixed || code == account.RolesSeparate {
			field = "rol"
		}
		faults = append(faults, templates.FieldError{Field: field, Message: v.T.T("users.error." + code)})
	}
	return at, faults, nil
}

// InviteForm is GET /gebruikers/nieuw.
func (h *Handlers) InviteForm(v *page.Visit) error {
	return h.showInvitation(v, http.StatusOK, templates.Invitation{}, roleForm{})
}

func (h *Handlers) showInvitation(v *page.Visit, status int, props templates.Invitation, f roleForm) error {
	var err error
	if props.Choice, err = h.choice(v, f); err != nil {
		return err
	}
	props.Page = v.Page(v.Home(), usersCrumb(v))
	return v.Render(status, templates.InvitationPage(props))
}

func usersCrumb(v *page.Visit) templates.Crumb {
	return templates.Crumb{Text: v.T.T("users.title"), Href: usersPath}
}

// Invite is POST /gebruikers/nieuw with email, naam, rol, centrum and reden. It answers
// with the link, which no other page shows.
func (h *Handlers) Invite(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	t, f := v.T, readRoles(form)
	props := templates.Invitation{
		Email: strings.ToLower(strings.TrimSpace(form.Get("email"))), Name: strings.TrimSpace(form.Get("naam")),
		Why: strings.TrimSpace(form.Get("reden")),
	}
	at, faults, err := h.resolve(v, f)
	if apperr.KindOf(err) == apperr.Forbidden {
		return errors.Join(h.recordRefused(v, apperr.CodeOf(err)), err)
	} else if err != nil {
		return err
	}
	faults = slices.Concat(checkPerson(t, props.Email, props.Name), faults, page.CheckReason(t, "reden", props.Why))
	if len(faults) > 0 {
		props.Errors = faults
		return h.showInvitation(v, http.StatusUnprocessableEntity, props, f)
	}
	token, hash := account.NewToken()
	u, err := h.o.Store.Invite(v.Context(), v.Who, account.User{
		Email: props.Email, Name: props.Name, Roles: f.roles, Centre: at.centre, Processor: at.processor,
	}, hash, props.Why)
	if apperr.KindOf(err) == apperr.Conflict {
		// A local administrator may read this of an account of another hospital too. That
		// an address has an account is no secret to who may invite.
		props.Errors = []templates.FieldError{{Field: "email", Message: t.T("users.error.user_exists")}}
		return h.showInvitation(v, http.StatusConflict, props, f)
	} else if err != nil {
		return err
	}
	return h.showLink(v, u, account.InviteLink, token)
}

// checkPerson says what is wrong with an address and a name.
func checkPerson(t *text.Catalogue, email, name string) []templates.FieldError {
	var faults []templates.FieldError
	if !page.IsEmail(email) {
		faults = append(faults, templates.FieldError{Field: "email", Message: t.T("users.error.email")})
	}
	switch {
	case name == "":
		faults = append(faults, templates.FieldError{Field: "naam", Message: t.T("users.error.name")})
	case utf8.RuneCountInString(name) > maxName:
		faults = append(faults, templates.FieldError{Field: "naam", Message: t.T("users.error.name_long")})
	}
	return faults
}

// showLink hands over a new one-time link: by mail, or on the page if there is none. This
// is the one place where a link leaves Sluis. What is mailed is never shown, so that the
// one who made it cannot use it.
func (h *Handlers) showLink(v *page.Visit, u account.User, purpose account.Purpose, token string) error {
	if h.o.Mail != nil {
		kind := mail.Reset
		if purpose == account.InviteLink {
			kind = mail.Invitation
		}
		err := h.o.Mail.Put(v.Context(), mail.Message{
			Kind: kind, To: u.Email, Language: v.T.Lang(),
			Values: map[string]string{"link": h.linkURL(v.R, token), "ends": v.T.Moment(h.o.Now().Add(account.LinkLife))},
		})
		if err != nil {
			return err
		}
		if err := v.Flash(v.T.T("link.mailed", "email", u.Email), true); err != nil {
			return err
		}
		return v.Redirect(userPath(u.PublicID))
	}
	props := templates.OneTimeLink{
		Page: v.Page(v.Home(), usersCrumb(v)), Email: u.Email, Purpose: string(purpose), Link: h.linkURL(v.R, token),
		Ends: v.T.Moment(h.o.Now().Add(account.LinkLife)), Back: userPath(u.PublicID),
	}
	return v.Render(http.StatusOK, templates.OneTimeLinkPage(props))
}
