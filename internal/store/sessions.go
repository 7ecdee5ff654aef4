package store

import (
	"context"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
)

type sessionRow struct {
	TokenHash       []byte `gorm:"primaryKey"`
	PublicID        string
	Address         string
	Browser         string
	UserID          int64
	ProviderID      *int64
	ProviderSession []byte
	Half            bool
	ProvedBy        string
	ProvedAt        *time.Time
	Data            []byte
	CreatedAt       time.Time
	LastSeenAt      time.Time
	IdleExpiresAt   time.Time
	ExpiresAt       time.Time
}

func (sessionRow) TableName() string { return "sessions" }

func sessionToRow(x account.Session) sessionRow {
	var at []byte
	if x.ProviderSession != [32]byte{} {
		at = x.ProviderSession[:]
	}
	var proved *time.Time // SQL Server wants a typed NULL
	if !x.ProvedAt.IsZero() {
		at := stamp(x.ProvedAt)
		proved = &at
	}
	return sessionRow{
		ProviderID: numberOrNull(x.ProviderID), ProviderSession: at,
		TokenHash: x.TokenHash[:], PublicID: x.PublicID, Address: cut(x.Address, 64), Browser: cut(x.Browser, 100),
		UserID: x.UserID, Half: x.Half, ProvedBy: string(x.ProvedBy), ProvedAt: proved, Data: x.Data, CreatedAt: stamp(x.CreatedAt),
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
	return r.session(), nil
}

func (r sessionRow) session() account.Session {
	x := account.Session{
		TokenHash: [32]byte(r.TokenHash), PublicID: r.PublicID, Address: r.Address, Browser: r.Browser, UserID: r.UserID, Data: r.Data,
		Half: r.Half, ProvedBy: account.Proof(r.ProvedBy), ProvedAt: moment(r.ProvedAt),
		CreatedAt: r.CreatedAt.UTC(), LastSeenAt: r.LastSeenAt.UTC(), IdleExpiresAt: r.IdleExpiresAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
	}
	if r.ProviderID != nil {
		x.ProviderID = *r.ProviderID
	}
	if len(r.ProviderSession) == len(x.ProviderSession) {
		x.ProviderSession = [32]byte(r.ProviderSession)
	}
	return x
}

// DeleteSession ends one session.
func (s *Store) DeleteSession(ctx context.Context, hash [32]byte) error {
	return s.write(ctx, func(t *tx) error { return t.db.Exec("DELETE FROM sessions WHERE token_hash = ?", hash[:]).Error })
}

// SignIn stores a new session with its event, and deletes the expired sessions. It notes
// when the user signed in, unless the session is half.
func (s *Store) SignIn(ctx context.Context, x account.Session, ev audit.Event) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.db.Exec("DELETE FROM sessions WHERE expires_at < ? OR idle_expires_at < ?", t.at, t.at).Error; err != nil {
			return err
		}
		r := sessionToRow(x)
		var err error
		if r.PublicID, err = publicID(); err != nil {
			return err
		}
		if err := t.db.Create(&r).Error; err != nil {
			return err
		}
		if x.Half {
			return t.record(ev)
		}
		if err := t.db.Exec("UPDATE users SET last_sign_in_at = ? WHERE id = ?", t.at, x.UserID).Error; err != nil {
			return err
		}
		return t.record(ev)
	})
}

// SignOut ends every session of the user, with its event. If the event cannot be
// written, the sessions end all the same, and the log of the service says so: somebody
// who leaves a shared computer must not stay signed in because a log is full.
func (s *Store) SignOut(ctx context.Context, userID int64, ev audit.Event) error {
	end := func(t *tx) error { return t.db.Exec("DELETE FROM sessions WHERE user_id = ?", userID).Error }
	err := s.write(ctx, func(t *tx) error {
		if err := end(t); err != nil {
			return err
		}
		return t.record(ev)
	})
	if err == nil {
		return nil
	}
	if endErr := s.write(context.WithoutCancel(ctx), end); endErr != nil {
		return endErr
	}
	s.log.ErrorContext(ctx, "a sign-out is not in the access log", "user", userID, "request", ev.RequestID, "err", err)
	return nil
}
