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

// This file is the wire contract: all that changes on the day the TTP's own
// documentation arrives.

// The scopes of the two credentials.
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

// defaultMaxItems is what the contract allows in one call.
const defaultMaxItems = 1000

// Call-level codes, from the problem document.
const (
	codeMalformed = "MALFORMED"
	codeReused    = "IDEMPOTENCY_KEY_REUSED"
	codeMissing   = "NOT_FOUND"
)

// knownCodes are the only ones that errors and logs repeat; a code is text from
// outside too.
var knownCodes = []string{
	codeMalformed, codeReused, "TOO_MANY_ITEMS", "DOMAIN_NOT_ALLOWED", "SCOPE_NOT_ALLOWED", "UNAUTHORIZED",
	"UNSUPPORTED_MEDIA_TYPE", codeMissing, "INTERNAL",
}

// knownTexts are the findings that the contract lists. They hold no value of a
// row, and pass as they are.
var knownTexts = map[string]bool{
	"De geboortedatum is leeg":                                       true,
	"De geboortedatum ligt in de toekomst":                           true,
	"De geboortedatum is ongeldig":                                   true,
	"Het geslacht bevat een ongeldige waarde":                        true,
	"De achternaam is leeg":                                          true,
	"De achternaam bevat geen bruikbare letters":                     true,
	"De voorletters zijn leeg":                                       true,
	"De postcode is leeg":                                            true,
	"Het tijdelijke pseudoniem is verlopen":                          true,
	"Het tijdelijke pseudoniem is onbekend of beschadigd":            true,
	"Het tijdelijke pseudoniem is voor een andere ontvanger bestemd": true,
	"De geboortedatum ligt meer dan 110 jaar terug":                  true,
}

// knownFields are the fields that findings name, besides pseudonym types.
var knownFields = []string{"surname", "surnamePrefix", "initials", "birthDate", "sex", "postcode", "postcodes", "houseNumber", "suffix", "recordedOn"}

// verdict says what to do with an answer that is no 200.
type verdict int

const (
	giveUp    verdict = iota // nobody's row is at fault, and asking again soon does not help
	tryAgain                 // the TTP is busy or broken for the moment
	newToken                 // the token is not accepted
	denied                   // the credential is not accepted
	takeApart                // a row in it cannot be read
	tooLarge                 // too many rows
	otherKey                 // the idempotency key stands for something else
	gone                     // what was asked for is not there
)

func judge(status int, code string) verdict {
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

// problemBody is as much of an RFC 9457 document as anybody looks at.
type problemBody struct {
	Code     string `json:"code"`
	MaxItems int    `json:"maxItems"`
}

// Person is one identity on its way out. Only package prepare makes one, and
// only Exchange reads it.
type Person struct {
	Surname   string     `json:"surname"`
	Prefix    string     `json:"surnamePrefix"`
	Initials  string     `json:"initials"`
	BirthDate string     `json:"birthDate"`
	Sex       string     `json:"sex"`
	Postcodes []Postcode `json:"postcodes,omitempty"`
}

// Format hides the person from fmt.
func (Person) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[person]")) }

// LogValue hides the person from slog.
func (Person) LogValue() slog.Value { return slog.StringValue("[person]") }

// Postcode is an address fact and the day on which it was true.
type Postcode struct {
	Postcode    string `json:"postcode"`
	HouseNumber string `json:"houseNumber"`
	Suffix      string `json:"suffix"`
	RecordedOn  string `json:"recordedOn"`
}

// Value is one pseudonym, temporary or definitive.
type Value struct {
	Type       string    `json:"type"`
	Value      string    `json:"value"`
	RecordedOn string    `json:"recordedOn,omitempty"`
	ExpiresAt  time.Time `json:"expiresAt,omitzero"`
	KeyVersion int       `json:"keyVersion,omitempty"`
}

// answerBody is a 200.
type answerBody struct {
	Items []answerItem `json:"items"`
}

type answerItem struct {
	Ref        string        `json:"ref"`
	Pseudonyms []Value       `json:"pseudonyms"`
	Findings   []wireFinding `json:"findings"`
	// A conversion is of one pseudonym, which stands in the item itself.
	Type       string `json:"type"`
	Value      string `json:"value"`
	KeyVersion int    `json:"keyVersion"`
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
			type item struct {
				Ref string `json:"ref"`
				Person
			}
			items := make([]item, len(rows))
			for i, r := range rows {
				items[i] = item{r.Ref, r.Person}
			}
			return json.Marshal(struct {
				Domain string   `json:"domain"`
				Types  []string `json:"types"`
				Items  []item   `json:"items"`
			}{domain, types, items})
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
			type value struct {
				Type       string `json:"type"`
				Value      string `json:"value"`
				RecordedOn string `json:"recordedOn,omitempty"`
			}
			type item struct {
				Ref        string  `json:"ref"`
				Pseudonyms []value `json:"pseudonyms"`
			}
			items := make([]item, len(rows))
			for i, r := range rows {
				items[i].Ref = r.Ref
				for _, v := range r.Temporaries {
					items[i].Pseudonyms = append(items[i].Pseudonyms, value{v.Type, v.Value, v.RecordedOn})
				}
			}
			return json.Marshal(struct {
				Domain string `json:"domain"`
				Items  []item `json:"items"`
			}{domain, items})
		},
		fits: fitsDefinitive,
	}
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

// DatasetSummary is one dataset of the TTP's list.
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

// sentTexts are the texts that went out with r and must not come back in words.
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
