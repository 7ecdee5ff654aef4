package patient

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Reader is what assessing needs of the store. Each question is asked once for a whole
// set of rows.
type Reader interface {
	// PatientsByNumber returns the centre's patients with these numbers, with their
	// pseudonyms. Numbers are compared exactly: 0123 is not 123.
	PatientsByNumber(ctx context.Context, centreID int64, numbers []string) (map[string]Patient, error)
	// OwnersOf returns the centre's patients that hold one of these pseudonyms.
	OwnersOf(ctx context.Context, centreID int64, pseudonyms []Pseudonym) (map[Pseudonym][]Owner, error)
	// PatientsByID returns the patients of the centre with these ids, with their pseudonyms.
	PatientsByID(ctx context.Context, centreID int64, ids []int64) (map[int64]Patient, error)
	// Keys returns the patients of these old keys, and every old key of these patients.
	Keys(ctx context.Context, keys []string, patients []int64) ([]Key, error)
}

// Owner is a patient that holds a pseudonym.
type Owner struct {
	PatientID int64
	Number    string // empty until it has one
}

// Tx is a transaction of the store.
type Tx interface {
	Reader
	// InsertPatients stores new patients and fills their ID and PublicID.
	InsertPatients(ctx context.Context, patients []Patient) error
	// UpdatePatients stores birth, sex, death, version and UpdatedAt of each patient,
	// its new and changed pseudonyms, and its number if it is Renumbered.
	UpdatePatients(ctx context.Context, changes []Change) error
	// AddConflicts puts rows before a data manager. A row that says the same as an open
	// conflict joins it, and is closed together with it.
	AddConflicts(ctx context.Context, reviews []NewConflict) error
	// AttachKeys stores which patient each of these new old keys belongs to.
	AttachKeys(ctx context.Context, keys []Key) error
}

// Change is a stored patient as it will be.
type Change struct {
	Patient  Patient     // with the new display set and version
	Added    []Pseudonym // in spaces in which the patient had none
	Replaced []Pseudonym // in spaces in which the patient had another value
	// Renumbered reports whether the patient gets its first number, or another one by a
	// data manager's decision.
	Renumbered bool
	// Removed lists pseudonyms that belonged to another person. Only a data manager's
	// decision can remove them.
	Removed []Pseudonym
}

// NewConflict is a row that waits for a data manager.
type NewConflict struct {
	CentreID  int64
	Candidate Candidate
	Verdict   Verdict
	At        time.Time
}

// Registrar decides what becomes of rows and stores them. Every door ends here:
// a file, the API, a single entry, a dataset, the conversion of the old table.
type Registrar struct {
	link string // the linking type
	now  func() time.Time
}

// NewRegistrar returns a Registrar that takes two rows to be the same person if their
// pseudonyms of the linking type are equal.
func NewRegistrar(linkingType string, now func() time.Time) *Registrar {
	return &Registrar{link: linkingType, now: now}
}

// LinkingType returns the pseudonym type by which two rows are the same person.
func (r *Registrar) LinkingType() string { return r.link }

// Assess returns what would become of each row of a set, in its order, and stores
// nothing. It asks the store two questions, whatever the size of the set, and two more
// if patients have no number or rows have an old key.
func (r *Registrar) Assess(ctx context.Context, tx Reader, centreID int64, set []Candidate) ([]Verdict, error) {
	v, _, err := r.assess(ctx, tx, centreID, set)
	return v, err
}

