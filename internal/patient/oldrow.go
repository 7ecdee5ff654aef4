package patient

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// MaxLegacyLength is the longest old key, in characters.
const MaxLegacyLength = 64

// OldRow is what a row of the registry's old patient table brings besides its display
// set.
type OldRow struct {
	ID      string `json:"i"`           // its key there (patid)
	DiedOn  string `json:"d,omitempty"` // an ISO date, or a year if the registry keeps years
	Version int    `json:"v,omitempty"` // of its row; 0 if the conversion does not take it over
}

// Key connects a key of the old table with a patient. A patient may have several keys:
// the old table may hold a person twice.
type Key struct {
	OldKey    string
	PatientID int64
}

// beside is what assessing needs besides numbers and pseudonyms, if a row comes from the
// old table or a patient has no number yet.
type beside struct {
	byID   map[int64]Patient // of this centre
	holder map[string]int64  // by old key
	keyed  map[int64]bool    // patients that have one
}

// owner returns the patient of this centre that has one of c's linking pseudonyms. It
// returns false if there is no such patient or more than one.
func owner(c Candidate, link string, owners map[Pseudonym][]Owner) (id int64, n int) {
	seen := map[int64]bool{}
	for _, l := range c.Pseudonyms {
		if l.Type != link {
			continue
		}
		for _, o := range owners[key(l)] {
			seen[o.PatientID], id = true, o.PatientID
		}
	}
	if len(seen) != 1 {
		return 0, len(seen)
	}
	return id, 1
}

// lookBeside asks the store for the content of [beside], if it is needed.
func (r *Registrar) lookBeside(
	ctx context.Context,
	tx Reader,
	centreID int64,
	set []Candidate,
	owners map[Pseudonym][]Owner,
) (beside, error) {
	var keys []string
	ids := map[int64]bool{}
	for _, c := range set {
		if c.OldRow != nil {
			keys = append(keys, c.OldRow.ID)
		}
		for _, l := range c.Pseudonyms {
			for _, o := range owners[key(l)] {
				if o.Number == "" || c.Display.Number == "" {
					ids[o.PatientID] = true
				}
			}
		}
	}
	b := beside{holder: map[string]int64{}, keyed: map[int64]bool{}}
	if len(keys) == 0 && len(ids) == 0 {
		return b, nil
	}
	held, err := tx.Keys(ctx, keys, slices.Sorted(maps.Keys(ids)))
	if err != nil {
		return b, fmt.Errorf("find old keys: %w", err)
	}
	asked := make(map[string]bool, len(keys))
	for _, k := range keys {
		asked[k] = true
	}
	for _, k := range held {
		if b.keyed[k.PatientID] = true; asked[k.OldKey] {
			b.holder[k.OldKey] = k.PatientID
			ids[k.PatientID] = true
		}
	}
	if b.byID, err = tx.PatientsByID(ctx, centreID, slices.Sorted(maps.Keys(ids))); err != nil {
		return b, fmt.Errorf("find patients by id: %w", err)
	}
	return b, nil
}

// meeting is the stored patient that a row belongs to.
type meeting struct {
	patient Patient
	known   bool
	proven  bool   // by its number, or by its old key
	clash   Reason // why the row may not be taken for this patient's
	with    int64  // with clash: the patient concerned
	keyNew  bool   // the row's old key is not the patient's yet
}

// meet finds the patient of a row: the one with its number, or else the one without a
// number that has its linking pseudonym, which gets the number now. A row without a
// number belongs to the patient with its old key, or else with its pseudonym.
func (r *Registrar) meet(c Candidate, stored map[string]Patient, owners map[Pseudonym][]Owner, b beside) meeting {
	var m meeting
	id, n := owner(c, r.link, owners)
	if c.Display.Number != "" {
		m.patient, m.known = stored[c.Display.Number]
		m.proven = m.known
		if p, there := b.byID[id]; !m.known && there && p.Number == "" {
			m.patient, m.known = p, true
		}
	} else if held := b.holder[c.OldRow.ID]; held != 0 {
		m.patient, m.known = b.byID[held]
		m.proven = m.known
	} else if n > 1 || n == 1 && b.keyed[id] {
		m.clash, m.with = PseudonymTaken, id
	} else if n == 1 {
		m.patient, m.known = b.byID[id]
	}
	if c.OldRow == nil || m.clash != "" {
		return m
	}
	held := b.holder[c.OldRow.ID]
	m.keyNew = held == 0 || held != m.patient.ID
	if held != 0 && m.keyNew { // an old key belongs to one patient only
		m.clash, m.with = NumberTaken, b.byID[held].ID
	}
	return m
}

// attach stores the old keys of the rows with the patients that these became.
func (r *Registrar) attach(ctx context.Context, tx Tx, set []Candidate, verdicts []Verdict, met []meeting) error {
	byNumber := map[string]int64{}
	for i, v := range verdicts {
		if v.Outcome == Created && set[i].Display.Number != "" {
			byNumber[set[i].Display.Number] = v.PatientID
		}
	}
	var keys []Key
	for i, v := range verdicts {
		if set[i].OldRow == nil || v.Outcome == Review || v.Outcome != Created && !met[i].keyNew {
			continue
		}
		id := v.PatientID
		if id == 0 {
			id = byNumber[set[i].Display.Number] // the row repeats one of this set
		}
		if id == 0 {
			return fmt.Errorf("line %d has an old key and no patient", set[i].Line)
		}
		keys = append(keys, Key{set[i].OldRow.ID, id})
	}
	if len(keys) == 0 {
		return nil
	}
	if err := tx.AttachKeys(ctx, keys); err != nil {
		return fmt.Errorf("attach old keys: %w", err)
	}
	return nil
}
