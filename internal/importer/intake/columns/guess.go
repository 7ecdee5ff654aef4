package columns

import (
	"strings"

	"sluis/internal/delivery"
	"sluis/internal/value"
)

// hints are parts of headers by which a column is guessed, the surest first. A guess
// is only proposed to the user.
var hints = []struct {
	part  string
	field delivery.Field
}{
	{
		"gebdat",
		delivery.FieldBirthDate,
	}, {"geboortedat", delivery.FieldBirthDate}, {"birthd", delivery.FieldBirthDate}, {"dob", delivery.FieldBirthDate},
	{
		"geboortej",
		delivery.FieldBirthYear,
	}, {"tussenv", FieldPrefix}, {"voorv", FieldPrefix}, {"voorl", FieldInitials}, {"initia", FieldInitials},
	{"gesl", delivery.FieldSex}, {"gender", delivery.FieldSex}, {"sekse", delivery.FieldSex}, {"geboren", delivery.FieldBirthDate},
	{"achtern", FieldSurname}, {"familien", FieldSurname}, {"eigennaam", FieldSurname}, {"lastn", FieldSurname}, {"surn", FieldSurname},
	{"patn", delivery.FieldPatientNumber}, {"patientn", delivery.FieldPatientNumber}, {"patienti", delivery.FieldPatientNumber},
	{"pid", delivery.FieldPatientNumber}, {"identifier", delivery.FieldPatientNumber}, {"dossiern", delivery.FieldPatientNumber},
	{
		"zisn",
		delivery.FieldPatientNumber,
	}, {"hospitaaln", delivery.FieldPatientNumber}, {"ziekenh", delivery.FieldCentre}, {"instelling", delivery.FieldCentre},
	{"geboorte", delivery.FieldBirthDate}, {"naam", FieldSurname},
}

// guess returns the field that a column may be, by its header or else by its values.
// It is empty if neither shows it.
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
