package factors

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server/access"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// The inputs of a proof. Their names are nobody else's, for a proof may come with the form
// of any page.
const (
	codeInput     = "bevestig-code"
	recoveryInput = "bevestig-herstelcode"
	passkeyInput  = "bevestig-passkey"
	passwordInput = "bevestig-wachtwoord"
)

var proofInputs = []string{codeInput, recoveryInput, passkeyInput, passwordInput}

// asked is whom a proof is asked of, and for what.
type asked struct {
	user    account.User
	who     audit.Who
	factors account.Factors
	purpose string // of the challenge of a passkey
	try     func() (access.CodeTry, time.Duration, error)
}

// outcome is how a proof ended: by what somebody was recognised, or what is wrong.
type outcome struct {
	by     account.Proof
	faults []templates.FieldError
	wait   time.Duration // until a code is looked at again
}

func fault(v *page.Visit, input, key string) outcome {
	return outcome{faults: []templates.FieldError{{Field: input, Message: v.T.T(key)}}}
}

// status is that of a page that shows the outcome.
func (o outcome) status(v *page.Visit) int {
	if o.wait > 0 {
		v.W.Header().Set("Retry-After", strconv.Itoa(int(o.wait/time.Second)+1))
		return http.StatusTooManyRequests
	}
	return http.StatusUnprocessableEntity
}

// prove looks at the proof in a form.
func (h *Handlers) prove(v *page.Visit, a asked, form url.Values) (outcome, error) {
	policy := h.o.Access.Policy()
	accepts := func(p account.Proof) bool { return policy.Accepts(p, a.user.Roles, a.factors) }
	code, recovery := plainCode(form.Get(codeInput)), strings.TrimSpace(form.Get(recoveryInput))
	switch {
	case form.Get(passkeyInput) != "" && accepts(account.ByPasskey):
		return h.provePasskey(v, a, form.Get(passkeyInput))
	case recovery != "" && accepts(account.ByRecovery):
		typed, ok := account.IsRecoveryCode(recovery)
		if !ok {
			return fault(v, recoveryInput, "factor.error.recovery_form"), nil
		}
		return h.proveCode(v, a, recoveryInput, account.ByRecovery, func(ctx context.Context) (string, error) {
			return h.takeRecovery(ctx, a, typed)
		})
	case code != "" && accepts(account.ByTOTP):
		return h.proveCode(v, a, codeInput, account.ByTOTP, func(ctx context.Context) (string, error) { return h.takeCode(ctx, a, code) })
	case form.Get(passwordInput) != "" && !a.factors.Any():
		return h.provePassword(v, form.Get(passwordInput))
	case accepts(account.ByTOTP):
		return fault(v, codeInput, "factor.error.code_missing"), nil
	case !a.factors.Any():
		return fault(v, passwordInput, "signin.password_missing"), nil
	}
	return fault(v, recoveryInput, "factor.error.passkey_missing"), nil
}

// proveCode counts a try and lets take look at the code. take returns the code of what is
// wrong with it, for the log, or "".
func (h *Handlers) proveCode(v *page.Visit, a asked, input string, by account.Proof,
	take func(ctx context.Context) (string, error),
) (outcome, error) {
	try, wait, err := a.try()
	if err != nil {
		return outcome{}, err
	}
	if wait > 0 {
		return outcome{wait: wait, faults: []templates.FieldError{{
			Field: input, Message: v.T.T("factor.error.too_many", "wait", v.T.Duration(max(wait, time.Second))),
		}}}, nil
	}
	ctx := context.WithoutCancel(v.Context()) // a code that was looked at is used up, also if the client has gone away
	wrong, err := take(ctx)
	switch {
	case err != nil:
		return outcome{}, err
	case wrong != "":
		return fault(v, input, "factor.error."+string(by)), try.Wrong(ctx, wrong)
	}
	return outcome{by: by}, try.Right(ctx)
}

// takeCode takes a code of an app.
func (h *Handlers) takeCode(ctx context.Context, a asked, typed string) (wrong string, err error) {
	secret, err := h.secretOf(a.user, *a.factors.TOTP)
	if err != nil {
		return "", err
	}
	step, ok := match(secret, typed, h.o.Now())
	if !ok {
		return "code_wrong", nil
	}
	used, err := h.o.Store.UseTOTP(ctx, a.user.ID, step)
	if err == nil && !used {
		wrong = "code_used"
	}
	return wrong, err
}

