package server

import (
	"encoding/json"
	"net/http"

	"github.com/gorilla/sessions"

	"sluis/internal/server/request"
	"sluis/web/templates"
)

// What a page tells the page after it, through the session. It is never about
// what a patient is called.
const (
	flashKey    = "flash"
	warningsKey = "warnings"
)

// leave puts a value in the session for the next page to find.
func (s *Server) leave(r *http.Request, key string, value any) error {
	session, err := s.sessions.Get(r, s.sessions.name())
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

// find takes a value out of the session; false where there is none.
func (s *Server) find(r *http.Request, key string, value any) bool {
	session, err := s.sessions.Get(r, s.sessions.name())
	if err != nil || session.IsNew {
		return false
	}
	raw, ok := session.Values[key].(string)
	if !ok {
		return false
	}
	delete(session.Values, key)
	if err := session.Save(r, nil); err != nil {
		request.LogFailure(s.Log, r, err) // it will be told twice
	}
	return json.Unmarshal([]byte(raw), value) == nil
}

// flash tells the next page what was done.
func (s *Server) flash(r *http.Request, message string, success bool) error {
	return s.leave(r, flashKey, templates.Flash{Text: message, Success: success})
}

var _ sessions.Store = (*sessionStore)(nil)
