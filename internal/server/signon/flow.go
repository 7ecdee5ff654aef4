package signon

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/oidc"
	"sluis/internal/server/access"
	"sluis/internal/server/page"
	"sluis/internal/server/request"
	"sluis/web/templates"
)

// callTime is how long one request may wait for a provider, all calls together.
const callTime = 20 * time.Second

// The codes of answers of a browser that were refused before the provider was asked.
const (
	flowUnknown = "sign_on_state"   // the sign-in was answered before, or took too long, or never was
	flowBrowser = "sign_on_browser" // another browser began it
	flowMixed   = "sign_on_mixed"   // another provider's answer
	flowOdd     = "sign_on_odd"     // an answer that is none
	flowIssuer  = "sign_on_issuer"  // the answer names another issuer, or none
	flowDenied  = "sign_on_denied"  // the person stopped, or the provider does not let them in
	flowFailed  = "sign_on_failed"  // the provider says that it failed
)

// Codes lists the codes of a refused sign-in, for the test that each has a text.
func Codes() []string {
	codes := []string{flowUnknown, flowBrowser, flowMixed, flowOdd, flowIssuer, flowDenied, flowFailed, "logout_used"}
	for _, code := range oidc.Codes {
		codes = append(codes, prefix+code)
	}
	return append(codes, account.PersonCodes...)
}

// prefix begins the code of a fault of a provider in the access log.
const prefix = "sign_on_"

// enabled returns the provider of the address. One that is switched off does not exist.
func (h *Handlers) enabled(v *page.Visit) (account.Provider, error) {
	p, err := h.o.Store.ProviderByID(v.Context(), v.ID())
	if err == nil && !p.Enabled {
		err = apperr.New(apperr.NotFound, "not_found")
	}
	return p, err
}

// Start is GET /inloggen/via/{id}?terug=: it sends the browser to the provider.
func (h *Handlers) Start(v *page.Visit) error {
	p, err := h.enabled(v)
	if err != nil {
		return err
	}
	return h.begin(v, p, page.ReturnPath(v.Query().Get("terug")), [32]byte{})
}

// FollowLink is GET /uitnodiging/{token}/via/{id}: whoever has a one-time link signs in at
// a provider, and the account of the link becomes theirs. The link is used up when they
// come back.
func (h *Handlers) FollowLink(v *page.Visit) error {
	hash := account.HashToken(v.R.PathValue("token"))
	link, err := h.o.Store.LinkByHash(v.Context(), hash)
	if err != nil {
		return err
	}
	p, err := h.enabled(v)
	if err != nil {
		return err
	}
	if link.Purpose == account.FirstLink || !p.SameCentre(link.User) {
		return apperr.New(apperr.NotFound, "not_found")
	}
	return h.begin(v, p, "/", hash)
}

// Find is POST /inloggen/via with via-email: it shows the provider of an e-mail address.
// The address is only looked at for what is behind its @.
func (h *Handlers) Find(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	props := templates.SignIn{
		Next: page.ReturnPath(form.Get("next")), FindEmail: strings.TrimSpace(form.Get("via-email")), FindProvider: true,
	}
	providers, err := h.o.Store.EnabledProviders(v.Context())
	if err != nil {
		return err
	}
	for _, p := range providers {
		if p.Has(props.FindEmail) {
			props.Providers = append(props.Providers, button(p, props.Next))
		}
	}
	if len(props.Providers) > 0 {
		return h.o.Access.Show(v, http.StatusOK, props)
	}
	props.Errors = []templates.FieldError{{Field: "via-email", Message: v.T.T("signin.provider_unknown")}}
	return h.o.Access.Show(v, http.StatusUnprocessableEntity, props)
}

// begin notes a sign-in that is under way and sends the browser to the provider.
func (h *Handlers) begin(v *page.Visit, p account.Provider, next string, link [32]byte) error {
	ctx, cancel := context.WithTimeout(v.Context(), callTime)
	defer cancel()
	flow := h.o.Client.NewFlow()
	to, err := h.o.Client.AuthURL(ctx, h.settings(v, p), flow)
	if err != nil {
		return h.refuse(v, p, next, account.User{}, prefix+oidc.CodeOf(err))
	}
	err = h.o.Store.BeginFlow(v.Context(), account.ProviderFlow{
		StateHash: sha256.Sum256([]byte(flow.State)), BrowserHash: h.markBrowser(v), AddressHash: h.o.Access.AddressKey(v.Who.Address),
		ProviderID: p.ID, Nonce: flow.Nonce, Verifier: flow.Verifier, Next: next, LinkHash: link,
	})
	if err != nil {
		return err
	}
	http.Redirect(v.W, v.R, to, http.StatusSeeOther) // an address of the provider's own document
	return nil
}

