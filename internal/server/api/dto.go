package api

import (
	"time"

	"sluis/internal/account"

	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/report"
	"sluis/web/text"
)

// Accepted is the answer to a file that was taken in, and to an act on a delivery.
type Accepted struct {
	ID     string          `json:"id"`
	Status delivery.Status `json:"status"`
	Links  Links           `json:"links"`
}

// Links are the ways on from a delivery.
type Links struct {
	Self   string `json:"self"`
	Report string `json:"report"`
	// Confirm and Cancel are there as long as they can be used.
	Confirm string `json:"confirm,omitempty"`
	Cancel  string `json:"cancel,omitempty"`
	// Retry is there while the TTP gives no answer.
	Retry string `json:"retry,omitempty"`
	// Columns is the page on which a person says what the columns are, as long as
	// the delivery waits for that.
	Columns string `json:"columns,omitempty"`
}

// Delivery is a delivery as the API shows it. A list leaves its Reasons out.
type Delivery struct {
	ID     string `json:"id"`
	Centre string `json:"centre"`
	// OnBehalfOf is the centre once more if a processor delivered on its behalf; Processor
	// is the name of that.
	OnBehalfOf string          `json:"onBehalfOf,omitempty"`
	Processor  string          `json:"processor,omitempty"`
	Filename   string          `json:"filename"`
	Kind       *delivery.Kind  `json:"kind"`
	Mode       delivery.Mode   `json:"mode"`
	Status     delivery.Status `json:"status"`
	Counts     patient.Counts  `json:"counts"`
	Planned    *patient.Counts `json:"planned,omitempty"`
	Warnings   int             `json:"warnings"`
	Reasons    []Reason        `json:"reasons,omitzero"`
	Notes      []Note          `json:"notes,omitzero"`
	SameAs     string          `json:"sameAs,omitempty"`
	// Repairs is the delivery that this one was delivered to repair, Repaired how far
	// it is itself repaired by later ones.
	Repairs  string    `json:"repairs,omitempty"`
	Repaired *Repaired `json:"repaired,omitempty"`
	// ReportExpiredAt is when the report was deleted.
	ReportExpiredAt time.Time `json:"reportExpiredAt,omitzero"`
	CreatedAt       time.Time `json:"createdAt"`
	FinishedAt      time.Time `json:"finishedAt,omitzero"`
	NextTryAt       time.Time `json:"nextTryAt,omitzero"`
	// PauseReason distinguishes a TTP that is down from one that denies us access.
	PauseReason delivery.Pause `json:"pauseReason,omitempty"`
	ExpiresAt   time.Time      `json:"expiresAt,omitzero"`
	Links       Links          `json:"links"`
}

// Repaired is how far the rejected rows of a delivery are repaired by later ones.
type Repaired struct {
	Deliveries int `json:"deliveries"` // that are done
	Repaired   int `json:"repaired"`
	Open       int `json:"open"`
	Untraced   int `json:"untraced"` // without a patient number to follow
}

// Reason is why rows were rejected or warned of, or why a whole file was
// refused (then without field, column, count and lines).
type Reason struct {
	Code     string `json:"code"`
	Field    string `json:"field,omitempty"`
	Column   string `json:"column,omitempty"`
	Message  string `json:"message"`
	Source   string `json:"source"`
	Severity string `json:"severity"`
	Advice   string `json:"advice,omitempty"`
	Count    int    `json:"count,omitempty"`
	Lines    []int  `json:"lines,omitempty"` // the first so many
}

// Note says what was ignored in a file.
type Note struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Deliveries is a page of deliveries.
type Deliveries struct {
	Deliveries []Delivery `json:"deliveries"`
	Next       *string    `json:"next"` // null on the last page
}

// Patient is the display set of a patient. Only those who see every centre get
// Centre.
type Patient struct {
	ID            string  `json:"id"`
	Centre        string  `json:"centre,omitempty"`
	PatientNumber string  `json:"patientNumber"`
	BirthDate     *string `json:"birthDate,omitempty"`
	BirthYear     *int    `json:"birthYear,omitempty"`
	Sex           *string `json:"sex"`
}

// Patients is a page of patients.
type Patients struct {
	Patients []Patient `json:"patients"`
	Next     *string   `json:"next"` // null on the last page
}

