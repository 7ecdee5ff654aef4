package account

import "time"

// How long a session lives.
const (
	// SessionIdle is how long a session lives without a request.
	SessionIdle = 30 * time.Minute
	// SessionLife is how long a session lives at most, however busy.
	SessionLife = 12 * time.Hour
)

// Session is a signed-in browser. Its id is random and stands only in the
// cookie; what is stored is the hash of it, so that whoever reads the table
// cannot become anyone.
type Session struct {
	TokenHash  [32]byte // SHA-256 of the id in the cookie
	UserID     int64
	Data       []byte // what the pages keep in it; never an identity, at most 4 KiB
	CreatedAt  time.Time
	LastSeenAt time.Time
	// IdleExpiresAt moves on with every use, ExpiresAt never does.
	IdleExpiresAt time.Time
	ExpiresAt     time.Time
}

// NewSession starts a session of a user.
func NewSession(hash [32]byte, userID int64, now time.Time) Session {
	s := Session{TokenHash: hash, UserID: userID, CreatedAt: now, ExpiresAt: now.Add(SessionLife)}
	s.Touch(now)
	return s
}

// Live tells whether the session may still be used.
func (s Session) Live(now time.Time) bool {
	return now.Before(s.IdleExpiresAt) && now.Before(s.ExpiresAt)
}

// Touch says that the session was used.
func (s *Session) Touch(now time.Time) {
	s.LastSeenAt = now
	s.IdleExpiresAt = now.Add(SessionIdle)
}
