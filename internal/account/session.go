package account

import "time"

const (
	// SessionIdle is how long a session lives without a request.
	SessionIdle = 30 * time.Minute
	// SessionLife is how long a session lives at most, however busy.
	SessionLife = 12 * time.Hour
)

// Session is a signed-in browser. Its id is random and only the cookie has it. The
// database has only the hash of the id, so that a reader of the table cannot take
// over a session.
type Session struct {
	TokenHash [32]byte // SHA-256 of the id in the cookie
	PublicID  string   // names the session on its owner's page, and opens nothing
	Address   string   // from which it was started
	Browser   string   // in which it was started, such as "Firefox, Windows"
	UserID    int64
	// ProviderID is that of the provider at which the user signed in, and ProviderSession the
	// key of their session there. Both are zero for a session that began with a password.
	ProviderID      int64
	ProviderSession [32]byte

	Data       []byte // data of the pages; never an identity, at most 4 KiB
	CreatedAt  time.Time
	LastSeenAt time.Time
	// IdleExpiresAt moves with every use, ExpiresAt never does.
	IdleExpiresAt time.Time
	ExpiresAt     time.Time
}

// NewSession starts a session of a user.
func NewSession(hash [32]byte, userID int64, now time.Time) Session {
	s := Session{TokenHash: hash, UserID: userID, CreatedAt: now, ExpiresAt: now.Add(SessionLife)}
	s.Touch(now)
	return s
}

// Live reports whether the session may still be used.
func (s Session) Live(now time.Time) bool {
	return now.Before(s.IdleExpiresAt) && now.Before(s.ExpiresAt)
}

// Touch records that the session was used.
func (s *Session) Touch(now time.Time) {
	s.LastSeenAt = now
	s.IdleExpiresAt = now.Add(SessionIdle)
}
