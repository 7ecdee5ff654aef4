package storetest

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/mail"
	"sluis/internal/store"
)

// tokenWarnings: the people of a token hear of its end 14 days and 3 days before, once each.
func tokenWarnings(t *testing.T, s *store.Store) {
	c := newCentre(t, s)
	c.ContactEmail = "contact" + c.Number + "@example.org"
	ok(t, s.ChangeCentre(t.Context(), who, c))
	add := func(name string, left time.Duration) {
		_, hash := account.NewToken()
		hash[0] = byte(rand.Int())
		_, err := s.AddToken(t.Context(), who, account.Token{
			Name: name + c.Number, Role: account.Uploader, Centre: &c, ExpiresAt: time.Now().Add(left),
		}, hash)
		ok(t, err)
	}
	const day = 24 * time.Hour
	add("far", 20*day)
	add("near", 10*day)
	add("soon", 2*day)
	add("gone", -day)
	told := map[string]int{}
	warn := func() {
		_, err := s.WarnOfTokens(t.Context(), func(k account.Token, to string, days int) (mail.Sealed, error) {
			if to == c.ContactEmail {
				told[k.Name] += 100 + days
			}
			return mail.Sealed{PublicID: uuid.NewString(), Kind: mail.TokenEnds, WrappedKey: []byte("w"), Content: []byte("c")}, nil
		})
		ok(t, err)
	}
	warn()
	warn()
	if len(told) != 2 || told["near"+c.Number] != 109 || told["soon"+c.Number] != 101 {
		t.Errorf("told: %v", told)
	}
}
