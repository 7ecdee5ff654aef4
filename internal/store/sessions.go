package store

import (
	"context"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
)

type sessionRow struct {
	TokenHash     []byte `gorm:"primaryKey"`
	UserID        int64
	Data          []byte
	CreatedAt     time.Time
	LastSeenAt    time.Time
	IdleExpiresAt time.Time
	ExpiresAt     time.Time
}

func (sessionRow) TableName() string { return "sessions" }

func sessionToRow(x account.Session) sessionRow {
	return sessionRow{
		TokenHash: x.TokenHash[:], UserID: x.UserID, Data: x.Data, CreatedAt: stamp(x.CreatedAt),
		LastSeenAt: stamp(x.LastSeenAt), IdleExpiresAt: stamp(x.IdleExpiresAt), ExpiresAt: stamp(x.ExpiresAt),
	}
}

// SaveSession stores the changes of a session. A session that was ended meanwhile stays
// ended.
func (s *Store) SaveSession(ctx context.Context, x account.Session) error {
	r := sessionToRow(x)
	return s.write(ctx, func(t *tx) error {
		return t.db.Exec("UPDATE sessions SET data = ?, last_seen_at = ?, idle_expires_at = ? WHERE token_hash = ?",
			r.Data, r.LastSeenAt, r.IdleExpiresAt, r.TokenHash).Error
	})
}

// SessionByHash returns a session, or apperr.NotFound.
func (s *Store) SessionByHash(ctx context.Context, hash [32]byte) (account.Session, error) {
	var r sessionRow
	if err := first(s.read(ctx).Where("token_hash = ?", hash[:]), &r); err != nil {
		return account.Session{}, s.dialect.clean(err)
	}
	return account.Session{
		TokenHash: hash, UserID: r.UserID, Data: r.Data, CreatedAt: r.CreatedAt.UTC(), LastSeenAt: r.LastSeenAt.UTC(),
		IdleExpiresAt: r.IdleExpiresAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
	}, nil
}

// DeleteSession ends one session.
func (s *Store) DeleteSession(ctx context.Context, hash [32]byte) error {
	return s.write(ctx, func(t *tx) error { return t.db.Exec("DELETE FROM sessions WHERE token_hash = ?", hash[:]).Error })
}

// SignIn stores a new session, with its event, and deletes the expired ones.
func (s *Store) SignIn(ctx context.Context, x account.Session, ev audit.Event) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.db.Exec("DELETE FROM sessions WHERE expires_at < ? OR idle_expires_at < ?", t.at, t.at).Error; err != nil {
			return err
		}
		r := sessionToRow(x)
		if err := t.db.Create(&r).Error; err != nil {
			return err
		}
		return t.record(ev)
	})
}

// SignOut ends every session of the user, with its event.
func (s *Store) SignOut(ctx context.Context, userID int64, ev audit.Event) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.db.Exec("DELETE FROM sessions WHERE user_id = ?", userID).Error; err != nil {
			return err
		}
		return t.record(ev)
	})
}
