package factors

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/mail"
	"sluis/internal/server/access"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// adding is a visit in which a factor is set up: before somebody is signed in, or later
// from their own account.
type adding struct {
	asked
	half *access.Half // nil if the visitor is signed in
}

// paths of the pages of a visit.
func (a adding) paths() (app, passkey, options string) {
	if a.half != nil {
		return access.SetUpPath + "/app", access.SetUpPath + "/passkey", access.SetUpPath + "/opties"
	}
	return appPath, passkeyPath, passkeyPath + "/opties"
}

// halfAdding returns the visit of a half session, or false if no factor may be set up in
// it: whoever has only the password may not add one to an account that has one.
func halfAdding(x access.Half) (adding, bool) {
	return adding{asked: asked{user: x.User, who: x.Who, factors: x.Factors}, half: &x}, x.MayAdd()
}

// setUp makes a handler of a page on which a first factor is set up.
func setUp(do func(v *page.Visit, a adding) error) func(v *page.Visit, x access.Half) error {
	return func(v *page.Visit, x access.Half) error {
		a, ok := halfAdding(x)
		if !ok {
			return v.Redirect(access.FactorPath)
		}
		return do(v, a)
	}
}

// ownAdding makes a handler of a page on which a factor is set up from one's own account.
func (h *Handlers) ownAdding(do func(v *page.Visit, a adding) error) page.Handler {
	return func(v *page.Visit) error {
		a, err := h.own(v)
		if err != nil {
			return err
		}
		return do(v, adding{asked: a})
	}
}

// needsPasskey reports whether no other factor will do for the one who sets one up.
func (h *Handlers) needsPasskey(a adding) bool {
	return a.half != nil && h.o.Access.Policy().NeedsPasskey(a.user.Roles)
}

// SetUp is GET /inloggen/instellen: which factor somebody wants.
func (h *Handlers) SetUp(v *page.Visit, x access.Half) error {
	return setUp(func(v *page.Visit, a adding) error { return h.choose(v, a, http.StatusOK, nil) })(v, x)
}

func (h *Handlers) choose(v *page.Visit, a adding, status int, faults []templates.FieldError) error {
	app, passkey, options := a.paths()
	props := templates.SetUpFactor{
		Page: v.Page(), Email: a.user.Email, PasskeyOnly: h.needsPasskey(a), PasskeyAction: passkey, Options: options,
		AppHref: app, Name: v.R.PostForm.Get("naam"), Errors: faults,
	}
	if h.rp == nil {
		props.PasskeyAction = ""
	}
	if a.half == nil {
		props.Page, props.Own = v.Page(v.Home(), ownCrumb(v)), true
	}
	return v.Render(status, templates.SetUpFactorPage(props))
}

func ownCrumb(v *page.Visit) templates.Crumb {
	return templates.Crumb{Text: v.T.T("account.title"), Href: ownPath}
}

// OfferPasskey is POST /inloggen/instellen/opties.
func (h *Handlers) OfferPasskey(v *page.Visit, x access.Half) error {
	return setUp(func(v *page.Visit, a adding) error { return h.offerCreation(v, a.user, a.factors) })(v, x)
}

// AddPasskey is POST /inloggen/instellen/passkey with naam and antwoord.
func (h *Handlers) AddPasskey(v *page.Visit, x access.Half) error { return setUp(h.addPasskey)(v, x) }

// NewOwnPasskey is GET /account/passkeys/nieuw.
func (h *Handlers) NewOwnPasskey(v *page.Visit) error {
	return h.ownAdding(func(v *page.Visit, a adding) error { return h.choose(v, a, http.StatusOK, nil) })(v)
}

// OfferOwnPasskey is POST /account/passkeys/opties.
func (h *Handlers) OfferOwnPasskey(v *page.Visit) error {
	return h.ownAdding(func(v *page.Visit, a adding) error { return h.offerCreation(v, a.user, a.factors) })(v)
}

// AddOwnPasskey is POST /account/passkeys with naam and antwoord.
func (h *Handlers) AddOwnPasskey(v *page.Visit) error { return h.ownAdding(h.addPasskey)(v) }

func (h *Handlers) addPasskey(v *page.Visit, a adding) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	name, faults := passkeyName(v, form.Get("naam"))
	if len(faults) > 0 {
		return h.choose(v, a, http.StatusUnprocessableEntity, faults)
	}
	p, err := h.created(v, a.user, a.factors, form.Get("antwoord"))
	if codeOf(err) != "" {
		if err := h.logRefused(v, a.who, a.user, err); err != nil {
			return err
		}
		return h.choose(v, a, http.StatusUnprocessableEntity, []templates.FieldError{{Message: v.T.T("passkey.not_made")}})
	}
	if err != nil {
		return err
	}
	p.Name = name
	return h.added(v, a, account.ByPasskey, func(set account.RecoverySet) error { return h.o.Store.AddPasskey(v.Context(), a.who, p, set) })
}

