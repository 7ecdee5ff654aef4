package page

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluis/internal/apperr"
	"sluis/web/templates"
)

// CentreParam is the parameter of every filter on a centre.
const CentreParam = "centrum"

// Knowing returns h for requests with no other parameters than the named ones, each
// at most once. Any other query is an error: a page that passes over a filter shows a
// longer list than it was asked for, such as the whole access log for
// /logboek?patient=1.
func Knowing(h Handler, names ...string) Handler {
	return func(v *Visit) error {
		q, err := url.ParseQuery(v.R.URL.RawQuery)
		if err != nil {
			return apperr.New(apperr.Invalid, "invalid_query") // the parser's own error repeats what it read
		}
		v.query, v.known = q, names
		for _, name := range slices.Sorted(maps.Keys(q)) {
			switch {
			case !slices.Contains(names, name):
				return &parameterError{apperr.New(apperr.Invalid, "unknown_parameter"), name}
			case len(q[name]) > 1 || !utf8.ValidString(q[name][0]):
				return Unreadable(name)
			}
		}
		return h(v)
	}
}

// parameterError names the parameter in the address that a page does not know, or
// that has a value that it cannot read. It never holds the value. The name is for the
// person who made the address only: an unknown one may be anything, so that the log
// has just the code.
type parameterError struct {
	error
	name string
}

func (e *parameterError) Unwrap() error { return e.error }

// Unreadable says that the page cannot read the value of a parameter.
func Unreadable(name string) error {
	return &parameterError{apperr.New(apperr.Invalid, "invalid_parameter"), name}
}

// CursorParam is the parameter of every list that names the last thing of the page
// before.
const CursorParam = "na"

// CursorError returns the error of reading a list. If the list does not have the thing
// after which it was to go on, that is [Unreadable].
func (v *Visit) CursorError(err error) error {
	if apperr.KindOf(err) == apperr.NotFound && v.query.Get(CursorParam) != "" {
		return Unreadable(CursorParam)
	}
	return err
}

// OneOf returns the value of a parameter if it is empty or among values, and else
// [Unreadable].
func (v *Visit) OneOf(name string, values ...string) (string, error) {
	if got := v.query.Get(name); got == "" || slices.Contains(values, got) {
		return got, nil
	}
	return "", Unreadable(name)
}

// Number returns the value of a parameter that is a whole number from least to most, or
// least if it is empty, and else [Unreadable].
func (v *Visit) Number(name string, least, most int) (int, error) {
	got := v.query.Get(name)
	if got == "" {
		return least, nil
	}
	n, err := strconv.Atoi(got)
	if err != nil || n < least || n > most {
		return 0, Unreadable(name)
	}
	return n, nil
}

// CentreFilter returns the centre that the address asks for ("" for all), and the
// choices of the filter, all centres first.
func (v *Visit) CentreFilter() (chosen string, options []templates.Option, err error) {
	chosen = v.query.Get(CentreParam)
	if options, err = v.CentreOptions(chosen); err != nil {
		return "", nil, err
	}
	if !slices.ContainsFunc(options, func(o templates.Option) bool { return o.Selected }) {
		return "", nil, Unreadable(CentreParam)
	}
	return chosen, options, nil
}

// explainQuery adds to the page of an error what is wrong with the query of the
// address. The page does not repeat the query, not even as the address to come back to.
func (v *Visit) explainQuery(props *templates.Error, err error) {
	e, named := errors.AsType[*parameterError](err)
	if !named && props.Code != "invalid_query" {
		return
	}
	if named {
		props.Parameter = shownName(e.name)
	}
	props.Query, props.Known = true, v.known
	if v.R.Method == http.MethodGet {
		props.Return = LocalPath(v.R.URL.EscapedPath())
		props.PlainHref = props.Return
	}
}

// maxShownName is the longest name of a parameter that is shown, in bytes.
const maxShownName = 40

// shownName returns the name of a parameter if it looks like one, and else "".
func shownName(name string) string {
	plain := func(r rune) bool {
		return r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if len(name) > maxShownName || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return ""
	}
	return name
}
