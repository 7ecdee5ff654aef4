package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/server/request"
	"sluis/web/text"
)

// Problem is an RFC 9457 problem document. Code is stable, the sentences are not.
type Problem struct {
	Type      string     `json:"type"`
	Title     string     `json:"title"`
	Status    int        `json:"status"`
	Detail    string     `json:"detail,omitempty"`
	Code      string     `json:"code"`
	RequestID string     `json:"requestId,omitempty"`
	Parameter string     `json:"parameter,omitempty"` // the one that is wrong
	Nearest   string     `json:"nearest,omitempty"`   // the known parameter or field that an unknown one is most like
	Allowed   []string   `json:"allowed,omitempty"`   // what would have been right
	Findings  []*Finding `json:"findings,omitempty"`  // why a patient is refused
}

// retryError is an error that passes by itself.
type retryError struct {
	error
	after time.Duration
}

func (e *retryError) Unwrap() error { return e.error }

// parameterError names the parameter or field that is wrong, and the values that it may
// have if these can be listed.
type parameterError struct {
	error
	name    string
	allowed []string
}

func (e *parameterError) Unwrap() error { return e.error }

// unknownError is a parameter or field that a route does not know. It keeps only the
// nearest known one: what was sent may be anything, a patient's number included.
type unknownError struct {
	error
	nearest string
	known   []string
}

func (e *unknownError) Unwrap() error { return e.error }

// mediaError is a media type that is not among types: the body's, or the one that the
// answer should have.
type mediaError struct {
	error
	types  []string
	answer bool
}

func (e *mediaError) Unwrap() error { return e.error }

// maxTypos is the number of letters in which a misspelt name may differ.
const maxTypos = 2

// unknown says that a route has no parameter or field with this name.
func unknown(name string, known []string) error {
	return &unknownError{apperr.New(apperr.Invalid, "unknown_parameter"), nearest(name, known), known}
}

// minPart is the length from which on a part of a known name is taken for it.
const minPart = 4

// nearest returns the known name that name was most likely meant to be, or "": one with
// other letters, or one of which it is a part, such as number of patientNumber.
func nearest(name string, known []string) string {
	best, found := maxTypos+1, ""
	for _, k := range known {
		if d := distance(name, k); d < best {
			best, found = d, k
		}
	}
	for _, k := range known {
		if found == "" && len(name) >= minPart && strings.Contains(strings.ToLower(k), strings.ToLower(name)) {
			found = k
		}
	}
	return found
}

// distance returns the number of letters that must be added, removed or replaced to
// make b of a (Levenshtein). It looks only at names of a normal length.
func distance(a, b string) int {
	if len(a) > 40 {
		return maxTypos + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal, row[j+1] = row[j+1], min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// invalid says that the parameter or field with this name is wrong. allowed are the
// values that it may have, if these can be listed.
func invalid(code, name string, allowed ...string) error {
	return &parameterError{apperr.New(apperr.Invalid, code), name, allowed}
}

// Fail answers r with the problem that err is, and logs the cause.
func (a *API) Fail(w http.ResponseWriter, r *http.Request, err error) {
	t := Words(r)
	writeProblem(w, r, t, a.Explain(w, r, t, err))
}

// Explain logs why r failed, sets the headers that belong to that, and returns the
// problem in the words of t. The caller writes it.
func (a *API) Explain(w http.ResponseWriter, r *http.Request, t *text.Catalogue, err error) *Problem {
	err = request.Failed(a.o.Log, w, r, err)
	p := InWords(t, apperr.Status(err), apperr.CodeOf(err))
	if e, ok := errors.AsType[*parameterError](err); ok {
		p.Parameter, p.Allowed = e.name, e.allowed
		p.Detail = detailOf(t, p)
	}
	if e, ok := errors.AsType[*unknownError](err); ok {
		p.Nearest, p.Allowed = e.nearest, e.known
	}
	if e, ok := errors.AsType[*mediaError](err); ok {
		p.Allowed = e.types
		p.Detail = t.T("problem."+p.Code+".detail", "types", strings.Join(e.types, ", "))
		if !e.answer {
			w.Header().Set("Accept", strings.Join(e.types, ", "))
		}
	}
	if e, ok := errors.AsType[*retryError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(e.after/time.Second)+1))
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="sluis"`)
	}
	return p
}

// detailOf says what a parameter with a wrong value may be, if that is known of it.
func detailOf(t *text.Catalogue, p *Problem) string {
	if p.Code != "invalid_parameter" {
		return p.Detail
	}
	own := "problem.parameter." + p.Parameter
	switch {
	case t.Has(own):
		return t.T(own, "max", maxLimit, "allowed", strings.Join(p.Allowed, ", "))
	case len(p.Allowed) > 0:
		return t.T("problem.parameter", "name", p.Parameter, "allowed", strings.Join(p.Allowed, ", "))
	}
	return p.Detail
}

// FailStatus answers r with a failure that nobody has an error value of: an
// unknown path or method, a panic.
func (a *API) FailStatus(w http.ResponseWriter, r *http.Request, status int, code string) {
	t := Words(r)
	writeProblem(w, r, t, InWords(t, status, code))
}

// InWords puts a code into words.
func InWords(t *text.Catalogue, status int, code string) *Problem {
	p := &Problem{Type: "urn:sluis:problem:" + code, Status: status, Code: code}
	switch {
	case t.Has("problem." + code + ".title"): // what only a program meets
		p.Title, p.Detail = t.T("problem."+code+".title"), t.T("problem."+code+".detail")
	case t.Has("error." + code + ".title"):
		p.Title, p.Detail = t.T("error."+code+".title"), t.T("error."+code+".body")
	default:
		p.Title = http.StatusText(status)
	}
	return p
}

func writeProblem(w http.ResponseWriter, r *http.Request, t *text.Catalogue, p *Problem) {
	p.RequestID = request.From(r.Context()).ID
	w.Header().Set("Content-Type", "application/problem+json")
	Speak(w, t)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}
