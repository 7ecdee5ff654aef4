package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"sluis/internal/audit"
)

// Grow records n events of two patients each in few transactions, for benchmarks.
func (s *Store) Grow(ctx context.Context, n int) error {
	for n > 0 {
		step := min(n, 5000)
		err := s.write(ctx, func(t *tx) error {
			for i := range step {
				ev := audit.Event{
					Type: audit.Types[i%len(audit.Types)], Action: audit.Read,
					Who: audit.Who{UserID: int64(i % 50), Name: "gebruiker" + string(rune('a'+i%26)) + "@example.nl", Role: "clinician",
						CentreID: int64(i%80 + 1),
						Address:  "192.0.2.1", Via: audit.ViaWeb},
					ObjectType: "patient", ObjectID: "0195d0a0-0000-7000-8000-000000000000",
					Subjects: []audit.Subject{{PatientID: int64(n-i)%90_000 + 1, Action: audit.Read},
						{PatientID: int64(i%3000) + 100_000, Action: audit.Read}},
				}
				if err := t.record(ev); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		n -= step
	}
	return nil
}

// WithoutTree leaves the tree and the seals out of what s records from now on.
func (s *Store) WithoutTree() { s.plainLog = true }

// Write runs f in a transaction as every method does. exec runs a statement in it.
func (s *Store) Write(ctx context.Context, f func(exec func(statement string) error) error) error {
	return s.write(ctx, func(t *tx) error {
		return f(func(statement string) error { return t.db.Exec(statement).Error })
	})
}

// Statements returns the statements that find and count what a query of the log selects, with
// their values in them.
func (s *Store) Statements(ctx context.Context, q audit.Query) ([]string, error) {
	var out []string
	err := s.write(ctx, func(t *tx) error {
		f, err := t.searchLog(q)
		if err != nil {
			return err
		}
		for _, db := range f.branches(q.After) {
			dry := db.Session(&gorm.Session{DryRun: true})
			var rows []loggedRow
			st := f.page(dry, 51).Scan(&rows).Statement
			out = append(out, logger.ExplainSQL(st.SQL.String(), nil, "'", st.Vars...))
		}
		for _, db := range f.branches(0) {
			var n int64
			st := f.limited(db, 101).Session(&gorm.Session{DryRun: true}).Count(&n).Statement
			out = append(out, logger.ExplainSQL(st.SQL.String(), nil, "'", st.Vars...))
		}
		return nil
	})
	return out, err
}

// Count counts what a query of the log selects, up to most+1.
func (s *Store) Count(ctx context.Context, q audit.Query, most int) (n int, err error) {
	err = s.write(ctx, func(t *tx) error {
		f, err := t.searchLog(q)
		if err != nil {
			return err
		}
		n, err = f.count(most)
		return err
	})
	return n, err
}
