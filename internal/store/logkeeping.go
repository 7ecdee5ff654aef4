package store

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
)

// What one transaction of the retention deletes at most: pieces are small, because SQLite has
// only one writer.
const (
	expiredEvents   = 1000
	expiredSubjects = 5000
)

// ExpireEvents deletes a piece of the oldest events of the access log: those from before a
// moment, with what they are about. It returns how many, and whether there may be more.
//
// Their hashes stay, so that the tree is verified as before; and an event says up to which
// number they were deleted, for only then may they be missing. Only the first events are
// deleted: one that is newer than the moment stops the retention, even if a later one is older.
func (s *Store) ExpireEvents(ctx context.Context, who audit.Who, before time.Time) (n int, more bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		n, more = 0, false
		var rows []struct {
			ID       int64
			At       time.Time
			Subjects int
		}
		if err := t.db.Table("audit_events").Select("id, at, subjects").Order("id").Limit(expiredEvents).Scan(&rows).Error; err != nil {
			return err
		}
		subjects := 0
		for _, r := range rows {
			if subjects += r.Subjects; !r.At.Before(stamp(before)) || n > 0 && subjects > expiredSubjects {
				break
			}
			n++
		}
		if n == 0 {
			return nil
		}
		last := rows[n-1].ID
		more = n == len(rows) || rows[n].At.Before(stamp(before))
		for _, statement := range []string{"DELETE FROM audit_subjects WHERE event_id <= ?", "DELETE FROM audit_events WHERE id <= ?"} {
			if err := t.db.Exec(statement, last).Error; err != nil {
				return err
			}
		}
		return t.record(audit.Event{
			Type: audit.LogExpired, Action: audit.Delete, Who: who, ObjectType: "log", ObjectID: strconv.FormatInt(last, 10),
		})
	})
	return n, more, err
}

type logReviewRow struct {
	ID         int64 `gorm:"primaryKey;autoIncrement:false"`
	FromAt     time.Time
	ToAt       time.Time
	Remark     string
	ReviewedBy string
	ReviewedAt time.Time
}

func (logReviewRow) TableName() string { return "audit_reviews" }

func (r logReviewRow) review() audit.Review {
	return audit.Review{From: r.FromAt.UTC(), To: r.ToAt.UTC(), Remark: r.Remark, By: r.ReviewedBy, At: r.ReviewedAt.UTC()}
}

// LogReviews returns the latest reviews of the access log, the newest first.
func (s *Store) LogReviews(ctx context.Context) ([]audit.Review, error) {
	var rows []logReviewRow
	if err := s.read(ctx).Order("id DESC").Limit(shownReviews).Find(&rows).Error; err != nil {
		return nil, s.dialect.clean(err)
	}
	out := make([]audit.Review, len(rows))
	for i, r := range rows {
		out[i] = r.review()
	}
	return out, nil
}

// sampled is how many events are drawn for a review.
const sampled = 20

// LogSince returns what of the access log nobody has reviewed yet: how much there is of each
// group, and events that were drawn at random. It records that they were seen.
func (s *Store) LogSince(ctx context.Context, who audit.Who) (out audit.Unreviewed, err error) {
	err = s.write(ctx, func(t *tx) error {
		out = audit.Unreviewed{To: t.at, Counts: map[audit.Group]int{}}
		if out.From, err = t.reviewedTo(); err != nil {
			return err
		}
		for _, g := range audit.Groups {
			f, err := t.searchLog(audit.Query{Group: g, From: out.From})
			if err != nil {
				return err
			}
			if out.Counts[g], err = f.count(audit.MostCounted); err != nil {
				return err
			}
		}
		f, err := t.searchLog(audit.Query{From: out.From})
		if err != nil {
			return err
		}
		if out.Samples, err = f.samples(); err != nil {
			return err
		}
		return t.record(audit.Event{Type: audit.LogViewed, Action: audit.Read, Who: who, ObjectType: "log", Code: "log_review"})
	})
	return out, err
}

// samples draws events at random, in the order of the log.
func (f logSearch) samples() ([]audit.Event, error) {
	next, err := f.t.next("audit_events", 0)
	if err != nil || f.none || next <= max(f.low, 1) {
		return nil, err
	}
	numbers := map[int64]bool{}
	for range sampled {
		numbers[max(f.low, 1)+rand.N(next-max(f.low, 1))] = true
	}
	ids := make([]int64, 0, len(numbers))
	for id := range numbers {
		ids = append(ids, id)
	}
	var rows []loggedRow
	err = f.t.db.Table("audit_events e").Select("e.*, c.number AS centre_number").Joins("LEFT JOIN centres c ON c.id = e.centre_id").
		Where("e.id IN ?", ids).Where("e.at >= ?", stamp(f.q.From)).Order("e.id DESC").Scan(&rows).Error
	out := make([]audit.Event, len(rows))
	for i, r := range rows {
		out[i] = r.event()
	}
	return out, err
}

// reviewedTo returns the moment up to which the log was reviewed: that of its first event, if
// it never was.
func (t *tx) reviewedTo() (time.Time, error) {
	var to []time.Time
	if err := t.db.Table("audit_reviews").Order("id DESC").Limit(1).Pluck("to_at", &to).Error; err != nil {
		return t.at, err
	}
	if len(to) == 0 {
		if err := t.db.Table("audit_events").Order("id").Limit(1).Pluck("at", &to).Error; err != nil {
			return t.at, err
		}
	}
	if len(to) == 0 {
		return t.at, nil
	}
	return to[0].UTC(), nil
}

// SignLogReview stores that who reviewed the access log up to a moment, which the page showed.
func (s *Store) SignLogReview(ctx context.Context, who audit.Who, to time.Time, remark string) error {
	return s.write(ctx, func(t *tx) error {
		row := logReviewRow{ToAt: stamp(to), Remark: cut(remark, account.MaxReason), ReviewedBy: cut(who.Name, 300), ReviewedAt: t.at}
		if row.ToAt.After(t.at) {
			row.ToAt = t.at
		}
		var err error
		if row.FromAt, err = t.reviewedTo(); err != nil {
			return err
		}
		if row.ToAt.Before(row.FromAt) { // somebody else was first
			row.ToAt = row.FromAt
		}
		if row.ID, err = t.next("audit_reviews", 1); err != nil {
			return err
		}
		if err := t.db.Create(&row).Error; err != nil {
			return err
		}
		return t.record(audit.Event{
			Type: audit.LogReviewed, Action: audit.Create, Who: who, ObjectType: "log", Reason: remark,
		})
	})
}
