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

// seen is the values that the TTP may not answer with in one exchange: those that
// we sent, and those that it has answered already.
type seen struct {
	sent   map[string]bool // temporary values that we sent
	before map[string]bool // temporary values in answers to earlier calls
	given  map[string]bool // temporary values in the answer to this call
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

// pair matches an answer with its rows, only by ref. It accepts the answer only if
// all of it fits: as many items as rows, each ref once, no unknown ref, and every
// item of the right shape. Otherwise it returns errUnusable.
func (x *exchange) pair(rows []Row, items []answerItem) error {
	if len(items) != len(rows) {
		return errUnusable
	}
	byRef := make(map[string]*Row, len(rows))
	for i := range rows {
		byRef[rows[i].Ref] = &rows[i]
	}
	x.alone = len(rows) == 1
	x.seen.given = make(map[string]bool, len(rows)*len(x.call.types))
	answers := make(map[string]Answer, len(rows))
	for _, item := range items {
		r, asked := byRef[item.Ref]
		if _, twice := answers[item.Ref]; !asked || twice {
			return errUnusable
		}
		a, ok := x.check(*r, item)
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

// check returns one item as an answer. It returns false unless the item has either
// the pseudonyms that were asked for or a fatal finding, and not both.
func (x *exchange) check(r Row, item answerItem) (Answer, bool) {
	if x.call.flat && item.Value != "" {
		item.Pseudonyms = append(item.Pseudonyms, Value{Type: item.Type, Value: item.Value, KeyVersion: item.KeyVersion})
	}
	a := Answer{Pseudonyms: item.Pseudonyms}
	fatal := false
	for _, w := range item.Findings {
		f, ok := x.finding(r, w)
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

// fitsTemporary reports whether each value has a type that was asked for and an
// expiry date. A value with a date must be of a postcode that was sent. No value may
// come twice: two temporary pseudonyms are never equal, not even those of one
// person.
func fitsTemporary(c Call, r Row, vs []Value, s *seen) bool {
	for _, v := range vs {
		dated := v.RecordedOn == "" ||
			slices.ContainsFunc(r.Person.Postcodes, func(p Postcode) bool { return p.RecordedOn == v.RecordedOn })
		if !slices.Contains(c.types, v.Type) || !dated || v.ExpiresAt.IsZero() || v.KeyVersion != 0 || s.given[v.Value] ||
			s.before[v.Value] {
			return false
		}
		s.given[v.Value] = true
	}
	return true
}

// fitsDefinitive reports whether there is exactly one value for each temporary
// pseudonym of the row, with a key version, and none that we sent ourselves.
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

// fitsConvert reports whether there is one value, of the type that was sent, with a
// key version. In the same domain it must be the value that was sent, or another
// one under a newer key.
func fitsConvert(same bool, r Row, vs []Value) bool {
	was, v := r.Definitive, vs[0]
	if len(vs) != 1 || v.Type != was.Type || v.KeyVersion < 1 {
		return false
	}
	return !same || v.KeyVersion > was.KeyVersion && v.Value != was.Value || v.KeyVersion == was.KeyVersion && v.Value == was.Value
}

// opaque reports whether a value can be a pseudonym: text that can be stored and
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

// plainText reports whether v is printable ASCII without spaces, as most
// pseudonyms are.
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

// finding returns w as a finding of the TTP. A text that the contract lists is kept
// word for word; in any other text the values that all rows sent are masked. It
// returns false if w cannot be used.
func (x *exchange) finding(r Row, w wireFinding) (patient.Finding, bool) {
	if w.Severity != patient.Fatal && w.Severity != patient.Warning || !findingCode.MatchString(w.Code) {
		return patient.Finding{}, false
	}
	f := patient.Finding{Severity: w.Severity, Source: patient.TTP, Code: w.Code, Field: w.Field, Message: w.Message}
	known := slices.Contains(knownFields, w.Field) || slices.Contains(x.call.types, w.Field) ||
		r.Definitive.Type == w.Field ||
		slices.ContainsFunc(r.Temporaries, func(v Value) bool { return v.Type == w.Field })
	if knownTexts[w.Message] && known {
		return f, true
	}
	if x.mask == nil {
		x.mask = newMask(x.rows...)
	}
	m := x.mask
	if !knownTexts[w.Message] {
		f.Message = m.clean(w.Message)
	}
	if !known && (!findingField.MatchString(w.Field) || m.clean(w.Field) != w.Field) {
		f.Field = ""
	}
	if shortNumber.MatchString(w.Code) {
		return f, true
	}
	// A code that is by chance a name of another row is unusable only as long as both
	// are in one call. Such a row is asked about again in a call of its own.
	return f, newMask(r).clean(w.Code) == w.Code && (x.alone || !m.names(w.Code))
}
