package fhir

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// patient is what is read of a Patient resource.
type patient struct {
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

type identifier struct {
	System string `json:"system"`
	Value  secret `json:"value"`
	Type   struct {
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

// bsn reports whether an identifier is a BSN, by its system.
func (i identifier) bsn() bool {
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
	Family      string     `json:"family"`
	FamilyParts *element   `json:"_family"`
	Given       []*string  `json:"given"`
	GivenParts  []*element `json:"_given"`
	Prefix      []string   `json:"prefix"`
}

// person is a name as the TTP wants it.
type person struct{ surname, prefix, initials string }

// names are the uses of a name in the order in which they are taken; the others
// say nothing of who somebody is now.
var names = []string{"official", "", "usual"}

// person returns the own name of a patient, never the partner's.
func (p patient) person() person {
	var chosen, maiden *humanName
	best := len(names)
	for i := range p.Name {
		n := &p.Name[i]
		if at := slices.Index(names, n.Use); at >= 0 && at < best {
			chosen, best = n, at
		}
		if n.Use == "maiden" && maiden == nil {
			maiden = n
		}
	}
	var out person
	if chosen != nil {
		out.surname, out.prefix = chosen.own()
		out.initials = chosen.initials()
	}
	if maiden != nil {
		if surname, prefix := maiden.own(); surname != "" {
			out.surname, out.prefix = surname, prefix
		}
		if out.initials == "" {
			out.initials = maiden.initials()
		}
	}
	return out
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
