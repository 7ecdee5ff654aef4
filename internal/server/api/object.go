package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"unicode/utf8"

	"sluis/internal/apperr"
)

// errJSON replaces an error of the JSON reader, which repeats what it read.
var errJSON = errors.New("the body is not a JSON object")

// objectOf reads the body of r, a JSON object with no other fields than those of its
// route.
func objectOf(r *http.Request) (map[string]string, error) {
	if _, _, err := mediaOf(r, r.Header.Get("Content-Type"), "content_type_json"); err != nil {
		return nil, err
	}
	return readObject(r.Body, askedOf(r).call.Fields...)
}

// readObject reads a JSON object whose fields are all text and all among names.
// (encoding/json would take a field twice, and in any case: two programs could
// then read two different patients in one body.) Errors: apperr.Invalid.
func readObject(r io.Reader, names ...string) (map[string]string, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	malformed := apperr.Wrap(apperr.Invalid, "json_malformed", errJSON)
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return nil, malformed
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, malformed
	}
	out := map[string]string{}
	for d.More() {
		name, value, err := readField(d, names)
		if err != nil {
			return nil, err
		}
		if _, twice := out[name]; twice {
			return nil, invalid("json_duplicate_field", name)
		}
		out[name] = value
	}
	return out, nil
}

func readField(d *json.Decoder, names []string) (name, value string, err error) {
	token, err := d.Token()
	name, ok := token.(string)
	switch {
	case err != nil || !ok:
		return "", "", apperr.Wrap(apperr.Invalid, "json_malformed", errJSON)
	case !slices.Contains(names, name):
		return "", "", unknown(name, names)
	}
	token, err = d.Token()
	if value, ok = token.(string); err != nil || !ok {
		return "", "", invalid("json_not_text", name)
	}
	return name, value, nil
}
