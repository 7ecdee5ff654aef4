package store

import (
	"context"
	"time"

	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// BeginDeciding removes the marks, counts and findings of an earlier decision.
func (s *Store) BeginDeciding(ctx context.Context, c delivery.Claim) error {
	if err := s.clear(ctx, c.Delivery.ID, stillClaimed(c), rowMarks); err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(c); err != nil {
			return err
		}
		if err := t.db.Exec("DELETE FROM findings WHERE delivery_id = ? AND stage = ?", c.Delivery.ID,
			string(delivery.StageDecide)).Error; err != nil {
			return err
		}
		return t.db.Exec("UPDATE deliveries SET p_created = 0, p_updated = 0, p_unchanged = 0, p_rejected = 0, p_review = 0 WHERE id = ?",
			c.Delivery.ID).Error
	})
}

// SealedChunk returns a chunk with its sealed definitive pseudonyms.
func (s *Store) SealedChunk(ctx context.Context, id int64, no int) (delivery.Chunk, error) {
	var k struct {
		No, FirstLine, LastLine int
		Holds                   string
		Sealed                  []byte
	}
	err := first(s.read(ctx).Table("chunks k").Select("k.no, k.first_line, k.last_line, k.holds, x.sealed").
		Joins("JOIN chunk_contents x ON x.chunk_id = k.id").
		Where("k.delivery_id = ? AND k.no = ? AND k.holds = ?", id, no, string(chunk.Definitives)), &k)
	return delivery.Chunk{No: k.No, FirstLine: k.FirstLine, LastLine: k.LastLine, Holds: chunk.Content(k.Holds), Sealed: k.Sealed},
		s.dialect.clean(err)
}

// Marks returns the marks of a chunk's rows. If they are not stored, known is false:
// an older version of Sluis wrote chunks without them.
func (s *Store) Marks(ctx context.Context, id int64, no int) (list []chunk.Mark, known bool, err error) {
	var k struct{ Marks []byte }
	err = first(s.read(ctx).Table("chunks k").Select("x.marks").Joins("JOIN chunk_contents x ON x.chunk_id = k.id").
		Where("k.delivery_id = ? AND k.no = ?", id, no), &k)
	if err != nil || k.Marks == nil {
		return nil, false, s.dialect.clean(err)
	}
	list, err = chunk.UnpackMarks(k.Marks)
	return list, true, err
}

// AddMarks stores the marks of rows that may share a number or a linking pseudonym with
// other rows, so that Repeats finds them.
func (s *Store) AddMarks(ctx context.Context, c delivery.Claim, list []chunk.Mark) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(c); err != nil {
			return err
		}
		columns := []string{"delivery_id", "line", "patient_number", "link_hash", "content_hash"}
		return t.dialect.insert(ctx, t.raw, "row_marks", columns, len(list), func(i int) []any {
			m := list[i]
			return []any{c.Delivery.ID, m.Line, m.Number, m.LinkHash, m.ContentHash}
		})
	})
}

// Repeats returns the numbers and the linking pseudonyms on the lines from..to that
// other rows of the delivery have too. It sees only rows that AddMarks stored. It asks
// one query if there are none, otherwise two for the groups and two for the lines of
// the small groups.
func (s *Store) Repeats(ctx context.Context, id int64, from, to int) (map[string]delivery.Repeat, map[int64]delivery.Repeat, error) {
	var marked int64
	err := s.read(ctx).Table("row_marks").Where("delivery_id = ? AND line BETWEEN ? AND ?", id, from, to).Count(&marked).Error
	if err != nil || marked == 0 {
		return nil, nil, s.dialect.clean(err)
	}
	numbers, err := repeats[string](ctx, s, "patient_number", "content_hash", id, from, to)
	if err != nil {
		return nil, nil, s.dialect.clean(err)
	}
	links, err := repeats[int64](ctx, s, "link_hash", "patient_number", id, from, to)
	return numbers, links, s.dialect.clean(err)
}

// repeats groups marks by one column, and counts the distinct values of the other. For
// example, it finds patient numbers on two rows, and how many contents these have.
func repeats[K comparable](ctx context.Context, s *Store, by, distinct string, id int64, from, to int) (map[K]delivery.Repeat, error) {
	var groups []struct {
		K        K
		N        int
		Distinct int `gorm:"column:d"`
		Lo, Hi   int
	}
	err := s.read(ctx).Raw("SELECT "+by+" AS k, COUNT(*) AS n, COUNT(DISTINCT "+distinct+") AS d, MIN(line) AS lo, MAX(line) AS hi"+
		" FROM row_marks"+
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
		err := s.read(ctx).Raw("SELECT "+by+" AS k, line FROM row_marks WHERE delivery_id = ? AND "+by+" ? ORDER BY line", id, s.dialect.oneOf(&part)).
			Scan(&rows).Error
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

// Rejected returns the number of rows that were rejected before the delivery is decided.
func (s *Store) Rejected(ctx context.Context, id int64) (int, error) {
	n, err := rejected(s.read(ctx), id)
	return n, s.dialect.clean(err)
}

// StoreVerdicts counts what would happen to a chunk's rows, and stores the findings. The
// verdict of each row is not kept: registering makes it anew.
func (s *Store) StoreVerdicts(ctx context.Context, c delivery.Claim, verdicts []patient.Verdict, findings []delivery.Finding) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(c); err != nil {
			return err
		}
		n := tally(verdicts)
		err := t.db.Exec("UPDATE deliveries SET p_created = p_created + ?, p_updated = p_updated + ?,"+
			" p_unchanged = p_unchanged + ?, p_review = p_review + ? WHERE id = ?",
			n.Created, n.Updated, n.Unchanged, n.Review, c.Delivery.ID).Error
		if err != nil {
			return err
		}
		return t.addFindings(ctx, c.Delivery.ID, findings)
	})
}

// tally counts verdicts by outcome.
func tally(verdicts []patient.Verdict) (n patient.Counts) {
	for _, v := range verdicts {
		n.Add(v.Outcome, 1)
	}
	return n
}

// FinishDeciding puts the delivery in its next state. If a person must answer there,
// expires is the moment until which Sluis waits for that.
func (s *Store) FinishDeciding(ctx context.Context, c delivery.Claim, next delivery.State, expires time.Time) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(c); err != nil {
			return err
		}
		planned, err := rejected(t.db, c.Delivery.ID)
		if err != nil {
			return err
		}
		var lapse *time.Time
		if next.Waiting() {
			at := stamp(expires)
			lapse = &at
			err := t.record(audit.Event{Type: audit.DeliveryChecked, Action: audit.Execute, Who: c.Who, ObjectType: "delivery",
				ObjectID: c.Delivery.PublicID, Code: string(next)})
			if err != nil {
				return err
			}
		}
		if err := t.startClock(c.Delivery.ID); err != nil {
			return err
		}
		return t.db.Exec("UPDATE deliveries SET state = ?, p_rejected = ?, expires_at = ?, lease_until = ? WHERE id = ?",
			string(next), planned, lapse, t.at, c.Delivery.ID).Error
	})
}
