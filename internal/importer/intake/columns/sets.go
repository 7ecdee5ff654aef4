package columns

import (
	"slices"
	"strconv"
	"strings"

	"sluis/internal/delivery"
)

// maxSets is the highest number that a column of a numbered set may have.
const maxSets = 20

// Types are the pseudonym types that the registry works with.
type Types struct {
	All   []string
	Dated []string // those made of a postcode: several a row, each with the day on which it was true
	Link  string
}

// setFields are the fields in which a postcode is delivered. A row may have several
// sets of them, told apart by a number in the header: "Postcode 1". A header without
// a number has the number 0.
var setFields = []delivery.Field{FieldPostcode, FieldHouseNumber, FieldSuffix, FieldRecordedOn}

// Address is the fields of one set.
type Address struct{ Postcode, HouseNumber, Suffix, RecordedOn delivery.Field }

func addressNo(n int) Address {
	return Address{numbered(FieldPostcode, n), numbered(FieldHouseNumber, n), numbered(FieldSuffix, n), numbered(FieldRecordedOn, n)}
}

// Slot is the fields of one pseudonym of a row. RecordedOn is empty if its type has
// no day, or the file has no column for it.
type Slot struct {
	Type              string
	Dated             bool
	Value, RecordedOn delivery.Field
}

// numbered is the field of one of several columns: "postcode", "postcode.1".
func numbered(f delivery.Field, n int) delivery.Field {
	if n == 0 {
		return f
	}
	return f + "." + delivery.Field(strconv.Itoa(n))
}

// OfType is the field of a pseudonym: "PGG".
func OfType(t string) delivery.Field { return delivery.Field(t) }

// ExpiryOf is the field of the moment at which pseudonyms of one type expire.
func ExpiryOf(t string) delivery.Field { return FieldExpiresAt + "." + delivery.Field(t) }

// dayOf is the field of the day on which the postcode of a pseudonym was true.
func dayOf(t string) delivery.Field { return FieldRecordedOn + "." + delivery.Field(t) }

// chooseSets works out which columns of the numbered sets are read, and drops the
// others: a postcode of which no pseudonym is made may not go on.
func (l *Layout) chooseSets(types Types) {
	read := map[delivery.Field]bool{}
	if l.Kind == delivery.Temporary {
		l.chooseSlots(types, read)
		read[FieldExpiresAt] = true
		for _, t := range types.All {
			read[ExpiryOf(t)] = true
		}
	} else if len(types.Dated) > 0 {
		for n := range maxSets + 1 {
			if a := addressNo(n); l.Has(a.Postcode) {
				l.Addresses = append(l.Addresses, a)
				read[a.Postcode], read[a.HouseNumber], read[a.Suffix], read[a.RecordedOn] = true, true, true, true
			}
		}
	}
	for f, column := range l.At {
		if (f == fieldEmail || strings.HasPrefix(string(f), string(FieldExpiresAt)) || partOfSet(f)) && !read[f] {
			l.ignored = append(l.ignored, column)
			delete(l.At, f)
			delete(l.Columns, f)
		}
	}
}

// chooseSlots pairs each pseudonym column with the column of its day, and adds the
// days to what is read.
func (l *Layout) chooseSlots(types Types, read map[delivery.Field]bool) {
	for _, t := range types.All {
		dated := slices.Contains(types.Dated, t)
		for n := range maxSets + 1 {
			s := Slot{Type: t, Dated: dated, Value: numbered(OfType(t), n)}
			if !l.Has(s.Value) {
				continue
			}
			// A day that names no type is the day of all types with its number.
			for _, day := range []delivery.Field{numbered(dayOf(t), n), numbered(FieldRecordedOn, n)} {
				if dated && s.RecordedOn == "" && l.Has(day) {
					s.RecordedOn, read[day] = day, true
				}
			}
			l.Slots = append(l.Slots, s)
		}
	}
}

// partOfSet reports whether a field belongs to a postcode, or is the day of a
// pseudonym.
func partOfSet(f delivery.Field) bool {
	base, _, _ := strings.Cut(string(f), ".")
	return slices.Contains(setFields, delivery.Field(base))
}