// browserMark is the form of the cookie that binds a sign-in to a browser.
var browserMark = regexp.MustCompile(`^[A-Z2-7]{52}$`)

func (h *Handlers) cookieName() string {
	if h.o.Secure {
		return "__Host-sluis-via"
	}
	return "sluis-via"
}

// markBrowser sets a mark in the browser, if it has none, and returns the hash of it. A
// browser with several sign-ins under way, in several tabs, has one mark. The cookie is
// Lax: the way back begins at the provider.
func (h *Handlers) markBrowser(v *page.Visit) [32]byte {
	mark := rand.Text() + rand.Text()
	if c, err := v.R.Cookie(h.cookieName()); err == nil && browserMark.MatchString(c.Value) {
		mark = c.Value
	}
	http.SetCookie(v.W, &http.Cookie{ //nolint:gosec // Secure as the session is: not on plain loopback
		Name: h.cookieName(), Value: mark, Path: "/", MaxAge: int(account.FlowLife / time.Second), Secure: h.o.Secure, HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
	return sha256.Sum256([]byte(mark))
}

// browser returns the hash of the browser's mark; of nothing if it has none.
func (h *Handlers) browser(r *http.Request) [32]byte {
	c, err := r.Cookie(h.cookieName())
	if err != nil {
		return [32]byte{}
	}
	return sha256.Sum256([]byte(c.Value))
}

// Back is GET /inloggen/via/{id}/terug, where the provider sends the browser back to.
func (h *Handlers) Back(v *page.Visit) error {
	p, err := h.enabled(v)
	if err != nil {
		return err
	}
	answer, ok := readAnswer(v.R.URL)
	if !ok {
		return h.refuse(v, p, "/", account.User{}, flowOdd)
	}
	flow, err := h.o.Store.TakeFlow(v.Context(), sha256.Sum256([]byte(answer.Get("state"))), h.browser(v.R))
	switch kind := apperr.KindOf(err); {
	case kind == apperr.NotFound, kind == apperr.Forbidden:
		return h.refuse(v, p, "/", account.User{}, apperr.CodeOf(err))
	case err != nil:
		return err
	case flow.ProviderID != p.ID:
		return h.refuse(v, p, flow.Next, account.User{}, flowMixed)
	}
	claims, code := h.redeem(v, p, flow, answer)
	if code != "" {
		return h.refuse(v, p, flow.Next, account.User{}, code)
	}
	return h.admit(v, p, flow, claims)
}

// readAnswer reads what a provider sent with the browser. Each parameter is there once at
// most: of two, another program might read the other.
func readAnswer(u *url.URL) (url.Values, bool) {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, false
	}
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(q[name]) > 1 {
			return nil, false
		}
	}
	return q, q.Get("state") != "" && (q.Get("code") != "") != (q.Get("error") != "")
}

// redeem sends the provider the code of its answer, and returns what it says of the
// person, or the code of what is wrong.
func (h *Handlers) redeem(v *page.Visit, p account.Provider, flow account.ProviderFlow, answer url.Values) (oidc.Claims, string) {
	ctx, cancel := context.WithTimeout(v.Context(), callTime)
	defer cancel()
	s := h.settings(v, p)
	err := h.o.Client.CheckResponse(ctx, s, answer.Get("iss"))
	switch {
	case oidc.CodeOf(err) == oidc.TokenIssuer && err != nil:
		return oidc.Claims{}, flowIssuer
	case err != nil:
		return oidc.Claims{}, prefix + oidc.CodeOf(err)
	}
	switch answer.Get("error") {
	case "":
	case "access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required":
		return oidc.Claims{}, flowDenied
	default:
		return oidc.Claims{}, flowFailed
	}
	claims, err := h.o.Client.Exchange(ctx, s, oidc.Flow{Nonce: flow.Nonce, Verifier: flow.Verifier, StartedAt: flow.CreatedAt},
		answer.Get("code"))
	if err != nil {
		return oidc.Claims{}, prefix + oidc.CodeOf(err)
	}
	return claims, ""
}

// maxPersonName is the longest name that is kept of a new account, in characters.
const maxPersonName = 200

