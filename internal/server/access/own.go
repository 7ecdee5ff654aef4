package access

import (
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/server/page"
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

// CheckOwn reports whether password is the visitor's own. Wrong ones count like those of
// signing in: whoever took over a session must not try passwords in it.
func (h *Handlers) CheckOwn(v *page.Visit, password string) (ok bool, wait time.Duration, err error) {
	user, err := h.o.Accounts.UserByID(v.Context(), v.Actor.UserID)
	if err != nil {
		return false, 0, err
	}
	if wait, ok := h.mayTry(v, user.Email); !ok {
		return false, wait, nil
	}
	_, ok, err = h.checkPassword(v, user.Email, password)
	if ok && err == nil {
		h.signIns.Succeeded("account "+user.Email, true)
	}
	return ok, 0, err
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
