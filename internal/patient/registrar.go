package patient

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Reader is what judging needs to know of what is stored. Each question is asked
// once a set.
type Reader interface {
	// PatientsByNumber gives the centre's patients with these numbers, with their
	// pseudonyms; numbers are compared exactly.
	PatientsByNumber(ctx context.Context, centreID int64, numbers []string) (map[string]Patient, error)
	// OwnersOf gives the centre's patients that hold one of these pseudonyms.
	OwnersOf(ctx context.Context, centreID int64, pseudonyms []Pseudonym) (map[Pseudonym][]Owner, error)
	// PatientsByID gives those of the centre, with their pseudonyms.
	PatientsByID(ctx context.Context, centreID int64, ids []int64) (map[int64]Patient, error)
	// Keys gives whose these old keys are, and every old key of these patients.
	Keys(ctx context.Context, keys []string, patients []int64) ([]Key, error)
}

// Owner is a patient that holds a pseudonym.
type Owner struct {
	PatientID int64
	Number    string // empty while it has none
}

// Tx is a transaction of the store.
type Tx interface {
	Reader
	// InsertPatients stores new patients and fills their ID and PublicID.
	InsertPatients(ctx context.Context, patients []Patient) error
	// UpdatePatients stores birth, sex, death, version and UpdatedAt of each, and its
	// pseudonyms that are new or have another value; its number where Renumbered.
	UpdatePatients(ctx context.Context, changes []Change) error
	// AddConflicts puts rows before a data manager. A row for which the same conflict
	// is open already joins that one, and is settled with it.
	AddConflicts(ctx context.Context, reviews []NewConflict) error
	// AttachKeys says of old keys that nobody holds whose they are.
	AttachKeys(ctx context.Context, keys []Key) error
}

// Change is a stored patient as it becomes.
type Change struct {
	Patient  Patient     // with the new display set and version
	Added    []Pseudonym // of a type, domain, key version or day not held before
	Replaced []Pseudonym // held before with another value
	// The patient gets its first number, or by a data manager's word another one.
	Renumbered bool
	// By a data manager's word alone: pseudonyms of whom it was held to be.
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
// a file, the API, a single entry, a dataset, the existing patients.
type Registrar struct {
	link string // the linking type
	now  func() time.Time
}

// NewRegistrar makes a Registrar that holds two rows to be the same person where
// their pseudonyms of the linking type are equal.
func NewRegistrar(linkingType string, now func() time.Time) *Registrar {
	return &Registrar{link: linkingType, now: now}
}

// LinkingType is the type by which two rows are held to be the same person.
func (r *Registrar) LinkingType() string { return r.link }

// Assess says what would become of a set, in its order, and stores nothing. It
// asks the store twice, whatever the size of the set, and twice more where
// patients have no number or rows an old key.
func (r *Registrar) Assess(ctx context.Context, tx Reader, centreID int64, set []Candidate) ([]Verdict, error) {
	v, _, err := r.assess(ctx, tx, centreID, set)
	return v, err
}

// Register judges a set and stores what is new or changed, within tx. The
// verdicts are in the order of the set.
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
		for _, p := range c.Pseudonyms {
			if p.Type == r.link {
				links = append(links, key(p))
			}
		}
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

// key is a pseudonym as a map key: its space and value, without the day.
func key(p Pseudonym) Pseudonym { p.ObservedOn = ""; return p }

// verdict judges one row: against the rest of its file, then against what is
// stored, on the linking type alone and within one domain and key version.
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
	settled := false
	if m.known {
		var differs, comparable bool
		settled, differs, comparable = r.compare(p, c)
		// Without a linking pseudonym under one key on both sides nothing proves that
		// the number is still the same person's; another birth says that it is not.
		if differs || !comparable && otherBirth(p.Birth, c.Display.Birth) {
			return review(NumberTaken, p.ID)
		}
	}
	if m.known && !m.proven && c.Within.Clash == PseudonymTwice { // which of the rows is the patient's?
		return review(PseudonymTwice, p.ID)
	}
	if !settled {
		for _, l := range c.Pseudonyms {
			if l.Type != r.link {
				continue
			}
			for _, o := range owners[key(l)] {
				if o.Number != c.Display.Number {
					return review(PseudonymTaken, o.PatientID)
				}
			}
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

// compare holds the linking pseudonyms of a stored patient and of a row against
// each other, space by space.
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

// otherBirth tells whether two births contradict each other, as far as both are
// known.
func otherBirth(a, b Birth) bool {
	if a.IsZero() || b.IsZero() {
		return false
	}
	if !a.HasDay() || !b.HasDay() {
		return a.Year != b.Year
	}
	return a != b
}

// dated gives each pseudonym of a postcode type the day of its postcode for the
// day on which it was observed; the others keep theirs.
func dated(list []Pseudonym) []Pseudonym {
	cloned := false
	for i, p := range list {
		if p.RecordedOn == "" || p.ObservedOn == p.RecordedOn {
			continue
		}
		if !cloned { // the caller's are left alone
			list, cloned = slices.Clone(list), true
		}
		list[i].ObservedOn = p.RecordedOn
	}
	return list
}

// change is what a row makes of the patient it belongs to. What a row leaves
// out stays as it was: values under another key version, and of other days.
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

// empty tells whether the change leaves p as it was.
func (ch Change) empty(p Patient) bool {
	return ch.Patient.Display == p.Display && ch.Patient.DiedOn == p.DiedOn && len(ch.Added) == 0 && len(ch.Replaced) == 0
}

// diedOn is the date of death that a row brings; only the old table has one.
func (c Candidate) diedOn() string {
	if c.OldRow == nil {
		return ""
	}
	return c.OldRow.DiedOn
}

// firstVersion is the version of the patient that a row makes.
func (c Candidate) firstVersion() int {
	if c.OldRow == nil {
		return 1
	}
	return max(1, c.OldRow.Version)
}
