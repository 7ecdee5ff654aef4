package api

import (
	"context"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sluis/internal/apperr"
)

// Call is a route's handler and all that a request may say to it. Anything else is
// refused: chek=true would otherwise store what was to be checked, and number=1 would
// list every patient. openapi.json says the same of each route; a test compares the two.
type Call struct {
	Do     Handler
	Query  []string // the parameters of the query, each at most once
	Lists  []string // the parameters that may have several values
	Fields []string // the fields of the body, which is a JSON object then
	Files  []string // the media types of the body if it is, or has, a file
}

// BodyTypes returns the media types that the body may have; none if it is not read.
func (c Call) BodyTypes() []string {
	if len(c.Fields) > 0 {
		return []string{"application/json"}
	}
	return c.Files
}

// Serve checks the query of r and calls the handler, which finds the parameters with
// queryOf and the body with [objectOf] or [mediaOf].
func (c Call) Serve(w http.ResponseWriter, r *http.Request) error {
	q, err := read(r, c.Query, c.Lists)
	if err != nil {
		return err
	}
	return c.Do(w, r.WithContext(context.WithValue(r.Context(), askedKey{}, asked{c, q})))
}

// asked is a call and what a request asks of it.
type asked struct {
	call  Call
	query Values
}

type askedKey struct{}

func askedOf(r *http.Request) asked {
	a, _ := r.Context().Value(askedKey{}).(asked)
	return a
}

// queryOf returns the parameters of a request.
func queryOf(r *http.Request) Values { return askedOf(r).query }

// mediaOf returns the media type of the body of r, or the error that names those that
// its route accepts.
func mediaOf(r *http.Request, given, code string) (media string, parameters map[string]string, err error) {
	types := askedOf(r).call.BodyTypes()
	media, parameters, err = mime.ParseMediaType(given)
	if err != nil || !slices.Contains(types, media) {
		return "", nil, &mediaError{error: apperr.New(apperr.UnsupportedType, code), types: types}
	}
	return media, parameters, nil
}

// Values are the query parameters of a request by their names. The values of a list
// have commas between them.
type Values map[string]string

// Query reads the parameters that a route knows, each at most once.
func Query(r *http.Request, names ...string) (Values, error) { return read(r, names, nil) }

// read refuses a parameter that is not known, and a query that cannot be read, such as
// check=true;x or check=%zz: URL.Query would leave the pair out without a word.
func read(r *http.Request, once, lists []string) (Values, error) {
	out := Values{}
	all, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // not wrapped: it repeats what was sent
		return nil, apperr.New(apperr.Invalid, "invalid_parameter")
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		given, list := all[name], slices.Contains(lists, name)
		if !list && !slices.Contains(once, name) {
			return nil, unknown(name, slices.Concat(once, lists))
		}
		value := strings.Join(given, ",")
		if !list && len(given) > 1 || len(value) > 200 {
			return nil, invalid("invalid_parameter", name)
		}
		out[name] = value
	}
	return out, nil
}

// limit returns the page size that was asked for.
func (v Values) limit() (int, error) {
	if v["limit"] == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(v["limit"])
	if err != nil || n < 1 || n > maxLimit {
		return 0, invalid("invalid_parameter", "limit")
	}
	return n, nil
}

// Flag reads a parameter that is true or false.
func (v Values) Flag(name string) (bool, error) {
	given, ok := v[name]
	if !ok {
		return false, nil
	}
	switch given {
	case "false", "0":
		return false, nil
	case "true", "1":
		return true, nil
	}
	return false, invalid("invalid_parameter", name, "true", "false")
}
