package access

import (
	"encoding/json"
	"net/http"

	"github.com/gorilla/sessions"

	"sluis/internal/server/page"
	"sluis/internal/server/request"
)

var (
	_ page.Notes     = (*Handlers)(nil)
	_ sessions.Store = (*sessionStore)(nil)
)

// Leave puts a value in the session for the next page to find.
func (h *Handlers) Leave(r *http.Request, key string, value any) error {
	session, err := h.sessions.Get(r, h.sessions.name())
	if err != nil {
		return err
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	session.Values[key] = string(raw)
	return session.Save(r, nil)
}

// Find takes a value out of the session; it returns false if there is none.
func (h *Handlers) Find(r *http.Request, key string, value any) bool {
	session, err := h.sessions.Get(r, h.sessions.name())
	if err != nil || session.IsNew {
		return false
	}
	raw, ok := session.Values[key].(string)
	if !ok {
		return false
	}
	delete(session.Values, key)
	if err := session.Save(r, nil); err != nil {
		request.LogFailure(h.o.Log, r, err) // the next page finds it again
	}
	return json.Unmarshal([]byte(raw), value) == nil
}
