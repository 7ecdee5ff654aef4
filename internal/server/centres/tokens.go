package centres

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/templates/ui"
	"sluis/web/text"
)

const tokensPath = "/tokens"

// lives are the choices for how long a token lasts, in days.
var lives = []int{30, 90, 180, 365}

// soon is how long before its end a token is said to end soon.
const soon = 30 * 24 * time.Hour

// ListTokens is GET /tokens?centrum=&na=.
func (h *Handlers) ListTokens(v *page.Visit) error {
	t, now := v.T, h.o.Now()
	var chosen string
	var centres []templates.Option
	if v.Actor.PeopleScope().All() {
		var err error
		if chosen, centres, err = v.CentreFilter(); err != nil {
			return err
		}
	}
	query := account.TokenQuery{CentreNumber: chosen, After: v.Query().Get(page.CursorParam), Limit: page.Size}
	found, err := h.o.Store.TokensPage(v.Context(), v.Who, v.Actor.PeopleScope(), query)
	if err != nil {
		return v.CursorError(err)
	}
	props := templates.Tokens{Page: v.Page(v.Home()), Filtered: chosen != "", Centres: centres}
	for _, k := range found.Tokens {
		props.Rows = append(props.Rows, tokenRow(t, k, now))
	}
	if query.After != "" {
		props.FirstHref = page.Link(tokensPath, page.CentreParam, chosen)
	}
	if found.Next != "" {
		props.NextHref = page.Link(tokensPath, page.CentreParam, chosen, page.CursorParam, found.Next)
	}
	return v.Render(http.StatusOK, templates.TokensPage(props))
}

func tokenPath(k account.Token) string { return tokensPath + "/" + k.PublicID }

func tokenRow(t *text.Catalogue, k account.Token, now time.Time) templates.TokenRow {
	return templates.TokenRow{
		Href: tokenPath(k), Name: k.Name, Role: t.T("role." + string(k.Role)), Made: t.Moment(k.CreatedAt), By: k.CreatedBy,
		Ends: page.MomentOrNone(t, k.ExpiresAt), Used: page.MomentOrNone(t, k.LastUsedAt), State: string(k.State(now)),
		Centre: page.OrganisationName(k.Centre, k.Processor), Bound: len(k.Addresses) > 0 || k.Certificate != "",
		Soon: k.State(now) == account.Active && !k.ExpiresAt.IsZero() && k.ExpiresAt.Sub(now) < soon,
	}
}

// ViewToken is GET /tokens/{id}.
func (h *Handlers) ViewToken(v *page.Visit) error { return h.showToken(v, http.StatusOK, "", nil) }

func (h *Handlers) showToken(v *page.Visit, status int, why string, faults []templates.FieldError) error {
	k, err := h.o.Store.TokenIn(v.Context(), v.Who, v.Actor.PeopleScope(), v.ID())
	if err != nil {
		return err
	}
	props := templates.Token{
		Page: v.Page(v.Home(), templates.Crumb{Text: v.T.T("tokens.title"), Href: tokensPath}), Row: tokenRow(v.T, k, h.o.Now()),
		Addresses: account.JoinNetworks(k.Addresses), Certificate: k.Certificate, Why: why, Errors: faults,
		Revoked: page.MomentOrNone(v.T, k.RevokedAt),
	}
	if k.State(h.o.Now()) == account.Active {
		props.RevokeAction = tokenPath(k) + "/intrekken"
	}
	return v.Render(status, templates.TokenPage(props))
}

// tokenRoles are the roles that the visitor may give to a token.
func tokenRoles(a account.Actor) []account.Role {
	return slices.DeleteFunc(slices.Clone(a.Gives()), func(r account.Role) bool { return !account.TokenRole(r) })
}

// TokenForm is GET /tokens/nieuw.
func (h *Handlers) TokenForm(v *page.Visit) error {
	return h.showTokenForm(v, http.StatusOK, templates.TokenForm{}, "", 365)
}

func (h *Handlers) showTokenForm(v *page.Visit, status int, form templates.TokenForm, centre string, life int) error {
	t := v.T
	form.Page = v.Page(v.Home(), templates.Crumb{Text: t.T("tokens.title"), Href: tokensPath})
	form.AskCertificate = h.o.Certificates
	for _, r := range tokenRoles(v.Actor) {
		form.Roles = append(form.Roles, ui.Radio{Value: string(r), Text: t.T("role." + string(r)), Hint: t.T("tokens.hint." + string(r))})
	}
	for _, days := range lives {
		form.Lives = append(form.Lives, templates.Option{Value: strconv.Itoa(days), Text: t.N("tokens.days", days), Selected: days == life})
	}
	if v.Actor.PeopleScope().All() {
		options, err := v.CentreOptions(centre)
		if err != nil {
			return err
		}
		options[0].Text = t.T("users.no_centre")
		processors, err := page.ProcessorOptions(v, h.o.Store, centre)
		if err != nil {
			return err
		}
		form.Centres = slices.Concat(options, processors)
	}
	return v.Render(status, templates.TokenFormPage(form))
}

