// Package apperr has the error that packages return if its kind matters to the
// caller: not found, invalid, conflict, forbidden, unavailable.
//
// The Code names a sentence in the catalogue, which is all that a person gets
// to see; the cause goes to the log. It never carries a value that a person
// typed or that came from a file.
package apperr

import (
	"errors"
	"fmt"
	"net/http"
)

// Kind says what went wrong, as far as the caller can act on it.
type Kind int

// The kinds. Internal is the zero value: an error that nobody classified.
const (
	Internal Kind = iota
	NotFound
	Invalid
	Unauthenticated
	Forbidden
	Conflict
	TooLarge
	UnsupportedType
	TooMany
	Unavailable
	Gone
	Timeout
)

// status is the one table from kind to HTTP status.
var status = map[Kind]int{
	Internal:        http.StatusInternalServerError,
	NotFound:        http.StatusNotFound,
	Invalid:         http.StatusBadRequest,
	Unauthenticated: http.StatusUnauthorized,
	Forbidden:       http.StatusForbidden,
	Conflict:        http.StatusConflict,
	TooLarge:        http.StatusRequestEntityTooLarge,
	UnsupportedType: http.StatusUnsupportedMediaType,
	TooMany:         http.StatusTooManyRequests,
	Unavailable:     http.StatusServiceUnavailable,
	Gone:            http.StatusGone,
	Timeout:         http.StatusRequestTimeout,
}

// Error is a classified error. Code is stable, lower-case with underscores, and
// is looked up in the catalogue as "error.<code>".
type Error struct {
	Kind Kind
	Code string
	Err  error // the cause, for the log; may be nil
}

// New makes a classified error without a cause.
func New(kind Kind, code string) *Error { return &Error{Kind: kind, Code: code} }

// Wrap classifies err.
func Wrap(kind Kind, code string, err error) *Error {
	return &Error{Kind: kind, Code: code, Err: err}
}

// Error returns code and cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Code
	}
	return fmt.Sprintf("%s: %v", e.Code, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target has the same kind and code. The causes may differ.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Code == e.Code
}

// KindOf returns the kind of err; Internal for an unclassified one.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// CodeOf returns the catalogue code of err; "internal" for an unclassified one.
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return "internal"
}

// Status returns the HTTP status for err.
func Status(err error) int { return status[KindOf(err)] }
