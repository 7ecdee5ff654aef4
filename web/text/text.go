// Package text is the catalogue of everything that Sluis says, in Dutch and in
// English, and the way the Dutch write numbers, dates and times.
//
// It decides nothing: codes come in, sentences go out. The only values of a patient
// that it ever sees are those that it is given to put in a sentence.
package text

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // Europe/Amsterdam must be known on a bare machine
)

// The languages. An unknown language falls back on Dutch.
const (
	Dutch   = "nl"
	English = "en"
)

// Languages lists the languages of the catalogue.
var Languages = []string{Dutch, English}

//go:embed nl.json
var dutchJSON []byte

//go:embed en.json
var englishJSON []byte

var (
	catalogues = map[string]*Catalogue{
		Dutch:   load(Dutch, dutchJSON, ".", monthsDutch),
		English: load(English, englishJSON, ",", monthsEnglish),
	}
	amsterdam = location("Europe/Amsterdam")

	monthsDutch = []string{
		"januari", "februari", "maart", "april", "mei", "juni",
		"juli", "augustus", "september", "oktober", "november", "december",
	}
	monthsEnglish = []string{
		"January", "February", "March", "April", "May", "June",
		"July", "August", "September", "October", "November", "December",
	}
)

// Catalogue has the texts of one language. It is safe for concurrent use.
type Catalogue struct {
	lang    string
	texts   map[string]string
	grouper string
	months  []string
}

// For returns the catalogue of lang, or the Dutch one if there is none of lang.
func For(lang string) *Catalogue {
	if c, ok := catalogues[lang]; ok {
		return c
	}
	return catalogues[Dutch]
}

// Lang returns the language as an HTML lang attribute wants it.
func (c *Catalogue) Lang() string { return c.lang }

// Has reports whether the catalogue has key.
func (c *Catalogue) Has(key string) bool {
	_, ok := c.texts[key]
	return ok
}

// Keys returns all keys, sorted.
func (c *Catalogue) Keys() []string { return slices.Sorted(maps.Keys(c.texts)) }

// T returns the text of key. args are pairs of a placeholder's name and its value:
// T("records.stored", "n", 36). Whole numbers are grouped. For a missing key it
// returns the key itself, so that the mistake is seen and the page still works.
func (c *Catalogue) T(key string, args ...any) string {
	s, ok := c.texts[key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return s
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, fmt.Sprintf("{%v}", args[i]), c.show(args[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// N returns the text of key.one if n is 1, else that of key.other. The texts can use
// n as {n}.
func (c *Catalogue) N(key string, n int, args ...any) string {
	form := ".other"
	if n == 1 {
		form = ".one"
	}
	return c.T(key+form, append([]any{"n", n}, args...)...)
}

// Number writes n with thousands grouped: 1.234 in Dutch.
func (c *Catalogue) Number(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + c.grouper + digits[i:]
	}
	return sign + digits
}

// Decimal writes a number that has a decimal point in the way of the language: 3,5
// in Dutch.
func (c *Catalogue) Decimal(n string) string {
	if c.lang == Dutch {
		return strings.Replace(n, ".", ",", 1)
	}
	return n
}

// Lines writes line numbers as a list: "7, 39". They are names of lines and not
// amounts, so they are not grouped. A spreadsheet does not group them either.
func (c *Catalogue) Lines(lines []int) string {
	words := make([]string, len(lines))
	for i, l := range lines {
		words[i] = strconv.Itoa(l)
	}
	return strings.Join(words, ", ")
}

// Date writes a date in full: 20 augustus 2025. Without a month or a day it writes
// only the year; without a year it writes nothing.
func (c *Catalogue) Date(year, month, day int) string {
	switch {
	case year == 0:
		return ""
	case month < 1 || month > 12 || day == 0:
		return fmt.Sprintf("%04d", year)
	}
	return fmt.Sprintf("%d %s %04d", day, c.months[month-1], year)
}

// ShortDate writes a date as it is typed: 20-8-2025.
func (c *Catalogue) ShortDate(year, month, day int) string {
	switch {
	case year == 0:
		return ""
	case month == 0 || day == 0:
		return fmt.Sprintf("%04d", year)
	}
	return fmt.Sprintf("%d-%d-%04d", day, month, year)
}

// Moment writes a time as the clock in Amsterdam shows it: 20 augustus 2025 14:02.
// It writes nothing for the zero time.
func (c *Catalogue) Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(amsterdam)
	return c.Date(t.Year(), int(t.Month()), t.Day()) + t.Format(" 15:04")
}

// Clock writes the time of day as the clock in Amsterdam shows it: 14:02.
func (c *Catalogue) Clock(t time.Time) string { return t.In(amsterdam).Format("15:04") }

// Duration writes d in its largest whole units: 10 seconden, 3 minuten.
func (c *Catalogue) Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return c.T("duration.moment")
	case d < 2*time.Minute:
		return c.N("duration.seconds", int(d.Round(time.Second)/time.Second))
	case d < 2*time.Hour:
		return c.N("duration.minutes", int(d.Round(time.Minute)/time.Minute))
	}
	return c.N("duration.hours", int(d.Round(time.Hour)/time.Hour))
}

// Location returns the time zone in which people read the pages.
func Location() *time.Location { return amsterdam }

func (c *Catalogue) show(v any) string {
	if n, ok := v.(int); ok {
		return c.Number(n)
	}
	return fmt.Sprint(v)
}

// load reads a catalogue at start. A broken file is our own mistake and not the
// user's, so it may stop the program.
func load(lang string, raw []byte, grouper string, months []string) *Catalogue {
	texts := map[string]string{}
	if err := json.Unmarshal(raw, &texts); err != nil {
		panic(fmt.Sprintf("text: %s.json: %v", lang, err))
	}
	return &Catalogue{lang: lang, texts: texts, grouper: grouper, months: months}
}

func location(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(fmt.Sprintf("text: %v", err))
	}
	return l
}
