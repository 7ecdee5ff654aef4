package account

import (
	"slices"
	"time"
)

// Processor is an organisation that delivers for hospitals and is none itself, such as
// the vendor of their records (Dutch: verwerker). It delivers for a centre only as long
// as it has a mandate of that centre.
type Processor struct {
	ID       int64
	PublicID string
	Name     string
	// The person at the processor who is asked about its deliveries.
	ContactName, ContactEmail, ContactPhone string
	CreatedAt                               time.Time
	// Centres are those that have given it a mandate which is in force, by number. The
	// store fills them for whoever makes a request.
	Centres []Centre
}

// Mandate lets a processor deliver on behalf of a centre.
type Mandate struct {
	ID        int64
	PublicID  string
	Processor Processor
	Centre    Centre
	From      time.Time
	Until     time.Time // not included; zero: until it is withdrawn
	Reason    string
	GrantedBy string
	GrantedAt time.Time

	WithdrawnAt     time.Time // zero: it was not
	WithdrawnBy     string
	WithdrawnReason string
}

// The states of a mandate, besides Active and Expired.
const (
	Planned   State = "planned"
	Withdrawn State = "withdrawn"
)

// State returns whether the mandate is in force.
func (m Mandate) State(now time.Time) State {
	switch {
	case !m.WithdrawnAt.IsZero():
		return Withdrawn
	case now.Before(m.From):
		return Planned
	case !m.Until.IsZero() && !now.Before(m.Until):
		return Expired
	}
	return Active
}

// The codes of [Actor.DeliversFor].
const (
	CentreNone   = "centre_missing"    // the actor delivers for nobody
	CentreUnsaid = "on_behalf_missing" // the actor has several mandates, and did not say which
	MandateNone  = "mandate_missing"   // the actor has no mandate of that centre
)

// DeliversFor returns the centre for which the actor delivers if it names the centre
// number, or no centre if number is empty. If the actor may not, or must say more, it
// returns a code instead. A centre that does not exist and one without a mandate have the
// same code.
func (a Actor) DeliversFor(number string) (Centre, string) {
	var centres []Centre
	switch {
	case a.Processor != nil:
		centres = a.Processor.Centres
	case a.Centre != nil:
		centres = []Centre{*a.Centre}
	default:
		return Centre{}, CentreNone
	}
	i := slices.IndexFunc(centres, func(c Centre) bool { return c.Number == number })
	switch {
	case number == "" && len(centres) > 1:
		return Centre{}, CentreUnsaid
	case number == "" && len(centres) == 1:
		return centres[0], ""
	case i < 0:
		return Centre{}, MandateNone
	}
	return centres[i], ""
}

// ProcessorID returns the processor for which the actor works; 0 for none.
func (a Actor) ProcessorID() int64 {
	if a.Processor == nil {
		return 0
	}
	return a.Processor.ID
}
