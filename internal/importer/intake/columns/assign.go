package columns

import (
	"errors"
	"slices"

	"sluis/internal/delivery"
)

// plainFields are the fields that a user can assign a column to, besides pseudonyms:
// first those of every kind of file, then the identity.
var plainFields = []delivery.Field{
	delivery.FieldPatientNumber, delivery.FieldBirthDate, delivery.FieldBirthYear, delivery.FieldSex, delivery.FieldCentre,
	FieldSurname, FieldPrefix, FieldInitials, FieldExpiresAt,
}

// Assignable reports whether a user can assign a column to field f. The parts of
// several postcodes cannot be assigned: they are known only by their headers.
func Assignable(f delivery.Field, types []string) bool {
	return slices.Contains(plainFields, f) || slices.Contains(types, string(f))
}

// Choice is a field that a user can assign a column to. Kind is the kind of file
// that has it; KindUnknown if every kind has.
type Choice struct {
	Field    delivery.Field
	Kind     delivery.Kind
	Required bool
}

// choices returns the fields that a user of the centre can assign columns to, those
// that a file must have first.
func (fi Finder) choices() []Choice {
	var out []Choice
	add := func(f delivery.Field, kind delivery.Kind) {
		c := Choice{Field: f, Kind: kind}
		switch kind {
		case delivery.KindUnknown:
			c.Required = f == delivery.FieldPatientNumber || f == delivery.FieldSex || f == delivery.FieldBirthDate
		default:
			c.Required = slices.Contains(Required(kind, fi.Types.Link), f)
		}
		out = append(out, c)
	}
	for _, f := range []delivery.Field{delivery.FieldPatientNumber, delivery.FieldBirthDate, delivery.FieldSex} {
		add(f, delivery.KindUnknown)
	}
	if fi.IdentitiesAllowed {
		for _, f := range []delivery.Field{FieldSurname, FieldPrefix, FieldInitials} {
			add(f, delivery.Identities)
		}
	}
	for _, t := range fi.Types.All {
		add(OfType(t), delivery.Temporary)
	}
	add(delivery.FieldBirthYear, delivery.Temporary)
	add(FieldExpiresAt, delivery.Temporary)
	add(delivery.FieldCentre, delivery.KindUnknown)
	return out
}

// Assign checks an assignment that a user made of a file, whose columns are fewer
// than maxColumns. It returns the reasons for which it cannot be right, or the keyed
// hash of its header; nil if there is no header to know again.
func (fi Finder) Assign(all []Top, a delivery.Assignment, maxColumns int) (wrong []delivery.Remark, header []byte, err error) {
	if wrong := assignedTwice(a); len(wrong) > 0 {
		return wrong, nil, nil
	}
	for field, column := range a.Columns {
		if !Assignable(field, fi.Types.All) || column < 0 || column >= maxColumns {
			return nil, nil, errors.New("columns: an assignment of a field or a column that does not exist")
		}
	}
	f, ok := fi.layAssigned(all, a)
	if !ok {
		return []delivery.Remark{delivery.NewRemark("NO_HEADER")}, nil, nil
	}
	if f = fi.guard(all, f); !f.Complete() {
		return f.Refusals, nil, nil
	}
	if a.Header > 0 || all[a.Table].Header != nil {
		header = fi.headerMAC(f.Names)
	}
	return nil, header, nil
}

// assignedTwice names the columns that are assigned to more than one field.
func assignedTwice(a delivery.Assignment) []delivery.Remark {
	count := map[int]int{}
	for _, column := range a.Columns {
		count[column]++
	}
	var out []delivery.Remark
	for column, n := range count {
		if n > 1 {
			out = append(out, delivery.NewRemark("COLUMN_USED_TWICE", "column", place(column)))
		}
	}
	slices.SortFunc(out, func(a, b delivery.Remark) int { return len(a.Args["column"]) - len(b.Args["column"]) })
	return out
}
