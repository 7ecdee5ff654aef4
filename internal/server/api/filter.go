package api

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/web/text"
)

// filter is what a list is limited to, always written in the same way; empty if the list
// is whole.
type filter string

// filterOf joins pairs of a name and a value, without those that have no value.
func filterOf(pairs ...string) filter {
	var parts []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			parts = append(parts, pairs[i]+"="+pairs[i+1])
		}
	}
	return filter(strings.Join(parts, "\n"))
}

// mark is the end of the cursors of a filtered list.
func (f filter) mark() string {
	if f == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(f))
	return "." + hex.EncodeToString(sum[:4])
}

// next returns the cursor behind the thing with this id, or null if there is none. A page
// of another list would begin at a random place, so the cursor is marked with the filter.
func (f filter) next(id string) *string {
	if id == "" {
		return nil
	}
	cursor := id + f.mark()
	return &cursor
}

// after returns the id in a cursor; "" for the first page.
func (f filter) after(cursor string) (string, error) {
	id, marked := strings.CutSuffix(cursor, f.mark())
	if cursor != "" && (!marked || id == "" || strings.Contains(id, ".")) {
		return "", invalid("bad_cursor", "after")
	}
	return id, nil
}

// cursorError returns the error of reading a list. If the list does not have the thing
// after which it was to go on, the cursor is wrong and not the address.
func cursorError(err error, cursor string) error {
	if cursor != "" && apperr.KindOf(err) == apperr.NotFound {
		return invalid("bad_cursor", "after")
	}
	return err
}

// statuses returns the statuses that were asked for, sorted; nil for all.
func (v Values) statuses() ([]delivery.Status, error) {
	given, ok := v["status"]
	if !ok {
		return nil, nil
	}
	var out []delivery.Status
	for name := range strings.SplitSeq(given, ",") {
		s := delivery.Status(strings.TrimSpace(name))
		if !slices.Contains(delivery.Statuses, s) {
			return nil, invalid("invalid_parameter", "status", statusNames()...)
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func statusNames() []string {
	names := make([]string, len(delivery.Statuses))
	for i, s := range delivery.Statuses {
		names[i] = string(s)
	}
	return names
}

// since returns the moment from which on things were asked for; zero for all. A date is
// midnight in Amsterdam, as the clock of the pages shows it.
func (v Values) since() (time.Time, error) {
	given, ok := v["since"]
	if !ok {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, given, text.Location())
	if err != nil {
		at, err = time.Parse(time.RFC3339, strings.Replace(given, " ", "+", 1)) // a plus sign in a query is a space
	}
	if year := at.UTC().Year(); err != nil || year < 1 || year > 9999 {
		return time.Time{}, invalid("invalid_parameter", "since")
	}
	return at.UTC(), nil
}
