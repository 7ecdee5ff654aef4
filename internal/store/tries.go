package store

import (
	"context"
	"errors"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
)

type triesRow struct {
	KeyHash   []byte `gorm:"primaryKey"`
	Failures  int
	Refused   int
	TurnAt    time.Time
	ExpiresAt time.Time
}

func (triesRow) TableName() string { return "sign_in_tries" }

// Tries returns what the counters have counted, in their order.
func (s *Store) Tries(ctx context.Context, counters ...account.TryCounter) ([]account.Tries, error) {
	hashes := make([][]byte, len(counters))
	for i, c := range counters {
		hashes[i] = c.Hash[:]
	}
	var rows []triesRow
	if err := s.read(ctx).Where("key_hash ? AND expires_at > ?", s.dialect.oneOf(&hashes), s.clock()).Find(&rows).Error; err != nil {
		return nil, s.dialect.clean(err)
	}
	found := make(map[[32]byte]account.Tries, len(rows))
	for _, r := range rows {
		found[[32]byte(r.KeyHash)] = account.Tries{Failures: r.Failures, Refused: r.Refused}
	}
	out := make([]account.Tries, len(counters))
	for i, c := range counters {
		out[i] = found[c.Hash]
	}
	return out, nil
}

// TakeTurns takes a place in the line of each counter, and returns how long the try
// waits for the last of them. If that is longer than longest, it takes no place and
// returns false.
func (s *Store) TakeTurns(ctx context.Context, turns []account.Turn, longest time.Duration) (wait time.Duration, ok bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		wait, ok = 0, false
		rows := make([]triesRow, len(turns))
		for i, turn := range turns {
			if rows[i], err = t.tries(turn.TryCounter); err != nil {
				return err
			}
			wait = max(wait, rows[i].TurnAt.Sub(t.at))
		}
		if wait > longest {
			return nil
		}
		ok = true
		for i, turn := range turns {
			if turn.Spacing == 0 {
				continue
			}
			if rows[i].TurnAt.Before(t.at) {
				rows[i].TurnAt = t.at
			}
			rows[i].TurnAt = stamp(rows[i].TurnAt.Add(turn.Spacing))
			if err := t.saveTries(rows[i], turn.TryCounter); err != nil {
				return err
			}
		}
		return nil
	})
	return wait, ok, err
}

// TakeTry counts a try before it is looked at, so that many at once cannot all be looked
// at as the first. spacing returns how long after this one the next may come. If it is too
// early for this one, TakeTry counts nothing and returns how long to wait.
func (s *Store) TakeTry(ctx context.Context, c account.TryCounter, spacing func(tries int) time.Duration) (wait time.Duration, err error) {
	err = s.write(ctx, func(t *tx) error {
		r, err := t.tries(c)
		if err != nil {
			return err
		}
		if wait = max(0, r.TurnAt.Sub(t.at)); wait > 0 {
			return nil
		}
		r.Failures++
		r.TurnAt = t.at.Add(spacing(r.Failures))
		return t.saveTries(r, c)
	})
	return wait, err
}

// RecordFailedTry counts a failure at each counter, with the event.
func (s *Store) RecordFailedTry(ctx context.Context, counters []account.TryCounter, ev audit.Event) error {
	return s.write(ctx, func(t *tx) error {
		for _, c := range counters {
			r, err := t.tries(c)
			if err != nil {
				return err
			}
			r.Failures++
			if err := t.saveTries(r, c); err != nil {
				return err
			}
		}
		return t.record(ev)
	})
}

// RecordRefusedTries counts n tries that were not looked at, and returns how many the
// counter has now. The event is written only if they begin a series: one event for
// each try would let an attacker fill the disk.
func (s *Store) RecordRefusedTries(ctx context.Context, c account.TryCounter, n int, ev audit.Event) (total int, err error) {
	err = s.write(ctx, func(t *tx) error {
		r, err := t.tries(c)
		if err != nil {
			return err
		}
		first := r.Refused == 0
		r.Refused += n
		total = r.Refused
		if err := t.saveTries(r, c); err != nil || !first {
			return err
		}
		return t.record(ev)
	})
	return total, err
}

// ForgetTries sets counters back to nothing, and deletes those that have expired.
func (s *Store) ForgetTries(ctx context.Context, counters ...account.TryCounter) error {
	return s.write(ctx, func(t *tx) error {
		for _, c := range counters {
			if err := t.db.Exec("DELETE FROM sign_in_tries WHERE key_hash = ?", c.Hash[:]).Error; err != nil {
				return err
			}
		}
		return t.db.Exec("DELETE FROM sign_in_tries WHERE expires_at < ?", t.at).Error
	})
}

// tries reads a counter in order to change it. One that has expired starts anew.
func (t *tx) tries(c account.TryCounter) (triesRow, error) {
	var r triesRow
	err := first(t.dialect.forUpdate(t.db, "sign_in_tries").Where("key_hash = ?", c.Hash[:]), &r)
	switch {
	case errors.Is(err, errNotFound):
		return triesRow{TurnAt: t.at}, nil
	case err != nil:
		return r, err
	case r.ExpiresAt.Before(t.at):
		r.Failures, r.Refused, r.TurnAt = 0, 0, t.at
	}
	return r, nil
}

// saveTries stores a counter that was read by tries.
func (t *tx) saveTries(r triesRow, c account.TryCounter) error {
	r.TurnAt, r.ExpiresAt = stamp(r.TurnAt), t.at.Add(c.Life)
	if r.KeyHash == nil {
		r.KeyHash = c.Hash[:]
		return t.db.Create(&r).Error
	}
	return t.db.Exec("UPDATE sign_in_tries SET failures = ?, refused = ?, turn_at = ?, expires_at = ? WHERE key_hash = ?",
		r.Failures, r.Refused, r.TurnAt, r.ExpiresAt, r.KeyHash).Error
}
