package intake

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sluis/internal/delivery"
)

// maxSets is the highest number that a column of a numbered set may have.
const maxSets = 20

// pseudonymTypes are the types that the registry works with.
type pseudonymTypes struct {
	all   []string
	dated []string // those made of a postcode: several a row, each with the day on which it was true
	link  string
}

// setFields are what a postcode is delivered in. A row may have several sets of
// them, told apart by a number in the header; no number counts as 0.
var setFields = []delivery.Field{fieldPostcode, fieldHouseNumber, fieldSuffix, fieldRecordedOn}

// address is the columns of one such set.
type address struct{ postcode, houseNumber, suffix, recordedOn delivery.Field }

func addressNo(n int) address {
	return address{numbered(fieldPostcode, n), numbered(fieldHouseNumber, n), numbered(fieldSuffix, n), numbered(fieldRecordedOn, n)}
}

// slot is the columns of one pseudonym of a row. RecordedOn is empty where its
// type has no day, or the file no column for it.
type slot struct {
	typ               string
	dated             bool
	value, recordedOn delivery.Field
}

// numbered is the field of one of several columns: "postcode", "postcode.1".
func numbered(f delivery.Field, n int) delivery.Field {
	if n == 0 {
		return f
	}
	return f + "." + delivery.Field(strconv.Itoa(n))
}

// ofType is the field of a pseudonym, "PGG", and dayOf that of its day.
func ofType(t string) delivery.Field { return delivery.Field(t) }

func expiryOf(t string) delivery.Field { return fieldExpiresAt + "." + delivery.Field(t) }

func dayOf(t string) delivery.Field { return fieldRecordedOn + "." + delivery.Field(t) }

// recognised is what a header stands for: a field, the number that it has among
// several, and its type where it is of a pseudonym.
type recognised struct {
	field delivery.Field // without the number; empty where the header is unknown
	no    int
	typ   string
}

// key is the column's field in a layout.
func (r recognised) key() delivery.Field { return numbered(r.field, r.no) }

// number finds the number in a header: "postcode1", "postcode1peildatum".
var number = regexp.MustCompile(`^([^0-9]+)0*([1-9][0-9]?)([^0-9]*)$`)

// words are the headers that a registry with these types knows.
type words struct {
	types    pseudonymTypes
	patterns []pattern
}

// pattern recognises the columns of one type; the groups are a word for a day, a
// number, and a word for a day.
type pattern struct {
	typ    string
	header *regexp.Regexp
}

func newWords(types pseudonymTypes) words {
	w := words{types: types}
	word := "(?:" + strings.Join(pseudonymPrefixes, "|") + ")?" // before the type or behind it
	day := "(" + strings.Join(dayWords, "|") + ")?"
	for _, t := range types.all {
		text := word + regexp.QuoteMeta(plain(t))
		if slices.Contains(types.dated, t) {
			text = day + text + "(?:0*([1-9][0-9]?))?" + day
		}
		text += word
		w.patterns = append(w.patterns, pattern{t, regexp.MustCompile("^" + text + "$")})
	}
	// Where the name of a type is that of another with digits after it, the longer
	// one is meant.
	slices.SortStableFunc(w.patterns, func(a, b pattern) int { return cmp.Compare(len(b.typ), len(a.typ)) })
	return w
}

// maxHeader is how long a header is at most that only looks like one of a BSN: a
// sentence that ends in the word is none.
const maxHeader = 40

// fieldOf recognises one header.
func (w words) fieldOf(header string) recognised {
	p := plain(header)
	if f, ok := byHeader[p]; ok {
		return recognised{field: f}
	}
	if len(p) <= maxHeader && ofBSN(header, p) {
		return recognised{field: fieldBSN}
	}
	for _, x := range w.patterns {
		if r, ok := x.match(p); ok {
			return r
		}
	}
	if before, ok := strings.CutSuffix(p, "expiresat"); ok {
		for _, x := range w.patterns {
			if r, ok := x.match(before); ok && r.field == ofType(x.typ) {
				return recognised{field: expiryOf(x.typ)}
			}
		}
	}
	if m := number.FindStringSubmatch(p); m != nil {
		switch f := byHeader[m[1]+m[3]]; {
		case f == fieldBSN:
			return recognised{field: fieldBSN}
		case slices.Contains(setFields, f):
			n, _ := strconv.Atoi(m[2])
			return recognised{field: f, no: n}
		}
	}
	if bare := bareHeader(header); bare != header {
		return w.fieldOf(bare)
	}
	return recognised{field: aboutPatient(p)}
}

