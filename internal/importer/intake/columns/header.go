package columns

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sluis/internal/delivery"
)

// recognised is what a header says: a field, its number among several, and its type
// if it is a pseudonym's.
type recognised struct {
	field delivery.Field // without the number; empty if the header is not known
	no    int
	typ   string
}

// key is the column's field in a Layout.
func (r recognised) key() delivery.Field { return numbered(r.field, r.no) }

// identifies reports whether the column can hold part of an identity. A day alone
// does not count: it may be the day of a pseudonym.
func (r recognised) identifies() bool {
	return slices.Contains(identityFields, r.field) && r.field != FieldRecordedOn
}

// number finds the number in a header: "postcode1", "postcode1peildatum".
var number = regexp.MustCompile(`^([^0-9]+)0*([1-9][0-9]?)([^0-9]*)$`)

// Words are the headers that a registry with these types knows.
type Words struct {
	types    Types
	patterns []pattern
}

// pattern recognises the columns of one type. Its groups are a word for a day, a
// number, and a word for a day again.
type pattern struct {
	typ    string
	header *regexp.Regexp
}

// NewWords returns the headers that a registry with these types knows.
func NewWords(types Types) Words {
	w := Words{types: types}
	word := "(?:" + strings.Join(pseudonymPrefixes, "|") + ")?" // before the type or behind it
	day := "(" + strings.Join(dayWords, "|") + ")?"
	for _, t := range types.All {
		text := word + regexp.QuoteMeta(plain(t))
		if slices.Contains(types.Dated, t) {
			text = day + text + "(?:0*([1-9][0-9]?))?" + day
		}
		text += word
		w.patterns = append(w.patterns, pattern{t, regexp.MustCompile("^" + text + "$")})
	}
	// The longer name goes first, since one type may be named like another with digits
	// behind it: "PGG2" is that type, and not the second column of PGG.
	slices.SortStableFunc(w.patterns, func(a, b pattern) int { return cmp.Compare(len(b.typ), len(a.typ)) })
	return w
}

// recordFields are the fields by which an object in JSON is known to be a patient's,
// besides pseudonyms.
var recordFields = []delivery.Field{
	delivery.FieldPatientNumber,
	delivery.FieldBirthDate,
	delivery.FieldBirthYear,
	delivery.FieldSex,
	FieldSurname,
}

// OfRecord reports whether a name in JSON shows that the object around it is the
// record of a patient.
func (w Words) OfRecord(name string) bool {
	r := w.fieldOf(name)
	return r.typ != "" || slices.Contains(recordFields, r.field)
}

// recognisedAs is what fieldOf returns for a header of the field.
func (w Words) recognisedAs(f delivery.Field) recognised {
	r := recognised{field: f}
	if slices.Contains(w.types.All, string(f)) {
		r.typ = string(f)
	}
	return r
}

// maxBSNHeader is the longest header that is taken for one of BSNs only because it
// has the word in it. Longer ones are sentences.
const maxBSNHeader = 40

// fieldOf recognises one header.
func (w Words) fieldOf(header string) recognised {
	p := plain(header)
	if f, ok := byHeader[p]; ok {
		return recognised{field: f}
	}
	if len(p) <= maxBSNHeader && ofBSN(header, p) {
		return recognised{field: fieldBSN}
	}
	if r, ok := w.pseudonym(p); ok {
		return r
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

// pseudonym recognises the columns of a pseudonym: its value, its day, its expiry.
func (w Words) pseudonym(p string) (recognised, bool) {
	for _, x := range w.patterns {
		if r, ok := x.match(p); ok {
			return r, true
		}
	}
	if before, ok := strings.CutSuffix(p, "expiresat"); ok {
		for _, x := range w.patterns {
			if r, ok := x.match(before); ok && r.field == OfType(x.typ) {
				return recognised{field: ExpiryOf(x.typ)}, true
			}
		}
	}
	return recognised{}, false
}

func (x pattern) match(header string) (recognised, bool) {
	m := x.header.FindStringSubmatch(header)
	if m == nil {
		return recognised{}, false
	}
	r := recognised{field: OfType(x.typ), typ: x.typ}
	if len(m) > 1 {
		r.no, _ = strconv.Atoi(m[2]) // one or two digits, or none
		if m[1] != "" || m[3] != "" {
			r.field = dayOf(x.typ)
		}
	}
	return r, true
}

// ofBSN reports whether a header names BSNs; p is its plain form.
func ofBSN(header, p string) bool {
	if strings.Contains(p, "geenbsn") { // "Patiëntnummer (geen BSN)"
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(header), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Contains(p, "burgerservice") || strings.HasPrefix(p, "bsn") || strings.HasSuffix(p, "bsn") ||
		slices.Contains(words, "bsn")
}

// explained matches a header with an explanation in brackets behind it:
// "Geboortedatum (dd-mm-jjjj)", "Geslacht [m/v]".
var explained = regexp.MustCompile(`^([^(\[]+?)\s*[(\[][^()\[\]]*[)\]]\W*$`)

// parents are the members of a JSON record that hold what is known of the patient.
var parents = []string{"patient", "persoon", "person", "name", "naam", "identity", "persoonsgegevens", "demographics"}

// bareHeader returns a header without the explanation behind it, or without the
// first of the members around it: "patient.birthDate" becomes "birthDate".
func bareHeader(header string) string {
	if m := explained.FindStringSubmatch(header); m != nil {
		return m[1]
	}
	if parent, rest, nested := strings.Cut(header, "."); nested && slices.Contains(parents, plain(parent)) {
		return rest
	}
	return header
}

// aboutPatient recognises a header that adds that it is about the patient:
// "Geslacht patiënt", "Achternaam van de patiënt".
func aboutPatient(p string) delivery.Field {
	for _, rest := range []string{strings.TrimSuffix(strings.TrimSuffix(p, "patient"), "vande"), strings.TrimPrefix(p, "patient")} {
		if f, ok := byHeader[rest]; ok && rest != p && slices.Contains(ofPatient, f) {
			return f
		}
	}
	return ""
}

func isLesser(header string) bool { return slices.Contains(lesser, plain(header)) }
