package accounts

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/mail"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/text"
)

// View is GET /gebruikers/{id}.
func (h *Handlers) View(v *page.Visit) error { return h.show(v, http.StatusOK, nil, "", nil) }

// show shows an account. After a form with faults it shows what was chosen and typed in
// that form; reason is the name of its input.
func (h *Handlers) show(v *page.Visit, status int, chosen *roleForm, reason string, faults []templates.FieldError) error {
	p, err := h.o.Store.Person(v.Context(), v.Who, v.Actor.PeopleScope(), v.ID())
	if err != nil {
		return err
	}
	t := v.T
	props := templates.Account{
		Page: v.Page(v.Home(), usersCrumb(v)), Email: p.Email, Name: p.Name, Roles: page.RoleWords(t, p.Roles), State: string(p.State()),
		Created: t.Moment(p.CreatedAt), SignIn: page.MomentOrNone(t, p.LastSignInAt), Sessions: p.Sessions,
		LinkEnds: page.MomentOrNone(t, p.LinkExpiresAt), Factors: factorWords(t, p.Factors), HasFactors: p.Factors.Any(),
		Path: userPath(p.PublicID), Errors: faults,
	}
	f := roleForm{roles: p.Roles}
	if props.Provider, err = h.providerName(v, p.User); err != nil {
		return err
	}
	props.Centre = page.OrganisationName(p.Centre, p.Processor)
	switch {
	case p.Centre != nil:
		f.centre = p.Centre.Number
	case p.Processor != nil:
		f.centre = page.ProcessorValue(*p.Processor)
	}
	if chosen != nil {
		f = *chosen
	}
	if reason != "" {
		props.Why = map[string]string{reason: v.R.PostForm.Get(reason)}
	}
	if p.State() == account.Blocked {
		props.LinkEnds = ""
	}
	switch {
	case p.ID == v.Actor.UserID:
		props.Remark = t.T("user.own")
	case !v.Actor.MayChange(p.User):
		props.Remark = t.T("user.above")
	}
	if props.Choice, err = h.choice(v, f); err != nil {
		return err
	}
	for _, c := range p.Changes {
		props.Changes = append(props.Changes, templates.AccountChange{
			When: t.Moment(c.At), By: c.By, What: changeWord(t, c.Code), Reason: c.Reason,
			Was: rightsWords(t, c.Was), Now: rightsWords(t, c.Became),
		})
	}
	return v.Render(status, templates.UserPage(props))
}

func changeWord(t *text.Catalogue, code string) string {
	if key := "audit.code." + code; t.Has(key) {
		return t.T(key)
	}
	return code
}

// rightsWords puts roles and centre, such as "clinician,uploader 2809", into words.
func rightsWords(t *text.Catalogue, rights string) string {
	if rights == "" {
		return ""
	}
	names, centre, _ := strings.Cut(rights, " ")
	var roles []account.Role
	for name := range strings.SplitSeq(names, ",") {
		if name != "" {
			roles = append(roles, account.Role(name))
		}
	}
	return strings.TrimSpace(page.RoleWords(t, roles) + " " + centre)
}

// The refusals of a change. They are found while the account is locked, so that what the
// page showed cannot be out of date.
var (
	errOwn   = apperr.New(apperr.Forbidden, "own_account")
	errAbove = apperr.New(apperr.Forbidden, "account_above")
	errState = apperr.New(apperr.Conflict, "user_state")
	// errLinked: the roles of the account come from the provider at which its owner signs in.
	errLinked = apperr.New(apperr.Conflict, "user_linked")
)

// allowed refuses a change of an account that the visitor may see but not change.
func allowed(a account.Actor, u account.User) error {
	switch {
	case u.ID == a.UserID:
		return errOwn
	case !a.MayChange(u):
		return errAbove
	}
	return nil
}

// errFaults ends a change for a form that has faults.
var errFaults = errors.New("accounts: the form has faults")

// guard returns the check that comes before a change: first whether the visitor may do
// this at all, then whether the form is in order. A foreign account is not found whatever
// is in the form.
func guard(v *page.Visit, refusal error, faults []templates.FieldError) func(u account.User) error {
	return func(u account.User) error {
		switch err := allowed(v.Actor, u); {
		case err != nil:
			return err
		case refusal != nil:
			return refusal
		case len(faults) > 0:
			return errFaults
		}
		return nil
	}
}

// act is a change of the account of the address.
type act struct {
	code    string
	reason  string    // the input with the reason
	chosen  *roleForm // nil if no roles are given
	refusal error     // the visitor may not do this; nil if they may
	faults  []templates.FieldError
	do      func(u *account.User) error
}

func (h *Handlers) change(v *page.Visit, a act) error {
	reason := strings.TrimSpace(v.R.PostForm.Get(a.reason))
	faults := slices.Concat(a.faults, page.CheckReason(v.T, a.reason, reason))
	check := guard(v, a.refusal, faults)
	err := h.o.Store.ChangePerson(v.Context(), v.Who, v.Actor.PeopleScope(), v.ID(), account.Act{Code: a.code, Reason: reason},
		func(u *account.User) error {
			if err := check(*u); err != nil {
				return err
			}
			return a.do(u)
		})
	if errors.Is(err, errFaults) {
		return h.show(v, http.StatusUnprocessableEntity, a.chosen, a.reason, faults)
	}
	return h.changed(v, err, "user.flash."+a.code)
}

