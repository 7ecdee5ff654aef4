package fhir

import (
	"slices"
	"strings"
	"time"

	"sluis/internal/importer/intake/tabular"
)

// maxSystems is how many systems of identifiers a user can choose from.
const maxSystems = 10

// maxName is how many bytes of a system's name are shown.
const maxName = 200

// survey counts what the patients of a file have.
type survey struct {
	o         Options
	systems   map[string]int  // patients by identifier system, but for BSNs and pseudonyms
	records   map[string]bool // systems typed as a hospital's patient numbers
	current   map[string]bool // systems of an identifier that is in force
	order     []string
	types     map[string]bool
	starts    map[string]bool // types with a day
	addresses int
	has       map[string]bool
}

func newSurvey(o Options) *survey {
	return &survey{
		o:       o,
		systems: map[string]int{},
		records: map[string]bool{},
		current: map[string]bool{},
		types:   map[string]bool{},
		starts:  map[string]bool{},
		has:     map[string]bool{},
	}
}

func (s *survey) count(p patient) {
	for _, i := range p.Identifier {
		if i.bsn() {
			s.has["bsn"] = s.has["bsn"] || i.sent()
			continue
		}
		if t := i.pseudonymType(s.o.Types); t != "" {
			s.types[t] = true
			s.starts[t] = s.starts[t] || i.Period.Start != ""
			s.has["expiresAt"] = s.has["expiresAt"] || i.Period.End != ""
			continue
		}
		if s.systems[i.System] == 0 && len(s.order) < maxSystems {
			s.order = append(s.order, i.System)
		}
		if len(s.systems) < 10*maxSystems || s.systems[i.System] > 0 {
			s.systems[i.System]++
			s.records[i.System] = s.records[i.System] || i.medicalRecord()
			s.current[i.System] = s.current[i.System] || i.inForce(s.o.Today)
		}
	}
	who, _ := p.person(s.o.Today)
	s.has["name"] = s.has["name"] || len(p.Name) > 0
	s.has["prefix"] = s.has["prefix"] || who.prefix != ""
	s.has["birthDate"] = s.has["birthDate"] || p.BirthDate != ""
	s.has["gender"] = s.has["gender"] || p.Gender != ""
	s.has["email"] = s.has["email"] || p.email() != ""
	s.addresses = max(s.addresses, len(p.addresses()))
}

// numbers returns the system of the patient numbers. ok is false if the data does not show
// which system that is.
func (s *survey) numbers() (system string, ok bool) {
	if s.o.NumberSystem != "" && s.systems[s.o.NumberSystem] > 0 {
		return s.o.NumberSystem, true
	}
	if len(s.systems) == 1 {
		return s.order[0], true
	}
	for _, is := range []map[string]bool{s.current, s.records} {
		if found := truths(is); len(found) == 1 {
			return found[0], true
		}
	}
	return "", false
}

// truths returns the keys whose value is true.
func truths(m map[string]bool) []string {
	var found []string
	for key, is := range m {
		if is {
			found = append(found, key)
		}
	}
	return found
}

// columns are the columns of a file: a name, and what fills them.
type columns struct {
	today   time.Time
	names   []string
	cells   []func(p patient, who person, homes []address) string
	systems []string // the systems of the identifiers that fill the first columns
	family  int      // the column of the surname; 0 if there is none
}

func (c *columns) add(name string, cell func(p patient, who person, homes []address) string) {
	c.names, c.cells = append(c.names, name), append(c.cells, cell)
}

func (c *columns) header() []string { return c.names }

// addSystem adds a column of identifiers; these come first.
func (c *columns) addSystem(name, system string) {
	c.systems = append(c.systems, system)
	c.add(name, func(patient, person, []address) string { return "" }) // fill writes it
}

// fill writes the cells of a patient, and returns the faults with those that it found.
func (c *columns) fill(p patient, cells []string, faults []tabular.Fault) []tabular.Fault {
	who, fault := p.person(c.today)
	homes := p.addresses()
	for i, cell := range c.cells {
		cells[i] = strings.TrimSpace(cell(p, who, homes))
	}
	if fault != "" && c.family > 0 {
		faults = append(faults, tabular.Fault{Column: c.family, Code: fault})
	}
	for i, system := range c.systems {
		number, fault := p.number(system, c.today)
		cells[i] = number
		if fault != "" {
			faults = append(faults, tabular.Fault{Column: i, Code: fault})
		}
	}
	return faults
}