// Register assesses a set and stores what is new or changed, within tx. It returns the
// verdicts in the order of the set.
func (r *Registrar) Register(ctx context.Context, tx Tx, centreID int64, set []Candidate) ([]Verdict, error) {
	verdicts, met, err := r.assess(ctx, tx, centreID, set)
	if err != nil {
		return nil, err
	}
	now := r.now().UTC().Truncate(time.Millisecond)
	var fresh []Patient
	var freshAt []int
	var changes []Change
	var reviews []NewConflict
	for i, v := range verdicts {
		switch v.Outcome {
		case Created:
			fresh = append(fresh, Patient{
				CentreID: centreID, Display: set[i].Display, Pseudonyms: dated(set[i].Pseudonyms),
				DiedOn: set[i].diedOn(), Version: set[i].firstVersion(), CreatedAt: now, UpdatedAt: now,
			})
			freshAt = append(freshAt, i)
		case Updated:
			changes = append(changes, r.change(met[i].patient, set[i], now))
		case Review:
			reviews = append(reviews, NewConflict{CentreID: centreID, Candidate: set[i], Verdict: v, At: now})
		}
	}
	if len(fresh) > 0 {
		if err := tx.InsertPatients(ctx, fresh); err != nil {
			return nil, fmt.Errorf("insert patients: %w", err)
		}
	}
	for n, i := range freshAt {
		verdicts[i].PatientID = fresh[n].ID
	}
	if len(changes) > 0 {
		if err := tx.UpdatePatients(ctx, changes); err != nil {
			return nil, fmt.Errorf("update patients: %w", err)
		}
	}
	if len(reviews) > 0 {
		if err := tx.AddConflicts(ctx, reviews); err != nil {
			return nil, fmt.Errorf("add conflicts: %w", err)
		}
	}
	return verdicts, r.attach(ctx, tx, set, verdicts, met)
}

func (r *Registrar) assess(ctx context.Context, tx Reader, centreID int64, set []Candidate) ([]Verdict, []meeting, error) {
	numbers := make([]string, 0, len(set))
	links := make([]Pseudonym, 0, len(set))
	for _, c := range set {
		if c.Display.Number != "" {
			numbers = append(numbers, c.Display.Number)
		}
		links = append(links, r.links(c.Pseudonyms)...)
	}
	stored, err := tx.PatientsByNumber(ctx, centreID, numbers)
	if err != nil {
		return nil, nil, fmt.Errorf("find patients by number: %w", err)
	}
	owners, err := tx.OwnersOf(ctx, centreID, links)
	if err != nil {
		return nil, nil, fmt.Errorf("find patients by pseudonym: %w", err)
	}
	b, err := r.lookBeside(ctx, tx, centreID, set, owners)
	if err != nil {
		return nil, nil, err
	}
	verdicts, met := make([]Verdict, len(set)), make([]meeting, len(set))
	for i, c := range set {
		met[i] = r.meet(c, stored, owners, b)
		verdicts[i] = r.verdict(c, met[i], owners)
	}
	return verdicts, met, nil
}

// key returns p as a map key: its space and value, without the day it was seen.
func key(p Pseudonym) Pseudonym { p.ObservedOn = ""; return p }

// verdict assesses one row: it compares the row with the rest of its file, and then with
// what is stored. Only pseudonyms of the linking type count, within one domain and key
// version.
func (r *Registrar) verdict(c Candidate, m meeting, owners map[Pseudonym][]Owner) Verdict {
	p := m.patient
	v := Verdict{PatientID: p.ID, Partners: c.Within.Partners}
	review := func(why Reason, patientID int64) Verdict {
		v.Outcome, v.Reason, v.PatientID = Review, why, patientID
		return v
	}
	if c.Within.Clash == NumberTwice {
		return review(NumberTwice, p.ID)
	}
	if m.clash != "" {
		return review(m.clash, m.with)
	}
	same := false
	if m.known {
		var differs, comparable bool
		same, differs, comparable = r.compare(p, c)
		// If the two have no linking pseudonym under the same key, nothing proves that the
		// number still belongs to the same person. Another birth proves that it does not.
		if differs || !comparable && otherBirth(p.Birth, c.Display.Birth) {
			return review(NumberTaken, p.ID)
		}
	}
	if m.known && !m.proven && c.Within.Clash == PseudonymTwice { // it is not known which of the rows is the patient's
		return review(PseudonymTwice, p.ID)
	}
	if !same {
		if o := r.otherOwner(c, owners); o != nil {
			return review(PseudonymTaken, o.PatientID)
		}
		if c.Within.Clash == PseudonymTwice {
			return review(PseudonymTwice, p.ID)
		}
	}
	switch {
	case c.Within.Repeats: // what it says is stored with the row that it repeats
		v.Outcome = Unchanged
	case !m.known:
		v.Outcome = Created
	case r.change(p, c, time.Time{}).empty(p) && !m.keyNew:
		v.Outcome = Unchanged
	default:
		v.Outcome = Updated
	}
	return v
}

