package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// workSignal is the channel on which a process announces work to the others.
const workSignal = "sluis_work"

// Announce wakes the other processes because there is work for them. Only PostgreSQL can: on the
// other databases they find it when they next look.
func (s *Store) Announce(ctx context.Context) {
	if s.listening == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := s.sql.ExecContext(ctx, "NOTIFY "+workSignal); err != nil {
		s.log.WarnContext(ctx, "other processes were not told of work", "err", s.dialect.clean(err))
	}
}

// Listen calls ring whenever another process, or this one, announces work, until ctx
// ends. If the database cannot do that, it returns at once.
func (s *Store) Listen(ctx context.Context, ring func()) {
	if s.listening == nil {
		return
	}
	for ctx.Err() == nil {
		err := s.listen(ctx, ring)
		if ctx.Err() != nil {
			return
		}
		s.log.WarnContext(ctx, "no longer told of work by other processes", "err", s.dialect.clean(err))
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
}

// listen listens on a connection of its own until that is lost.
func (s *Store) listen(ctx context.Context, ring func()) error {
	conn, err := pgx.ConnectConfig(ctx, s.listening)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+workSignal); err != nil {
		return err
	}
	ring() // what was announced before
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		ring()
	}
}
