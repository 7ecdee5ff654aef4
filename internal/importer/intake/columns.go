package intake

import (
	"slices"
	"strings"

	"sluis/internal/delivery"
	"sluis/internal/value"
)

// plainFields are what a user can assign a column to, beside the pseudonym types:
// what every kind has first, then the identity.
var plainFields = []delivery.Field{
	delivery.FieldPatientNumber, delivery.FieldBirthDate, delivery.FieldBirthYear, delivery.FieldSex, delivery.FieldCentre,
	fieldSurname, fieldPrefix, fieldInitials, fieldExpiresAt,
}

// Assignable tells whether a user can assign a column to field f. The parts of
// several postcodes are known by their headers alone.
func Assignable(f delivery.Field, types []string) bool {
	return slices.Contains(plainFields, f) || slices.Contains(types, string(f))
}

// Choices are the fields that a user of a centre can assign columns to, those
// that a file must have first.
func Choices(types []string, linkType string, identities bool) []Choice {
	var out []Choice
	add := func(f delivery.Field, kind delivery.Kind) {
		c := Choice{Field: f, Kind: kind}
		switch kind {
		case delivery.KindUnknown:
			c.Required = f == delivery.FieldPatientNumber || f == delivery.FieldSex || f == delivery.FieldBirthDate
		default:
			c.Required = slices.Contains(required(kind, linkType), f)
		}
		out = append(out, c)
	}
	for _, f := range []delivery.Field{delivery.FieldPatientNumber, delivery.FieldBirthDate, delivery.FieldSex} {
		add(f, delivery.KindUnknown)
	}
	if identities {
		for _, f := range []delivery.Field{fieldSurname, fieldPrefix, fieldInitials} {
			add(f, delivery.Identities)
		}
	}
	for _, t := range types {
		add(ofType(t), delivery.Temporary)
	}
	add(delivery.FieldBirthYear, delivery.Temporary)
	add(fieldExpiresAt, delivery.Temporary)
	add(delivery.FieldCentre, delivery.KindUnknown)
	return out
}

// Choice is a field that a user can assign a column to. Kind is the kind of file
// that has it; KindUnknown for every kind.
type Choice struct {
	Field    delivery.Field
	Kind     delivery.Kind
	Required bool
}

// named is what a field stands for in a layout.
func (w words) named(f delivery.Field) recognised {
	r := recognised{field: f}
	if slices.Contains(w.types.all, string(f)) {
		r.typ = string(f)
	}
	return r
}

// hints are parts of headers by which a column is guessed, the surer first. A
// guess is shown to the user, and never used unasked.
var hints = []struct {
	part  string
	field delivery.Field
}{
	{"gebdat", delivery.FieldBirthDate}, {"geboortedat", delivery.FieldBirthDate}, {"birthd", delivery.FieldBirthDate}, {"dob", delivery.FieldBirthDate},
	{"geboortej", delivery.FieldBirthYear}, {"tussenv", fieldPrefix}, {"voorv", fieldPrefix}, {"voorl", fieldInitials}, {"initia", fieldInitials},
	{"gesl", delivery.FieldSex}, {"gender", delivery.FieldSex}, {"sekse", delivery.FieldSex}, {"geboren", delivery.FieldBirthDate},
	{"achtern", fieldSurname}, {"familien", fieldSurname}, {"eigennaam", fieldSurname}, {"lastn", fieldSurname}, {"surn", fieldSurname},
	{"patn", delivery.FieldPatientNumber}, {"patientn", delivery.FieldPatientNumber}, {"patienti", delivery.FieldPatientNumber},
	{"pid", delivery.FieldPatientNumber}, {"identifier", delivery.FieldPatientNumber}, {"dossiern", delivery.FieldPatientNumber},
	{"zisn", delivery.FieldPatientNumber}, {"hospitaaln", delivery.FieldPatientNumber}, {"ziekenh", delivery.FieldCentre}, {"instelling", delivery.FieldCentre},
	{"geboorte", delivery.FieldBirthDate}, {"naam", fieldSurname},
}

// guess gives the field that a column may be, by its header and a few values;
// empty where neither tells.
func guess(header string, samples []string) delivery.Field {
	p := plain(header)
	for _, h := range hints {
		if strings.Contains(p, h.part) {
			return h.field
		}
	}
	filled, dated, sexed := 0, 0, 0
	for _, s := range samples {
		if s == "" {
			continue
		}
		filled++
		if iso, ok := (value.Dates{}).Read(s); ok && iso < "2100" && iso > "1850" {
			dated++
		}
		if value.IsSexWord(s) {
			sexed++
		}
	}
	switch {
	case filled == 0:
		return ""
	case dated == filled:
		return delivery.FieldBirthDate
	case sexed == filled:
		return delivery.FieldSex
	}
	return ""
}
