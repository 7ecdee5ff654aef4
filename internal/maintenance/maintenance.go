// Package maintenance is announced silence: times at which the TTP or Sluis itself is out
// of use by plan. It is shown before and during, long deliveries do not start into it, and
// nothing is tried or alarmed about meanwhile.
//
// It only says what was announced. It never stops anything itself.
package maintenance

import (
	"time"
	"unicode/utf8"

	"sluis/internal/apperr"
)

// Of is what is out of use.
type Of string

// What may be out of use.
const (
	TTP   Of = "ttp"
	Sluis Of = "sluis"
)

const (
	// MaxNote is the longest note, in characters.
	MaxNote = 300
	// Longest is how long one window may be. Longer ones are a typing error, and would
	// keep every delivery waiting.
	Longest = 7 * 24 * time.Hour
	// Ahead is how long before its start a window is shown to those who deliver.
	Ahead = 14 * 24 * time.Hour
	// Lead is how long before its start no long delivery begins.
	Lead = time.Hour
)

// Window is one announced time.
type Window struct {
	PublicID    string
	Of          Of
	From, Until time.Time
	Note        string // for those who deliver; never about a person
	By          string // who announced it
	At          time.Time
}

// Going reports whether the window is now.
func (w Window) Going(now time.Time) bool { return !now.Before(w.From) && now.Before(w.Until) }

// Check returns an apperr.Invalid that says what is wrong with a new window, or nil.
func (w Window) Check(now time.Time) error {
	switch {
	case w.Of != TTP && w.Of != Sluis:
		return apperr.New(apperr.Invalid, "maintenance_of")
	case w.From.IsZero() || w.Until.IsZero():
		return apperr.New(apperr.Invalid, "maintenance_time")
	case !w.Until.After(w.From):
		return apperr.New(apperr.Invalid, "maintenance_order")
	case !w.Until.After(now):
		return apperr.New(apperr.Invalid, "maintenance_past")
	case w.Until.Sub(w.From) > Longest:
		return apperr.New(apperr.Invalid, "maintenance_long")
	case utf8.RuneCountInString(w.Note) > MaxNote:
		return apperr.New(apperr.Invalid, "maintenance_note")
	}
	return nil
}

// Plan is the windows that have not ended, the first first.
type Plan []Window

// Silent returns until when the TTP is not asked; zero if it may be asked now. Windows
// that touch or overlap count as one.
func (p Plan) Silent(now time.Time) time.Time {
	var until time.Time
	for _, w := range p {
		if w.Of == TTP && w.Going(maxTime(now, until)) {
			until = w.Until
		}
	}
	return until
}

// Going reports whether any window is now.
func (p Plan) Going(now time.Time) bool {
	for _, w := range p {
		if w.Going(now) {
			return true
		}
	}
	return false
}

// OnlyShort reports whether no long delivery may begin: a window is now, or starts within
// Lead.
func (p Plan) OnlyShort(now time.Time) bool { return p.Going(now) || p.Going(now.Add(Lead)) }

// Shown returns the windows that those who deliver are told of now.
func (p Plan) Shown(now time.Time) Plan {
	var out Plan
	for _, w := range p {
		if w.Until.After(now) && w.From.Before(now.Add(Ahead)) {
			out = append(out, w)
		}
	}
	return out
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
