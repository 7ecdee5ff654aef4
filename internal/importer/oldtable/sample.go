package oldtable

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Sampled is a row of a made-up old table.
type Sampled struct {
	Patid    int
	Version  int
	Prefix   string
	Surname  string
	Died     string
	Birth    string
	Initials string
	Sex      string
	Centre   string
	Email    string
	Number   string
	Fault    string // the fault that it has; empty for none
}

// Sample makes up an old table: realistic rows with a known share of every fault. The same
// seed and number of rows make the same table.
type Sample struct {
	random  *rand.Rand
	centres []string
	today   time.Time
	made    []Sampled // some of the rows, to be repeated
	// Canaries are made-up surnames that occur nowhere else, to be looked for.
	Canaries []string
	// Faults counts the rows by fault.
	Faults map[string]int
}

// NewSample returns a sample with rows of these centres. today is the date after which a
// birth date is in the future.
func NewSample(seed uint64, centres []string, today time.Time) *Sample {
	return &Sample{random: rand.New(rand.NewPCG(seed, 6)), centres: centres, today: today, Faults: map[string]int{}}
}

// sampleFaults are the faults, with the number of rows of a thousand that have each.
var sampleFaults = []struct {
	name string
	per  int // rows of a thousand
}{
	{"birth_empty", 6}, {"birth_future", 4}, {"birth_unreadable", 3}, {"birth_odd", 20}, {"birth_1900", 3}, {"sex_invalid", 5},
	{"surname_empty", 3}, {"surname_unusable", 2}, {"initials_empty", 5}, {"repeated", 8}, {"number_twice", 4}, {"person_twice", 5},
	{"number_empty", 4}, {"centre_unknown", 3}, {"canary", 10},
}

const (
	sampleSyllables = "ba be bo da de do fa fe ga ge go ha he ho ja je jo ka ke ko la le lo ma me mo na ne no pa pe po ra re ro sa " +
		"se so ta te to va ve vo wa we wo"
	sampleEndings  = "berg stra ma kamp man huis veld dijk sen ink hof meer kerk poort broek"
	samplePrefixes = "||||||||de|van|van de|van den|van der|ter|ten|in 't"
)

// Row returns row number i, from 1. Rows must be asked for in order.
func (s *Sample) Row(i int) Sampled {
	r := s.person(i)
	at := s.random.IntN(1000)
	for _, f := range sampleFaults {
		if at < f.per {
			s.spoil(&r, f.name)
			break
		}
		at -= f.per
	}
	if r.Fault != "" {
		s.Faults[r.Fault]++
	}
	if r.Fault == "" || len(s.made) == 0 {
		if len(s.made) < 500 {
			s.made = append(s.made, r)
		} else {
			s.made[s.random.IntN(len(s.made))] = r
		}
	}
	return r
}

func (s *Sample) person(i int) Sampled {
	pick := func(list []string) string { return list[s.random.IntN(len(list))] }
	syllables, endings := strings.Fields(sampleSyllables), strings.Fields(sampleEndings)
	name := pick(syllables) + pick(syllables)
	if s.random.IntN(3) == 0 {
		name += pick(syllables)
	}
	name += pick(endings)
	r := Sampled{
		Patid: i, Version: 1 + s.random.IntN(4), Prefix: pick(strings.Split(samplePrefixes, "|")),
		Surname:  strings.ToUpper(name[:1]) + name[1:],
		Initials: strings.ToUpper(pick(syllables)[:1]) + "." + strings.ToUpper(pick(syllables)[:1]) + ".", Sex: pick([]string{"m", "v"}),
		Centre: s.centres[s.random.IntN(len(s.centres))], Number: fmt.Sprintf("%07d", 1_000_000+i*7),
	}
	born := time.Date(1925+s.random.IntN(95), time.Month(1+s.random.IntN(12)), 1+s.random.IntN(28), 0, 0, 0, 0, time.UTC)
	r.Birth = born.Format(time.DateOnly)
	if s.random.IntN(12) == 0 {
		r.Died = born.AddDate(s.random.IntN(max(1, s.today.Year()-born.Year())), 0, s.random.IntN(300)).Format(time.DateOnly)
	}
	if s.random.IntN(3) > 0 {
		r.Email = strings.ToLower(r.Surname) + strconv.Itoa(i) + "@voorbeeld.example"
	}
	return r
}

// spoil changes a row so that it has a fault.
func (s *Sample) spoil(r *Sampled, fault string) {
	r.Fault = fault
	switch fault {
	case "birth_empty":
		r.Birth = ""
	case "birth_future":
		r.Birth = s.today.AddDate(1+s.random.IntN(900), 0, 0).Format(time.DateOnly)
	case "birth_unreadable":
		r.Birth = "voorjaar 1960"
	case "birth_odd": // in another notation, but readable
		born, _ := time.Parse(time.DateOnly, r.Birth)
		odd := []string{"2-1-2006", "02-01-2006", "2006-01-02 00:00:00", "2006-01-02T00:00:00", "20060102"}
		r.Birth = born.Format(odd[s.random.IntN(5)])
	case "birth_1900": // older than 110: the TTP warns
		r.Birth = fmt.Sprintf("19%02d-0%d-11", s.random.IntN(12), 1+s.random.IntN(9))
	case "sex_invalid":
		r.Sex = []string{"", "x", "onbekend", "9"}[s.random.IntN(4)]
	case "surname_empty":
		r.Surname = ""
	case "surname_unusable":
		r.Surname = []string{"???", "-", "12345", "…"}[s.random.IntN(4)]
	case "initials_empty":
		r.Initials = ""
	case "repeated", "number_twice", "person_twice":
		s.repeat(r, fault)
	case "number_empty":
		r.Number = ""
	case "centre_unknown":
		r.Centre = []string{"", "9999", "98"}[s.random.IntN(3)]
	case "canary":
		letters := make([]byte, 12)
		for i := range letters {
			letters[i] = byte('a' + s.random.IntN(26))
		}
		letters[0] -= 'a' - 'A'
		r.Surname = string(letters)
		r.Email = string(letters) + "@kanarie.example"
		s.Canaries = append(s.Canaries, r.Surname)
	}
}

// repeat makes a row from an earlier one.
func (s *Sample) repeat(r *Sampled, fault string) {
	if len(s.made) == 0 {
		r.Fault = ""
		return
	}
	other := s.made[s.random.IntN(len(s.made))]
	switch fault {
	case "repeated": // the same in everything except its key
		patid := r.Patid
		*r = other
		r.Patid, r.Fault = patid, fault
	case "number_twice": // another person with the same number
		r.Number, r.Centre = other.Number, other.Centre
	case "person_twice": // the same person with another number
		r.Surname, r.Prefix, r.Initials = other.Surname, other.Prefix, other.Initials
		r.Birth, r.Sex, r.Centre, r.Died = other.Birth, other.Sex, other.Centre, other.Died
	}
}
