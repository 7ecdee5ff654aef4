package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"sluis/internal/account"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/ttphealth"
)

type ttpCallsRow struct {
	StartAt time.Time
	Kind    string
	Class   int
	OK      int `gorm:"column:ok"`
	Bad     int
	LastOK  *time.Time `gorm:"column:last_ok"`
	LastBad *time.Time
}

// healthKept is how long the counts of calls are kept: a day longer than the page shows.
const healthKept = 8 * 24 * time.Hour

// RecordTTP adds the counts of one process to those of all processes.
func (s *Store) RecordTTP(ctx context.Context, bins []ttphealth.Bin) error {
	if len(bins) == 0 {
		return nil
	}
	return s.write(ctx, func(t *tx) error {
		for _, b := range bins {
			res := t.db.Exec(`UPDATE ttp_calls SET ok = ok + ?, bad = bad + ?,
				last_ok = COALESCE(?, last_ok), last_bad = COALESCE(?, last_bad) WHERE start_at = ? AND kind = ? AND class = ?`,
				b.OK, b.Bad, nullTime(b.LastOK), nullTime(b.LastBad), stamp(b.Start), string(b.Call), b.Class)
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected > 0 {
				continue
			}
			// If two processes insert the same row at once, one of them is tried again.
			err := t.db.Exec("INSERT INTO ttp_calls (start_at, kind, class, ok, bad, last_ok, last_bad) VALUES (?, ?, ?, ?, ?, ?, ?)",
				stamp(b.Start), string(b.Call), b.Class, b.OK, b.Bad, nullTime(b.LastOK), nullTime(b.LastBad)).Error
			if err != nil {
				return err
			}
		}
		return t.db.Exec("DELETE FROM ttp_calls WHERE start_at < ?", t.at.Add(-healthKept)).Error
	})
}

// TTPHealth returns the bins that start at since or later, in order of time.
func (s *Store) TTPHealth(ctx context.Context, since time.Time) ([]ttphealth.Bin, error) {
	var rows []ttpCallsRow
	err := s.read(ctx).Table("ttp_calls").Where("start_at >= ?", stamp(since)).Order("start_at, kind, class").Scan(&rows).Error
	bins := make([]ttphealth.Bin, len(rows))
	for i, r := range rows {
		bins[i] = ttphealth.Bin{
			Call: ttphealth.Call(r.Kind), Start: r.StartAt.UTC(), Class: r.Class, OK: r.OK, Bad: r.Bad,
			LastOK: moment(r.LastOK), LastBad: moment(r.LastBad),
		}
	}
	return bins, s.dialect.clean(err)
}

// Backlog returns what waits for the TTP. It takes four queries, because SQLite returns
// a time as a time only if the value comes straight from a column, not from MIN.
func (s *Store) Backlog(ctx context.Context, scope account.Scope) (delivery.Backlog, error) {
	var b delivery.Backlog
	soon := s.clock().Add(delivery.ExpiryWarning)
	waiting := func() *gorm.DB {
		return scoped(s.read(ctx).Table("chunks k").Joins("JOIN deliveries d ON d.id = k.delivery_id"), scope, "d.centre_id").
			Where("k.holds <> ? AND d.state IN ?", string(chunk.Definitives),
				[]string{string(delivery.Exchanging), string(delivery.Feeding)})
	}
	paused := func() *gorm.DB {
		return scoped(s.read(ctx).Table("deliveries d"), scope, "d.centre_id").Where("d.paused = ?", true)
	}
	var held []struct {
		Holds             string
		Waiting, Expiring int
	}
	err := waiting().Select("k.holds, SUM(k.waiting) AS waiting, SUM(CASE WHEN k.expires_at <= ? THEN k.waiting ELSE 0 END) AS expiring",
		soon).
		Group("k.holds").Scan(&held).Error
	for _, h := range held {
		if h.Holds == string(chunk.Identities) {
			b.Prepare = h.Waiting
		} else {
			b.Resolve, b.Expiring = h.Waiting, h.Expiring
		}
	}
	if err == nil {
		b.ExpiresAt, err = soonest(waiting().Where("k.expires_at <= ?", soon), "k.expires_at")
	}
	var n struct{ Paused, Denied int }
	if err == nil {
		err = paused().Select("COUNT(*) AS paused, COALESCE(SUM(CASE WHEN d.denied = ? THEN 1 ELSE 0 END), 0) AS denied", true).
			Scan(&n).
			Error
		b.Paused, b.Denied = n.Paused, n.Denied
	}
	if err == nil {
		b.NextTryAt, err = soonest(paused().Where("d.next_try_at IS NOT NULL"), "d.next_try_at")
	}
	return b, s.dialect.clean(err)
}

// soonest returns the earliest time in a column, or zero if there is none.
func soonest(db *gorm.DB, column string) (time.Time, error) {
	var at []time.Time
	err := db.Order(column).Limit(1).Pluck(column, &at).Error
	if err != nil || len(at) == 0 {
		return time.Time{}, err
	}
	return at[0].UTC(), nil
}
