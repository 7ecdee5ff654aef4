package ttpclient

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"sluis/internal/patient"
	"sluis/internal/ttphealth"
)

// This file is the wire contract: everything that changes on the day the TTP's own
// documentation arrives.

// The scopes that a credential can have.
const (
	ScopeTemporary  = "pseudonyms.temporary"
	ScopeDefinitive = "pseudonyms.definitive"
	ScopeConvert    = "pseudonyms.convert"
	ScopeDatasets   = "datasets.read"
)

const (
	tokenPath      = "/oauth2/token"
	sandboxHeader  = "Sluis-Sandbox" // only our stand-in sends it
	temporaryPath  = "/v1/pseudonyms/temporary"
	definitivePath = "/v1/pseudonyms/definitive"
	convertPath    = "/v1/pseudonyms/convert"
	datasetsPath   = "/v1/datasets"

	headerIdempotency = "Idempotency-Key"
)

// defaultMaxItems is the number of rows that the contract allows in one call.
const defaultMaxItems = 1000

// Call-level codes, from the problem document.
const (
	codeMalformed = "MALFORMED"
	codeReused    = "IDEMPOTENCY_KEY_REUSED"
	codeMissing   = "NOT_FOUND"
)

// knownCodes are the only codes that errors and logs repeat, for a code is text from
// outside too.
var knownCodes = []string{
	codeMalformed, codeReused, "TOO_MANY_ITEMS", "DOMAIN_NOT_ALLOWED", "SCOPE_NOT_ALLOWED", "UNAUTHORIZED",
	"UNSUPPORTED_MEDIA_TYPE", codeMissing, "INTERNAL",
}

// knownTexts are the messages of findings that the contract lists. They hold no
// value of a row, so they are not masked.
var knownTexts = map[string]bool{
	"De geboortedatum is leeg":                                          true,
	"De geboortedatum ligt in de toekomst":                              true,
	"De geboortedatum is ongeldig":                                      true,
	"Het geslacht bevat een ongeldige waarde":                           true,
	"De achternaam is leeg":                                             true,
	"De achternaam bevat geen bruikbare letters":                        true,
	"De voorletters zijn leeg":                                          true,
	"De postcode is leeg":                                               true,
	"Het tijdelijke pseudoniem is verlopen":                             true,
	"Het tijdelijke pseudoniem is onbekend of beschadigd":               true,
	"Het tijdelijke pseudoniem is voor een andere ontvanger bestemd":    true,
	"Het tijdelijke pseudoniem is door een andere instelling opgehaald": true,
	"De geboortedatum ligt meer dan 110 jaar terug":                     true,
}

// knownFields are the fields that findings name, besides pseudonym types.
var knownFields = []string{
	"surname", "surnamePrefix", "initials", "birthDate", "sex", "postcode", "postcodes", "houseNumber", "suffix", "recordedOn",
}

// verdict says what to do about an answer whose status is not 200.
type verdict int

const (
	giveUp    verdict = iota // no row is at fault, and asking again soon does not help
	tryAgain                 // the TTP is busy or broken for the moment
	newToken                 // the TTP does not accept the token
	denied                   // the TTP does not accept the credential
	takeApart                // the TTP cannot read one of the rows
	tooLarge                 // the call has too many rows
	otherKey                 // the TTP knows this idempotency key from other content
	gone                     // the TTP does not have what was asked for
)

func classify(status int, code string) verdict {
	switch {
	case status == http.StatusUnauthorized:
		return newToken
	case status == http.StatusForbidden:
		return denied
	case (status == http.StatusBadRequest || status == http.StatusUnprocessableEntity) && code == codeMalformed:
		return takeApart
	case status == http.StatusNotFound && code == codeMissing, status == http.StatusGone:
		return gone
	case status == http.StatusRequestEntityTooLarge:
		return tooLarge
	case status == http.StatusConflict && code == codeReused:
		return otherKey
	case status == http.StatusConflict, status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status == http.StatusTooManyRequests, status >= 500:
		return tryAgain
	}
	return giveUp
}

// problemBody is the part of an RFC 9457 document that this package reads.
type problemBody struct {
	Code     string `json:"code"`
	MaxItems int    `json:"maxItems"`
}

// Person is one identity that is about to be sent. Only package prepare makes one,
// and only Exchange reads it.
type Person struct {
	Surname, Prefix, Initials, BirthDate, Sex string
	Postcodes                                 []Postcode
}

