package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// BeginParse removes the chunks, rows and findings of an interrupted parse.
func (s *Store) BeginParse(ctx context.Context, c delivery.Claim) error {
	if err := s.clear(ctx, c.Delivery.ID, stillClaimed(c), chunks, rowMarks, rows, foundRows); err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(c); err != nil {
			return err
		}
		return t.db.Exec("UPDATE deliveries SET rows_read = 0, chunks = 0, warnings = 0 WHERE id = ?", c.Delivery.ID).Error
	})
}

// AddChunk stores a sealed chunk with its rows and findings.
func (s *Store) AddChunk(ctx context.Context, c delivery.Claim, k delivery.Chunk) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(c); err != nil {
			return err
		}
		return t.addChunk(ctx, c, k)
	})
}

func (t *tx) addChunk(ctx context.Context, c delivery.Claim, k delivery.Chunk) error {
	id, err := t.ids("chunks", 1)
	if err != nil {
		return err
	}
	row := chunkRow{
		ID: id, DeliveryID: c.Delivery.ID, No: k.No, FirstLine: k.FirstLine, LastLine: k.LastLine, Holds: string(k.Holds),
		CallKey: k.CallKey, NextTryAt: t.at, LeaseUntil: t.at, Waiting: k.Waiting, ExpiresAt: pointer(k.ExpiresAt),
	}
	if err := t.db.Create(&row).Error; err != nil {
		return err
	}
	marks := []byte(nil)
	if k.Holds == chunk.Definitives {
		marks = chunk.PackMarks(k.Marks)
	}
	if err := t.db.Exec("INSERT INTO chunk_contents (chunk_id, sealed, marks) VALUES (?, ?, ?)", id, k.Sealed, marks).Error; err != nil {
		return err
	}
	columns := []string{"delivery_id", "line", "chunk_no", "patient_number", "verdict", "outcome"}
	err = t.dialect.insert(ctx, t.raw, "delivery_rows", columns, len(k.Rows), func(i int) []any {
		r := k.Rows[i]
		verdict := ""
		if r.Outcome == patient.Rejected {
			verdict = string(patient.Rejected)
		}
		return []any{c.Delivery.ID, r.Line, k.No, r.PatientNumber, verdict, string(patient.Pending)}
	})
	if err != nil {
		return err
	}
	if err := t.addFindings(ctx, c.Delivery.ID, k.Findings); err != nil {
		return err
	}
	return t.db.Exec("UPDATE deliveries SET rows_read = rows_read + ?, chunks = chunks + 1 WHERE id = ?", len(k.Rows), c.Delivery.ID).Error
}

// FinishParse lets workers bring the chunks to the TTP, and removes the upload.
func (s *Store) FinishParse(ctx context.Context, c delivery.Claim, p delivery.Parsed) error {
	err := s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(c); err != nil {
			return err
		}
		if err := t.storeParsed(c.Delivery.ID, p, nil); err != nil {
			return err
		}
		if err := t.startClock(c.Delivery.ID); err != nil {
			return err
		}
		return t.db.Exec("UPDATE deliveries SET state = ?, lease_until = ? WHERE id = ?",
			string(delivery.Exchanging), t.at, c.Delivery.ID).Error
	})
	if err == nil {
		s.tidy(ctx, c.Delivery.ID, uploadBlocks)
	}
	return err
}

// FinishFetch lets a dataset be decided at once: its definitive pseudonyms came with it.
func (s *Store) FinishFetch(ctx context.Context, c delivery.Claim, p delivery.Parsed) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(c); err != nil {
			return err
		}
		if err := t.storeParsed(c.Delivery.ID, p, nil); err != nil {
			return err
		}
		return t.db.Exec("UPDATE deliveries SET state = ?, resolved = chunks, paused = ?, denied = ?, next_try_at = NULL, lease_until = ?"+
			" WHERE id = ?",
			string(delivery.Deciding), false, false, t.at, c.Delivery.ID).Error
	})
}

func (t *tx) storeParsed(id int64, p delivery.Parsed, why []delivery.Remark) error {
	columns, err := json.Marshal(p.Columns)
	if err != nil {
		return err
	}
	notes, err := json.Marshal(p.Notes)
	if err != nil {
		return err
	}
	refusals, err := json.Marshal(why)
	if err != nil {
		return err
	}
	return t.db.Exec("UPDATE deliveries SET kind = ?, columns = ?, notes = ?, refusals = ? WHERE id = ?",
		string(p.Kind), string(columns), string(notes), string(refusals), id).Error
}

