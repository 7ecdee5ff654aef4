package access

import (
	"context"

	"sluis/internal/account"
	"sluis/internal/mail"
	"sluis/internal/server/page"
)

// Mailer takes messages in, to be sent soon.
type Mailer interface {
	Put(ctx context.Context, m mail.Message) error
}

// Tell mails the owner of an account what was changed about it. The change is kept if the
// message cannot be put in the queue.
func (h *Handlers) Tell(v *page.Visit, email string, kind mail.Kind) {
	h.tell(v, email, kind, map[string]string{})
}

func (h *Handlers) tell(v *page.Visit, email string, kind mail.Kind, values map[string]string) {
	if h.o.Mail == nil {
		return
	}
	values["when"], values["address"] = v.T.Moment(h.o.Now()), v.Who.Address
	m := mail.Message{Kind: kind, To: email, Language: v.T.Lang(), Values: values}
	if err := h.o.Mail.Put(context.WithoutCancel(v.Context()), m); err != nil {
		v.LogFailure(err)
	}
}

// tellNewBrowser mails somebody who signed in before that they now did so in a browser in
// which they had not. known is the id of that browser; "" if it is new.
func (h *Handlers) tellNewBrowser(v *page.Visit, u account.User, known string) {
	if known != "" || u.LastSignInAt.IsZero() {
		return
	}
	h.tell(v, u.Email, mail.NewBrowser, map[string]string{"browser": browserName(v.R.UserAgent())})
}
