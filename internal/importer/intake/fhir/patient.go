package fhir

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sluis/internal/importer/intake/tabular"
)

// patient is what is read of a Patient resource.
type patient struct {
	Active     *bool        `json:"active"`
	Link       []link       `json:"link"`
	Identifier []identifier `json:"identifier"`
	Name       []humanName  `json:"name"`
	Gender     string       `json:"gender"`
	BirthDate  string       `json:"birthDate"`
	Address    []address    `json:"address"`
	Telecom    []struct {
		System string `json:"system"`
		Value  string `json:"value"`
	} `json:"telecom"`
}

// link says how a Patient is related to another.
type link struct {
	Type string `json:"type"`
}

// replaced reports whether the record was merged into another one.
func (p patient) replaced() bool {
	return slices.ContainsFunc(p.Link, func(l link) bool { return l.Type == "replaced-by" })
}

// inactive reports whether the sender no longer uses the record.
func (p patient) inactive() bool { return p.Active != nil && !*p.Active }

type identifier struct {
	Use    string `json:"use"`
	System string `json:"system"`
	Value  secret `json:"value"`
	Type   struct {
		Text   string `json:"text"`
		Coding []struct {
			Code string `json:"code"`
		} `json:"coding"`
	} `json:"type"`
	Period period `json:"period"`
}

type period struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

// dated matches the part of a FHIR date or moment up to its day: it may be only a
// year, or a year and a month.
var dated = regexp.MustCompile(`^[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?`)

// covers reports whether a day lies in the period. An end of "2019" is the last day
// of that year. A text that is no date bounds nothing.
func (p period) covers(today time.Time) bool {
	if today.IsZero() {
		return true
	}
	now := today.Format(time.DateOnly)
	start, end := dated.FindString(p.Start), dated.FindString(p.End)
	return (start == "" || now[:len(start)] >= start) && (end == "" || now[:len(end)] <= end)
}

// secret keeps a value undecoded, so that a value which is never read is never
// decoded either.
type secret = json.RawMessage