// changed leads back to the account, with what was done or what came between.
func (h *Handlers) changed(v *page.Visit, err error, done string) error {
	switch {
	case apperr.KindOf(err) == apperr.Conflict:
		if err := v.FlashConflict(err); err != nil {
			return err
		}
		return v.Redirect(userPath(v.ID()))
	case apperr.KindOf(err) == apperr.Forbidden:
		return errors.Join(h.recordRefused(v, apperr.CodeOf(err)), err)
	case err != nil:
		return err
	}
	if err := v.Flash(v.T.T(done), true); err != nil {
		return err
	}
	return v.Redirect(userPath(v.ID()))
}

// recordRefused writes to the access log that somebody tried what they may not.
func (h *Handlers) recordRefused(v *page.Visit, code string) error {
	return h.o.Audit.Record(v.Context(), audit.Event{
		At: h.o.Now(), Type: audit.AccessDenied, Action: audit.Update, Result: audit.MinorFailure, Who: v.Who,
		ObjectType: "user", ObjectID: v.ID(), Code: code,
	})
}

// SetRoles is POST /gebruikers/{id}/rollen with rol, centrum and reden-rollen.
func (h *Handlers) SetRoles(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	f := readRoles(form)
	at, faults, err := h.resolve(v, f)
	if err != nil && apperr.KindOf(err) != apperr.Forbidden {
		return err
	}
	give := func(u *account.User) error {
		if u.ProviderID != 0 {
			return errLinked
		}
		u.Roles, u.Centre, u.Processor = f.roles, at.centre, at.processor
		return nil
	}
	return h.change(v, act{code: "roles", reason: "reden-rollen", chosen: &f, refusal: err, faults: faults, do: give})
}

// factorWords says what an account has besides its password.
func factorWords(t *text.Catalogue, f account.Factors) string {
	var words []string
	if n := len(f.Passkeys); n > 0 {
		words = append(words, t.N("user.factors.passkeys", n))
	}
	if f.TOTP != nil {
		words = append(words, t.T("user.factors.app"))
	}
	if len(words) == 0 {
		return t.T("user.factors.none")
	}
	return strings.Join(words, ", ")
}

// ResetFactors is POST /gebruikers/{id}/factoren with reden-factoren: for somebody who lost
// their device.
func (h *Handlers) ResetFactors(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(form.Get("reden-factoren"))
	faults := page.CheckReason(v.T, "reden-factoren", reason)
	var email string
	check := guard(v, nil, faults)
	err = h.o.Store.ResetFactors(v.Context(), v.Who, v.Actor.PeopleScope(), v.ID(), reason, func(u account.User) error {
		email = u.Email
		return check(u)
	})
	if errors.Is(err, errFaults) {
		return h.show(v, http.StatusUnprocessableEntity, nil, "reden-factoren", faults)
	}
	if err == nil {
		h.o.Access.Tell(v, email, mail.FactorChanged)
	}
	return h.changed(v, err, "user.flash.factors_reset")
}

// Block is POST /gebruikers/{id}/blokkeren with reden-blokkeren.
func (h *Handlers) Block(v *page.Visit) error {
	if _, err := v.Form(); err != nil {
		return err
	}
	return h.change(v, act{code: "disabled", reason: "reden-blokkeren", do: func(u *account.User) error {
		if u.State() == account.Blocked {
			return errState
		}
		u.DisabledAt = h.o.Now()
		return nil
	}})
}

// Unblock is POST /gebruikers/{id}/deblokkeren with reden-deblokkeren.
func (h *Handlers) Unblock(v *page.Visit) error {
	if _, err := v.Form(); err != nil {
		return err
	}
	return h.change(v, act{code: "enabled", reason: "reden-deblokkeren", do: func(u *account.User) error {
		if u.State() != account.Blocked {
			return errState
		}
		u.DisabledAt = time.Time{}
		return nil
	}})
}

// providerName returns the name of the provider at which a user signs in; "" for one with
// a password.
func (h *Handlers) providerName(v *page.Visit, u account.User) (string, error) {
	if u.ProviderID == 0 {
		return "", nil
	}
	p, err := h.o.Store.ProviderOf(v.Context(), u.ProviderID)
	return p.Name, err
}

// Unlink is POST /gebruikers/{id}/ontkoppelen with reden-ontkoppelen: the account no longer
// belongs to somebody who signs in at a provider. It needs a new one-time link.
func (h *Handlers) Unlink(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(form.Get("reden-ontkoppelen"))
	faults := page.CheckReason(v.T, "reden-ontkoppelen", reason)
	err = h.o.Store.Unlink(v.Context(), v.Who, v.Actor.PeopleScope(), v.ID(), reason, guard(v, nil, faults))
	if errors.Is(err, errFaults) {
		return h.show(v, http.StatusUnprocessableEntity, nil, "reden-ontkoppelen", faults)
	}
	return h.changed(v, err, "user.flash.provider_unlinked")
}

// MakeLink is POST /gebruikers/{id}/link with reden-link. It answers with the link, which
// no other page shows.
func (h *Handlers) MakeLink(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(form.Get("reden-link"))
	faults := page.CheckReason(v.T, "reden-link", reason)
	token, hash := account.NewToken()
	u, err := h.o.Store.MakeLink(v.Context(), v.Who, v.Actor.PeopleScope(), v.ID(), hash, reason, guard(v, nil, faults))
	switch {
	case errors.Is(err, errFaults):
		return h.show(v, http.StatusUnprocessableEntity, nil, "reden-link", faults)
	case err != nil:
		return h.changed(v, err, "")
	}
	purpose := account.ResetLink
	if u.State() == account.Invited {
		purpose = account.InviteLink
	}
	return h.showLink(v, u, purpose, token)
}
