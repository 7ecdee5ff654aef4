package columns

import (
	"slices"

	"sluis/internal/delivery"
)

// ExampleNumber is the patient number in our example files. A row that still has
// it is skipped, so that nobody delivers the example by mistake.
const ExampleNumber = "VOORBEELD"

// Described is what users are told of a column. The help, the templates, the
// examples and the list of what a file must have are made of it.
type Described struct {
	Field    delivery.Field
	Kind     string // of the catalogue: "column.<kind>" says which values the column takes
	Header   string
	Property string   // in JSON
	Also     []string // a few of the other headers that are recognised
	Required bool
	Instead  delivery.Field // a field that will do as well; empty if there is none
	Example  string
}

// examples are values that show what a column takes.
var examples = map[delivery.Field]string{
	delivery.FieldPatientNumber: ExampleNumber, delivery.FieldBirthDate: "31-1-2001", delivery.FieldBirthYear: "2001",
	delivery.FieldSex: "m",
	FieldSurname:      "Voorbeeld", FieldPrefix: "van den", FieldInitials: "A.B.", FieldPostcode: "1234AB", FieldHouseNumber: "12",
	FieldSuffix:     "a",
	FieldRecordedOn: "1-7-2025", FieldExpiresAt: "1-12-2026",
}

// shownAlso is how many other headers are named.
const shownAlso = 4

// Describe lists the columns of a kind of file for a centre, in the order of the
// pilot's files.
func Describe(types Types, kind delivery.Kind, centre string) []Described {
	var out []Described
	need := Required(kind, types.Link)
	add := func(f delivery.Field, kind string) *Described {
		d := Described{
			Field:    f,
			Kind:     kind,
			Header:   Wanted(f),
			Property: string(f),
			Required: slices.Contains(need, f),
			Example:  examples[f],
		}
		for _, h := range headers[f] {
			if h != plain(d.Header) && len(d.Also) < shownAlso {
				d.Also = append(d.Also, h)
			}
		}
		out = append(out, d)
		return &out[len(out)-1]
	}
	plainly := func(fields ...delivery.Field) {
		for _, f := range fields {
			add(f, string(f))
		}
	}
	add(delivery.FieldCentre, string(delivery.FieldCentre)).Example = centre
	if kind == delivery.Identities {
		plainly(delivery.FieldBirthDate, delivery.FieldSex, delivery.FieldPatientNumber, FieldSurname, FieldPrefix, FieldInitials)
		if len(types.Dated) > 0 {
			plainly(FieldPostcode, FieldHouseNumber, FieldSuffix, FieldRecordedOn)
		}
		return out
	}
	add(delivery.FieldBirthDate, string(delivery.FieldBirthDate)).Instead = delivery.FieldBirthYear
	year := add(delivery.FieldBirthYear, string(delivery.FieldBirthYear))
	year.Required, year.Instead = true, delivery.FieldBirthDate
	plainly(delivery.FieldSex, delivery.FieldPatientNumber)
	for _, t := range types.All {
		d := add(OfType(t), "pseudonym")
		d.Property, d.Example = "pseudonym"+t, "voorbeeld"+t+"x7Q2m9Kp"
	}
	plainly(FieldExpiresAt)
	return out
}
