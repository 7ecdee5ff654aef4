// Package entry enters one patient, for the page and for the API: it sends the
// identity to the TTP, and the temporary pseudonyms that come back to the
// registry.
//
// It is the only part of the server that sees an identity. It keeps none after
// [Service.Submit] returns, and puts none into an error.
package entry

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/identity"
	"sluis/internal/importer"
	"sluis/internal/patient"
	"sluis/internal/value"
)

// patience is how long a user waits for the TTP at most.
const patience = 30 * time.Second

// maxName is the greatest length of a name, in characters. It is far more than any
// name has; the TTP checks the rest.
const maxName = 200

// The fields, as the wire and the findings name them.
const (
	Number   = "patientNumber"
	Birth    = "birthDate"
	Sex      = "sex"
	Surname  = "surname"
	Prefix   = "surnamePrefix"
	Initials = "initials"
)

// Preparer turns the identity of one person into temporary pseudonyms, or into
// findings. If the TTP does not answer, the error is a
// [*patient.UnavailableError].
type Preparer interface {
	PrepareOne(ctx context.Context, id identity.Identity) ([]patient.Temporary, []patient.Finding, error)
}

// Desk stores one patient.
type Desk interface {
	RegisterEntry(ctx context.Context, who audit.Who, centre account.Centre, d patient.Display, t []patient.Temporary) (importer.Entered,
		error)
}

// Recorder writes the access log.
type Recorder interface {
	Record(ctx context.Context, ev audit.Event) error
}

// Options is what a Service needs.
type Options struct {
	Preparer Preparer
	Desk     Desk
	Log      Recorder
	Now      func() time.Time
	// BirthYearOnly keeps the year of birth only. The TTP gets the whole date.
	BirthYearOnly bool
}

// Service enters patients.
type Service struct{ o Options }

// New makes a service.
func New(o Options) *Service { return &Service{o} }

// Values is a form as it was filled in.
type Values struct {
	Number                    string
	Birth                     patient.Birth // zero if it was left empty
	Sex                       string        // "m", "v", or whatever the TTP is to judge
	Surname, Prefix, Initials string
}

// Fault is an error that Sluis itself finds in a value: a code of the catalogue
// ("entry.<code>"), never the value.
type Fault struct{ Field, Code string }

// Result is the result of an entry. Nothing was stored if it has Faults or a fatal
// finding.
type Result struct {
	importer.Entered
	Number string // as it is kept; a warning says so if it was typed otherwise
	Faults []Fault
}

// Stored reports whether the entry reached the registry. It may still wait there
// for a data manager.
func (r Result) Stored() bool {
	return len(r.Faults) == 0 && r.Outcome != patient.Rejected && r.Outcome != ""
}

