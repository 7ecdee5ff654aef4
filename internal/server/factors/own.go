package factors

import (
	"net/http"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/mail"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// Own returns the part of one's own account about the second factor.
func (h *Handlers) Own(v *page.Visit) (templates.OwnFactors, error) {
	f, err := h.o.Store.FactorsOf(v.Context(), v.Actor.UserID)
	if err != nil {
		return templates.OwnFactors{}, err
	}
	t := v.T
	own := templates.OwnFactors{
		PasskeysWork: h.rp != nil, NewPasskeyHref: passkeyPath + "/nieuw", AppHref: appPath, RecoveryAction: ownPath + "/herstelcodes",
		RecoveryLeft: f.RecoveryLeft, Any: f.Any(), Optional: h.o.Access.Policy() == account.FactorOptional,
	}
	for _, k := range f.Passkeys {
		own.Passkeys = append(own.Passkeys, templates.OwnPasskey{
			ID: k.PublicID, Name: k.Name, Made: t.Moment(k.CreatedAt), Used: page.MomentOrNone(t, k.LastUsedAt),
			RenameAction: passkeyPath + "/" + k.PublicID + "/naam", RemoveAction: passkeyPath + "/" + k.PublicID + "/verwijderen",
		})
	}
	if f.TOTP != nil {
		own.AppMade, own.AppUsed = t.Moment(f.TOTP.CreatedAt), page.MomentOrNone(t, f.TOTP.LastUsedAt)
		own.AppRemoveAction = appPath + "/verwijderen"
	}
	return own, nil
}

// RenamePasskey is POST /account/passkeys/{id}/naam with naam.
func (h *Handlers) RenamePasskey(v *page.Visit) error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	name, faults := passkeyName(v, form.Get("naam"))
	if len(faults) > 0 {
		if err := v.Flash(faults[0].Message, false); err != nil {
			return err
		}
		return v.Redirect(ownPath)
	}
	return h.changed(v, h.o.Store.RenamePasskey(v.Context(), v.Who, v.ID(), name), "passkey.renamed")
}

// RemovePasskey is POST /account/passkeys/{id}/verwijderen.
func (h *Handlers) RemovePasskey(v *page.Visit) error {
	return h.changed(v, h.noted(v, h.o.Store.RemovePasskey(v.Context(), v.Who, v.ID(), h.enough(v))), "passkey.removed")
}

// RemoveApp is POST /account/app/verwijderen.
func (h *Handlers) RemoveApp(v *page.Visit) error {
	return h.changed(v, h.noted(v, h.o.Store.RemoveTOTP(v.Context(), v.Who, h.enough(v))), "factors.app.removed")
}

// noted mails the visitor that their second factor was changed, unless err says that it was
// not. It returns err.
func (h *Handlers) noted(v *page.Visit, err error) error {
	if err == nil {
		h.o.Access.Tell(v, v.Actor.Name, mail.FactorChanged)
	}
	return err
}

// enough refuses to remove a factor without which its owner could not sign in.
func (h *Handlers) enough(v *page.Visit) func(left account.Factors) error {
	return func(left account.Factors) error {
		if h.o.Access.Policy().MustAdd(v.Actor.Roles, left) {
			return apperr.New(apperr.Conflict, "last_factor")
		}
		return nil
	}
}

// RenewCodes is POST /account/herstelcodes. It answers with the codes, which no other page
// shows.
func (h *Handlers) RenewCodes(v *page.Visit) error {
	a, err := h.own(v)
	if err != nil {
		return err
	}
	codes, set, err := account.NewRecoveryCodes(v.Context())
	if err != nil {
		return err
	}
	if err := h.noted(v, h.o.Store.NewRecovery(v.Context(), v.Who, set)); err != nil {
		return h.changed(v, err, "")
	}
	return v.Render(http.StatusOK, templates.RecoveryCodesPage(templates.RecoveryCodes{
		Page: v.Page(v.Home(), ownCrumb(v)), Email: a.user.Email, Codes: codes, Next: ownPath,
	}))
}

// changed leads back to the account, with what was done or what came between.
func (h *Handlers) changed(v *page.Visit, err error, done string) error {
	switch {
	case apperr.KindOf(err) == apperr.Conflict:
		err = v.FlashConflict(err)
	case err == nil:
		err = v.Flash(v.T.T(done), true)
	}
	if err != nil {
		return err
	}
	return v.Redirect(ownPath)
}