// otherOwner returns a patient that has one of the row's linking pseudonyms under
// another number, or nil.
func (r *Registrar) otherOwner(c Candidate, owners map[Pseudonym][]Owner) *Owner {
	for _, l := range r.links(c.Pseudonyms) {
		for _, o := range owners[l] {
			if o.Number != c.Display.Number {
				return &o
			}
		}
	}
	return nil
}

// compare compares the linking pseudonyms of a stored patient with those of a row, space
// by space.
func (r *Registrar) compare(p Patient, c Candidate) (same, differs, comparable bool) {
	for _, l := range c.Pseudonyms {
		if l.Type != r.link {
			continue
		}
		for _, s := range p.Pseudonyms {
			if s.SameSpace(l) {
				comparable = true
				if s.Value == l.Value {
					same = true
				} else {
					differs = true
				}
			}
		}
	}
	return same && !differs, differs, comparable
}

// otherBirth reports whether two births contradict each other, as far as both are known.
func otherBirth(a, b Birth) bool {
	if a.IsZero() || b.IsZero() {
		return false
	}
	if !a.HasDay() || !b.HasDay() {
		return a.Year != b.Year
	}
	return a != b
}

// dated returns the pseudonyms with ObservedOn set to the day of the postcode, for those
// of a postcode type. The others keep theirs.
func dated(list []Pseudonym) []Pseudonym {
	cloned := false
	for i, p := range list {
		if p.RecordedOn == "" || p.ObservedOn == p.RecordedOn {
			continue
		}
		if !cloned { // the caller's slice stays as it is
			list, cloned = slices.Clone(list), true
		}
		list[i].ObservedOn = p.RecordedOn
	}
	return list
}

// change returns what a row makes of the patient it belongs to. What the row leaves out
// stays: values under another key version, and those of other days.
func (r *Registrar) change(p Patient, c Candidate, now time.Time) Change {
	ch := Change{Patient: p}
	ch.Patient.Display = c.Display
	if ch.Patient.Number == "" {
		ch.Patient.Number = p.Number
	}
	ch.Renumbered = p.Number != ch.Patient.Number
	if died := c.diedOn(); died != "" {
		ch.Patient.DiedOn = died
	}
	if b := c.Display.Birth; b.IsZero() || b == p.Birth.YearOnly() {
		ch.Patient.Birth = p.Birth
	}
	if c.Display.Sex == SexUnknown {
		ch.Patient.Sex = p.Sex
	}
	for _, n := range dated(c.Pseudonyms) {
		i := slices.IndexFunc(p.Pseudonyms, n.SameSpace)
		switch {
		case i < 0:
			ch.Added = append(ch.Added, n)
		case p.Pseudonyms[i].Value != n.Value:
			ch.Replaced = append(ch.Replaced, n)
		}
	}
	ch.Patient.Version = p.Version + 1
	ch.Patient.UpdatedAt = now
	return ch
}

// empty reports whether the change leaves p as it was.
func (ch Change) empty(p Patient) bool {
	return ch.Patient.Display == p.Display && ch.Patient.DiedOn == p.DiedOn && len(ch.Added) == 0 && len(ch.Replaced) == 0
}

// diedOn returns the row's date of death. Only rows of the old table have one.
func (c Candidate) diedOn() string {
	if c.OldRow == nil {
		return ""
	}
	return c.OldRow.DiedOn
}

// firstVersion returns the version with which a patient made of this row begins.
func (c Candidate) firstVersion() int {
	if c.OldRow == nil {
		return 1
	}
	return max(1, c.OldRow.Version)
}
