package intake

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/identity"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/patient"
	"sluis/internal/value"
)

// checked is a row after Sluis's own checks. The TTP judges the identity; Sluis
// only what it needs itself (product.md, "The TTP judges identities").
type checked struct {
	line        int
	display     patient.Display
	identity    identity.Identity
	temporaries []patient.Temporary
	findings    []patient.Finding
	shifted     bool // longer than the header: no cell can be trusted to be what its column says
}

// rejected tells whether one of the findings is fatal.
func (c checked) rejected() bool { return patient.AnyFatal(c.findings) }

func (c *checked) fail(code string, field delivery.Field) {
	c.findings = append(c.findings, patient.Finding{
		Severity: patient.Fatal, Source: patient.Sluis, Code: code, Field: string(field),
	})
}

func (c *checked) warn(code string, field delivery.Field) {
	c.findings = append(c.findings, patient.Finding{
		Severity: patient.Warning, Source: patient.Sluis, Code: code, Field: string(field),
	})
}

// checker checks the rows of one file.
type checker struct {
	columns.Layout
	dates    value.Dates
	centre   account.Centre // that delivers
	linkType string
	yearOnly bool
	today    time.Time
	habits   value.NumberHabits
}

// row checks one row. It is the same for a check and for saving.
func (k checker) row(row tabular.Row) checked {
	c := checked{line: row.Line}
	k.faults(&c, row.Faults)
	k.shape(&c, row.Cells)
	if c.shifted { // else what stands in the number's column may be a name
		return c
	}
	k.number(&c, row)
	if centre := k.Cell(row.Cells, delivery.FieldCentre); centre != "" && centre != k.centre.Number && !strings.EqualFold(centre, k.centre.Name) {
		c.fail("CENTRE_OTHER", delivery.FieldCentre)
	}
	c.display.Sex = value.Sex(k.Cell(row.Cells, delivery.FieldSex))
	if k.Kind == delivery.Identities {
		k.person(&c, row.Cells)
	} else {
		k.pseudonyms(&c, row.Cells)
	}
	return c
}

// faults takes over what could not be read, as far as the column is.
func (k checker) faults(c *checked, faults []tabular.Fault) {
	for _, f := range faults {
		if f.Column == tabular.WholeRow {
			c.fail(string(f.Code), "")
			c.shifted = true
		}
		for _, field := range k.Fields {
			if k.At[field] == f.Column {
				c.fail(string(f.Code), field)
			}
		}
	}
}

// failed tells whether a field has a fatal finding already.
func (c *checked) failed(field delivery.Field) bool {
	return slices.ContainsFunc(c.findings, func(f patient.Finding) bool {
		return f.Severity == patient.Fatal && f.Field == string(field)
	})
}

// shape holds the row against the header: content beyond it means that cells
// have shifted, and then no value can be trusted to be the patient's.
func (k checker) shape(c *checked, cells []string) {
	width := 0
	for i, cell := range cells {
		if cell != "" && !slices.Contains(k.Reports, i) {
			width = i + 1
		}
	}
	if width > k.LastColumn {
		c.fail("ROW_TOO_MANY_COLUMNS", "")
		c.shifted = true
	}
	for _, f := range k.Fields {
		cell := k.Cell(cells, f)
		switch {
		case f == delivery.FieldPatientNumber: // has checks of its own
		case utf8.RuneCountInString(cell) > columns.MaxCell:
			c.fail("FIELD_TOO_LONG", f)
		case value.HasControl(strings.ReplaceAll(strings.ReplaceAll(cell, "\n", " "), "\t", " ")):
			c.fail("CONTROL_CHARACTER", f)
		}
	}
}

// numberCodes are the codes of what makes a cell no patient number.
var numberCodes = map[value.NumberFault]string{
	value.NumberEmpty: "PATIENT_NUMBER_EMPTY", value.NumberTooLong: "PATIENT_NUMBER_TOO_LONG", value.NumberControl: "CONTROL_CHARACTER",
}

// number takes the patient number of a row, and warns of one that may not be what
// the hospital uses.
func (k checker) number(c *checked, row tabular.Row) {
	if c.failed(delivery.FieldPatientNumber) {
		return
	}
	number, fault := value.Number(k.Cell(row.Cells, delivery.FieldPatientNumber))
	if fault != "" {
		c.fail(numberCodes[fault], delivery.FieldPatientNumber)
		return
	}
	c.display.Number = number
	at := k.At[delivery.FieldPatientNumber]
	for _, doubt := range k.habits.Doubts(number, at < len(row.Numeric) && row.Numeric[at]) {
		c.warn(string(doubt), delivery.FieldPatientNumber)
	}
}

// person fills the identity as the TTP wants it. An empty date goes to the TTP
// as it is, and so does a date that no calendar has: the TTP has words for it.
func (k checker) person(c *checked, cells []string) {
	cell := k.Cell(cells, delivery.FieldBirthDate)
	birth, ok := k.dates.Read(cell)
	if !ok {
		c.fail(unreadable(cell), delivery.FieldBirthDate)
	}
	if b, real := patient.ParseBirth(birth); real {
		c.display.Birth = k.keep(b)
		k.unlikely(c, b)
	}
	f := identity.Fields{
		Surname:   value.OneLine(k.Cell(cells, columns.FieldSurname)),
		Prefix:    value.OneLine(k.Cell(cells, columns.FieldPrefix)),
		Initials:  value.OneLine(k.Cell(cells, columns.FieldInitials)),
		BirthDate: birth,
		Sex:       string(c.display.Sex),
		Postcodes: k.postcodes(c, cells),
	}
	c.legible(columns.FieldSurname, f.Surname)
	c.legible(columns.FieldPrefix, f.Prefix)
	c.legible(columns.FieldInitials, f.Initials)
	if f.Sex == "" {
		f.Sex = k.Cell(cells, delivery.FieldSex)
	}
	c.identity = identity.New(f)
}

// legible warns of a name that came over wrongly: it makes another pseudonym.
func (c *checked) legible(field delivery.Field, name string) {
	if value.Garbled(name) {
		c.warn("NAME_GARBLED", field)
	}
}

func (k checker) pseudonyms(c *checked, cells []string) {
	if cell := k.Cell(cells, delivery.FieldBirthDate); cell != "" {
		iso, ok := k.dates.Read(cell)
		b, real := patient.ParseBirth(iso)
		if !ok || !real {
			c.fail(unreadable(cell), delivery.FieldBirthDate)
		}
		c.display.Birth = k.keep(b)
		k.unlikely(c, b)
	} else if cell := k.Cell(cells, delivery.FieldBirthYear); cell != "" {
		year, err := strconv.Atoi(cell)
		if err != nil || year < 1800 || year > 9999 {
			c.fail("BIRTH_YEAR_UNREADABLE", delivery.FieldBirthYear)
		} else {
			c.display.Birth = patient.Birth{Year: year}
		}
	}
	if cell := k.Cell(cells, delivery.FieldSex); cell != "" && c.display.Sex == patient.SexUnknown {
		c.warn("SEX_UNKNOWN", delivery.FieldSex)
	}
	k.temporaries(c, cells)
}

// unreadable is the code for a birth date that cannot be read.
func unreadable(cell string) string {
	if value.IsPartialDate(cell) {
		return "BIRTH_DATE_PARTIAL"
	}
	return "BIRTH_DATE_UNREADABLE"
}

// keep gives what the registry may keep of a birth date.
func (k checker) keep(b patient.Birth) patient.Birth {
	if k.yearOnly {
		return b.YearOnly()
	}
	return b
}
