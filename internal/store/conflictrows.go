package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"strings"

	"sluis/internal/patient"
)

// waitingRow is a row of a delivery that waits for a conflict to be judged.
type waitingRow struct {
	ConflictID int64 `gorm:"column:review_id"`
	DeliveryID int64
	Line       int
}

// AddConflicts implements patient.Tx.
func (p *patientTx) AddConflicts(ctx context.Context, list []patient.NewConflict) error {
	if len(list) == 0 {
		return nil
	}
	rows := make([]conflictRow, len(list))
	for i, item := range list {
		var err error
		if rows[i], err = p.conflictRow(item); err != nil {
			return err
		}
	}
	open, err := p.openConflicts(rows)
	if err != nil {
		return err
	}
	id, err := p.t.ids("reviews", len(rows))
	if err != nil {
		return err
	}
	var fresh []conflictRow
	var waiting []waitingRow
	for _, r := range rows {
		key := r.statement()
		if open[key] == 0 {
			r.ID = id + int64(len(fresh))
			open[key] = r.ID
			fresh = append(fresh, r)
		}
		if p.deliveryID != nil {
			waiting = append(waiting, waitingRow{open[key], *p.deliveryID, r.Line})
		}
	}
	if err := p.t.insertConflicts(ctx, fresh); err != nil {
		return err
	}
	return p.t.dialect.insert(ctx, p.t.raw, "review_rows", []string{"review_id", "delivery_id", "line"}, len(waiting),
		func(i int) []any { return []any{waiting[i].ConflictID, waiting[i].DeliveryID, waiting[i].Line} })
}

// conflictRow returns the row of a new conflict, still without an id.
func (p *patientTx) conflictRow(item patient.NewConflict) (conflictRow, error) {
	c := item.Candidate
	row := conflictRow{
		CentreID: item.CentreID, DeliveryID: p.deliveryID, Line: c.Line, PatientNumber: c.Display.Number,
		Birth: c.Display.Birth.String(), Sex: string(c.Display.Sex), ContentHash: c.ContentHash(),
		Reason: string(item.Verdict.Reason), Partners: joinInts(item.Verdict.Partners),
		State: stateOpen, CreatedAt: stamp(item.At),
	}
	pseudonyms, err := json.Marshal(c.Pseudonyms)
	if err != nil {
		return row, err
	}
	row.Pseudonyms = string(pseudonyms)
	if c.OldRow != nil {
		raw, err := json.Marshal(c.OldRow)
		if err != nil {
			return row, err
		}
		row.Legacy = string(raw)
	}
	if item.Verdict.PatientID != 0 {
		row.PatientID = &item.Verdict.PatientID
	}
	row.PublicID, err = publicID()
	return row, err
}

// statement is what a row of a file says. Two rows of a centre that say the same
// wait for one conflict, so that a file that is delivered twice is no more work for the
// data manager.
type statement struct {
	number, reason string
	content        int64
}

func (r conflictRow) statement() statement {
	return statement{r.PatientNumber, r.Reason, r.ContentHash}
}

// openConflicts returns the ids of the open conflicts about the numbers in rows,
// which are all of one centre.
func (p *patientTx) openConflicts(rows []conflictRow) (map[statement]int64, error) {
	numbers := make([]string, len(rows))
	for i, r := range rows {
		numbers[i] = r.PatientNumber
	}
	open := map[statement]int64{}
	err := pieces(numbers, p.t.dialect.maxIn(), func(part []string) error {
		var found []conflictRow
		err := p.t.db.Select("id, patient_number, reason, content_hash").Where("centre_id = ? AND patient_number ? AND state = ?",
			rows[0].CentreID, p.t.dialect.oneOf(&part), stateOpen).Find(&found).Error
		for _, r := range found {
			open[r.statement()] = r.ID
		}
		return err
	})
	return open, err
}

func (t *tx) insertConflicts(ctx context.Context, rows []conflictRow) error {
	columns := []string{
		"id", "public_id", "centre_id", "delivery_id", "line", "patient_number", "birth", "sex", "pseudonyms", "content_hash", "reason",
		"patient_id", "partners", "state", "created_at", "legacy",
	}
	return t.dialect.insert(ctx, t.raw, "reviews", columns, len(rows), func(i int) []any {
		r := rows[i]
		return []any{
			r.ID, r.PublicID, r.CentreID, nullInt(r.DeliveryID), r.Line, r.PatientNumber, r.Birth, r.Sex, r.Pseudonyms, r.ContentHash,
			r.Reason,
			nullInt(r.PatientID), r.Partners, r.State, r.CreatedAt, r.Legacy,
		}
	})
}

func nullInt(n *int64) sql.NullInt64 {
	if n == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: *n, Valid: true}
}

func joinInts(list []int) string {
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ",")
}

func splitInts(s string) []int {
	var out []int
	for _, p := range strings.Split(s, ",") {
		if n, err := strconv.Atoi(p); err == nil {
			out = append(out, n)
		}
	}
	return out
}
