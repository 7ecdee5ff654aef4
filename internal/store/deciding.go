package store

import (
	"context"
	"time"

	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// BeginDeciding takes back the verdicts and findings of an earlier decision.
func (s *Store) BeginDeciding(ctx context.Context, c delivery.Claim) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.hold(c); err != nil {
			return err
		}
		if err := t.db.Exec("DELETE FROM findings WHERE delivery_id = ? AND stage = ?", c.Delivery.ID, string(delivery.StageDecide)).Error; err != nil {
			return err
		}
		return t.db.Exec("UPDATE delivery_rows SET verdict = '' WHERE delivery_id = ? AND verdict <> ? AND verdict <> ''",
			c.Delivery.ID, string(patient.Rejected)).Error
	})
}

// SealedChunk gives the sealed answers of a chunk.
func (s *Store) SealedChunk(ctx context.Context, id int64, no int) (delivery.Chunk, error) {
	var r chunkRow
	if err := first(s.read(ctx).Where("delivery_id = ? AND no = ? AND holds = ?", id, no, string(delivery.HoldsDefinitives)), &r); err != nil {
		return delivery.Chunk{}, s.dialect.clean(err)
	}
	return delivery.Chunk{No: r.No, FirstLine: r.FirstLine, LastLine: r.LastLine, Holds: delivery.Stuff(r.Holds), Sealed: r.Sealed}, nil
}

// Repeats gives the numbers and linking pseudonyms of these lines that other
// rows of the delivery have too: two questions for the groups, two for the lines
// of the small ones.
func (s *Store) Repeats(ctx context.Context, id int64, from, to int) (map[string]delivery.Repeat, map[int64]delivery.Repeat, error) {
	numbers, err := repeats[string](ctx, s, "patient_number", "content_hash", id, from, to)
	if err != nil {
		return nil, nil, s.dialect.clean(err)
	}
	links, err := repeats[int64](ctx, s, "link_hash", "patient_number", id, from, to)
	return numbers, links, s.dialect.clean(err)
}

// repeats groups marks by one column, and counts the distinct values of another.
func repeats[K comparable](ctx context.Context, s *Store, by, distinct string, id int64, from, to int) (map[K]delivery.Repeat, error) {
	var groups []struct {
		K        K
		N        int
		Distinct int `gorm:"column:d"`
		Lo, Hi   int
	}
	err := s.read(ctx).Raw("SELECT "+by+" AS k, COUNT(*) AS n, COUNT(DISTINCT "+distinct+") AS d, MIN(line) AS lo, MAX(line) AS hi FROM row_marks"+
		" WHERE delivery_id = ? AND "+by+" IN (SELECT "+by+" FROM row_marks WHERE delivery_id = ? AND line BETWEEN ? AND ?)"+
		" GROUP BY "+by+" HAVING COUNT(*) > 1", id, id, from, to).Scan(&groups).Error
	if err != nil || len(groups) == 0 {
		return nil, err
	}
	out := make(map[K]delivery.Repeat, len(groups))
	var small []K
	for _, g := range groups {
		out[g.K] = delivery.Repeat{Lines: []int{g.Lo, g.Hi}, First: g.Lo, Distinct: g.Distinct}
		if g.N > 2 && g.N <= delivery.MaxPartners {
			small = append(small, g.K)
		}
	}
	err = pieces(small, s.dialect.maxIn(), func(part []K) error {
		var rows []struct {
			K    K
			Line int
		}
		err := s.read(ctx).Raw("SELECT "+by+" AS k, line FROM row_marks WHERE delivery_id = ? AND "+by+" IN ? ORDER BY line", id, part).Scan(&rows).Error
		lines := map[K][]int{}
		for _, r := range rows {
			lines[r.K] = append(lines[r.K], r.Line)
		}
		for k, l := range lines {
			r := out[k]
			r.Lines = l
			out[k] = r
		}
		return err
	})
	return out, err
}

// StoreVerdicts stores what would become of a chunk's rows: the commonest
// verdict in one statement, the others row by row.
func (s *Store) StoreVerdicts(ctx context.Context, c delivery.Claim, no int, lines []int, verdicts []patient.Verdict, findings []delivery.Finding) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.hold(c); err != nil {
			return err
		}
		if err := t.setVerdicts(ctx, c.Delivery.ID, no, lines, verdicts); err != nil {
			return err
		}
		return t.addFindings(ctx, c.Delivery.ID, findings)
	})
}

func (t *tx) setVerdicts(ctx context.Context, id int64, no int, lines []int, verdicts []patient.Verdict) error {
	if len(lines) == 0 {
		return nil
	}
	counts := map[patient.Outcome]int{}
	common := verdicts[0].Outcome
	for _, v := range verdicts {
		if counts[v.Outcome]++; counts[v.Outcome] > counts[common] {
			common = v.Outcome
		}
	}
	err := t.db.Exec("UPDATE delivery_rows SET verdict = ? WHERE delivery_id = ? AND line BETWEEN ? AND ? AND chunk_no = ? AND verdict <> ?",
		string(common), id, lines[0], lines[len(lines)-1], no, string(patient.Rejected)).Error
	if err != nil {
		return err
	}
	var other []int
	for i, v := range verdicts {
		if v.Outcome != common {
			other = append(other, i)
		}
	}
	return t.dialect.update(ctx, t.raw, "delivery_rows", []string{"verdict"}, []string{"delivery_id", "line"}, len(other),
		func(i int) []any { return []any{string(verdicts[other[i]].Outcome), id, lines[other[i]]} })
}

// countBy counts a delivery's rows by verdict or outcome.
func (t *tx) countBy(column string, id int64) (patient.Counts, error) {
	var rows []struct {
		O string
		N int
	}
	err := t.db.Raw("SELECT "+column+" AS o, COUNT(*) AS n FROM delivery_rows WHERE delivery_id = ? GROUP BY "+column, id).Scan(&rows).Error
	var c patient.Counts
	for _, r := range rows {
		c.Read += r.N
		o := patient.Outcome(r.O)
		if o == "" {
			o = patient.Pending
		}
		c.Add(o, r.N)
	}
	return c, err
}

// FinishDeciding counts the verdicts and puts the delivery in its next state.
func (s *Store) FinishDeciding(ctx context.Context, c delivery.Claim, next func(patient.Counts) delivery.State, expires time.Time) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.hold(c); err != nil {
			return err
		}
		p, err := t.countBy("verdict", c.Delivery.ID)
		if err != nil {
			return err
		}
		state := next(p)
		var lapse *time.Time
		if state.Waiting() {
			at := stamp(expires)
			lapse = &at
			err := t.record(audit.Event{Type: audit.DeliveryChecked, Action: audit.Execute, Who: c.Who, ObjectType: "delivery", ObjectID: c.Delivery.PublicID, Code: string(state)})
			if err != nil {
				return err
			}
		}
		if err := t.startClock(c.Delivery.ID); err != nil {
			return err
		}
		return t.db.Exec(`UPDATE deliveries SET state = ?, p_created = ?, p_updated = ?, p_unchanged = ?, p_rejected = ?, p_review = ?,
			expires_at = ?, lease_until = ? WHERE id = ?`, string(state), p.Created, p.Updated, p.Unchanged, p.Rejected, p.Review, lapse, t.at, c.Delivery.ID).Error
	})
}
