package intake

import (
	"time"

	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// oldAge is the age in years above which a birth date is worth a look.
const oldAge = 105

// unlikely warns of a birth date that may be made up.
func (k checker) unlikely(c *checked, b patient.Birth) {
	if b.IsZero() {
		return
	}
	age := k.today.Year() - b.Year
	if b.HasDay() && (k.today.Month() < time.Month(b.Month) || k.today.Month() == time.Month(b.Month) && k.today.Day() < b.Day) {
		age--
	}
	if age > oldAge {
		c.warn("BIRTH_LONG_AGO", delivery.FieldBirthDate)
	}
	// If only years are kept, a finding must not reveal the day.
	if b.HasDay() && !k.yearOnly && b.Month == 1 && b.Day == 1 {
		c.warn("BIRTH_FIRST_JANUARY", delivery.FieldBirthDate)
	}
}
