package intake

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/identity"
	"sluis/internal/importer/intake/tabular"
	"sluis/internal/patient"
)

// maxCell is the longest value that a known column may have, in characters.
const maxCell = 1000

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
func (c checked) rejected() bool {
	for _, f := range c.findings {
		if f.Severity == patient.Fatal {
			return true
		}
	}
	return false
}

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
	layout
	dates
	centre      account.Centre // that delivers
	linkType    string
	yearOnly    bool
	today       time.Time
	usualLength int  // of the file's patient numbers; 0 where they have none
	zeros       bool // some patient numbers begin with a zero
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
	if centre := k.cell(row.Cells, delivery.FieldCentre); centre != "" && centre != k.centre.Number && !strings.EqualFold(centre, k.centre.Name) {
		c.fail("CENTRE_OTHER", delivery.FieldCentre)
	}
	c.display.Sex = sex(k.cell(row.Cells, delivery.FieldSex))
	if k.kind == delivery.Identities {
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
		for _, field := range k.fields {
			if k.at[field] == f.Column {
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
		if cell != "" && !slices.Contains(k.reports, i) {
			width = i + 1
		}
	}
	if width > k.lastColumn {
		c.fail("ROW_TOO_MANY_COLUMNS", "")
		c.shifted = true
	}
	for _, f := range k.fields {
		cell := k.cell(cells, f)
		switch {
		case f == delivery.FieldPatientNumber: // has checks of its own
		case utf8.RuneCountInString(cell) > maxCell:
			c.fail("FIELD_TOO_LONG", f)
		case tabular.Control(strings.ReplaceAll(strings.ReplaceAll(cell, "\n", " "), "\t", " ")):
			c.fail("CONTROL_CHARACTER", f)
		}
	}
}

func (k checker) number(c *checked, row tabular.Row) {
	n := k.cell(row.Cells, delivery.FieldPatientNumber)
	switch {
	case c.failed(delivery.FieldPatientNumber):
	case n == "":
		c.fail("PATIENT_NUMBER_EMPTY", delivery.FieldPatientNumber)
	case utf8.RuneCountInString(n) > patient.MaxNumberLength:
		c.fail("PATIENT_NUMBER_TOO_LONG", delivery.FieldPatientNumber)
	case tabular.Control(n):
		c.fail("CONTROL_CHARACTER", delivery.FieldPatientNumber)
	default:
		c.display.Number = n
		at := k.at[delivery.FieldPatientNumber]
		k.suspect(c, n, at < len(row.Numeric) && row.Numeric[at])
	}
}

// person fills the identity as the TTP wants it. An empty date goes to the TTP
// as it is, and so does a date that no calendar has: the TTP has words for it.
func (k checker) person(c *checked, cells []string) {
	cell := k.cell(cells, delivery.FieldBirthDate)
	birth, ok := k.read(cell)
	if !ok {
		c.fail(unreadable(cell), delivery.FieldBirthDate)
	}
	if b, real := patient.ParseBirth(birth); real {
		c.display.Birth = k.keep(b)
		k.unlikely(c, b)
	}
	f := identity.Fields{
		Surname:   oneLine(k.cell(cells, fieldSurname)),
		Prefix:    oneLine(k.cell(cells, fieldPrefix)),
		Initials:  oneLine(k.cell(cells, fieldInitials)),
		BirthDate: birth,
		Sex:       string(c.display.Sex),
		Postcodes: k.postcodes(c, cells),
	}
	c.legible(fieldSurname, f.Surname)
	c.legible(fieldPrefix, f.Prefix)
	c.legible(fieldInitials, f.Initials)
	if f.Sex == "" {
		f.Sex = k.cell(cells, delivery.FieldSex)
	}
	c.identity = identity.New(f)
}

// legible warns of a name that came over wrongly: it makes another pseudonym.
func (c *checked) legible(field delivery.Field, name string) {
	if garbled(name) {
		c.warn("NAME_GARBLED", field)
	}
}

func (k checker) pseudonyms(c *checked, cells []string) {
	if cell := k.cell(cells, delivery.FieldBirthDate); cell != "" {
		iso, ok := k.read(cell)
		b, real := patient.ParseBirth(iso)
		if !ok || !real {
			c.fail(unreadable(cell), delivery.FieldBirthDate)
		}
		c.display.Birth = k.keep(b)
		k.unlikely(c, b)
	} else if cell := k.cell(cells, delivery.FieldBirthYear); cell != "" {
		year, err := strconv.Atoi(cell)
		if err != nil || year < 1800 || year > 9999 {
			c.fail("BIRTH_YEAR_UNREADABLE", delivery.FieldBirthYear)
		} else {
			c.display.Birth = patient.Birth{Year: year}
		}
	}
	if cell := k.cell(cells, delivery.FieldSex); cell != "" && c.display.Sex == patient.SexUnknown {
		c.warn("SEX_UNKNOWN", delivery.FieldSex)
	}
	k.temporaries(c, cells)
}

// partial is a birth of which the day is not known, as FHIR writes it.
var partial = regexp.MustCompile(`^\d{4}(?:-\d{2})?$`)

// unreadable is the code for a birth date that cannot be read.
func unreadable(cell string) string {
	if partial.MatchString(cell) {
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

// oneLine joins a cell that runs over lines, as a spreadsheet cell may.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// sex reads the codes that are in use; unknown ones give nothing, and go to the
// TTP as they came.
func sex(cell string) patient.Sex {
	switch strings.ToLower(cell) {
	case "m", "man", "mannelijk", "male", "1":
		return patient.Male
	case "v", "vrouw", "vrouwelijk", "f", "female", "2":
		return patient.Female
	}
	return patient.SexUnknown
}
