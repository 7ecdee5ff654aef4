package accounts

import (
	"errors"
	"net/http"
	"strings"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/mail"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/text"
)

// token is the token in the address of a one-time link.
func token(v *page.Visit) [32]byte { return account.HashToken(v.R.PathValue("token")) }

// FollowLink is GET /uitnodiging/{token}. It uses up nothing: programs that scan mail
// follow links too.
func (h *Handlers) FollowLink(v *page.Visit) error {
	link, err := h.o.Store.LinkByHash(v.Context(), token(v))
	if err != nil {
		return h.linkGone(v, err)
	}
	return h.askPassword(v, http.StatusOK, link, templates.SetPassword{})
}

// linkGone says the same of a link that was used, has ended or never was.
func (h *Handlers) linkGone(v *page.Visit, err error) error {
	if apperr.KindOf(err) != apperr.NotFound {
		return err
	}
	// Whoever tries links must be seen. The first of a series is in the access log.
	if err := h.o.Access.Refused(v.R, "link_unknown"); err != nil {
		return err
	}
	return v.Render(http.StatusNotFound, templates.LinkGonePage(v.Page()))
}

func (h *Handlers) askPassword(v *page.Visit, status int, link account.Link, props templates.SetPassword) error {
	props.Page, props.Purpose = v.Page(), string(link.Purpose)
	props.Action = linkPath + "/" + v.R.PathValue("token")
	props.Return = page.LocalPath(props.Action)
	if link.Purpose != account.FirstLink {
		props.Email = link.User.Email
		props.Providers = h.providersOf(v, link.User)
	}
	return v.Render(status, templates.SetPasswordPage(props))
}

// providersOf returns the providers at which the owner of a link can sign in in place of
// setting a password. If they cannot be read, a password can be set.
func (h *Handlers) providersOf(v *page.Visit, u account.User) []templates.ProviderButton {
	providers, err := h.o.Store.EnabledProviders(v.Context())
	if err != nil {
		v.LogFailure(err)
	}
	var buttons []templates.ProviderButton
	for _, p := range providers {
		if p.SameCentre(u) {
			href := linkPath + "/" + v.R.PathValue("token") + "/via/" + p.PublicID
			buttons = append(buttons, templates.ProviderButton{Name: p.Name, Href: page.LocalPath(href)})
		}
	}
	return buttons
}

// SetPassword is POST /uitnodiging/{token} with wachtwoord and, for the first
// administrator, email and naam. The link is used up with it.
func (h *Handlers) SetPassword(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	hash := token(v)
	link, err := h.o.Store.LinkByHash(v.Context(), hash)
	if err != nil {
		return h.linkGone(v, err)
	}
	var props templates.SetPassword
	email, name := link.User.Email, link.User.Name
	if link.Purpose == account.FirstLink {
		email, name = strings.ToLower(strings.TrimSpace(form.Get("email"))), strings.TrimSpace(form.Get("naam"))
		props.Email, props.Name, props.Errors = email, name, checkPerson(v.T, email, name)
	}
	passwordHash, err := account.HashPassword(v.Context(), form.Get("wachtwoord"), append(about(email, link.User.Centre), name)...)
	fault, err := passwordFault(v.T, "wachtwoord", err)
	if err != nil {
		return err
	}
	if props.Errors = append(props.Errors, fault...); len(props.Errors) > 0 {
		return h.askPassword(v, http.StatusUnprocessableEntity, link, props)
	}
	if link.Purpose == account.FirstLink {
		err = h.o.Store.UseFirstLink(v.Context(), v.Who, hash, account.User{Email: email, Name: name, PasswordHash: passwordHash})
	} else {
		err = h.o.Store.UseLink(v.Context(), v.Who, hash, passwordHash)
	}
	if err != nil {
		return h.linkGone(v, err)
	}
	if link.Purpose == account.ResetLink {
		h.o.Access.Tell(v, email, mail.PasswordChanged)
	}
	return v.Redirect(signIn)
}

// about returns what others know of a person, and would try as a password first.
func about(email string, centre *account.Centre) []string {
	if centre == nil {
		return []string{email}
	}
	return []string{email, centre.Name, centre.Number}
}

// passwordFault puts the refusal of a new password into words; an error of another kind
// it returns.
func passwordFault(t *text.Catalogue, field string, err error) ([]templates.FieldError, error) {
	key := ""
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(err, account.ErrPasswordTooShort):
		key = "password.error.too_short"
	case errors.Is(err, account.ErrPasswordTooLong):
		key = "password.error.too_long"
	case errors.Is(err, account.ErrPasswordCommon):
		key = "password.error.common"
	case errors.Is(err, account.ErrPasswordContext):
		key = "password.error.context"
	default:
		return nil, err
	}
	message := t.T(key, "min", account.MinPasswordLength, "max", account.MaxPasswordLength)
	return []templates.FieldError{{Field: field, Message: message}}, nil
}