// Submit enters one patient. Errors: apperr.Unavailable "ttp_unavailable" if the
// TTP does not answer (then nothing is stored), and those of the store.
func (s *Service) Submit(ctx context.Context, who audit.Who, centre account.Centre, v Values) (Result, error) {
	typed := strings.TrimSpace(v.Number)
	v = v.trimmed()
	if faults := v.check(); len(faults) > 0 {
		return Result{Faults: faults}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	temporaries, findings, err := s.prepare(ctx, v)
	if err != nil {
		return Result{}, s.unavailable(ctx, who, err)
	}
	if patient.AnyFatal(findings) {
		err := s.record(ctx, who, audit.MinorFailure, "rejected")
		return Result{Entered: importer.Entered{Outcome: patient.Rejected, Findings: findings}}, err
	}
	entered, err := s.o.Desk.RegisterEntry(ctx, who, centre, s.display(v), temporaries)
	if err != nil {
		return Result{}, s.unavailable(ctx, who, err)
	}
	entered.Findings = append(findings, entered.Findings...)
	if v.Number != typed {
		entered.Findings = append(entered.Findings, patient.Finding{
			Severity: patient.Warning, Source: patient.Sluis, Code: "NUMBER_REWRITTEN", Field: Number,
		})
	}
	if entered.Outcome == patient.Rejected {
		err = s.record(ctx, who, audit.MinorFailure, "rejected")
	}
	return Result{Entered: entered, Number: v.Number}, err
}

// prepare shows the identity to the TTP and forgets it.
func (s *Service) prepare(ctx context.Context, v Values) ([]patient.Temporary, []patient.Finding, error) {
	id := identity.New(identity.Fields{
		Surname: v.Surname, Prefix: v.Prefix, Initials: v.Initials, BirthDate: v.Birth.String(), Sex: v.Sex,
	})
	defer id.Forget()
	return s.o.Preparer.PrepareOne(ctx, id)
}

// display returns the part of the values that is kept.
func (s *Service) display(v Values) patient.Display {
	d := patient.Display{Number: v.Number, Birth: v.Birth}
	if s.o.BirthYearOnly {
		d.Birth = v.Birth.YearOnly()
	}
	if sex := patient.Sex(strings.ToLower(v.Sex)); sex == patient.Male || sex == patient.Female {
		d.Sex = sex
	}
	return d
}

// unavailable classifies err, and logs that somebody tried.
func (s *Service) unavailable(ctx context.Context, who audit.Who, err error) error {
	err = classify(err)
	// The time of ctx may be up; the log is written all the same.
	return errors.Join(err, s.record(context.WithoutCancel(ctx), who, audit.SeriousFailure, apperr.CodeOf(err)))
}

func (s *Service) record(ctx context.Context, who audit.Who, result audit.Result, code string) error {
	return s.o.Log.Record(ctx, audit.Event{
		At: s.o.Now(), Type: audit.PatientEntered, Action: audit.Create, Result: result, Who: who, ObjectType: "patient", Code: code,
	})
}

// classify makes one kind of error of every way in which the TTP can be silent.
func classify(err error) error {
	if _, ok := errors.AsType[*patient.UnavailableError](err); ok || errors.Is(err, context.DeadlineExceeded) {
		return apperr.Wrap(apperr.Unavailable, "ttp_unavailable", err)
	}
	return err
}

func (v Values) trimmed() Values {
	v.Number = value.PlainNumber(v.Number)
	for _, s := range []*string{&v.Sex, &v.Surname, &v.Prefix, &v.Initials} {
		*s = strings.TrimSpace(*s)
	}
	return v
}

// check finds the faults that concern Sluis itself; the TTP checks identities.
func (v Values) check() []Fault {
	var faults []Fault
	switch {
	case v.Number == "":
		faults = append(faults, Fault{Number, "number_missing"})
	case utf8.RuneCountInString(v.Number) > patient.MaxNumberLength:
		faults = append(faults, Fault{Number, "number_too_long"})
	case !printable(v.Number):
		faults = append(faults, Fault{Number, "characters"})
	case value.LooksLikeBSN(v.Number):
		faults = append(faults, Fault{Number, "number_bsn"})
	}
	for _, name := range []struct{ field, value string }{
		{Sex, v.Sex}, {Surname, v.Surname}, {Prefix, v.Prefix}, {Initials, v.Initials},
	} {
		switch {
		case utf8.RuneCountInString(name.value) > maxName:
			faults = append(faults, Fault{name.field, "too_long"})
		case !printable(name.value):
			faults = append(faults, Fault{name.field, "characters"})
		}
	}
	return faults
}

// printable reports whether s can be shown on one line.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// ParseDate reads a date typed in three fields. If all are empty there is no date:
// the TTP decides what that means. The code of a fault is "birth_incomplete" or
// "birth_impossible".
func ParseDate(day, month, year string) (patient.Birth, *Fault) {
	day, month, year = strings.TrimSpace(day), strings.TrimSpace(month), strings.TrimSpace(year)
	switch {
	case day == "" && month == "" && year == "":
		return patient.Birth{}, nil
	case day == "" || month == "" || year == "":
		return patient.Birth{}, &Fault{Birth, "birth_incomplete"}
	}
	b, ok := value.TypedDate(day, month, year)
	if !ok {
		return patient.Birth{}, &Fault{Birth, "birth_impossible"}
	}
	return b, nil
}

// ParseISODate reads a date such as 2001-01-31. An empty one is no date: the TTP
// decides what that means.
func ParseISODate(s string) (patient.Birth, *Fault) {
	if s == "" {
		return patient.Birth{}, nil
	}
	parts := strings.Split(s, "-")
	if len(s) != len(time.DateOnly) || len(parts) != 3 {
		return patient.Birth{}, &Fault{Birth, "birth_format"}
	}
	return ParseDate(parts[2], parts[1], parts[0])
}
