package accounts

import (
	"net/http"
	"strconv"
	"time"

	"sluis/internal/account"
	"sluis/internal/mail"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// ViewOwn is GET /account.
func (h *Handlers) ViewOwn(v *page.Visit) error { return h.showOwn(v, http.StatusOK) }

func (h *Handlers) showOwn(v *page.Visit, status int, faults ...templates.FieldError) error {
	t := v.T
	me, err := h.o.Store.UserByID(v.Context(), v.Actor.UserID)
	if err != nil {
		return err
	}
	props := templates.OwnAccount{
		Page: v.Page(v.Home()), Email: me.Email, Name: me.Name, Roles: page.RoleWords(t, me.Roles), Errors: faults,
	}
	props.Centre = page.OrganisationName(me.Centre, me.Processor)
	if props.Provider, err = h.providerName(v, me); err != nil {
		return err
	}
	if props.Factors, err = h.o.Factors.Own(v); err != nil {
		return err
	}
	current, err := h.o.Access.Current(v)
	if err != nil {
		return err
	}
	sessions, err := h.o.Store.SessionsOf(v.Context(), me.ID)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		own := templates.OwnSession{
			Started: t.Moment(s.CreatedAt), Seen: t.Moment(s.LastSeenAt), Address: s.Address, Browser: s.Browser,
			Current: s.TokenHash == current.TokenHash,
		}
		if own.Browser == "" {
			own.Browser = t.T("account.sessions.unknown")
		}
		if s.PublicID != "" {
			own.EndAction = ownPath + "/sessies/" + s.PublicID + "/beeindigen"
		}
		props.Sessions = append(props.Sessions, own)
	}
	return v.Render(status, templates.OwnAccountPage(props))
}

// ChangePassword is POST /account/wachtwoord with huidig and nieuw. It ends every session
// of the account, this one too.
func (h *Handlers) ChangePassword(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	ok, wait, err := h.o.Access.CheckOwn(v, form.Get("huidig"))
	switch {
	case err != nil:
		return err
	case wait > 0:
		v.W.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		return h.showOwn(v, http.StatusTooManyRequests, templates.FieldError{
			Field: "huidig", Message: v.T.T("account.error.too_many", "wait", v.T.Duration(max(wait, time.Second))),
		})
	case !ok:
		return h.showOwn(v, http.StatusUnprocessableEntity, templates.FieldError{Field: "huidig", Message: v.T.T("account.error.old")})
	}
	if form.Get("nieuw") == form.Get("huidig") {
		return h.showOwn(v, http.StatusUnprocessableEntity, templates.FieldError{Field: "nieuw", Message: v.T.T("account.error.same")})
	}
	hash, err := account.HashPassword(v.Context(), form.Get("nieuw"), about(v.Actor.Name, v.Actor.Centre)...)
	faults, err := passwordFault(v.T, "nieuw", err)
	switch {
	case err != nil:
		return err
	case len(faults) > 0:
		return h.showOwn(v, http.StatusUnprocessableEntity, faults...)
	}
	if err := h.o.Store.SetOwnPassword(v.Context(), v.Who, hash); err != nil {
		return err
	}
	h.o.Access.Tell(v, v.Actor.Name, mail.PasswordChanged)
	return v.Redirect(signIn)
}

// EndSession is POST /account/sessies/{id}/beeindigen. Somebody else's session is not
// found.
func (h *Handlers) EndSession(v *page.Visit) error {
	if err := h.o.Store.EndSession(v.Context(), v.Who, v.ID()); err != nil {
		return err
	}
	current, err := h.o.Access.Current(v)
	if err != nil {
		return err
	}
	if current.PublicID == v.ID() {
		return v.Redirect("/inloggen")
	}
	if err := v.Flash(v.T.T("account.sessions.ended"), true); err != nil {
		return err
	}
	return v.Redirect(ownPath)
}
