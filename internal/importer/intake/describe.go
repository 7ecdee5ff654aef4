package intake

import (
	"slices"

	"sluis/internal/delivery"
)

// ExampleNumber is the patient number in our example files. A row that still has
// it is passed over, so that nobody delivers the example by mistake.
const ExampleNumber = "VOORBEELD"

// Described is what users are told of a column: the help, the templates and the
// examples are made of it, and so is what a file must have.
type Described struct {
	Field    delivery.Field
	Kind     string // of the catalogue: "column.<kind>" says which values it takes
	Header   string
	Property string   // in JSON
	Also     []string // other headers that are recognised, a few of them
	Required bool
	Instead  delivery.Field // another field that will do as well; empty for none
	Example  string
}

// examples are values that show what a column takes.
var examples = map[delivery.Field]string{
	delivery.FieldPatientNumber: ExampleNumber, delivery.FieldBirthDate: "31-1-2001", delivery.FieldBirthYear: "2001", delivery.FieldSex: "m",
	fieldSurname: "Voorbeeld", fieldPrefix: "van den", fieldInitials: "A.B.", fieldPostcode: "1234AB", fieldHouseNumber: "12", fieldSuffix: "a",
	fieldRecordedOn: "1-7-2025", fieldExpiresAt: "1-12-2026",
}

// shownAlso is how many other headers are told.
const shownAlso = 4

// Describe lists the columns of a kind of file, in the order of the pilot's.
func (in *Intake) Describe(kind delivery.Kind, centre string) []Described {
	var out []Described
	need := required(kind, in.LinkType)
	add := func(f delivery.Field, kind string) *Described {
		d := Described{Field: f, Kind: kind, Header: Wanted(f), Property: string(f), Required: slices.Contains(need, f), Example: examples[f]}
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
		plainly(delivery.FieldBirthDate, delivery.FieldSex, delivery.FieldPatientNumber, fieldSurname, fieldPrefix, fieldInitials)
		if len(in.PostcodeTypes) > 0 {
			plainly(fieldPostcode, fieldHouseNumber, fieldSuffix, fieldRecordedOn)
		}
		return out
	}
	add(delivery.FieldBirthDate, string(delivery.FieldBirthDate)).Instead = delivery.FieldBirthYear
	year := add(delivery.FieldBirthYear, string(delivery.FieldBirthYear))
	year.Required, year.Instead = true, delivery.FieldBirthDate
	plainly(delivery.FieldSex, delivery.FieldPatientNumber)
	for _, t := range in.Types {
		d := add(ofType(t), "pseudonym")
		d.Property, d.Example = "pseudonym"+t, "voorbeeld"+t+"x7Q2m9Kp"
	}
	plainly(fieldExpiresAt)
	return out
}