// admit signs in the person that the provider vouches for.
func (h *Handlers) admit(v *page.Visit, p account.Provider, flow account.ProviderFlow, claims oidc.Claims) error {
	roles, wrong := p.RolesOf(claims.Values)
	person := account.ProviderPerson{
		Key: account.PersonKey(claims.Issuer, claims.Subject), Email: personEmail(p, claims), Name: claims.First("name"), Roles: roles,
		Refused: wrong, LinkHash: flow.LinkHash,
	}
	if utf8.RuneCountInString(person.Name) > maxPersonName || strings.ContainsFunc(person.Name, func(r rune) bool { return r < ' ' }) {
		person.Name = ""
	}
	user, err := h.o.Store.AdmitPerson(v.Context(), v.Who, p, person)
	switch {
	case apperr.KindOf(err) == apperr.Forbidden:
		return h.refuse(v, p, flow.Next, user, apperr.CodeOf(err))
	case err != nil:
		return err
	}
	ev := h.event(v, p, user)
	ev.Code = "provider"
	at := access.At{
		ProviderID: p.ID, Session: account.SessionKey(claims.Issuer, claims.Session),
		Strong: p.SecondFactor(claims.Values("amr"), claims.Values("acr")),
	}
	return h.o.Access.AdmitAt(v, user, at, ev, flow.Next)
}

// personEmail returns the address of a new account: the first claim with one that the
// provider can vouch for. An address that the provider says it has not verified is none.
func personEmail(p account.Provider, claims oidc.Claims) string {
	for _, name := range []string{"email", "preferred_username", "upn", "unique_name"} {
		email := strings.ToLower(claims.First(name))
		if page.IsEmail(email) && p.Has(email) && (name != "email" || !claims.Denies("email_verified")) {
			return email
		}
	}
	return ""
}

// event is the event of a sign-in at a provider.
func (h *Handlers) event(v *page.Visit, p account.Provider, user account.User) audit.Event {
	ev := audit.Event{
		At: h.o.Now(), Type: audit.SignIn, Action: audit.Execute, Who: v.Who, ObjectType: "provider", ObjectID: p.PublicID,
	}
	if user.ID != 0 {
		ev.Who = account.ActorOf(user).Who()
		ev.Address, ev.RequestID, ev.Via = v.Who.Address, v.Who.RequestID, v.Who.Via
	}
	return ev
}

// refuse shows the sign-in page with what went wrong, and writes it down: the code in both
// logs, and nothing that came from the provider.
func (h *Handlers) refuse(v *page.Visit, p account.Provider, next string, user account.User, code string) error {
	status, text := explain(code)
	ev := h.event(v, p, user)
	ev.Result, ev.Code = audit.MinorFailure, code
	err := apperr.Wrap(apperr.Unauthenticated, code, errors.New("sign-in at provider "+p.PublicID))
	if status >= http.StatusInternalServerError {
		ev.Result, err.Kind = audit.SeriousFailure, apperr.Unavailable
	}
	v.LogFailure(err)
	if err := h.o.Access.RefusedAt(v.R, ev); err != nil {
		return err
	}
	message := v.T.T("signon.error."+text, "name", p.Name, "reference", request.From(v.Context()).ID)
	return h.o.Access.Show(v, status, templates.SignIn{Next: next, Errors: []templates.FieldError{{Message: message}}})
}

// explain returns the status of a refused sign-in, and which words its person needs.
func explain(code string) (status int, text string) {
	switch code {
	case flowUnknown, flowBrowser, flowMixed, flowOdd, flowIssuer, prefix + oidc.CodeRefused, prefix + oidc.TokenOld:
		return http.StatusBadRequest, "again"
	case flowDenied:
		return http.StatusForbidden, "denied"
	case prefix + oidc.Unreachable, prefix + oidc.Slow, prefix + oidc.StatusOdd, flowFailed, prefix + oidc.ProviderFailed:
		return http.StatusServiceUnavailable, "unreachable"
	case account.PersonUnknown, account.PersonBlocked, account.PersonNoRole, account.PersonSeparate, account.PersonElsewhere,
		account.PersonTaken, account.PersonAddress, account.PersonExists, account.PersonLastAdmin, account.PersonLinkGone:
		return http.StatusForbidden, strings.TrimPrefix(code, prefix)
	}
	if strings.HasPrefix(code, prefix+"token_") {
		return http.StatusForbidden, "untrusted"
	}
	return http.StatusBadGateway, "setup"
}