// takeRecovery takes a recovery code.
func (h *Handlers) takeRecovery(ctx context.Context, a asked, code string) (wrong string, err error) {
	hash, err := account.HashRecoveryCode(ctx, code, a.factors.RecoverySalt)
	if err != nil {
		return "", err
	}
	used, err := h.o.Store.UseRecovery(ctx, a.who, a.user.ID, hash)
	if err == nil && !used {
		wrong = "recovery_wrong"
	}
	return wrong, err
}

func (h *Handlers) provePasskey(v *page.Visit, a asked, answer string) (outcome, error) {
	err := h.asserted(v, a.purpose, a.user, a.factors, answer)
	if codeOf(err) == "" {
		return outcome{by: account.ByPasskey}, err
	}
	return outcome{faults: []templates.FieldError{{Message: v.T.T("passkey.refused")}}}, h.logRefused(v, a.who, a.user, err)
}

// provePassword is for those who have no second factor, where that is not required.
func (h *Handlers) provePassword(v *page.Visit, password string) (outcome, error) {
	ok, wait, err := h.o.Access.CheckOwn(v, password)
	switch {
	case err != nil:
		return outcome{}, err
	case wait > 0:
		o := fault(v, passwordInput, "account.error.old")
		o.wait = wait
		o.faults[0].Message = v.T.T("account.error.too_many", "wait", v.T.Duration(max(wait, time.Second)))
		return o, nil
	case !ok:
		return fault(v, passwordInput, "account.error.old"), nil
	}
	return outcome{by: account.ByPassword}, nil
}

// ways says how somebody may prove who they are, for the page that asks.
func (h *Handlers) ways(u account.User, f account.Factors) templates.Ways {
	policy := h.o.Access.Policy()
	return templates.Ways{
		Passkey: h.rp != nil && policy.Accepts(account.ByPasskey, u.Roles, f), Code: policy.Accepts(account.ByTOTP, u.Roles, f),
		Recovery: policy.Accepts(account.ByRecovery, u.Roles, f), Password: !f.Any(),
	}
}

// View is GET /inloggen/factor.
func (h *Handlers) View(v *page.Visit, x access.Half) error {
	if x.MayAdd() {
		return v.Redirect(access.SetUpPath)
	}
	return h.askHalf(v, x, http.StatusOK, nil)
}

func (h *Handlers) askHalf(v *page.Visit, x access.Half, status int, faults []templates.FieldError) error {
	props := templates.Factor{
		Page: v.Page(), Ways: h.ways(x.User, x.Factors), Email: x.User.Email, Action: access.FactorPath,
		Options: access.FactorPath + "/opties", Errors: faults,
	}
	return v.Render(status, templates.FactorPage(props))
}

// Give is POST /inloggen/factor.
func (h *Handlers) Give(v *page.Visit, x access.Half) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	if x.MayAdd() {
		return v.Redirect(access.SetUpPath)
	}
	o, err := h.prove(v, asked{
		user: x.User, who: x.Who, factors: x.Factors, purpose: forFactor,
		try: func() (access.CodeTry, time.Duration, error) { return h.o.Access.TryHalf(v, x) },
	}, form)
	if err != nil {
		return err
	}
	if o.by == "" {
		return h.askHalf(v, x, o.status(v), o.faults)
	}
	next, err := h.o.Access.Proved(v, x, o.by)
	if err != nil {
		return err
	}
	return v.Redirect(next)
}

// Offer is POST /inloggen/factor/opties.
func (h *Handlers) Offer(v *page.Visit, x access.Half) error {
	return h.offerAssertion(v, forFactor, x.User, x.Factors)
}

// own returns the visitor's account and factors, asked for a proof.
func (h *Handlers) own(v *page.Visit) (asked, error) {
	u, err := h.o.Store.UserByID(v.Context(), v.Actor.UserID)
	if err != nil {
		return asked{}, err
	}
	f, err := h.o.Store.FactorsOf(v.Context(), u.ID)
	return asked{
		user: u, who: v.Who, factors: f, purpose: forConfirm,
		try: func() (access.CodeTry, time.Duration, error) { return h.o.Access.TryOwn(v, u) },
	}, err
}

