package store

import (
	"context"
	"fmt"
	"time"
)

// Setting is something of the database itself that Sluis relies on.
type Setting struct {
	OK   bool
	Says string
	Do   string // what to do if it is not as it must be
}

// Settings returns the settings of the database that Sluis relies on.
func (s *Store) Settings(ctx context.Context) ([]Setting, error) {
	if _, ok := s.dialect.(sqliteDialect); ok {
		if err := s.assertPragmas(ctx); err != nil {
			return []Setting{{ //nolint:nilerr // it is the answer
				Says: err.Error(), Do: "is the disk one that SQLite can lock on? Not a network share",
			}}, nil
		}
		return []Setting{{OK: true, Says: "write-ahead log, full synchronisation, secure deletion and foreign keys are on"}}, nil
	}
	if _, ok := s.dialect.(sqlserverDialect); !ok {
		return nil, nil
	}
	var snapshot bool
	if err := s.sql.QueryRowContext(ctx, "SELECT is_read_committed_snapshot_on FROM sys.databases WHERE name = DB_NAME()").
		Scan(&snapshot); err != nil {
		return nil, fmt.Errorf("read sys.databases: %w", s.dialect.clean(err))
	}
	if !snapshot {
		return []Setting{{
			Says: "READ_COMMITTED_SNAPSHOT is off: readers and writers wait for each other",
			Do:   "ALTER DATABASE … SET READ_COMMITTED_SNAPSHOT ON, while nobody uses it",
		}}, nil
	}
	return []Setting{{OK: true, Says: "READ_COMMITTED_SNAPSHOT is on"}}, nil
}

// ServerClock returns the time of the database server. own is false if the database is a
// file and has no clock of its own.
func (s *Store) ServerClock(ctx context.Context) (at time.Time, own bool, err error) {
	statement := "SELECT CURRENT_TIMESTAMP"
	switch s.dialect.(type) {
	case sqliteDialect:
		return time.Time{}, false, nil
	case sqlserverDialect:
		statement = "SELECT SYSDATETIMEOFFSET()"
	}
	err = s.sql.QueryRowContext(ctx, statement).Scan(&at)
	return at.UTC(), true, s.dialect.clean(err)
}