// AddToken is POST /tokens/nieuw with naam, rol, centrum, geldig, adressen, vingerafdruk and
// reden. It answers with the token, which no other page shows.
func (h *Handlers) AddToken(v *page.Visit) error {
	posted, err := v.Form()
	if err != nil {
		return err
	}
	t := v.T
	form := templates.TokenForm{
		Name: strings.TrimSpace(posted.Get("naam")), Role: posted.Get("rol"), Addresses: strings.TrimSpace(posted.Get("adressen")),
		Certificate: strings.TrimSpace(posted.Get("vingerafdruk")), Why: strings.TrimSpace(posted.Get("reden")),
	}
	k := account.Token{Name: form.Name, Role: account.Role(form.Role), Centre: v.Actor.Centre}
	fault := func(field, key string) {
		form.Errors = append(form.Errors, templates.FieldError{Field: field, Message: t.T(key)})
	}
	if n := utf8.RuneCountInString(k.Name); n == 0 || n > maxName {
		fault("naam", "tokens.error.name")
	}
	number := posted.Get("centrum")
	if v.Actor.PeopleScope().All() && number != "" {
		c, err := h.o.Store.CentreByNumber(v.Context(), number)
		if err != nil && apperr.KindOf(err) != apperr.NotFound {
			return err
		} else if err == nil {
			k.Centre = &c
		}
		if k.Processor, err = page.ChosenProcessor(v, h.o.Store, number); err != nil {
			return err
		}
	}
	if !slices.Contains(tokenRoles(v.Actor), k.Role) {
		fault("rol", "tokens.error.role")
	} else if code := account.CheckRoles([]account.Role{k.Role}, k.Centre, k.Processor); code != "" {
		fault("centrum", "users.error."+code)
	}
	life, err := strconv.Atoi(posted.Get("geldig"))
	if err != nil || !slices.Contains(lives, life) {
		fault("geldig", "tokens.error.life")
	}
	var ok bool
	if k.Addresses, ok = account.ParseNetworks(form.Addresses); !ok {
		fault("adressen", "tokens.error.addresses")
	}
	if k.Certificate, ok = account.ParseThumbprint(form.Certificate); !ok || k.Certificate != "" && !h.o.Certificates {
		fault("vingerafdruk", "tokens.error.certificate")
	}
	form.Errors = append(form.Errors, page.CheckReason(t, "reden", form.Why)...)
	if len(form.Errors) > 0 {
		return h.showTokenForm(v, http.StatusUnprocessableEntity, form, number, life)
	}
	k.ExpiresAt = h.o.Now().AddDate(0, 0, life)
	token, hash := account.NewToken()
	if _, err := h.o.Store.AddTokenFor(v.Context(), v.Who, k, hash, form.Why); err != nil {
		return err
	}
	return v.Render(http.StatusOK, templates.TokenMadePage(templates.TokenMade{
		Page: v.Page(v.Home(), templates.Crumb{Text: t.T("tokens.title"), Href: tokensPath}), Name: k.Name, Token: token,
		Ends: t.Moment(k.ExpiresAt), Back: tokensPath,
	}))
}

// RevokeToken is POST /tokens/{id}/intrekken with reden.
func (h *Handlers) RevokeToken(v *page.Visit) error {
	posted, err := v.Form()
	if err != nil {
		return err
	}
	why := strings.TrimSpace(posted.Get("reden"))
	if faults := page.CheckReason(v.T, "reden", why); len(faults) > 0 {
		return h.showToken(v, http.StatusUnprocessableEntity, why, faults)
	}
	err = h.o.Store.RevokeTokenIn(v.Context(), v.Who, v.Actor.PeopleScope(), v.ID(), why)
	switch {
	case apperr.KindOf(err) == apperr.Conflict:
		err = v.FlashConflict(err)
	case err == nil:
		err = v.Flash(v.T.T("tokens.revoked"), true)
	}
	if err != nil {
		return err
	}
	return v.Redirect(tokensPath)
}