// Refuse ends a delivery if its file cannot be accepted.
func (s *Store) Refuse(ctx context.Context, c delivery.Claim, p delivery.Parsed, why []delivery.Remark) error {
	err := s.write(ctx, func(t *tx) error {
		if err := t.requireClaim(c); err != nil {
			return err
		}
		if err := t.storeParsed(c.Delivery.ID, p, why); err != nil {
			return err
		}
		if err := t.end(c.Delivery.ID, []delivery.State{delivery.Received}, delivery.Refused, ""); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.DeliveryRefused, Action: audit.Execute, Result: audit.MinorFailure, Who: c.Who,
			ObjectType: "delivery", ObjectID: c.Delivery.PublicID, Code: why[0].Code,
		})
	})
	if err == nil {
		s.tidy(ctx, c.Delivery.ID, sealedParts...)
	}
	return err
}

// Fail ends a delivery that cannot go on.
func (s *Store) Fail(ctx context.Context, id int64, code string) error {
	err := s.write(ctx, func(t *tx) error {
		var r deliveryRow
		if err := first(t.db.Where("id = ?", id), &r); err != nil {
			return err
		}
		if err := t.end(id, openStates, delivery.Failed, code); err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.DeliveryFailed, Action: audit.Execute, Result: audit.SeriousFailure, Who: r.who(),
			ObjectType: "delivery", ObjectID: r.PublicID, Code: code,
		})
	})
	if err == nil {
		s.tidy(ctx, id, sealedParts...)
	}
	return err
}

// FailSealedBy fails every delivery under way that has its key wrapped by keyID, and
// drops such uploads. It returns the number of both.
func (s *Store) FailSealedBy(ctx context.Context, keyID, code string) (int, error) {
	var rows []deliveryRow
	if err := s.read(ctx).Select("id, state").Where("key_id = ?", keyID).Order("id").Find(&rows).Error; err != nil {
		return 0, s.dialect.clean(err)
	}
	n := 0
	for _, r := range rows {
		var err error
		if delivery.State(r.State) == delivery.Receiving {
			err = s.DropUpload(ctx, r.ID)
		} else {
			err = s.Fail(ctx, r.ID, code)
		}
		if err != nil && !errors.Is(err, delivery.ErrLost) {
			return n, err
		}
		n++
	}
	return n, s.write(ctx, func(t *tx) error { // nor can anybody read a message under that key
		return t.db.Exec("DELETE FROM mails WHERE key_id = ?", keyID).Error
	})
}

// addFindings stores findings, and marks the rows that have a fatal one as rejected.
func (t *tx) addFindings(ctx context.Context, id int64, list []delivery.Finding) error {
	if len(list) == 0 {
		return nil
	}
	seq := map[int]int{}
	columns := []string{
		"delivery_id",
		"line",
		"seq",
		"patient_number",
		"stage",
		"severity",
		"source",
		"code",
		"field",
		"message",
		"partners",
	}
	err := t.dialect.insert(ctx, t.raw, "findings", columns, len(list), func(i int) []any {
		f := list[i]
		seq[f.Line]++
		return []any{
			id, f.Line, stageBase[f.Stage] + seq[f.Line], f.PatientNumber, string(f.Stage), string(f.Severity), string(f.Source),
			cut(f.Code, 60), cut(f.Field, 60), cut(f.Message, 1000), joinInts(f.Partners),
		}
	})
	if err != nil {
		return err
	}
	var rejected []int
	warned := map[int]bool{}
	for _, f := range list {
		switch {
		case f.Severity == patient.Fatal && f.Stage == delivery.StageParse: // AddChunk stored these rows as rejected
		case f.Severity == patient.Fatal:
			rejected = append(rejected, f.Line)
		case f.Stage != delivery.StageDecide:
			warned[f.Line] = true
		}
	}
	err = t.dialect.update(ctx, t.raw, "delivery_rows", []string{"verdict"}, []string{"delivery_id", "line"}, len(rejected),
		func(i int) []any { return []any{string(patient.Rejected), id, rejected[i]} })
	if err != nil {
		return err
	}
	if len(warned) == 0 {
		return nil
	}
	return t.db.Exec("UPDATE deliveries SET warnings = warnings + ? WHERE id = ?", len(warned), id).Error
}