// ofBSN tells whether a header, of which p is the plain form, is one of a BSN.
func ofBSN(header, p string) bool {
	if strings.Contains(p, "geenbsn") { // "Patiëntnummer (geen BSN)"
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(header), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Contains(p, "burgerservice") || strings.HasPrefix(p, "bsn") || strings.HasSuffix(p, "bsn") || slices.Contains(words, "bsn")
}

// explained is what stands between brackets behind a header: (dd-mm-jjjj), [m/v].
var explained = regexp.MustCompile(`^([^(\[]+?)\s*[(\[][^()\[\]]*[)\]]\W*$`)

// parents are the members of a JSON record that hold what is known of the patient.
var parents = []string{"patient", "persoon", "person", "name", "naam", "identity", "persoonsgegevens", "demographics"}

// bareHeader takes off a header what explains it, and the members that it is in.
func bareHeader(header string) string {
	if m := explained.FindStringSubmatch(header); m != nil {
		return m[1]
	}
	if parent, rest, nested := strings.Cut(header, "."); nested && slices.Contains(parents, plain(parent)) {
		return rest
	}
	return header
}

// aboutPatient knows a header that tells whose the field is: "Geslacht patiënt".
func aboutPatient(p string) delivery.Field {
	for _, rest := range []string{strings.TrimSuffix(strings.TrimSuffix(p, "patient"), "vande"), strings.TrimPrefix(p, "patient")} {
		if f, ok := byHeader[rest]; ok && rest != p && slices.Contains(ofPatient, f) {
			return f
		}
	}
	return ""
}

func (x pattern) match(header string) (recognised, bool) {
	m := x.header.FindStringSubmatch(header)
	if m == nil {
		return recognised{}, false
	}
	r := recognised{field: ofType(x.typ), typ: x.typ}
	if len(m) > 1 {
		r.no, _ = strconv.Atoi(m[2]) // one or two digits, or none
		if m[1] != "" || m[3] != "" {
			r.field = dayOf(x.typ)
		}
	}
	return r, true
}

// settleSets tells which columns of the numbered sets are read, and leaves out
// the others: nothing of them may go on.
func (l *layout) settleSets(types pseudonymTypes) {
	read := map[delivery.Field]bool{}
	if l.kind == delivery.Temporary {
		l.settleSlots(types, read)
		read[fieldExpiresAt] = true
		for _, t := range types.all {
			read[expiryOf(t)] = true
		}
	} else if len(types.dated) > 0 {
		for n := range maxSets + 1 {
			if a := addressNo(n); l.has(a.postcode) {
				l.addresses = append(l.addresses, a)
				read[a.postcode], read[a.houseNumber], read[a.suffix], read[a.recordedOn] = true, true, true, true
			}
		}
	}
	for f, column := range l.at {
		if (f == fieldEmail || strings.HasPrefix(string(f), string(fieldExpiresAt)) || partOfSet(f)) && !read[f] {
			l.ignored = append(l.ignored, column)
			delete(l.at, f)
			delete(l.columns, f)
		}
	}
}

func (l *layout) settleSlots(types pseudonymTypes, read map[delivery.Field]bool) {
	for _, t := range types.all {
		dated := slices.Contains(types.dated, t)
		for n := range maxSets + 1 {
			s := slot{typ: t, dated: dated, value: numbered(ofType(t), n)}
			if !l.has(s.value) {
				continue
			}
			// A day without a type stands for all types of its number.
			for _, day := range []delivery.Field{numbered(dayOf(t), n), numbered(fieldRecordedOn, n)} {
				if dated && s.recordedOn == "" && l.has(day) {
					s.recordedOn, read[day] = day, true
				}
			}
			l.slots = append(l.slots, s)
		}
	}
}

// partOfSet tells whether a field is of a postcode, or the day of a pseudonym.
func partOfSet(f delivery.Field) bool {
	base, _, _ := strings.Cut(string(f), ".")
	return slices.Contains(setFields, delivery.Field(base))
}
