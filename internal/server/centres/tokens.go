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
)

const tokensPath = "/tokens"

// lives are the choices for how long a token lasts, in days.
var lives = []int{30, 90, 180, 365}

// soon is how long before its end a token is said to end soon.
const soon = 30 * 24 * time.Hour

// ListTokens is GET /tokens?centrum=.
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
	found, err := h.o.Store.TokensOf(v.Context(), v.Who, v.Actor.PeopleScope())
	if err != nil {
		return err
	}
	props := templates.Tokens{Page: v.Page(v.Home()), Filtered: chosen != "", Centres: centres}
	for _, k := range found {
		row := templates.TokenRow{
			Name: k.Name, Role: t.T("role." + string(k.Role)), Made: t.Moment(k.CreatedAt), By: k.CreatedBy,
			Ends: page.MomentOrNone(t, k.ExpiresAt), Used: page.MomentOrNone(t, k.LastUsedAt), State: string(k.State(now)),
		}
		row.Centre = page.OrganisationName(k.Centre, k.Processor)
		if chosen != "" && (k.Centre == nil || k.Centre.Number != chosen) {
			continue
		}
		if k.State(now) == account.Active {
			row.RevokeAction = tokensPath + "/" + k.PublicID + "/intrekken"
			row.Soon = !k.ExpiresAt.IsZero() && k.ExpiresAt.Sub(now) < soon
		}
		props.Rows = append(props.Rows, row)
	}
	return v.Render(http.StatusOK, templates.TokensPage(props))
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
		form.Centres = append(options, processors...)
	}
	return v.Render(status, templates.TokenFormPage(form))
}

// AddToken is POST /tokens/nieuw with naam, rol, centrum and geldig. It answers with the
// token, which no other page shows.
func (h *Handlers) AddToken(v *page.Visit) error {
	posted, err := v.Form()
	if err != nil {
		return err
	}
	t := v.T
	form := templates.TokenForm{Name: strings.TrimSpace(posted.Get("naam")), Role: posted.Get("rol")}
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
	if len(form.Errors) > 0 {
		return h.showTokenForm(v, http.StatusUnprocessableEntity, form, number, life)
	}
	k.ExpiresAt = h.o.Now().AddDate(0, 0, life)
	token, hash := account.NewToken()
	if _, err := h.o.Store.AddToken(v.Context(), v.Who, k, hash); err != nil {
		return err
	}
	return v.Render(http.StatusOK, templates.TokenMadePage(templates.TokenMade{
		Page: v.Page(v.Home(), templates.Crumb{Text: t.T("tokens.title"), Href: tokensPath}), Name: k.Name, Token: token,
		Ends: t.Moment(k.ExpiresAt), Back: tokensPath,
	}))
}

// RevokeToken is POST /tokens/{id}/intrekken.
func (h *Handlers) RevokeToken(v *page.Visit) error {
	err := h.o.Store.RevokeTokenIn(v.Context(), v.Who, v.Actor.PeopleScope(), v.ID())
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