// rejected returns the number of rows of a delivery that have a fatal finding.
func rejected(db *gorm.DB, id int64) (n int, err error) {
	err = db.Raw("SELECT COUNT(DISTINCT line) FROM findings WHERE delivery_id = ? AND severity = ?", id, string(patient.Fatal)).
		Scan(&n).
		Error
	return n, err
}

// stageBase keeps the findings of a row in the order of the stages.
var stageBase = map[delivery.Stage]int{
	delivery.StageParse: 0, delivery.StagePrepare: 100, delivery.StageResolve: 200, delivery.StageDecide: 300,
}

// exchanged is what a chunk holds after a call to the TTP: waiting rows have temporary
// pseudonyms, and the first of these expires at expires.
type exchanged struct {
	holds         chunk.Content
	sealed, marks []byte
	waiting       int
	expires       time.Time
	findings      []delivery.Finding
}

// replaceContent replaces the content of a chunk, and counts the step in its delivery. If
// the claim is lost, it returns delivery.ErrLost. The delivery goes last, so that the
// workers on its other chunks do not wait for this transaction from its start.
func (t *tx) replaceContent(ctx context.Context, c delivery.ChunkClaim, x exchanged) error {
	res := t.db.Exec("UPDATE chunks SET holds = ?, waiting = ?, expires_at = ?, attempts = ?, paused_at = NULL"+
		" WHERE id = ? AND fence = ? AND holds = ?",
		string(x.holds), x.waiting, nullTime(x.expires), 0, c.ID, c.Fence, string(c.Holds))
	if err := one(res, delivery.ErrLost); err != nil {
		return err
	}
	err := t.db.Exec("UPDATE chunk_contents SET sealed = ?, marks = ? WHERE chunk_id = ?", x.sealed, x.marks, c.ID).Error
	if err != nil {
		return err
	}
	if err := t.addFindings(ctx, c.DeliveryID, x.findings); err != nil {
		return err
	}
	step := "resolved"
	if x.holds == chunk.Temporaries {
		step = "prepared"
	}
	// The delivery may have ended while its chunks are not cleared yet.
	res = t.db.Exec("UPDATE deliveries SET "+step+" = "+step+" + 1, paused = ?, denied = ?, next_try_at = NULL WHERE id = ? AND state IN ?",
		false, false, c.DeliveryID, underExchange)
	if err := one(res, delivery.ErrLost); err != nil {
		return err
	}
	return t.answered(c)
}

// StorePrepared replaces the identities of a chunk by temporary pseudonyms: waiting is
// the number of rows that have them, and expires the moment at which the first one
// expires. It returns the claim with the new content.
func (s *Store) StorePrepared(ctx context.Context, c delivery.ChunkClaim, sealed []byte, waiting int, expires time.Time,
	findings []delivery.Finding,
) (delivery.ChunkClaim, error) {
	err := s.write(ctx, func(t *tx) error {
		return t.replaceContent(ctx, c, exchanged{
			holds: chunk.Temporaries, sealed: sealed, waiting: waiting, expires: expires, findings: findings,
		})
	})
	if err == nil {
		c.Holds, c.Sealed, c.Attempts, c.PausedAt, c.ExpiresAt = chunk.Temporaries, sealed, 0, time.Time{}, expires
	}
	return c, err
}

// StoreResolved replaces the temporary pseudonyms of a chunk by the answers to them.
// With the last chunk, the delivery goes on to be decided.
func (s *Store) StoreResolved(ctx context.Context, c delivery.ChunkClaim, sealed []byte, list []chunk.Mark,
	findings []delivery.Finding,
) error {
	return s.write(ctx, func(t *tx) error {
		err := t.replaceContent(ctx, c, exchanged{
			holds: chunk.Definitives, sealed: sealed, marks: chunk.PackMarks(list), findings: findings,
		})
		if err != nil {
			return err
		}
		return t.db.Exec("UPDATE deliveries SET state = ? WHERE id = ? AND state = ? AND resolved = chunks",
			string(delivery.Deciding), c.DeliveryID, string(delivery.Exchanging)).Error
	})
}
