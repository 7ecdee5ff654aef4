package patient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Errors of [Registrar.ApplyJudgement]. Nothing is stored then.
var (
	// ErrChanged says that the patients concerned are not as the data manager saw them.
	ErrChanged = errors.New("what is stored changed since it was looked at")
	// ErrWithheld says that the decision is not one of those that are offered.
	ErrWithheld = errors.New("the decision is not offered for this conflict")
)

// concerned are the stored patients that a conflict is about.
type concerned struct {
	own    *Patient  // with the delivered number
	others []Patient // with one of the row's linking pseudonyms, under another number; the conflict's own first
}

// aboutNumber reports whether the conflict is about a number. Otherwise it is about a
// pseudonym.
func (c Case) aboutNumber() bool { return c.Reason == NumberTaken || c.Reason == NumberTwice }

// target returns the patient that the row collides with, or nil.
func (k concerned) target(c Case) *Patient {
	if c.aboutNumber() || len(k.others) == 0 {
		return k.own
	}
	return &k.others[0]
}

// Compare compares a conflict with what is stored now.
func (r *Registrar) Compare(ctx context.Context, tx Reader, c Case) (Comparison, error) {
	k, err := r.concerned(ctx, tx, c)
	if err != nil {
		return Comparison{}, err
	}
	return r.comparison(c, k), nil
}

// ApplyJudgement applies a decision to a conflict, within tx, and returns what becomes
// of its rows. seen is the Comparison.Seen that the data manager decided upon. If it
// has changed since, the error is [ErrChanged].
func (r *Registrar) ApplyJudgement(ctx context.Context, tx Tx, c Case, d Decision, seen string) (Applied, error) {
	k, err := r.concerned(ctx, tx, c)
	if err != nil {
		return Applied{}, err
	}
	now := r.comparison(c, k)
	switch {
	case now.Seen != seen:
		return Applied{}, ErrChanged
	case !now.Offers(d):
		return Applied{}, ErrWithheld
	}
	switch d {
	case KeepExisting:
		return Applied{Outcome: Rejected, Code: CodeJudgedKept}, nil
	case Return:
		return Applied{Outcome: Rejected, Code: CodeJudgedReturned}, nil
	case KeepBoth:
		return r.storeOver(ctx, tx, c, k.own)
	}
	return r.storeOver(ctx, tx, c, k.target(c))
}

// storeOver turns p into the row's patient. If p is nil, it stores a new one.
func (r *Registrar) storeOver(ctx context.Context, tx Tx, c Case, p *Patient) (Applied, error) {
	now := r.now().UTC().Truncate(time.Millisecond)
	if p == nil {
		fresh := []Patient{{
			CentreID: c.CentreID, Display: c.Delivered, Pseudonyms: dated(c.Pseudonyms), DiedOn: c.candidate().diedOn(),
			Version: c.candidate().firstVersion(), CreatedAt: now, UpdatedAt: now,
		}}
		if err := tx.InsertPatients(ctx, fresh); err != nil {
			return Applied{}, fmt.Errorf("insert the delivered patient: %w", err)
		}
		return Applied{Outcome: Created, PatientID: fresh[0].ID}, nil
	}
	ch := r.change(*p, c.candidate(), now)
	ch.Removed = r.obsolete(*p, c.candidate())
	if ch.empty(*p) && len(ch.Removed) == 0 {
		return Applied{Outcome: Unchanged, PatientID: p.ID}, nil
	}
	if err := tx.UpdatePatients(ctx, []Change{ch}); err != nil {
		return Applied{}, fmt.Errorf("update the patient: %w", err)
	}
	return Applied{Outcome: Updated, PatientID: p.ID}, nil
}

// obsolete returns the linking pseudonyms that p must lose because the row says that p
// is another person, or was stored with wrong data. These are the ones under other
// keys than the row's: new values replace only those under the same key.
func (r *Registrar) obsolete(p Patient, c Candidate) []Pseudonym {
	if !r.another(p, c) {
		return nil
	}
	var out []Pseudonym
	for _, q := range p.Pseudonyms {
		sameDomain := func(l Pseudonym) bool { return l.Type == q.Type && l.Domain == q.Domain }
		if q.Type == r.link && slices.ContainsFunc(c.Pseudonyms, sameDomain) && !slices.ContainsFunc(c.Pseudonyms, q.SameSpace) {
			out = append(out, q)
		}
	}
	return out
}

// another reports whether a row says that a stored patient is another person.
func (r *Registrar) another(p Patient, c Candidate) bool {
	_, differs, comparable := r.compare(p, c)
	return differs || !comparable && otherBirth(p.Birth, c.Display.Birth)
}

