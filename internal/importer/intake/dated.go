package intake

import (
	"strings"
	"time"
	"unicode/utf8"

	"sluis/internal/delivery"
	"sluis/internal/identity"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/patient"
	"sluis/internal/value"
)

// postcodes returns the postcodes of a row, one for each day. It leaves out one
// without a day, which would be dated wrongly, and a second one of the same day,
// because the TTP distinguishes them by their days.
func (k checker) postcodes(c *checked, cells []string) []identity.Postcode {
	var kept []identity.Postcode
	on := map[string]int{} // day to place in kept
	for _, a := range k.Addresses {
		p := identity.Postcode{
			Postcode: value.OneLine(
				k.Cell(cells, a.Postcode),
			), HouseNumber: value.OneLine(k.Cell(cells, a.HouseNumber)), Suffix: value.OneLine(k.Cell(cells, a.Suffix)),
		}
		cell := k.Cell(cells, a.RecordedOn)
		if p.Postcode == "" {
			if p.HouseNumber != "" || p.Suffix != "" || cell != "" {
				c.warn("POSTCODE_EMPTY", a.Postcode)
			}
			continue
		}
		day, ok := k.dates.ReadDay(cell)
		if !ok {
			c.warn("POSTCODE_DATE_UNREADABLE", k.either(a.RecordedOn, a.Postcode))
			continue
		}
		p.RecordedOn = day
		if first, twice := on[day]; twice {
			if !sameAddress(kept[first], p) {
				c.warn("POSTCODE_TWICE", a.Postcode)
			}
			continue
		}
		on[day] = len(kept)
		kept = append(kept, p)
	}
	return kept
}

// temporaries fills the temporary pseudonyms of a row. Two of one type must have
// different days, as postcodes must.
func (k checker) temporaries(c *checked, cells []string) {
	type space struct{ typ, recordedOn string }
	held := map[space]string{}
	linked, malformed := false, false
	all := k.expiry(c, cells, columns.FieldExpiresAt)
	ends := map[string]time.Time{}
	for _, t := range k.Types {
		ends[t] = all
		if k.Has(columns.ExpiryOf(t)) {
			ends[t] = k.expiry(c, cells, columns.ExpiryOf(t))
		}
	}
	for _, s := range k.Slots {
		t := patient.Temporary{Type: s.Type, Value: k.Cell(cells, s.Value), ExpiresAt: ends[s.Type]}
		if t.Value == "" {
			continue
		}
		if utf8.RuneCountInString(t.Value) > patient.MaxPseudonymLength || strings.ContainsAny(t.Value, " \n\t") {
			c.fail("PSEUDONYM_MALFORMED", s.Value)
			malformed = malformed || s.Type == k.linkType
			continue
		}
		if s.Dated {
			day, ok := k.dates.ReadDay(k.Cell(cells, s.RecordedOn))
			if !ok {
				c.warn("PSEUDONYM_DATE_UNREADABLE", k.either(s.RecordedOn, s.Value))
				continue
			}
			t.RecordedOn = day
		}
		at := space{t.Type, t.RecordedOn}
		if value, twice := held[at]; twice {
			if value != t.Value {
				c.warn("PSEUDONYM_TWICE", s.Value)
			}
			continue
		}
		held[at] = t.Value
		linked = linked || s.Type == k.linkType
		c.temporaries = append(c.temporaries, t)
	}
	if !linked && !malformed {
		c.fail("LINK_PSEUDONYM_MISSING", columns.OfType(k.linkType))
	}
}

// either returns the field that has a column, since a finding must name a column
// that the user can find.
func (k checker) either(f, other delivery.Field) delivery.Field {
	if k.Has(f) {
		return f
	}
	return other
}

// sameAddress reports whether two postcodes are the same, except for spaces and
// capitals.
func sameAddress(a, b identity.Postcode) bool {
	same := func(a, b string) bool {
		return strings.EqualFold(strings.ReplaceAll(a, " ", ""), strings.ReplaceAll(b, " ", ""))
	}
	return same(a.Postcode, b.Postcode) && same(a.HouseNumber, b.HouseNumber) && same(a.Suffix, b.Suffix)
}
