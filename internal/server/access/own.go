package access

import (
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server/page"
	"sluis/internal/server/request"
)

// Current returns the session in which a visit is made; the zero Session if there is none.
func (h *Handlers) Current(v *page.Visit) (account.Session, error) {
	session, err := h.sessions.Get(v.R, h.sessions.name())
	if err != nil {
		return account.Session{}, err
	}
	stored, _ := session.Values[row{}].(account.Session)
	return stored, nil
}

// CheckOwn reports whether password is the visitor's own. Whoever took over a session
// must not try passwords in it: after a few wrong ones the session gets no further try
// for a while, which is wait. Its owner can sign out and in again.
func (h *Handlers) CheckOwn(v *page.Visit, password string) (ok bool, wait time.Duration, err error) {
	user, err := h.o.Accounts.UserByID(v.Context(), v.Actor.UserID)
	if err != nil {
		return false, 0, err
	}
	session, err := h.Current(v)
	if err != nil {
		return false, 0, err
	}
	try := h.throttle.begin(user.Email, request.From(v.Context()).Address, "session "+hex.EncodeToString(session.TokenHash[:]))
	defer try.end()
	seen, err := h.o.Tries.Tries(v.Context(), try.own)
	if err != nil {
		return false, 0, err
	}
	if seen[0].Failures >= freeTries {
		return false, quickLife, h.throttle.refused(v.Context(), try.own, h.refusal(v.Who, "sign_in_refused"))
	}
	_, ok, err = h.checkPassword(v, try, user.Email, password)
	switch {
	case errors.Is(err, errRefused):
		return false, retryAfter, h.throttle.refused(v.Context(), try.pair, h.refusal(v.Who, "sign_in_refused"))
	case err != nil:
		return false, 0, err
	case !ok:
		ev := h.refusal(v.Who, "password_wrong")
		ev.Action, ev.ObjectType, ev.ObjectID = audit.Update, "user", user.PublicID
		return false, 0, try.failed(v.Context(), ev)
	}
	return true, 0, try.succeeded(v.Context())
}

// browsers and systems are looked for in this order: most browsers also claim to be
// another one.
var (
	browsers = [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}}
	systems  = [][2]string{
		{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	}
)

// browserName returns the browser that sends this User-Agent, such as "Firefox, Windows".
// Nothing else of the header is kept.
func browserName(agent string) string {
	find := func(known [][2]string) string {
		for _, k := range known {
			if strings.Contains(agent, k[0]) {
				return k[1]
			}
		}
		return ""
	}
	return strings.Trim(find(browsers)+", "+find(systems), ", ")
}
