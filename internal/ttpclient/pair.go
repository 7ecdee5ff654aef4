package ttpclient

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluis/internal/patient"
)

// seen is what the TTP may not show twice, or not show at all, over all calls of
// one exchange.
type seen struct {
	sent   map[string]bool // temporary values that went out
	before map[string]bool // temporary values that came in with earlier calls
	given  map[string]bool // and with this one
}

func newSeen(rows []Row) *seen {
	n := 0
	for _, r := range rows {
		n += len(r.Temporaries)
	}
	s := &seen{sent: make(map[string]bool, n)}
	for _, r := range rows {
		for _, v := range r.Temporaries {
			s.sent[v.Value] = true
		}
	}
	return s
}

// pair holds an answer against its rows by ref alone, and takes it over only
// when all of it fits: as many items as rows, each ref once, none unknown, and
// every item of the right shape.
func (x *exchange) pair(rows []Row, items []answerItem) error {
	if len(items) != len(rows) {
		return errUnusable
	}
	byRef := make(map[string]*Row, len(rows))
	for i := range rows {
		byRef[rows[i].Ref] = &rows[i]
	}
	x.seen.given = make(map[string]bool, len(rows)*len(x.call.types))
	answers := make(map[string]Answer, len(rows))
	for _, item := range items {
		r, asked := byRef[item.Ref]
		if _, twice := answers[item.Ref]; !asked || twice {
			return errUnusable
		}
		a, ok := x.shape(*r, item)
		if !ok {
			return errUnusable
		}
		answers[item.Ref] = a
	}
	maps.Copy(x.out, answers)
	if x.seen.before == nil {
		x.seen.before = x.seen.given
	} else {
		maps.Copy(x.seen.before, x.seen.given)
	}
	return nil
}

// shape checks one item: pseudonyms that were asked for, or a fatal finding, and
// never both.
func (x *exchange) shape(r Row, item answerItem) (Answer, bool) {
	if x.call.flat && item.Value != "" {
		item.Pseudonyms = append(item.Pseudonyms, Value{Type: item.Type, Value: item.Value, KeyVersion: item.KeyVersion})
	}
	a := Answer{Pseudonyms: item.Pseudonyms}
	fatal := false
	for _, w := range item.Findings {
		f, ok := r.finding(w, x.call.types)
		if !ok {
			return Answer{}, false
		}
		fatal = fatal || f.Severity == patient.Fatal
		a.Findings = append(a.Findings, f)
	}
	if fatal {
		return a, len(item.Pseudonyms) == 0
	}
	if len(item.Pseudonyms) == 0 {
		return Answer{}, false
	}
	for i, v := range item.Pseudonyms {
		twice := slices.ContainsFunc(item.Pseudonyms[:i], func(w Value) bool { return w.Type == v.Type && w.RecordedOn == v.RecordedOn })
		if twice || !opaque(v.Value) {
			return Answer{}, false
		}
	}
	return a, x.call.fits(x.call, r, item.Pseudonyms, x.seen)
}

// fitsTemporary: each of a type that was wanted and, with a date, of a postcode
// that was sent; with an end; and no value twice, for two temporary pseudonyms
// are never equal, not even those of one person.
func fitsTemporary(c Call, r Row, vs []Value, s *seen) bool {
	for _, v := range vs {
		dated := v.RecordedOn == "" || slices.ContainsFunc(r.Person.Postcodes, func(p Postcode) bool { return p.RecordedOn == v.RecordedOn })
		if !slices.Contains(c.types, v.Type) || !dated || v.ExpiresAt.IsZero() || v.KeyVersion != 0 || s.given[v.Value] || s.before[v.Value] {
			return false
		}
		s.given[v.Value] = true
	}
	return true
}

// fitsDefinitive: exactly one for each temporary pseudonym of the row, under a
// key version, and none of those that were sent.
func fitsDefinitive(_ Call, r Row, vs []Value, s *seen) bool {
	if len(vs) != len(r.Temporaries) {
		return false
	}
	for _, v := range vs {
		asked := slices.ContainsFunc(r.Temporaries, func(t Value) bool { return t.Type == v.Type && t.RecordedOn == v.RecordedOn })
		if !asked || v.KeyVersion < 1 || s.sent[v.Value] {
			return false
		}
	}
	return true
}

// fitsConvert: one of the type that was sent, under a key version; in the same
// domain the very one that was sent, or one under a newer key.
func fitsConvert(same bool, r Row, vs []Value) bool {
	was, v := r.Definitive, vs[0]
	if len(vs) != 1 || v.Type != was.Type || v.KeyVersion < 1 {
		return false
	}
	return !same || v.KeyVersion > was.KeyVersion && v.Value != was.Value || v.KeyVersion == was.KeyVersion && v.Value == was.Value
}

// opaque tells whether a value may be a pseudonym: text that can be kept and
// compared as it is.
func opaque(v string) bool {
	if len(v) <= patient.MaxPseudonymLength && plainText(v) {
		return true
	}
	if strings.TrimSpace(v) == "" || utf8.RuneCountInString(v) > patient.MaxPseudonymLength {
		return false
	}
	for _, r := range v {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// plainText tells whether v is printable ASCII without spaces, as most are.
func plainText(v string) bool {
	for i := range len(v) {
		if v[i] <= ' ' || v[i] > '~' {
			return false
		}
	}
	return v != ""
}

var (
	findingCode  = regexp.MustCompile(`^[0-9A-Z_]{1,32}$`)
	shortNumber  = regexp.MustCompile(`^[0-9]{1,5}$`) // may equal a year of birth by chance
	findingField = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,63}$`)
)

// finding takes a finding over, word for word where its words are known, and
// with what the row sent masked where they are not.
func (r Row) finding(w wireFinding, types []string) (patient.Finding, bool) {
	if w.Severity != patient.Fatal && w.Severity != patient.Warning || !findingCode.MatchString(w.Code) {
		return patient.Finding{}, false
	}
	f := patient.Finding{Severity: w.Severity, Source: patient.TTP, Code: w.Code, Field: w.Field, Message: w.Message}
	known := slices.Contains(knownFields, w.Field) || slices.Contains(types, w.Field) ||
		r.Definitive.Type == w.Field ||
		slices.ContainsFunc(r.Temporaries, func(v Value) bool { return v.Type == w.Field })
	if knownTexts[w.Message] && known {
		return f, true
	}
	m := newMask(r)
	if !knownTexts[w.Message] {
		f.Message = m.clean(w.Message)
	}
	if !known && (!findingField.MatchString(w.Field) || m.clean(w.Field) != w.Field) {
		f.Field = ""
	}
	return f, shortNumber.MatchString(w.Code) || m.clean(w.Code) == w.Code
}