// Fresh lets in whoever has shown in the last minutes who they are. Of the others it asks a
// proof first. A form that was sent is kept in the page that asks: it goes on with the
// proof, so that nobody types it twice.
func (h *Handlers) Fresh(next page.Handler) page.Handler {
	return func(v *page.Visit) error {
		session, err := h.o.Access.Current(v)
		switch {
		case err != nil:
			return err
		case session.Fresh(h.o.Now()):
			return next(v)
		case v.R.Method == http.MethodGet || v.R.Method == http.MethodHead:
			return v.Redirect(page.Link(confirmPath, "terug", page.LocalPath(v.R.URL.RequestURI())))
		}
		form, err := v.Form()
		if err != nil {
			return err
		}
		a, err := h.own(v)
		if err != nil {
			return err
		}
		proof := takeProof(form)
		if len(proof) == 0 {
			return h.askAgain(v, a, form, http.StatusForbidden, nil)
		}
		o, err := h.prove(v, a, proof)
		if err != nil {
			return err
		}
		if o.by == "" {
			return h.askAgain(v, a, form, o.status(v), o.faults)
		}
		if err := h.o.Access.Confirmed(v, o.by); err != nil {
			return err
		}
		return next(v)
	}
}

// takeProof takes the inputs of a proof out of a form.
func takeProof(form url.Values) url.Values {
	proof := url.Values{}
	for _, name := range proofInputs {
		if values, ok := form[name]; ok {
			proof[name] = values
			delete(form, name)
		}
	}
	return proof
}

// askAgain asks for a proof, and keeps what the form had.
func (h *Handlers) askAgain(v *page.Visit, a asked, form url.Values, status int, faults []templates.FieldError) error {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	props := templates.Factor{
		Page: v.Page(v.Home()), Ways: h.ways(a.user, a.factors), Email: a.user.Email, Confirm: true, Action: v.R.URL.RequestURI(),
		Options: confirmPath + "/opties", Back: backFrom(v.R.URL.Path), Errors: faults,
	}
	for _, name := range names {
		for _, value := range form[name] {
			props.Kept = append(props.Kept, templates.Kept{Name: name, Value: value})
		}
	}
	return v.Render(status, templates.FactorPage(props))
}

// backFrom returns the page of a form that posts to a path.
func backFrom(p string) string {
	for _, room := range []string{"/tokens", "/account", page.ConversionPath} {
		if strings.HasPrefix(p, room+"/") && p != "/tokens/nieuw" {
			return room
		}
	}
	if strings.HasSuffix(p, "/nieuw") {
		return p
	}
	return path.Dir(p)
}

// AskConfirmation is GET /bevestigen?terug=.
func (h *Handlers) AskConfirmation(v *page.Visit) error {
	a, err := h.own(v)
	if err != nil {
		return err
	}
	return h.askConfirmation(v, a, http.StatusOK, page.ReturnPath(v.Query().Get("terug")), nil)
}

func (h *Handlers) askConfirmation(v *page.Visit, a asked, status int, next string, faults []templates.FieldError) error {
	return v.Render(status, templates.FactorPage(templates.Factor{
		Page: v.Page(v.Home()), Ways: h.ways(a.user, a.factors), Email: a.user.Email, Confirm: true, Action: confirmPath,
		Options: confirmPath + "/opties", Kept: []templates.Kept{{Name: "terug", Value: next}}, Back: "/", Errors: faults,
	}))
}

// Confirm is POST /bevestigen with terug.
func (h *Handlers) Confirm(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	a, err := h.own(v)
	if err != nil {
		return err
	}
	next := page.ReturnPath(form.Get("terug"))
	o, err := h.prove(v, a, form)
	if err != nil {
		return err
	}
	if o.by == "" {
		return h.askConfirmation(v, a, o.status(v), next, o.faults)
	}
	if err := h.o.Access.Confirmed(v, o.by); err != nil {
		return err
	}
	// A browser that goes on to a download stays on this page, so that the page must say
	// how to go on.
	where, _, _ := strings.Cut(next, "?")
	if path.Ext(where) != "" {
		return v.Render(http.StatusOK, templates.ConfirmedPage(templates.Confirmed{Page: v.Page(v.Home()), Next: next}))
	}
	return v.Redirect(next)
}

// OfferConfirmation is POST /bevestigen/opties.
func (h *Handlers) OfferConfirmation(v *page.Visit) error {
	a, err := h.own(v)
	if err != nil {
		return err
	}
	return h.offerAssertion(v, forConfirm, a.user, a.factors)
}
