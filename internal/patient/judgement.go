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

// Errors of [Registrar.ApplyJudgement]; nothing is stored then.
var (
	// ErrChanged: the patients concerned are not as the data manager saw them.
	ErrChanged = errors.New("what is stored changed since it was looked at")
	// ErrWithheld: the decision is not one of those that are offered.
	ErrWithheld = errors.New("the decision is not offered for this conflict")
)

// concerned are the stored patients that a conflict is about.
type concerned struct {
	own    *Patient  // with the delivered number
	others []Patient // with a linking pseudonym of the row under another number, that of the conflict first
}

// aboutNumber tells a conflict of numbers from one of pseudonyms.
func (c Case) aboutNumber() bool { return c.Reason == NumberTaken || c.Reason == NumberTwice }

// target is the patient that the row collides with.
func (k concerned) target(c Case) *Patient {
	if c.aboutNumber() || len(k.others) == 0 {
		return k.own
	}
	return &k.others[0]
}

// Compare holds a conflict against what is stored now.
func (r *Registrar) Compare(ctx context.Context, tx Reader, c Case) (Comparison, error) {
	k, err := r.concerned(ctx, tx, c)
	if err != nil {
		return Comparison{}, err
	}
	return r.comparison(c, k), nil
}

// Settle applies a decision to a conflict, within tx, and says what becomes of
// its rows. seen is the Comparison.Seen that was decided upon: where it is
// another by now the answer is [ErrChanged].
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

// storeOver makes the row's patient out of p, or a new one where p is nil.
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

// obsolete are the linking pseudonyms of a patient that is another person by now,
// or was known by wrong data: those under other keys than the row's would go on
// to be held for it.
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

// another tells whether a row says that a stored patient is someone else.
func (r *Registrar) another(p Patient, c Candidate) bool {
	_, differs, comparable := r.compare(p, c)
	return differs || !comparable && otherBirth(p.Birth, c.Display.Birth)
}

// concerned finds the patients that a conflict is about: two questions, and two
// more where one has no number.
func (r *Registrar) concerned(ctx context.Context, tx Reader, c Case) (concerned, error) {
	var links []Pseudonym
	for _, p := range c.Pseudonyms {
		if p.Type == r.link {
			links = append(links, key(p))
		}
	}
	owners, err := tx.OwnersOf(ctx, c.CentreID, links)
	if err != nil {
		return concerned{}, fmt.Errorf("find patients by pseudonym: %w", err)
	}
	var numbers []string
	if c.Delivered.Number != "" {
		numbers = append(numbers, c.Delivered.Number)
	}
	for _, l := range links {
		for _, o := range owners[l] {
			if o.Number != "" && !slices.Contains(numbers, o.Number) {
				numbers = append(numbers, o.Number)
			}
		}
	}
	stored, err := tx.PatientsByNumber(ctx, c.CentreID, numbers)
	if err != nil {
		return concerned{}, fmt.Errorf("find patients by number: %w", err)
	}
	b, err := r.lookBeside(ctx, tx, c.CentreID, []Candidate{c.candidate()}, owners)
	if err != nil {
		return concerned{}, err
	}
	var k concerned
	if p, ok := stored[c.Delivered.Number]; ok {
		k.own = &p
	} else if c.Delivered.Number == "" && c.OldRow != nil { // then its old key says who it is
		if p, ok := b.byID[b.holder[c.OldRow.ID]]; ok {
			k.own = &p
		}
	}
	for _, n := range numbers {
		if p, ok := stored[n]; ok && n != c.Delivered.Number {
			k.others = append(k.others, p)
		}
	}
	for _, l := range links {
		for _, o := range owners[l] {
			if p, ok := b.byID[o.PatientID]; ok && p.Number == "" && (k.own == nil || k.own.ID != p.ID) && !slices.ContainsFunc(k.others, func(q Patient) bool { return q.ID == p.ID }) {
				k.others = append(k.others, p)
			}
		}
	}
	slices.SortFunc(k.others, func(a, b Patient) int {
		return cmp.Or(-compareBool(a.ID == c.PatientID, b.ID == c.PatientID), cmp.Compare(a.ID, b.ID))
	})
	return k, nil
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

// seen names the patients and their versions without saying who they are.
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
