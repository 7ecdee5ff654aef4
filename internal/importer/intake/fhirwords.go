package intake

import (
	"maps"
	"strconv"

	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/importer/intake/fhir"
)

// formatFHIR is the argument of a remark on a file of FHIR. The catalogue says such a
// remark in words of FHIR, which has elements and no columns.
const formatFHIR = "fhir"

// inFHIR are the refusals whose usual words speak of columns, a header or quotes.
var inFHIR = map[string]bool{
	"MISSING_COLUMN": true, "NO_LINK_PSEUDONYM": true, "MIXED": true, "ONE_COLUMN": true, "NO_HEADER": true, "RECORD_TOO_LONG": true,
	"TOO_MANY_ROWS": true, "SEX_ZERO_ONE": true, "DATES_SWAPPED": true, "DATES_MIXED": true, columns.DatesOpen: true,
	"BIRTHS_NUMBERED_TEXT": true,
}

// elements are the elements of a Patient by the field that they fill.
var elements = map[delivery.Field]string{
	delivery.FieldPatientNumber: "identifier", delivery.FieldBirthDate: "birthDate", delivery.FieldSex: "gender",
	columns.FieldSurname: "name.family", columns.FieldInitials: "name.given",
}

// inWordsOfFHIR lets refusals of a file of FHIR be said in words of FHIR.
func (p *parse) inWordsOfFHIR(refusals []delivery.Remark) []delivery.Remark {
	if !p.isFHIR {
		return refusals
	}
	out := make([]delivery.Remark, len(refusals))
	for i, r := range refusals {
		switch {
		case r.Code == "BSN_COLUMN":
			r = delivery.NewRemark("FHIR_BSN")
		case inFHIR[r.Code]:
			args := map[string]string{"format": formatFHIR}
			maps.Copy(args, r.Args)
			for field, element := range elements {
				if columns.Wanted(field) == r.Args["column"] {
					args["column"] = element
				}
			}
			r.Args = args
		}
		out[i] = r
	}
	return out
}

// nameParameter names the parameter with which a script says the order of its dates. FHIR
// prescribes it, so that its door has no such parameter.
func (p *parse) nameParameter(refusals []delivery.Remark) {
	if p.isFHIR || p.claim.Delivery.Via != audit.ViaAPI {
		return
	}
	for _, r := range refusals {
		if r.Code == columns.DatesOpen {
			r.Args["parameter"] = "dates"
		}
	}
}

// records notes the patients of FHIR that the sender no longer uses.
func (p *parse) records() []delivery.Remark {
	source, ok := p.source.(*fhir.Source)
	if !ok {
		return nil
	}
	var notes []delivery.Remark
	if source.Inactive > 0 {
		notes = append(notes, delivery.NewRemark("FHIR_INACTIVE", "count", strconv.Itoa(source.Inactive)))
	}
	if source.Replaced > 0 {
		notes = append(notes, delivery.NewRemark("FHIR_REPLACED", "count", strconv.Itoa(source.Replaced)))
	}
	return notes
}
