package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"sluis/internal/account"
	"sluis/internal/patient"
)

type reviewRow struct {
	ID            int64 `gorm:"primaryKey;autoIncrement:false"`
	PublicID      string
	CentreID      int64
	DeliveryID    *int64
	Line          int
	PatientNumber string
	Birth         string
	Sex           string
	Pseudonyms    string
	ContentHash   int64
	Reason        string
	PatientID     *int64
	Partners      string
	State         string
	CreatedAt     time.Time
	Decision      string
	Why           string
	JudgedByID    int64
	JudgedBy      string
	JudgedAt      *time.Time
	Legacy        string
}

// The states of a review.
const (
	stateOpen   = "open"
	stateClosed = "closed"
)

// joinedRow is a row of a delivery that waits for a review.
type joinedRow struct {
	ReviewID   int64
	DeliveryID int64
	Line       int
}

func (reviewRow) TableName() string { return "reviews" }

func (p *patientTx) OpenReviews(ctx context.Context, reviews []patient.ReviewItem) error {
	rows := make([]reviewRow, 0, len(reviews))
	for _, r := range reviews {
		pseudonyms, err := json.Marshal(r.Candidate.Pseudonyms)
		if err != nil {
			return err
		}
		legacy := ""
		if r.Candidate.Legacy != nil {
			raw, err := json.Marshal(r.Candidate.Legacy)
			if err != nil {
				return err
			}
			legacy = string(raw)
		}
		row := reviewRow{
			Legacy:   legacy,
			CentreID: r.CentreID, DeliveryID: p.deliveryID, Line: r.Candidate.Line, PatientNumber: r.Candidate.Display.Number,
			Birth: r.Candidate.Display.Birth.String(), Sex: string(r.Candidate.Display.Sex), Pseudonyms: string(pseudonyms),
			ContentHash: r.Candidate.ContentHash(), Reason: string(r.Verdict.Reason), Partners: joinInts(r.Verdict.Partners),
			State: stateOpen, CreatedAt: stamp(r.At),
		}
		if row.PublicID, err = publicID(); err != nil {
			return err
		}
		if r.Verdict.PatientID != 0 {
			row.PatientID = &r.Verdict.PatientID
		}
		rows = append(rows, row)
	}
	return p.joinReviews(ctx, rows)
}

func (t *tx) insertReviews(ctx context.Context, rows []reviewRow) error {
	columns := []string{
		"id", "public_id", "centre_id", "delivery_id", "line", "patient_number", "birth", "sex", "pseudonyms", "content_hash", "reason",
		"patient_id", "partners", "state", "created_at", "legacy",
	}
	return t.dialect.insert(ctx, t.raw, "reviews", columns, len(rows), func(i int) []any {
		r := rows[i]
		return []any{
			r.ID, r.PublicID, r.CentreID, nullInt(r.DeliveryID), r.Line, r.PatientNumber, r.Birth, r.Sex, r.Pseudonyms, r.ContentHash, r.Reason,
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

// joinReviews opens a review for each row for which the same one is not open
// already, in the database or earlier in the list, and records which row of the
// delivery waits for which.
func (p *patientTx) joinReviews(ctx context.Context, rows []reviewRow) error {
	if len(rows) == 0 {
		return nil
	}
	type same struct {
		number, reason string
		content        int64
	}
	numbers := make([]string, len(rows))
	for i, r := range rows {
		numbers[i] = r.PatientNumber
	}
	open := map[same]int64{}
	err := pieces(numbers, p.t.dialect.maxIn(), func(part []string) error {
		var found []reviewRow
		err := p.t.db.Select("id, patient_number, reason, content_hash").Where("centre_id = ? AND patient_number IN ? AND state = ?",
			rows[0].CentreID, part, stateOpen).Find(&found).Error
		for _, r := range found {
			open[same{r.PatientNumber, r.Reason, r.ContentHash}] = r.ID
		}
		return err
	})
	if err != nil {
		return err
	}
	id, err := p.t.next("reviews", len(rows))
	if err != nil {
		return err
	}
	var fresh []reviewRow
	var lines []joinedRow
	for _, r := range rows {
		key := same{r.PatientNumber, r.Reason, r.ContentHash}
		if open[key] == 0 {
			r.ID = id + int64(len(fresh))
			open[key] = r.ID
			fresh = append(fresh, r)
		}
		if p.deliveryID != nil {
			lines = append(lines, joinedRow{open[key], *p.deliveryID, r.Line})
		}
	}
	if len(fresh) > 0 {
		if err := p.t.insertReviews(ctx, fresh); err != nil {
			return err
		}
	}
	return p.t.dialect.insert(ctx, p.t.raw, "review_rows", []string{"review_id", "delivery_id", "line"}, len(lines),
		func(i int) []any { return []any{lines[i].ReviewID, lines[i].DeliveryID, lines[i].Line} })
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

// OpenReviews counts the rows that wait for a data manager.
func (s *Store) OpenReviews(ctx context.Context, scope account.Scope) (int, error) {
	var n int64
	err := scoped(s.read(ctx).Model(&reviewRow{}), scope, "centre_id").Where("state = ?", stateOpen).Count(&n).Error
	return int(n), s.dialect.clean(err)
}
