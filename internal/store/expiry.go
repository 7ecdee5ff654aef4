package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/patient"
)

// awaited returns the condition that a row of table waits for an open conflict. Such
// rows stay until a data manager has judged the conflict.
func awaited(table string) string {
	return "EXISTS (SELECT 1 FROM review_rows x JOIN reviews r ON r.id = x.review_id WHERE x.delivery_id = " + table +
		".delivery_id AND x.line = " + table + ".line AND r.state = ?)"
}

// ExpireReports deletes one piece of the oldest report of a delivery that ended before
// a moment: the rows of at most that many lines, with their findings. The delivery
// keeps its counts, and how often each cause was found. Rows that wait for an open
// conflict stay.
//
// It returns the delivery's public id with the first piece of its report, and whether
// there may be more pieces. Pieces are small, because SQLite has only one writer.
func (s *Store) ExpireReports(ctx context.Context, before time.Time, lines int) (expired string, more bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		expired, more = "", false
		var r deliveryRow
		err := first(t.db.Table("deliveries d").Where("d.state IN ? AND d.finished_at < ?", finalStates, stamp(before)).
			Where("EXISTS (SELECT 1 FROM delivery_rows w WHERE w.delivery_id = d.id AND NOT "+awaited("w")+")", stateOpen).
			Order("d.id"), &r)
		if errors.Is(err, errNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		more = true
		if r.ReportExpiredAt == nil {
			expired = r.PublicID
			if err := t.expire(r); err != nil {
				return err
			}
		}
		return t.forgetRows(r.ID, lines)
	})
	return expired, more, err
}

// expire keeps the causes of a report and their counts, and marks the report as expired.
func (t *tx) expire(r deliveryRow) error {
	causes, err := t.causes(t.db, r.ID)
	if err != nil {
		return err
	}
	kept, err := json.Marshal(causes)
	if err != nil {
		return err
	}
	if err := t.db.Exec("INSERT INTO expired_reports (delivery_id, causes) VALUES (?, ?)", r.ID, string(kept)).Error; err != nil {
		return err
	}
	if err := t.db.Exec("UPDATE deliveries SET report_expired_at = ? WHERE id = ?", t.at, r.ID).Error; err != nil {
		return err
	}
	who := r.who()
	who.UserID, who.Name, who.Role = 0, "systeem", ""
	return t.record(audit.Event{Type: audit.ReportExpired, Action: audit.Delete, Who: who, ObjectType: "delivery", ObjectID: r.PublicID})
}

// forgetRows deletes the first rows of a delivery that wait for no conflict, as many as
// lines says.
func (t *tx) forgetRows(id int64, lines int) error {
	var last []int
	err := t.db.Table("delivery_rows").Where("delivery_id = ? AND NOT "+awaited("delivery_rows"), id, stateOpen).Order("line").Limit(lines).
		Pluck("line", &last).Error
	if err != nil || len(last) == 0 {
		return err
	}
	for _, table := range []string{"findings", "delivery_rows"} {
		err := t.db.Exec("DELETE FROM "+table+" WHERE delivery_id = ? AND line <= ? AND NOT "+awaited(table), id, last[len(last)-1],
			stateOpen).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// keptCause is a cause as it is stored when its report expires.
type keptCause struct {
	Severity, Source, Code, Field, Message string
	Count                                  int
}

// causes groups the findings of a delivery by their text, severity and field.
func (s *Store) causes(db *gorm.DB, id int64) ([]keptCause, error) {
	var out []keptCause
	err := db.Table("findings").Select(causeColumns+", COUNT(*) AS count").Where("delivery_id = ?", id).Group(causeColumns).
		Order("severity, COUNT(*) DESC, code, field").Limit(maxCauses).Scan(&out).Error
	return out, err
}

func (c keptCause) cause() delivery.Cause {
	return delivery.Cause{Count: c.Count, Finding: patient.Finding{
		Severity: patient.Severity(c.Severity), Source: patient.Source(c.Source), Code: c.Code, Field: c.Field, Message: c.Message,
	}}
}

// expiredCauses returns the causes of an expired report. They have no lines any more.
func (s *Store) expiredCauses(ctx context.Context, d delivery.Delivery) ([]delivery.Cause, error) {
	var raw []string
	if err := s.read(ctx).Table("expired_reports").Where("delivery_id = ?", d.ID).Limit(1).
		Pluck("causes", &raw).Error; err != nil || len(raw) == 0 {
		return nil, s.dialect.clean(err)
	}
	var kept []keptCause
	if err := json.Unmarshal([]byte(raw[0]), &kept); err != nil {
		return nil, errors.New("decode the causes of an expired report: failed")
	}
	out := make([]delivery.Cause, len(kept))
	for i, c := range kept {
		out[i] = c.cause()
	}
	return out, nil
}