// columns lays out the table. Names that intake recognises are those of FHIR.
func (s *survey) columns() columns {
	c := columns{today: s.o.Today}
	numbers, ok := s.numbers()
	if ok {
		c.addSystem("identifier", numbers)
	}
	for _, system := range s.order {
		if !ok || system != numbers {
			c.addSystem("identifier "+strings.ToValidUTF8(system[:min(len(system), maxName)], ""), system)
		}
	}
	if s.has["bsn"] {
		c.add("bsn", func(patient, person, []address) string { return "" }) // the caller refuses the file
	}
	for _, t := range s.o.Types {
		if !s.types[t] {
			continue
		}
		c.add("pseudonym "+t, func(p patient, _ person, _ []address) string { return p.pseudonym(t, s.o.Types).text() })
		if s.starts[t] {
			c.add("recordedOn "+t, func(p patient, _ person, _ []address) string { return p.pseudonym(t, s.o.Types).Period.Start })
		}
	}
	if s.has["expiresAt"] {
		c.add("expiresAt", func(p patient, _ person, _ []address) string { return p.expiry(s.o.Types) })
	}
	s.identity(&c)
	return c
}

func (s *survey) identity(c *columns) {
	if s.has["birthDate"] {
		c.add("birthDate", func(p patient, _ person, _ []address) string { return p.BirthDate })
	}
	if s.has["gender"] {
		c.add("gender", func(p patient, _ person, _ []address) string { return p.Gender })
	}
	if s.has["name"] {
		c.family = len(c.names)
		c.add("name.family", func(_ patient, who person, _ []address) string { return who.surname })
		if s.has["prefix"] {
			c.add("name.own-prefix", func(_ patient, who person, _ []address) string { return who.prefix })
		}
		c.add("name.given", func(_ patient, who person, _ []address) string { return who.initials })
	}
	if s.has["email"] {
		c.add("telecom.email", func(p patient, _ person, _ []address) string { return p.email() })
	}
	for n := range s.addresses {
		home := func(part func(a address) string) func(patient, person, []address) string {
			return func(_ patient, _ person, homes []address) string {
				if n < len(homes) {
					return part(homes[n])
				}
				return ""
			}
		}
		c.add("address.postalCode "+itoa(n+1), home(func(a address) string { return a.PostalCode }))
		c.add("address.houseNumber "+itoa(n+1), home(func(a address) string { number, _ := a.house(); return number }))
		c.add("address.suffix "+itoa(n+1), home(func(a address) string { _, suffix := a.house(); return suffix }))
		c.add("address.period.start "+itoa(n+1), home(func(a address) string { return day(a.Period.Start) }))
	}
}

// day is the day of a moment.
func day(s string) string {
	d, _, _ := strings.Cut(s, "T")
	return d
}

// temporary are the uses of identifiers that yield to any other: FHIR calls the
// second one valid in a certain context only.
var temporary = []string{"temp", "secondary"}

// number returns a patient's identifier of a system that is in force on a day. Fault
// is the reason if there is none, though the patient has one, or more than one.
func (p patient) number(system string, today time.Time) (number string, fault tabular.Code) {
	var found, lesser []string
	for _, i := range p.Identifier {
		if i.System != system || i.bsn() || !i.sent() {
			continue
		}
		text := i.text()
		switch {
		case !i.inForce(today):
			fault = NumberNotInForce
		case !i.isText():
			return "", NotText
		case text == "":
		case slices.Contains(temporary, i.Use):
			lesser = append(lesser, text)
		default:
			found = append(found, text)
		}
	}
	if len(found) == 0 {
		found = lesser
	}
	slices.Sort(found)
	switch found = slices.Compact(found); len(found) {
	case 0:
		return "", fault
	case 1:
		return found[0], ""
	}
	return "", SeveralNumbers
}

func (p patient) pseudonym(t string, types []string) identifier {
	for _, i := range p.Identifier {
		if i.pseudonymType(types) == t && i.Use != "old" && !i.bsn() {
			return i
		}
	}
	return identifier{}
}

// expiry is when the first of a patient's temporary pseudonyms runs out.
func (p patient) expiry(types []string) string {
	first := ""
	for _, i := range p.Identifier {
		if i.pseudonymType(types) != "" && i.Use != "old" && i.Period.End != "" && (first == "" || i.Period.End < first) {
			first = i.Period.End
		}
	}
	return first
}

func (p patient) email() string {
	for _, t := range p.Telecom {
		if t.System == "email" {
			return strings.TrimSpace(t.Value)
		}
	}
	return ""
}