// passkeyName returns the name of a passkey, or what is wrong with it.
func passkeyName(v *page.Visit, typed string) (string, []templates.FieldError) {
	name := strings.TrimSpace(typed)
	if name == "" {
		name = v.T.T("passkey.default_name")
	}
	if utf8.RuneCountInString(name) > account.MaxPasskeyName || !utf8.ValidString(name) {
		return "", []templates.FieldError{{Field: "naam", Message: v.T.T("passkey.error.name", "max", account.MaxPasskeyName)}}
	}
	return name, nil
}

// added stores a factor, with recovery codes if the account has none, and goes on: a first
// factor signs in.
func (h *Handlers) added(v *page.Visit, a adding, by account.Proof, store func(account.RecoverySet) error) error {
	var (
		codes []string
		set   account.RecoverySet
		err   error
	)
	if a.factors.RecoverySalt == nil {
		if codes, set, err = account.NewRecoveryCodes(v.Context()); err != nil {
			return err
		}
	}
	if err := store(set); apperr.KindOf(err) == apperr.Conflict {
		v.LogFailure(err)
		return h.choose(v, a, http.StatusConflict, []templates.FieldError{{Message: v.T.T("error." + apperr.CodeOf(err) + ".body")}})
	} else if err != nil {
		return err
	}
	h.o.Access.Tell(v, a.user.Email, mail.FactorChanged)
	next := ownPath
	if a.half != nil {
		if next, err = h.o.Access.Proved(v, *a.half, by); err != nil {
			return err
		}
	} else if err := v.Flash(v.T.T("factors.added."+string(by)), true); err != nil {
		return err
	}
	if len(codes) == 0 {
		return v.Redirect(next)
	}
	return h.showCodes(v, a, codes, next)
}

// showCodes shows new recovery codes, this once.
func (h *Handlers) showCodes(v *page.Visit, a adding, codes []string, next string) error {
	props := templates.RecoveryCodes{Page: v.Page(), Email: a.user.Email, Codes: codes, Next: next}
	return v.Render(http.StatusOK, templates.RecoveryCodesPage(props))
}

// SetUpApp is GET /inloggen/instellen/app.
func (h *Handlers) SetUpApp(v *page.Visit, x access.Half) error { return setUp(h.viewApp)(v, x) }

// AddApp is POST /inloggen/instellen/app with code.
func (h *Handlers) AddApp(v *page.Visit, x access.Half) error { return setUp(h.addApp)(v, x) }

// NewOwnApp is GET /account/app.
func (h *Handlers) NewOwnApp(v *page.Visit) error { return h.ownAdding(h.viewApp)(v) }

// AddOwnApp is POST /account/app with code.
func (h *Handlers) AddOwnApp(v *page.Visit) error { return h.ownAdding(h.addApp)(v) }

func (h *Handlers) viewApp(v *page.Visit, a adding) error {
	if h.needsPasskey(a) {
		return v.Redirect(access.SetUpPath)
	}
	return h.showApp(v, a, http.StatusOK, nil)
}

func (h *Handlers) showApp(v *page.Visit, a adding, status int, faults []templates.FieldError) error {
	_, key, err := h.pending(v, a.user)
	if err != nil {
		return err
	}
	action, _, _ := a.paths()
	props := templates.SetUpApp{
		Page: v.Page(), Email: a.user.Email, Action: action, Key: grouped(key.Secret()), Replaces: a.factors.TOTP != nil, Errors: faults,
		Back: access.SetUpPath,
	}
	if a.half == nil {
		props.Page, props.Back = v.Page(v.Home(), ownCrumb(v)), ownPath
	}
	if props.QR, props.Size, err = qrPath(key.URL()); err != nil {
		return err
	}
	return v.Render(status, templates.SetUpAppPage(props))
}

func (h *Handlers) addApp(v *page.Visit, a adding) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	if h.needsPasskey(a) {
		return v.Redirect(access.SetUpPath)
	}
	app, key, err := h.pending(v, a.user)
	if err != nil {
		return err
	}
	step, ok := match(key.Secret(), plainCode(form.Get("code")), h.o.Now())
	if !ok {
		faults := []templates.FieldError{{Field: "code", Message: v.T.T("factor.error.first_code")}}
		return h.showApp(v, a, http.StatusUnprocessableEntity, faults)
	}
	app.LastStep = step
	var done pendingApp
	v.Find(pendingNote, &done) // takes it out
	return h.added(v, a, account.ByTOTP, func(set account.RecoverySet) error { return h.o.Store.SetTOTP(v.Context(), a.who, app, set) })
}
