package intake

import (
	"strings"
	"time"
	"unicode/utf8"

	"sluis/internal/delivery"
	"sluis/internal/identity"
	"sluis/internal/patient"
	"sluis/internal/value"
)

// postcodes gives the postcodes of a row, one for each day. One without a day is
// left out, for it would be dated wrongly; so is a second one of the same day,
// for the TTP tells them apart by their days.
func (k checker) postcodes(c *checked, cells []string) []identity.Postcode {
	var kept []identity.Postcode
	on := map[string]int{} // day to place in kept
	for _, a := range k.addresses {
		p := identity.Postcode{
			Postcode: value.OneLine(k.cell(cells, a.postcode)), HouseNumber: value.OneLine(k.cell(cells, a.houseNumber)), Suffix: value.OneLine(k.cell(cells, a.suffix)),
		}
		cell := k.cell(cells, a.recordedOn)
		if p.Postcode == "" {
			if p.HouseNumber != "" || p.Suffix != "" || cell != "" {
				c.warn("POSTCODE_EMPTY", a.postcode)
			}
			continue
		}
		day, ok := k.dates.ReadDay(cell)
		if !ok {
			c.warn("POSTCODE_DATE_UNREADABLE", k.either(a.recordedOn, a.postcode))
			continue
		}
		p.RecordedOn = day
		if first, twice := on[day]; twice {
			if !sameAddress(kept[first], p) {
				c.warn("POSTCODE_TWICE", a.postcode)
			}
			continue
		}
		on[day] = len(kept)
		kept = append(kept, p)
	}
	return kept
}

// temporaries fills the temporary pseudonyms of a row. Those of one type are told
// apart by their days, as postcodes are.
func (k checker) temporaries(c *checked, cells []string) {
	type space struct{ typ, recordedOn string }
	held := map[space]string{}
	linked, malformed := false, false
	all := k.expiry(c, cells, fieldExpiresAt)
	ends := map[string]time.Time{}
	for _, t := range k.types {
		ends[t] = all
		if k.has(expiryOf(t)) {
			ends[t] = k.expiry(c, cells, expiryOf(t))
		}
	}
	for _, s := range k.slots {
		t := patient.Temporary{Type: s.typ, Value: k.cell(cells, s.value), ExpiresAt: ends[s.typ]}
		if t.Value == "" {
			continue
		}
		if utf8.RuneCountInString(t.Value) > patient.MaxPseudonymLength || strings.ContainsAny(t.Value, " \n\t") {
			c.fail("PSEUDONYM_MALFORMED", s.value)
			malformed = malformed || s.typ == k.linkType
			continue
		}
		if s.dated {
			day, ok := k.dates.ReadDay(k.cell(cells, s.recordedOn))
			if !ok {
				c.warn("PSEUDONYM_DATE_UNREADABLE", k.either(s.recordedOn, s.value))
				continue
			}
			t.RecordedOn = day
		}
		at := space{t.Type, t.RecordedOn}
		if value, twice := held[at]; twice {
			if value != t.Value {
				c.warn("PSEUDONYM_TWICE", s.value)
			}
			continue
		}
		held[at] = t.Value
		linked = linked || s.typ == k.linkType
		c.temporaries = append(c.temporaries, t)
	}
	if !linked && !malformed {
		c.fail("LINK_PSEUDONYM_MISSING", ofType(k.linkType))
	}
}

// either gives the field that has a column: a finding names a column that the
// user can find.
func (k checker) either(f, other delivery.Field) delivery.Field {
	if k.has(f) {
		return f
	}
	return other
}

// sameAddress tells whether two postcodes are one, however they are written.
func sameAddress(a, b identity.Postcode) bool {
	same := func(a, b string) bool {
		return strings.EqualFold(strings.ReplaceAll(a, " ", ""), strings.ReplaceAll(b, " ", ""))
	}
	return same(a.Postcode, b.Postcode) && same(a.HouseNumber, b.HouseNumber) && same(a.Suffix, b.Suffix)
}
