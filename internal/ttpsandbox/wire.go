package ttpsandbox

import (
	"encoding/json"
	"net/http"
	"time"
)

// The contract's bodies. The client has its own types for them: two readings of the
// contract, each tested with the other.

type temporaryRequest struct {
	Domain string     `json:"domain"`
	Types  []string   `json:"types"`
	Items  []identity `json:"items"`
}

// identity is one person as a care provider sends it. It is never logged, and
// is dropped with its request.
type identity struct {
	Ref       string     `json:"ref"`
	Surname   string     `json:"surname"`
	Prefix    string     `json:"surnamePrefix"`
	Initials  string     `json:"initials"`
	BirthDate string     `json:"birthDate"`
	Sex       string     `json:"sex"`
	Postcodes []postcode `json:"postcodes"`
}

type postcode struct {
	Postcode    string `json:"postcode"`
	HouseNumber string `json:"houseNumber"`
	Suffix      string `json:"suffix"`
	RecordedOn  string `json:"recordedOn"`
}

type definitiveRequest struct {
	Domain string `json:"domain"`
	Items  []struct {
		Ref string `json:"ref"`
		// Provider is the care provider that delivered the pseudonyms; empty: it is not
		// known, and not checked.
		Provider   string      `json:"provider"`
		Pseudonyms []pseudonym `json:"pseudonyms"`
	} `json:"items"`
}

type answer struct {
	Items []answerItem `json:"items"`
}

type answerItem struct {
	Ref        string      `json:"ref"`
	Pseudonyms []pseudonym `json:"pseudonyms,omitempty"`
	Findings   []finding   `json:"findings,omitempty"`
	// An answer to convert is one pseudonym, and these are its fields.
	Type       string `json:"type,omitempty"`
	Value      string `json:"value,omitempty"`
	KeyVersion int    `json:"keyVersion,omitempty"`
}

type pseudonym struct {
	Type       string    `json:"type"`
	Value      string    `json:"value"`
	RecordedOn string    `json:"recordedOn,omitempty"`
	ExpiresAt  time.Time `json:"expiresAt,omitzero"`
	KeyVersion int       `json:"keyVersion,omitempty"`
}

type finding struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Field    string `json:"field"`
	Message  string `json:"message"`
}

// problem is an RFC 9457 problem document. It repeats nothing of the request.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Code     string `json:"code"`
	Detail   string `json:"detail,omitempty"`
	MaxItems int    `json:"maxItems,omitempty"`
}

func (p problem) write(w http.ResponseWriter) {
	p.Type = "about:blank"
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller is gone if this fails
}

func malformed(detail string) *problem {
	return &problem{Status: http.StatusBadRequest, Code: "MALFORMED", Title: "The request cannot be read", Detail: detail}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the caller is gone if this fails
}
