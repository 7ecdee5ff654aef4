package fhir

import (
	"slices"
	"strings"
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
		types:   map[string]bool{},
		starts:  map[string]bool{},
		has:     map[string]bool{},
	}
}

func (s *survey) count(p patient) {
	for _, i := range p.Identifier {
		if i.bsn() {
			s.has["bsn"] = true
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
		}
	}
	who := p.person()
	s.has["name"] = s.has["name"] || len(p.Name) > 0
	s.has["prefix"] = s.has["prefix"] || who.prefix != ""
	s.has["birthDate"] = s.has["birthDate"] || p.BirthDate != ""
	s.has["gender"] = s.has["gender"] || p.Gender != ""
	s.has["email"] = s.has["email"] || p.email() != ""
	s.addresses = max(s.addresses, len(p.addresses()))
}

// numbers is the system of the patient numbers; ok is false where the data does
// not tell which it is.
func (s *survey) numbers() (system string, ok bool) {
	if s.o.NumberSystem != "" && s.systems[s.o.NumberSystem] > 0 {
		return s.o.NumberSystem, true
	}
	if len(s.systems) == 1 {
		return s.order[0], true
	}
	var found []string
	for system, record := range s.records {
		if record {
			found = append(found, system)
		}
	}
	if len(found) == 1 {
		return found[0], true
	}
	return "", false
}

// columns are the columns of a file: a name, and what fills them.
type columns struct {
	names []string
	cells []func(p patient, who person, homes []address) string
}

func (c *columns) add(name string, cell func(p patient, who person, homes []address) string) {
	c.names, c.cells = append(c.names, name), append(c.cells, cell)
}

func (c *columns) header() []string { return c.names }

// fill writes the cells of a patient.
func (c *columns) fill(p patient, cells []string) {
	who, homes := p.person(), p.addresses()
	for i, cell := range c.cells {
		cells[i] = strings.TrimSpace(cell(p, who, homes))
	}
}

// columns lays out the table. Names that intake recognises are those of FHIR.
func (s *survey) columns() columns {
	var c columns
	numbers, ok := s.numbers()
	if ok {
		c.add("identifier", ofSystem(numbers))
	}
	for _, system := range s.order {
		if !ok || system != numbers {
			c.add("identifier "+strings.ToValidUTF8(system[:min(len(system), maxName)], ""), ofSystem(system))
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

func ofSystem(system string) func(patient, person, []address) string {
	return func(p patient, _ person, _ []address) string {
		i := slices.IndexFunc(p.Identifier, func(i identifier) bool { return i.System == system && !i.bsn() })
		if i < 0 {
			return ""
		}
		return p.Identifier[i].text()
	}
}

func (p patient) pseudonym(t string, types []string) identifier {
	i := slices.IndexFunc(p.Identifier, func(i identifier) bool { return i.pseudonymType(types) == t })
	if i < 0 {
		return identifier{}
	}
	return p.Identifier[i]
}

// expiry is when the first of a patient's temporary pseudonyms runs out.
func (p patient) expiry(types []string) string {
	first := ""
	for _, i := range p.Identifier {
		if i.pseudonymType(types) != "" && i.Period.End != "" && (first == "" || i.Period.End < first) {
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