// Finding is a remark of the TTP or of Sluis about an entered patient.
type Finding struct {
	Code     string `json:"code"`
	Field    string `json:"field"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Source   string `json:"source"`
	Advice   string `json:"advice"`
}

// Entered is the result of entering a patient.
type Entered struct {
	ID       string          `json:"id,omitempty"` // the patient stored; none in review
	Outcome  patient.Outcome `json:"outcome"`
	Reason   patient.Reason  `json:"reason,omitempty"` // with review
	Findings []*Finding      `json:"findings"`
}

func linksOf(d delivery.Delivery) Links {
	self := Prefix + "/deliveries/" + d.PublicID
	l := Links{Self: self, Report: self + "/report"}
	if d.State.Savable() {
		l.Confirm = self + "/confirm"
	}
	if d.State == delivery.Mapping {
		l.Columns = "/aanleveringen/" + d.PublicID + "/kolommen"
	}
	if d.Paused != delivery.NotPaused {
		l.Retry = self + "/retry"
	}
	if !d.State.Final() {
		l.Cancel = self + "/cancel"
	}
	return l
}

func acceptedOf(d delivery.Delivery) Accepted {
	return Accepted{ID: d.PublicID, Status: d.Status(), Links: linksOf(d)}
}

// deliveryOf is d without its reasons.
func deliveryOf(t *text.Catalogue, d delivery.Delivery) Delivery {
	out := Delivery{
		ID: d.PublicID, Centre: d.CentreNumber, Filename: d.Filename, Mode: d.Mode, Status: d.Status(),
		Counts: d.Counts, Warnings: d.Warnings, SameAs: d.SameAs, CreatedAt: d.CreatedAt.UTC(),
		FinishedAt: d.FinishedAt, Links: linksOf(d),
	}
	if d.Kind != delivery.KindUnknown {
		out.Kind = &d.Kind
	}
	if d.State.Savable() {
		out.Planned = &d.Planned
	}
	if d.State.Waiting() {
		out.ExpiresAt = d.ExpiresAt
	}
	if d.Paused != delivery.NotPaused {
		out.NextTryAt, out.PauseReason = d.NextTryAt, d.Paused
	}
	out.Repairs, out.ReportExpiredAt = d.Repairs, d.ReportExpiredAt
	if d.ProcessorID != 0 {
		out.OnBehalfOf, out.Processor = d.CentreNumber, d.Processor
	}
	if d.LaterRepairs > 0 {
		out.Repaired = &Repaired{d.LaterRepairs, d.Repaired, d.OpenRepairs(), d.Untraced}
	}
	for _, n := range d.Notes {
		out.Notes = append(out.Notes, Note{n.Code, report.Note(t, n)})
	}
	return out
}

// reasonsOf returns the reasons of d: those of the file if it was refused,
// otherwise those of its rows.
func reasonsOf(t *text.Catalogue, d delivery.Delivery, causes []delivery.Cause) []Reason {
	out := []Reason{}
	for _, r := range d.Refusals {
		out = append(out, Reason{
			Code: r.Code, Message: report.Refusal(t, r), Source: string(patient.Sluis), Severity: string(patient.Fatal),
		})
	}
	if d.State == delivery.Failed {
		out = append(out, Reason{
			Code: d.FailCode, Message: failure(t, d.FailCode), Source: string(patient.Sluis), Severity: string(patient.Fatal),
		})
	}
	for _, c := range causes {
		out = append(out, Reason{
			Code: c.Code, Field: c.Field, Column: report.Column(t, d.Columns, c.Field), Message: report.Message(t, c.Finding, nil),
			Source: string(c.Source), Severity: string(c.Severity), Advice: report.Advice(t, c.Finding), Count: c.Count, Lines: c.Lines,
		})
	}
	return out
}

// failure is why a delivery failed, in a sentence.
func failure(t *text.Catalogue, code string) string {
	if own := "failed." + code; t.Has(own) {
		return t.T(own, "code", code)
	}
	return t.T("failed.counts", "code", code)
}

// patientOf returns the display set. yearOnly decides the form of a birth that is
// not known.
func patientOf(p patient.Listed, yearOnly, withCentre bool) Patient {
	out := Patient{ID: p.PublicID, PatientNumber: p.Number}
	if withCentre {
		out.Centre = p.CentreNumber
	}
	switch {
	case p.Birth.HasDay() && !yearOnly:
		date := p.Birth.String()
		out.BirthDate = &date
	case !p.Birth.IsZero():
		out.BirthYear = &p.Birth.Year
	}
	if p.Sex != patient.SexUnknown {
		sex := string(p.Sex)
		out.Sex = &sex
	}
	return out
}

func findingOf(t *text.Catalogue, f patient.Finding) *Finding {
	return &Finding{
		Code: f.Code, Field: f.Field, Severity: string(f.Severity), Source: string(f.Source),
		Message: report.Message(t, f, nil), Advice: report.Advice(t, f),
	}
}

// showCentre reports whether the actor sees more than one centre.
func showCentre(a account.Actor) bool { return a.Scope().All() }
