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

// checked is a row after Sluis's own checks. Sluis checks only what it needs itself:
// the TTP checks the identity (product.md, "The TTP judges identities").
type checked struct {
	line        int
	display     patient.Display
	identity    identity.Identity
	temporaries []patient.Temporary
	findings    []patient.Finding
	details     int  // the line that has the details of the same patient, if this one has none
	shifted     bool // longer than the header, so that no cell may be taken for what its column says
}

// rejected reports whether a finding is fatal.
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
	details  map[string]int // the lines with the details of patients that have rows without
}

// row checks one row. A delivery that is only checked and one that is saved get the
// same checks.
func (k checker) row(row tabular.Row) checked {
	c := checked{line: row.Line}
	k.faults(&c, row.Faults)
	k.shape(&c, row.Cells)
	if c.shifted { // otherwise the number's column may hold a name
		return c
	}
	k.number(&c, row)
	if line := k.details[c.display.Number]; line > 0 && bare(k.Layout, row.Cells) && !c.rejected() {
		c.fail("ROW_WITHOUT_DETAILS", delivery.FieldPatientNumber)
		c.details = line
		return c
	}
	if centre := k.Cell(row.Cells, delivery.FieldCentre); centre != "" && centre != k.centre.Number &&
		!strings.EqualFold(centre, k.centre.Name) {
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

// faults makes findings of the cells that could not be read, if their column is used.
func (k checker) faults(c *checked, faults []tabular.Fault) {
	for _, f := range faults {
		if f.Code == tabular.CellFormat {
			if at, ok := k.At[delivery.FieldPatientNumber]; ok && at == f.Column {
				c.warn(string(f.Code), delivery.FieldPatientNumber)
			}
			continue
		}
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

// bare reports whether a row says nothing of its patient but the number. An export with
// a row for each visit often has the details on the first one only.
func bare(l columns.Layout, cells []string) bool {
	for _, f := range l.Fields {
		if f != delivery.FieldPatientNumber && f != delivery.FieldCentre && l.Cell(cells, f) != "" {
			return false
		}
	}
	return len(l.Fields) > 1
}

// failed reports whether a field has a fatal finding already.
func (c *checked) failed(field delivery.Field) bool {
	return slices.ContainsFunc(c.findings, func(f patient.Finding) bool {
		return f.Severity == patient.Fatal && f.Field == string(field)
	})
}

// shape compares the row with the header. Content to the right of the header means
// that cells have shifted, and then a value may belong to another column.
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

// number takes the patient number of a row, and warns of one that may not be what
// the hospital uses.
func (k checker) number(c *checked, row tabular.Row) {
	if c.failed(delivery.FieldPatientNumber) {
		return
	}
	number, fault := value.Number(k.Cell(row.Cells, delivery.FieldPatientNumber))
	if fault != "" {
		c.fail(fault.Code(), delivery.FieldPatientNumber)
		return
	}
	c.display.Number = number
	at := k.At[delivery.FieldPatientNumber]
	for _, doubt := range k.habits.Doubts(number, at < len(row.Numeric) && row.Numeric[at]) {
		c.warn(string(doubt), delivery.FieldPatientNumber)
	}
}

// person fills the identity as the TTP wants it. An empty birth date goes to the TTP
// as it is, and so does one that does not exist: the TTP has a message for each.
func (k checker) person(c *checked, cells []string) {
	cell := k.Cell(cells, delivery.FieldBirthDate)
	birth, ok := k.dates.Read(cell)
	if !ok || k.dates.IsPartial(cell) {
		c.fail(k.dates.Unreadable(cell), delivery.FieldBirthDate)
		birth = ""
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

// legible warns of a name with the wrong letters, since it makes another pseudonym.
func (c *checked) legible(field delivery.Field, name string) {
	if value.Garbled(name) {
		c.warn("NAME_GARBLED", field)
	}
}

func (k checker) pseudonyms(c *checked, cells []string) {
	if cell := k.Cell(cells, delivery.FieldBirthDate); cell != "" {
		iso, ok := k.dates.Read(cell)
		b, real := patient.ParseBirth(iso)
		if !ok || !real || k.dates.IsPartial(cell) {
			b = patient.Birth{}
			c.fail(k.dates.Unreadable(cell), delivery.FieldBirthDate)
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

// keep returns what the registry may keep of a birth date.
func (k checker) keep(b patient.Birth) patient.Birth {
	if k.yearOnly {
		return b.YearOnly()
	}
	return b
}