func (i identifier) text() string {
	var s string
	if json.Unmarshal(i.Value, &s) != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

// sent reports whether an identifier has a value. One that is masked has only a
// data-absent-reason next to where its value would be.
func (i identifier) sent() bool {
	return len(i.Value) > 0 && string(i.Value) != "null" && string(i.Value) != `""`
}

// isText reports whether the value is a text or absent, as FHIR prescribes.
func (i identifier) isText() bool { return !i.sent() || i.Value[0] == '"' }

// inForce reports whether an identifier is in use on a day.
func (i identifier) inForce(today time.Time) bool { return i.Use != "old" && i.Period.covers(today) }

// bsn reports whether an identifier is a BSN. Its type says so whatever its system
// is: NNNLD is the Dutch national number in HL7's table 0203.
func (i identifier) bsn() bool {
	var national, dutch bool
	for _, c := range i.Type.Coding {
		switch strings.ToUpper(strings.TrimSpace(c.Code)) {
		case "NNNLD", "BSN":
			return true
		case "NN":
			national = true
		case "NLD", "NL":
			dutch = true
		}
	}
	if text := strings.ToLower(i.Type.Text); national && dutch || slices.Contains(words(text), "bsn") && !strings.Contains(text, "geen") ||
		strings.Contains(text, "burgerservice") {
		return true
	}
	s := strings.ToLower(i.System)
	return strings.Contains(s, "bsn") || strings.Contains(s, "burgerservice") || strings.HasSuffix(s, "2.16.840.1.113883.2.4.6.3")
}

// medicalRecord reports whether its type is that of a hospital's patient number.
func (i identifier) medicalRecord() bool {
	for _, c := range i.Type.Coding {
		if c.Code == "MR" {
			return true
		}
	}
	return false
}

// pseudonymType is the type of the temporary pseudonym that an identifier is, by
// the end of its system; empty if it is none.
func (i identifier) pseudonymType(types []string) string {
	end := i.System[strings.LastIndexAny(i.System, ":/#")+1:]
	for _, t := range types {
		if strings.EqualFold(end, t) {
			return t
		}
	}
	return ""
}

type extension struct {
	URL         string      `json:"url"`
	ValueString string      `json:"valueString"`
	ValueCode   string      `json:"valueCode"`
	Extension   []extension `json:"extension"`
}

// element is what FHIR keeps next to a value: its extensions.
type element struct {
	Extension []extension `json:"extension"`
}

// value returns an extension by the last part of its URL.
func (e *element) value(name string) (string, bool) {
	if e == nil {
		return "", false
	}
	for _, x := range e.Extension {
		if x.URL[strings.LastIndexByte(x.URL, '/')+1:] == name {
			return strings.TrimSpace(x.ValueString + x.ValueCode), true
		}
	}
	return "", false
}

type humanName struct {
	Use         string     `json:"use"`
	Period      period     `json:"period"`
	Family      string     `json:"family"`
	FamilyParts *element   `json:"_family"`
	Given       []*string  `json:"given"`
	GivenParts  []*element `json:"_given"`
	Prefix      []string   `json:"prefix"`
}

// person is a name as the TTP wants it.
type person struct{ surname, prefix, initials string }

// called reports whether two persons have the same surname. Data often repeats a
// name in other capitals.
func (a person) called(b person) bool {
	return strings.EqualFold(a.surname, b.surname) && strings.EqualFold(a.prefix, b.prefix)
}

// names are the uses of a name in the order in which they are taken; the others
// say nothing of who somebody is now.
var names = []string{"official", "", "usual"}

// person returns the own name of a patient that is in force on a day, never the
// partner's. Fault is the reason if there is no such name, or more than one.
func (p patient) person(today time.Time) (out person, fault tabular.Code) {
	var chosen, maiden *humanName
	best, several := len(names), false
	for i := range p.Name {
		n := &p.Name[i]
		if n.Use == "maiden" && maiden == nil { // its period may have ended at a marriage
			maiden = n
		}
		at := slices.Index(names, n.Use)
		switch {
		case at < 0 || at > best || !n.Period.covers(today):
		case at < best:
			chosen, best, several = n, at, false
		case !n.person().called(chosen.person()) && n.person().surname != "":
			several = several || chosen.person().surname != ""
			if chosen.person().surname == "" {
				chosen = n
			}
		}
	}
	if chosen != nil {
		out = chosen.person()
	}
	out.fillFrom(maiden)
	switch {
	case several && (maiden == nil || maiden.person().surname == ""):
		return person{}, SeveralNames
	case chosen == nil && maiden == nil && len(p.Name) > 0:
		return person{}, NoNameInForce
	}
	return out, ""
}

// fillFrom takes the surname of a maiden name, if there is one: it goes before every other.
// Its initials count only if the name in force has none.
func (p *person) fillFrom(maiden *humanName) {
	if maiden == nil {
		return
	}
	if surname, prefix := maiden.own(); surname != "" {
		p.surname, p.prefix = surname, prefix
	}
	if p.initials == "" {
		p.initials = maiden.initials()
	}
}

func (n *humanName) person() person {
	var out person
	out.surname, out.prefix = n.own()
	out.initials = n.initials()
	return out
}

// words splits a text at all that is no letter and no digit.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// own is the person's own name and its prefix. Where only a partner's is told, it
// is empty: the whole name may be the partner's.
func (n *humanName) own() (surname, prefix string) {
	own, has := n.FamilyParts.value("humanname-own-name")
	prefix, _ = n.FamilyParts.value("humanname-own-prefix")
	_, partner := n.FamilyParts.value("humanname-partner-name")
	switch {
	case has:
		return own, prefix
	case partner:
		return "", ""
	case prefix != "" && strings.HasPrefix(strings.ToLower(n.Family), strings.ToLower(prefix)+" "):
		return strings.TrimSpace(n.Family[len(prefix):]), prefix
	}
	return strings.TrimSpace(n.Family), prefix
}

// initials are given as such, or are made of the given names; a name to be called
// by is neither.
func (n *humanName) initials() string {
	var given, initials []string
	for i, g := range n.Given {
		if g == nil || strings.TrimSpace(*g) == "" {
			continue
		}
		var parts *element
		if i < len(n.GivenParts) {
			parts = n.GivenParts[i]
		}
		switch code, _ := parts.value("iso21090-EN-qualifier"); code {
		case "IN":
			initials = append(initials, strings.TrimSpace(*g))
		case "CL":
		default:
			given = append(given, strings.TrimSpace(*g))
		}
	}
	if len(initials) > 0 {
		return strings.Join(initials, "")
	}
	var b strings.Builder
	for _, g := range given {
		if strings.Contains(g, ".") || utf8.RuneCountInString(g) <= 2 {
			b.WriteString(g)
			continue
		}
		for _, word := range strings.FieldsFunc(g, func(r rune) bool { return unicode.IsSpace(r) || r == '-' }) {
			r, _ := utf8.DecodeRuneInString(word)
			b.WriteRune(unicode.ToUpper(r))
			b.WriteByte('.')
		}
	}
	return b.String()
}

type address struct {
	Use        string     `json:"use"`
	Line       []*string  `json:"line"`
	LineParts  []*element `json:"_line"`
	PostalCode string     `json:"postalCode"`
	Period     period     `json:"period"`
}

// numbered is a street with a house number and its suffix.
var numbered = regexp.MustCompile(`\s(\d{1,5})(?:[\s-]*([\pL\d][\pL\d -]{0,9}))?\s*$`)

// house is the house number and its suffix: of the extensions, or else of the end
// of the first line.
func (a address) house() (number, suffix string) {
	for _, parts := range a.LineParts {
		if n, ok := parts.value("iso21090-ADXP-houseNumber"); ok {
			number = n
		}
		for _, part := range []string{"iso21090-ADXP-buildingNumberSuffix", "iso21090-ADXP-additionalLocator"} {
			if s, ok := parts.value(part); ok && suffix == "" {
				suffix = s
			}
		}
	}
	if number == "" && len(a.Line) > 0 && a.Line[0] != nil {
		if m := numbered.FindStringSubmatch(*a.Line[0]); m != nil {
			number, suffix = m[1], strings.TrimSpace(m[2])
		}
	}
	return number, suffix
}

// addresses are those with a postcode, the present ones before the old.
func (p patient) addresses() []address {
	list := slices.DeleteFunc(slices.Clone(p.Address), func(a address) bool { return strings.TrimSpace(a.PostalCode) == "" })
	slices.SortStableFunc(list, func(a, b address) int { return btoi(a.Use == "old") - btoi(b.Use == "old") })
	return list[:min(len(list), maxAddresses)]
}

// maxAddresses is how many addresses of a patient are read.
const maxAddresses = 20
