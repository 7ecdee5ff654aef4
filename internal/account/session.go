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

	// Half says that the password was right and that the second factor is still missing.
	// Such a session opens the pages about the second factor only.
	Half bool
	// ProvedBy is how its user last showed who they are, and ProvedAt when. Both are zero
	// while only the password was given.
	ProvedBy   Proof
	ProvedAt   time.Time
	Data       []byte // data of the pages; never an identity, at most 4 KiB
	CreatedAt  time.Time
	LastSeenAt time.Time
	// IdleExpiresAt moves with every use, ExpiresAt never does.
	IdleExpiresAt time.Time
	ExpiresAt     time.Time
}

// NewSession starts a session of a user who has shown who they are.
func NewSession(hash [32]byte, userID int64, by Proof, now time.Time) Session {
	s := Session{TokenHash: hash, UserID: userID, CreatedAt: now, ExpiresAt: now.Add(SessionLife), ProvedBy: by, ProvedAt: now}
	s.Touch(now)
	return s
}

// NewHalfSession starts a session of a user whose second factor is still missing.
func NewHalfSession(hash [32]byte, userID int64, now time.Time) Session {
	end := now.Add(HalfSessionLife)
	return Session{TokenHash: hash, UserID: userID, Half: true, CreatedAt: now, LastSeenAt: now, IdleExpiresAt: end, ExpiresAt: end}
}

// Fresh reports whether the user showed who they are so short ago that they may do what
// cannot be undone.
func (s Session) Fresh(now time.Time) bool {
	return !s.Half && !s.ProvedAt.IsZero() && now.Before(s.ProvedAt.Add(FreshFor))
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
