package store

import (
	"context"

	"sluis/internal/delivery"
)

// Figures returns the counts over all deliveries.
func (s *Store) Figures(ctx context.Context) (delivery.Figures, error) {
	f := delivery.Figures{States: map[delivery.State]int{}}
	var states []struct {
		State string
		N     int
	}
	err := s.read(ctx).Raw("SELECT state, COUNT(*) AS n FROM deliveries GROUP BY state").Scan(&states).Error
	for _, r := range states {
		f.States[delivery.State(r.State)] = r.N
	}
	var rows struct{ Read, Created, Updated, Unchanged, Rejected, Review int }
	if err == nil {
		err = s.read(ctx).Raw(`SELECT COALESCE(SUM(rows_read), 0) AS "read", COALESCE(SUM(n_created), 0) AS created,
			COALESCE(SUM(n_updated), 0) AS updated, COALESCE(SUM(n_unchanged), 0) AS unchanged,
			COALESCE(SUM(n_rejected), 0) AS rejected, COALESCE(SUM(n_review), 0) AS review FROM deliveries`).Scan(&rows).Error
	}
	f.Rows.Read, f.Rows.Created, f.Rows.Updated = rows.Read, rows.Created, rows.Updated
	f.Rows.Unchanged, f.Rows.Rejected, f.Rows.Review = rows.Unchanged, rows.Rejected, rows.Review
	if err == nil {
		working := append([]string{string(delivery.Receiving), string(delivery.Feeding)}, workingStates...)
		f.OldestAt, err = soonest(s.read(ctx).Table("deliveries").Where("state IN ?", working), "created_at")
	}
	if err == nil {
		err = s.read(ctx).Raw("SELECT COUNT(*) FROM reviews WHERE state = 'open'").Scan(&f.Conflicts).Error
	}
	return f, s.dialect.clean(err)
}

// Pool is how the connections to the database are used.
type Pool struct {
	Open, InUse, Idle int
	Waits             int64   // for a connection, since the start
	WaitSeconds       float64 // all waits together
}

// Pool returns how the connections to the database are used now.
func (s *Store) Pool() Pool {
	st := s.sql.Stats()
	return Pool{Open: st.OpenConnections, InUse: st.InUse, Idle: st.Idle, Waits: st.WaitCount, WaitSeconds: st.WaitDuration.Seconds()}
}
