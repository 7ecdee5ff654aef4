package store

import (
	"context"
	"errors"
)

// CheckWrite writes the one row of health_checks. Reading would not do: a database on
// a full disk answers every question.
func (s *Store) CheckWrite(ctx context.Context) error {
	return s.write(ctx, func(t *tx) error {
		return one(t.db.Exec("UPDATE health_checks SET checked_at = ? WHERE id = 1", t.at),
			errors.New("the row of health_checks is missing"))
	})
}

// CheckSchema returns [ErrSchema] if the database has another schema than this program
// knows, because a newer program has been started on it.
func (s *Store) CheckSchema(ctx context.Context) error { return checkSchema(ctx, s.dialect, s.sql) }