// Format hides the person from fmt.
func (Person) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[person]")) }

// LogValue hides the person from slog.
func (Person) LogValue() slog.Value { return slog.StringValue("[person]") }

// Postcode is an address and the day on which it was true.
type Postcode struct{ Postcode, HouseNumber, Suffix, RecordedOn string }

// Value is one pseudonym, temporary or definitive.
type Value struct {
	Type       string    `json:"type"`
	Value      string    `json:"value"`
	RecordedOn string    `json:"recordedOn,omitempty"`
	ExpiresAt  time.Time `json:"expiresAt,omitzero"`
	KeyVersion int       `json:"keyVersion,omitempty"`
}

// answerBody is the body of a 200.
type answerBody struct {
	Items []answerItem `json:"items"`
}

type answerItem struct {
	Ref        string        `json:"ref"`
	Pseudonyms []Value       `json:"pseudonyms"`
	Findings   []wireFinding `json:"findings"`
	// An answer to Convert is one pseudonym, and these are its fields.
	Type       string `json:"type"`
	Value      string `json:"value"`
	KeyVersion int    `json:"keyVersion"`
}

// plainAnswer reads the body of a 200 with the scanner. It returns false if
// encoding/json must read it. The names are those of the structs' tags.
func plainAnswer(text string) (answerBody, bool) {
	var a answerBody
	s := &scanner{text: text}
	s.object(func(name string) int {
		if name != "items" {
			return -1
		}
		a.Items = []answerItem{}
		s.array(func() { a.Items = append(a.Items, s.item()) })
		return 0
	})
	return a, s.end()
}

func (s *scanner) item() (x answerItem) {
	s.object(func(name string) int {
		switch name {
		case "ref":
			x.Ref = s.string()
			return 0
		case "pseudonyms":
			x.Pseudonyms = make([]Value, 0, 2)
			s.array(func() { x.Pseudonyms = append(x.Pseudonyms, s.value()) })
			return 1
		case "findings":
			x.Findings = []wireFinding{}
			s.array(func() { x.Findings = append(x.Findings, s.finding()) })
			return 2
		case "type":
			x.Type = s.string()
			return 3
		case "value":
			x.Value = s.string()
			return 4
		case "keyVersion":
			x.KeyVersion = s.int()
			return 5
		}
		return -1
	})
	return x
}

func (s *scanner) value() (v Value) {
	s.object(func(name string) int {
		switch name {
		case "type":
			v.Type = s.string()
			return 0
		case "value":
			v.Value = s.string()
			return 1
		case "recordedOn":
			v.RecordedOn = s.string()
			return 2
		case "expiresAt":
			v.ExpiresAt = s.time()
			return 3
		case "keyVersion":
			v.KeyVersion = s.int()
			return 4
		}
		return -1
	})
	return v
}

func (s *scanner) finding() (f wireFinding) {
	s.object(func(name string) int {
		switch name {
		case "severity":
			f.Severity = patient.Severity(s.string())
			return 0
		case "code":
			f.Code = s.string()
			return 1
		case "field":
			f.Field = s.string()
			return 2
		case "message":
			f.Message = s.string()
			return 3
		}
		return -1
	})
	return f
}

type wireFinding struct {
	Severity patient.Severity `json:"severity"`
	Code     string           `json:"code"`
	Field    string           `json:"field"`
	Message  string           `json:"message"`
}

// Temporary is the call that turns persons into temporary pseudonyms.
func Temporary(domain string, types []string) Call {
	return Call{
		kind:   ttphealth.Temporary,
		path:   temporaryPath,
		domain: domain,
		types:  types,
		body: func(rows []Row) ([]byte, error) {
			list, err := json.Marshal(types)
			if err != nil {
				return nil, err
			}
			b := make([]byte, 0, 256+len(rows)*192)
			b = appendString(append(b, `{"domain":`...), domain)
			b = append(append(b, `,"types":`...), list...)
			b = append(b, `,"items":[`...)
			for i, r := range rows {
				if i > 0 {
					b = append(b, ',')
				}
				b = r.appendPerson(b)
			}
			return append(b, "]}"...), nil
		},
		fits: fitsTemporary,
	}
}

