package conversion

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// Kind is the kind of a report.
type Kind string

// The kinds.
const (
	KindPlan      Kind = "plan"
	KindCheck     Kind = "check"
	KindException Kind = "exception" // signed
	KindProof     Kind = "proof"     // signed
)

// Report is a document that a command made.
type Report struct {
	ID       int64
	PublicID string
	Kind     Kind
	RunID    int64 // 0 if it is of no run
	Clean    bool
	MadeBy   string
	MadeAt   time.Time
	Document string // JSON
}

// Tally is a count of something by its code.
type Tally struct {
	Code  string `json:"code"`
	Field string `json:"field,omitempty"`
	Count int    `json:"count"`
}

// CentrePlan is what the old table holds of one centre.
type CentrePlan struct {
	Centre string `json:"centre"`
	Known  bool   `json:"known"`
	Rows   int    `json:"rows"`
}

// Plan is what the old table holds, and what would become of it.
type Plan struct {
	Table         string       `json:"source"`
	Rows          int          `json:"rows"`
	Centres       []CentrePlan `json:"centres"`
	StrayRows     int          `json:"strayRows"` // of no known centre
	KeyEmpty      int          `json:"keyEmpty"`
	KeyTwice      int          `json:"keyTwice"`
	NumberEmpty   int          `json:"numberEmpty"`
	NumberTwice   int          `json:"numberTwice"`       // numbers that occur more than once in a centre
	PersonTwice   int          `json:"personTwice"`       // people (name, birth date and sex) who occur more than once in a centre
	BSN           bool         `json:"bsn"`               // the numbers are BSNs: nothing will be read
	Local         []Tally      `json:"local"`             // rows that Sluis itself would reject, or warns of
	Probe         int          `json:"probe"`             // rows exchanged to measure
	ProbeRefused  int          `json:"probeRefused"`      // of those, by the TTP
	RowsPerSecond float64      `json:"rowsPerSecond"`     // 0: not measured
	Numbered      string       `json:"numbered"`          // column, none or undecided
	Mapping       *Mapping     `json:"mapping,omitempty"` // that it was made with; nil in plans of earlier versions
	// Doubts are the reasons for which the dates of birth or sexes of the table cannot be
	// trusted, so that nothing will be read. Notes are what is assumed of its columns.
	Doubts []delivery.Remark `json:"doubts,omitempty"`
	Notes  []delivery.Remark `json:"notes,omitempty"`
}

// Blockers returns the codes of what forbids a run.
func (p Plan) Blockers() []string {
	var out []string
	if p.Rows == 0 {
		out = append(out, "SOURCE_EMPTY")
	}
	if p.KeyEmpty > 0 {
		out = append(out, "KEY_EMPTY")
	}
	if p.KeyTwice > 0 {
		out = append(out, "KEY_TWICE")
	}
	if p.BSN {
		out = append(out, "BSN_NUMBERS")
	}
	for _, r := range p.Doubts {
		out = append(out, r.Code)
	}
	if p.Numbered == "undecided" {
		out = append(out, "NUMBER_UNDECIDED")
	}
	return out
}

// CentreCheck is what a verification counted in one centre: the old rows and their outcomes.
type CentreCheck struct {
	Centre string         `json:"centre"`
	Rows   int            `json:"source"`
	Counts patient.Counts `json:"counts"`
}

// Problem is an old row that is not stored as it must be.
type Problem struct {
	OldKey string `json:"legacyId"`
	Code   string `json:"code"`
	Field  string `json:"field,omitempty"`
}

// MaxProblems is the number of problems that a check names. It counts all of them.
const MaxProblems = 1000

// Check is a verification of a run.
type Check struct {
	Rows       int           `json:"source"` // rows of the old table
	Centres    []CentreCheck `json:"centres"`
	Stored     int           `json:"stored"`   // rows that are a patient by now
	Patients   int           `json:"patients"` // different ones
	Rejected   int           `json:"rejected"`
	Review     int           `json:"review"`
	Strays     int           `json:"strays"` // of no known centre; rejected too
	Later      int           `json:"later"`  // patients that a delivery changed since
	Sampled    int           `json:"sampled"`
	Refused    int           `json:"refused"`   // of the sample, by the TTP
	Unfinished int           `json:"unsettled"` // centres that are not done
	Faults     []Tally       `json:"faults"`
	Problems   []Problem     `json:"problems"`
}

// Clean reports whether every old row has an outcome, and every one that was compared is
// stored as it should be. Rejected rows and conflicts count as outcomes: whether they may
// be lost is for the gate to say.
func (c Check) Clean() bool { return len(c.Faults) == 0 && c.Unfinished == 0 && c.Rows > 0 }

// Add counts a problem, and names it while there is room.
func (c *Check) Add(p Problem) {
	i := slices.IndexFunc(c.Faults, func(t Tally) bool { return t.Code == p.Code && t.Field == p.Field })
	if i < 0 {
		c.Faults, i = append(c.Faults, Tally{Code: p.Code, Field: p.Field}), len(c.Faults)
	}
	if c.Faults[i].Count++; len(c.Problems) < MaxProblems {
		c.Problems = append(c.Problems, p)
	}
}

