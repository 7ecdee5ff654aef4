package oidc

import (
	"context"
	"strings"
	"time"
)

// logoutLife is how old a logout token may be that says nothing of its own end.
const logoutLife = 10 * time.Minute

// logoutEvent is the event that makes a token a logout token (OpenID Connect Back-Channel
// Logout 1.0, section 2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// Logout is a provider's word that somebody signed out there.
type Logout struct {
	Issuer  string
	Subject string // "" if only the session is named
	Session string // "" if every session of the subject has ended
	ID      string // of the token: it counts once
	// Expires is until when ID must be remembered.
	Expires time.Time
}

// ReadLogout verifies a logout token. An ID token is none, and the other way round.
func (c *Client) ReadLogout(ctx context.Context, s Settings, raw string) (Logout, error) {
	var header struct {
		Type string `json:"typ"`
	}
	if err := readPart(raw, 0, &header); err != nil {
		return Logout{}, err
	}
	if t := strings.ToLower(header.Type); t != "" && t != "jwt" && t != "logout+jwt" {
		return Logout{}, fault(LogoutEvent)
	}
	_, keys, err := c.of(ctx, s.Issuer)
	if err != nil {
		return Logout{}, err
	}
	_, claims, err := c.verify(ctx, s, keys, raw, true)
	if err != nil {
		return Logout{}, err
	}
	now, issued := c.now(), time.Unix(int64(claims.Issued), 0)
	expires := issued.Add(logoutLife + Skew)
	if claims.Expires != 0 {
		expires = time.Unix(int64(claims.Expires), 0).Add(Skew)
	}
	_, isObject := claims.Events[logoutEvent].(map[string]any)
	switch {
	case !now.Before(expires), now.Sub(issued) > logoutLife+Skew:
		return Logout{}, fault(TokenExpired)
	case !isObject:
		return Logout{}, fault(LogoutEvent)
	case claims.Nonce != nil:
		return Logout{}, fault(LogoutNonce)
	case claims.ID == "", len(claims.ID) > maxSubject:
		return Logout{}, fault(LogoutID)
	case claims.Subject == "" && claims.Session == "", len(claims.Subject) > maxSubject, len(claims.Session) > maxSubject:
		return Logout{}, fault(TokenSubject)
	}
	return Logout{
		Issuer: claims.Issuer, Subject: claims.Subject, Session: claims.Session, ID: claims.ID,
		Expires: issued.Add(logoutLife + 2*Skew),
	}, nil
}
