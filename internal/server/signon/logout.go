package signon

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/oidc"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// SignedOut answers a visitor whose session began at a provider and has just ended here:
// it goes on to the provider, where it ends too. A redirect would not do, because the
// page's policy lets a form lead to Sluis only.
func (h *Handlers) SignedOut(v *page.Visit, providerID int64) error {
	ctx, cancel := context.WithTimeout(v.Context(), callTime)
	defer cancel()
	p, err := h.o.Store.ProviderOf(ctx, providerID)
	if err != nil {
		v.LogFailure(err) // they are signed out here
		return v.Redirect(signInPath)
	}
	to, err := h.o.Client.SignOutURL(ctx, h.settings(v, p), h.absolute(v, signInPath))
	if err != nil {
		v.LogFailure(apperr.Wrap(apperr.Unavailable, prefix+oidc.CodeOf(err), errors.New("sign-out at provider "+p.PublicID)))
	}
	if to == "" {
		return v.Redirect(signInPath)
	}
	v.W.Header().Set("Refresh", "0; url="+to)
	v.SignedOut()
	props := templates.SignedOut{Page: v.Page(), Name: p.Name, Href: to}
	props.Return = signInPath
	return v.Render(http.StatusOK, templates.SignedOutPage(props))
}

// Logout is POST /inloggen/via/{id}/afmelden with logout_token: a provider says that
// somebody signed out there. It answers with the statuses of OpenID Connect Back-Channel
// Logout 1.0.
func (h *Handlers) Logout(v *page.Visit) error {
	p, err := h.enabled(v)
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	if len(form["logout_token"]) != 1 {
		return h.refuseLogout(v, p, flowOdd)
	}
	ctx, cancel := context.WithTimeout(v.Context(), callTime)
	defer cancel()
	l, err := h.o.Client.ReadLogout(ctx, h.settings(v, p), form.Get("logout_token"))
	if err != nil {
		return h.refuseLogout(v, p, prefix+oidc.CodeOf(err))
	}
	ends := account.ProviderLogout{
		Token: sha256.Sum256([]byte(l.Issuer + "\x00" + l.ID)), Session: account.SessionKey(l.Issuer, l.Session), Expires: l.Expires,
	}
	if l.Subject != "" {
		ends.Person = account.PersonKey(l.Issuer, l.Subject)
	}
	_, err = h.o.Store.EndProviderSessions(v.Context(), v.Who, p, ends)
	switch {
	case apperr.KindOf(err) == apperr.Conflict:
		return h.refuseLogout(v, p, apperr.CodeOf(err))
	case err != nil:
		return err
	}
	v.W.WriteHeader(http.StatusOK)
	return nil
}

// refuseLogout answers a logout token that is none.
func (h *Handlers) refuseLogout(v *page.Visit, p account.Provider, code string) error {
	v.LogFailure(apperr.Wrap(apperr.Invalid, code, errors.New("logout token of provider "+p.PublicID)))
	err := h.o.Access.RefusedAt(v.R, audit.Event{
		At: h.o.Now(), Type: audit.SignOut, Action: audit.Execute, Result: audit.MinorFailure, Who: v.Who, ObjectType: "provider",
		ObjectID: p.PublicID, Code: code,
	})
	if err != nil {
		return err
	}
	v.W.Header().Set("Content-Type", "application/json")
	v.W.WriteHeader(http.StatusBadRequest)
	_, _ = v.W.Write([]byte(`{"error":"invalid_request"}`)) // an error here means that the client went away
	return nil
}