// Exempt is an old row that may be lost with the old table.
type Exempt struct {
	OldKey  string          `json:"legacyId"`
	Centre  string          `json:"centre"`
	Outcome patient.Outcome `json:"outcome"`
	Code    string          `json:"code"`
	Message string          `json:"message,omitempty"`
}

// Exception lists the rows whose loss somebody takes responsibility for.
type Exception struct {
	Run    string    `json:"run"` // public id
	Why    string    `json:"why"`
	MadeBy string    `json:"madeBy"`
	MadeAt time.Time `json:"madeAt"`
	Rows   []Exempt  `json:"rows"`
}

// Hit is a place where a name was found. It does not hold the name.
type Hit struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Kind   string `json:"kind"`   // canary, surname or email
	Coding string `json:"coding"` // UTF-8 or UTF-16LE
	// Chance reports whether the place is in the middle of what looks like a pseudonym or a
	// key, in which six letters occur by chance.
	Chance bool `json:"chance,omitempty"`
}

// MaxHits is the number of hits that a proof lists of a file. It counts all of them.
const MaxHits = 200

// Scanned is one file that was read.
type Scanned struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	Hits   int    `json:"hits"`   // those that are a name by themselves
	Chance int    `json:"chance"` // those in the middle of other text
	Error  string `json:"error,omitempty"`
}

// Scan is what was found in files at one moment.
type Scan struct {
	At    time.Time `json:"at"`
	Files []Scanned `json:"files"`
	Hits  []Hit     `json:"hits"`
}

// Found returns the number of hits that are not by chance.
func (s Scan) Found() int {
	n := 0
	for _, f := range s.Files {
		n += f.Hits
	}
	return n
}

// Unread returns the number of files that could not be read.
func (s Scan) Unread() int {
	n := 0
	for _, f := range s.Files {
		if f.Error != "" {
			n++
		}
	}
	return n
}

// Proof is what a privacy officer can file.
type Proof struct {
	Run      string `json:"run"` // public id
	Way      string `json:"way"` // of the erasure: new or inplace; empty if there is none yet
	Registry string `json:"registry"`
	Table    string `json:"source"`
	MadeBy   string `json:"madeBy"`
	Erased   string `json:"erased,omitempty"` // when, RFC 3339
	Canaries int    `json:"canaries"`         // planted, and looked for
	Surnames int    `json:"surnames"`         // different surnames of six letters or more in the old table
	Emails   int    `json:"emails"`
	Short    int    `json:"short"` // names that are too short to look for
	Words    int    `json:"words"` // names that, in lower or upper case, are part of a word of Sluis itself: not looked for so
	// Before is the scan of the old table while it still had the names: it shows that the
	// scanner finds them. Control is the number of names that it did not find there.
	Before  *Scan `json:"before,omitempty"`
	Control int   `json:"control"`
	After   Scan  `json:"after"`
	Rows    *Scan `json:"rows,omitempty"` // what a connection shows, if the files cannot be reached
	// Unreached lists, by the catalogue's codes, what was not looked at.
	Unreached []string   `json:"unreached"`
	Approvals []Approval `json:"approvals"`
}

// Clean reports whether no name was found but by chance, in files that were all read, by a
// scanner that was shown to find what it looks for.
func (p Proof) Clean() bool {
	rows := p.Rows == nil || p.Rows.Found() == 0
	return p.After.Found() == 0 && p.After.Unread() == 0 && rows && len(p.After.Files) > 0 && p.Control == 0 &&
		p.Canaries+p.Surnames+p.Emails > 0
}

// Signed is a document under a signature.
type Signed struct {
	Document  json.RawMessage `json:"document"`
	PublicKey string          `json:"publicKey"` // Ed25519, base64
	Signature string          `json:"signature"` // of the document's bytes, compacted
}

// ErrForged is returned for a signature that is not the registry's.
var ErrForged = errors.New("the signature does not fit the document or the key")

// Sign signs a document.
func Sign(key ed25519.PrivateKey, document any) (Signed, error) {
	raw, err := json.Marshal(document)
	if err != nil {
		return Signed{}, err
	}
	public, _ := key.Public().(ed25519.PublicKey)
	return Signed{
		Document: raw, PublicKey: base64.StdEncoding.EncodeToString(public),
		Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, raw)),
	}, nil
}

// Open decodes a signed document into v, unless v is nil. It returns ErrForged if the
// signature is not that of the key.
func (s Signed) Open(key ed25519.PublicKey, v any) error {
	raw, err := compact(s.Document)
	if err != nil {
		return ErrForged
	}
	signature, err := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil || !ed25519.Verify(key, raw, signature) {
		return ErrForged
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(raw, v)
}

// ReadSigned reads a signed document that a person brings.
func ReadSigned(raw []byte) (Signed, error) {
	var s Signed
	if err := json.Unmarshal(raw, &s); err != nil || len(s.Document) == 0 {
		return s, errors.New("this is no signed document of Sluis")
	}
	return s, nil
}