// Definitive is the call that exchanges temporary pseudonyms for definitive ones.
func Definitive(domain string) Call {
	return Call{
		kind:   ttphealth.Definitive,
		path:   definitivePath,
		domain: domain,
		body: func(rows []Row) ([]byte, error) {
			b := make([]byte, 0, 256+len(rows)*384)
			b = appendString(append(b, `{"domain":`...), domain)
			b = append(b, `,"items":[`...)
			for i, r := range rows {
				if i > 0 {
					b = append(b, ',')
				}
				b = r.appendTemporaries(b)
			}
			return append(b, "]}"...), nil
		},
		fits: fitsDefinitive,
	}
}

// appendPerson appends the row as an item of the call Temporary.
func (r Row) appendPerson(b []byte) []byte {
	p := &r.Person
	b = appendString(append(b, `{"ref":`...), r.Ref)
	b = appendString(append(b, `,"surname":`...), p.Surname)
	b = appendString(append(b, `,"surnamePrefix":`...), p.Prefix)
	b = appendString(append(b, `,"initials":`...), p.Initials)
	b = appendString(append(b, `,"birthDate":`...), p.BirthDate)
	b = appendString(append(b, `,"sex":`...), p.Sex)
	for i, c := range p.Postcodes {
		if i == 0 {
			b = append(b, `,"postcodes":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"postcode":`...), c.Postcode)
		b = appendString(append(b, `,"houseNumber":`...), c.HouseNumber)
		b = appendString(append(b, `,"suffix":`...), c.Suffix)
		b = append(appendString(append(b, `,"recordedOn":`...), c.RecordedOn), '}')
	}
	if len(p.Postcodes) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

// appendTemporaries appends the row as an item of the call Definitive.
func (r Row) appendTemporaries(b []byte) []byte {
	b = appendString(append(b, `{"ref":`...), r.Ref)
	if r.Provider != "" {
		b = appendString(append(b, `,"provider":`...), r.Provider)
	}
	b = append(b, `,"pseudonyms":[`...)
	for i, v := range r.Temporaries {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"type":`...), v.Type)
		b = appendString(append(b, `,"value":`...), v.Value)
		if v.RecordedOn != "" {
			b = appendString(append(b, `,"recordedOn":`...), v.RecordedOn)
		}
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// Convert is the call that exchanges definitive pseudonyms of domain from for
// those of domain to, under the newest key.
func Convert(from, to string) Call {
	return Call{
		kind:   ttphealth.Convert,
		path:   convertPath,
		domain: from + " " + to,
		body: func(rows []Row) ([]byte, error) {
			type item struct {
				Ref        string `json:"ref"`
				Type       string `json:"type"`
				Value      string `json:"value"`
				KeyVersion int    `json:"keyVersion"`
			}
			items := make([]item, len(rows))
			for i, r := range rows {
				items[i] = item{r.Ref, r.Definitive.Type, r.Definitive.Value, r.Definitive.KeyVersion}
			}
			return json.Marshal(struct {
				From  string `json:"from"`
				To    string `json:"to"`
				Items []item `json:"items"`
			}{from, to, items})
		},
		fits: func(c Call, r Row, vs []Value, s *seen) bool { return fitsConvert(from == to, r, vs) },
		flat: true,
	}
}

// DatasetSummary is one entry of the TTP's list of datasets.
type DatasetSummary struct {
	ID        string    `json:"id"`
	Centre    string    `json:"centre"`
	CreatedAt time.Time `json:"createdAt"`
	Rows      int       `json:"rows"`
	Types     []string  `json:"types"`
	State     string    `json:"state"`
}

// DatasetReady is the state of a dataset that can be fetched.
const DatasetReady = "ready"

type datasetsBody struct {
	Datasets []DatasetSummary `json:"datasets"`
}

// DatasetRow is one line of a dataset.
type DatasetRow struct {
	PatientNumber string  `json:"patientNumber"`
	BirthDate     string  `json:"birthDate"`
	Sex           string  `json:"sex"`
	Pseudonyms    []Value `json:"pseudonyms"`
}

// sentTexts returns the texts that were sent with r and must not come back in a
// message: the words of a name apart, because they are masked more strictly.
func (r Row) sentTexts() (names, others []string) {
	p := r.Person
	names = []string{p.Surname}
	others = []string{p.Prefix, p.Initials, p.BirthDate, p.Sex}
	for _, pc := range p.Postcodes {
		others = append(others, pc.Postcode, pc.HouseNumber, pc.Suffix, pc.RecordedOn)
	}
	for _, v := range r.Temporaries {
		others = append(others, v.Value)
	}
	others = append(others, r.Definitive.Value)
	return names, slices.DeleteFunc(others, func(s string) bool { return s == "" })
}
