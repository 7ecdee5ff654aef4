package access

import (
	"encoding/json"
	"time"

	"github.com/gorilla/sessions"

	"sluis/internal/account"
	"sluis/internal/server/page"
)

// left returns how long a session still lives.
func (h *Handlers) left(session *sessions.Session) *page.Left {
	stored, ok := session.Values[row{}].(account.Session)
	if !ok {
		return nil
	}
	now, ends := h.o.Now(), stored.IdleExpiresAt
	if stored.ExpiresAt.Before(ends) {
		ends = stored.ExpiresAt
	}
	return &page.Left{Idle: stored.IdleExpiresAt.Sub(now), Life: stored.ExpiresAt.Sub(now), Ends: ends}
}

// Remaining is GET /account/sessie: how long the session still lives, in seconds. The
// script of an open page asks this, so it does not keep the session alive.
func (h *Handlers) Remaining(v *page.Visit) error {
	v.W.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(v.W).Encode(struct {
		Idle int    `json:"idle"`
		Life int    `json:"life"`
		Who  string `json:"who"` // a page of somebody else must not be shown to them
	}{int(v.Left.Idle / time.Second), int(v.Left.Life / time.Second), v.Actor.Name})
}

// Extend is POST /account/sessie, the button Verlengen. Like any other page, being asked
// for is what keeps the session alive.
func (h *Handlers) Extend(v *page.Visit) error { return h.Remaining(v) }