// concerned returns the patients that a conflict is about. It asks the store two
// questions, and two more if one of the patients has no number.
func (r *Registrar) concerned(ctx context.Context, tx Reader, c Case) (concerned, error) {
	links := r.links(c.Pseudonyms)
	owners, err := tx.OwnersOf(ctx, c.CentreID, links)
	if err != nil {
		return concerned{}, fmt.Errorf("find patients by pseudonym: %w", err)
	}
	numbers := numbersOf(c, links, owners)
	stored, err := tx.PatientsByNumber(ctx, c.CentreID, numbers)
	if err != nil {
		return concerned{}, fmt.Errorf("find patients by number: %w", err)
	}
	b, err := r.lookBeside(ctx, tx, c.CentreID, []Candidate{c.candidate()}, owners)
	if err != nil {
		return concerned{}, err
	}
	k := concerned{own: ownPatient(c, stored, b)}
	for _, n := range numbers {
		if p, ok := stored[n]; ok && n != c.Delivered.Number {
			k.others = append(k.others, p)
		}
	}
	for _, l := range links {
		for _, o := range owners[l] {
			if p, ok := b.byID[o.PatientID]; ok && p.Number == "" {
				k.addOther(p)
			}
		}
	}
	slices.SortFunc(k.others, func(a, b Patient) int {
		return cmp.Or(-compareBool(a.ID == c.PatientID, b.ID == c.PatientID), cmp.Compare(a.ID, b.ID))
	})
	return k, nil
}

// links returns the pseudonyms of the linking type, as keys of a map.
func (r *Registrar) links(pseudonyms []Pseudonym) []Pseudonym {
	var out []Pseudonym
	for _, p := range pseudonyms {
		if p.Type == r.link {
			out = append(out, key(p))
		}
	}
	return out
}

// numbersOf returns the delivered number, if there is one, and the other numbers of
// the owners of links, each once.
func numbersOf(c Case, links []Pseudonym, owners map[Pseudonym][]Owner) []string {
	var out []string
	if c.Delivered.Number != "" {
		out = append(out, c.Delivered.Number)
	}
	for _, l := range links {
		for _, o := range owners[l] {
			if o.Number != "" && !slices.Contains(out, o.Number) {
				out = append(out, o.Number)
			}
		}
	}
	return out
}

// ownPatient returns the stored patient with the delivered number. An old row may
// have no number: then its old key says who it is.
func ownPatient(c Case, stored map[string]Patient, b beside) *Patient {
	if p, ok := stored[c.Delivered.Number]; ok {
		return &p
	}
	if c.Delivered.Number == "" && c.OldRow != nil {
		if p, ok := b.byID[b.holder[c.OldRow.ID]]; ok {
			return &p
		}
	}
	return nil
}

// addOther adds a patient unless it is there already.
func (k *concerned) addOther(p Patient) {
	if k.own != nil && k.own.ID == p.ID || slices.ContainsFunc(k.others, func(q Patient) bool { return q.ID == p.ID }) {
		return
	}
	k.others = append(k.others, p)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (r *Registrar) comparison(c Case, k concerned) Comparison {
	out := Comparison{Seen: k.seen(), Withheld: map[Decision]Withheld{Return: Offered}}
	p := k.target(c)
	if p == nil {
		out.Withheld[KeepExisting] = NothingStored
	} else {
		out.Existing, out.Withheld[KeepExisting] = p.standing(), Offered
		switch same, _, comparable := r.compare(*p, c.candidate()); {
		case !comparable:
			out.Link = LinkUnknown
		case same:
			out.Link = LinkSame
		default:
			out.Link = LinkDiffers
		}
	}
	if c.aboutNumber() {
		out.Elsewhere = len(k.others) > 0
		out.Withheld[UseDelivered], out.Withheld[KeepBoth] = Offered, OneNumber
		return out
	}
	if k.own != nil && p != k.own {
		out.Own = k.own.standing()
	}
	out.Withheld[UseDelivered], out.Withheld[KeepBoth] = Offered, Offered
	switch {
	case len(k.others) > 1:
		out.Withheld[UseDelivered] = SeveralOwners
	case out.Own != nil:
		out.Withheld[UseDelivered] = NumberStored
	}
	if k.own != nil && r.another(*k.own, c.candidate()) {
		out.Withheld[KeepBoth] = OtherPerson
	}
	return out
}

func (p Patient) standing() *Standing {
	return &Standing{ID: p.ID, PublicID: p.PublicID, Display: p.Display, Version: p.Version, UpdatedAt: p.UpdatedAt}
}

// seen returns a hash of the patients and their versions, which says nothing of who
// they are.
func (k concerned) seen() string {
	var parts []string
	if k.own != nil {
		parts = append(parts, "own "+k.own.PublicID+" "+strconv.Itoa(k.own.Version))
	}
	for _, p := range k.others {
		parts = append(parts, p.PublicID+" "+strconv.Itoa(p.Version))
	}
	slices.Sort(parts)
	return strconv.FormatInt(hash64([]byte(strings.Join(parts, "|"))), 16)
}
