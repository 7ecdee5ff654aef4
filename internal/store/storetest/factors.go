package storetest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/store"
)

// randomBytes returns n bytes that nobody has.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// newPerson makes an account, and who it is in the access log.
func newPerson(t *testing.T, s *store.Store) (account.User, audit.Who) {
	t.Helper()
	u, err := s.AddUser(t.Context(), who, account.User{Email: uuid.NewString() + "@example.org", PasswordHash: "x",
		Roles: []account.Role{account.Auditor}})
	ok(t, err)
	return u, account.ActorOf(u).Who()
}

func newSet() account.RecoverySet {
	return account.RecoverySet{Salt: randomBytes(16), Hashes: [][]byte{randomBytes(32), randomBytes(32)}}
}

func newKey() account.Passkey {
	return account.Passkey{Name: "laptop", Credential: randomBytes(64), Record: []byte(`{"x":1}`), SignCount: 1}
}

func anything(account.Factors) error { return nil }

// factorsChange goes through the life of the factors of an account.
func factorsChange(t *testing.T, s *store.Store) {
	u, me := newPerson(t, s)
	_, other := newPerson(t, s)
	key := newKey()
	ok(t, s.AddPasskey(t.Context(), me, key, newSet()))
	wantCode(t, s.AddPasskey(t.Context(), other, key, newSet()), "passkey_exists")
	wantCode(t, s.AddPasskey(t.Context(), me, newKey(), newSet()), "factors_changed")
	wantCode(t, s.SetTOTP(t.Context(), me, account.TOTP{WrappedKey: []byte("k"), Secret: []byte("s")}, newSet()), "factors_changed")
	ok(t, s.SetTOTP(t.Context(), me, account.TOTP{WrappedKey: []byte("k"), Secret: []byte("s"), LastStep: 7}, account.RecoverySet{}))

	f := factorsOf(t, s, u.ID)
	if len(f.Passkeys) != 1 || f.Passkeys[0].Name != "laptop" || !bytes.Equal(f.Passkeys[0].Credential, key.Credential) || f.TOTP == nil ||
		f.TOTP.LastStep != 7 || f.RecoveryLeft != 2 || len(f.RecoverySalt) != 16 || f.Count() != 2 {
		t.Fatalf("%+v", f)
	}
	found, err := s.PasskeyByCredential(t.Context(), key.Credential)
	if err != nil || found.UserID != u.ID || found.PublicID != f.Passkeys[0].PublicID {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := s.PasskeyByCredential(t.Context(), randomBytes(64)); apperr.KindOf(err) != apperr.NotFound {
		t.Error(err)
	}
	id := f.Passkeys[0].PublicID
	for what, err := range map[string]error{
		"rename": s.RenamePasskey(t.Context(), other, id, "van mij"), "remove": s.RemovePasskey(t.Context(), other, id, anything),
	} {
		if apperr.KindOf(err) != apperr.NotFound {
			t.Errorf("%s somebody else's: %v", what, err)
		}
	}
	ok(t, s.RenamePasskey(t.Context(), me, id, "sleutel"))
	refused := errors.New("refused")
	if err := s.RemovePasskey(t.Context(), me, id, func(account.Factors) error { return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	ok(t, s.RemovePasskey(t.Context(), me, id, func(left account.Factors) error {
		if left.TOTP == nil || len(left.Passkeys) != 0 {
			t.Errorf("would be left: %+v", left)
		}
		return nil
	}))
	ok(t, s.NewRecovery(t.Context(), me, newSet()))
	ok(t, s.RemoveTOTP(t.Context(), me, anything))
	if f = factorsOf(t, s, u.ID); f.Any() || f.RecoveryLeft != 0 {
		t.Errorf("after the last factor: %+v", f)
	}
	wantCode(t, s.NewRecovery(t.Context(), me, newSet()), "last_factor")
	wantHistory(t, s, u, "totp_removed", "recovery_new", "passkey_removed", "passkey_renamed", "totp_added", "passkey_added")
}

func factorsOf(t *testing.T, s *store.Store, id int64) account.Factors {
	t.Helper()
	f, err := s.FactorsOf(t.Context(), id)
	ok(t, err)
	return f
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if apperr.KindOf(err) != apperr.Conflict || apperr.CodeOf(err) != code {
		t.Errorf("%v, want %s", err, code)
	}
}

// wantHistory checks the newest lines of the history of an account, and that each has an
// event.
func wantHistory(t *testing.T, s *store.Store, u account.User, codes ...string) {
	t.Helper()
	p, err := s.Person(t.Context(), who, account.AllCentres(), u.PublicID)
	ok(t, err)
	for i, code := range codes {
		if i >= len(p.Changes) || p.Changes[i].Code != code {
			t.Fatalf("history %+v, want %v", p.Changes, codes)
		}
	}
	page, err := s.Events(t.Context(), who, audit.Query{Type: audit.AccountChanged, Limit: 500})
	ok(t, err)
	events := map[string]int{}
	for _, ev := range page.Events {
		if ev.ObjectID == u.PublicID {
			events[ev.Code]++
		}
	}
	for _, code := range codes {
		if events[code] == 0 {
			t.Errorf("no event of %s: %v", code, events)
		}
	}
}

// factorsOnce shows that of many who use one code, one recovery code, one challenge or one
// count of a passkey at once, one wins.
func factorsOnce(t *testing.T, s *store.Store) {
	u, me := newPerson(t, s)
	set, key := newSet(), newKey()
	ok(t, s.AddPasskey(t.Context(), me, key, set))
	ok(t, s.SetTOTP(t.Context(), me, account.TOTP{WrappedKey: []byte("k"), Secret: []byte("s"), LastStep: 10}, account.RecoverySet{}))
	key = factorsOf(t, s, u.ID).Passkeys[0]
	key.SignCount++
	challenge := [32]byte(randomBytes(32))
	for what, use := range map[string]func() (bool, error){
		"code":      func() (bool, error) { return s.UseTOTP(t.Context(), u.ID, 11) },
		"recovery":  func() (bool, error) { return s.UseRecovery(t.Context(), me, u.ID, set.Hashes[0]) },
		"passkey":   func() (bool, error) { return s.UsePasskey(t.Context(), key) },
		"challenge": func() (bool, error) { return s.UseChallenge(t.Context(), challenge, time.Now().Add(time.Minute)) },
	} {
		var won atomic.Int32
		var users sync.WaitGroup
		for range 8 {
			users.Go(func() {
				used, err := use()
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
				if used {
					won.Add(1)
				}
			})
		}
		users.Wait()
		if won.Load() != 1 {
			t.Errorf("%s: %d won, want 1", what, won.Load())
		}
	}
	for step, want := range map[int64]bool{10: false, 11: false} {
		if used, err := s.UseTOTP(t.Context(), u.ID, step); err != nil || used != want {
			t.Errorf("step %d: %v, %v", step, used, err)
		}
	}
	key.SignCount = 1
	if used, err := s.UsePasskey(t.Context(), key); err != nil || used {
		t.Errorf("a count that went back: %v, %v", used, err)
	}
	if f := factorsOf(t, s, u.ID); f.RecoveryLeft != 1 || f.TOTP.LastStep != 11 || f.TOTP.LastUsedAt.IsZero() ||
		f.Passkeys[0].LastUsedAt.IsZero() {
		t.Errorf("%+v", f)
	}
	// A passkey that does not count signs with 0 every time.
	still := newKey()
	still.SignCount = 0
	ok(t, s.AddPasskey(t.Context(), me, still, account.RecoverySet{}))
	still = factorsOf(t, s, u.ID).Passkeys[1]
	for range 2 {
		if used, err := s.UsePasskey(t.Context(), still); err != nil || !used {
			t.Errorf("a passkey that does not count: %v, %v", used, err)
		}
	}
}

// factorsReset shows that a reset takes everything, within the scope only, and ends the
// sessions.
func factorsReset(t *testing.T, s *store.Store) {
	u, me := newPerson(t, s)
	ok(t, s.AddPasskey(t.Context(), me, newKey(), newSet()))
	ok(t, s.SetTOTP(t.Context(), me, account.TOTP{WrappedKey: []byte("k"), Secret: []byte("s")}, account.RecoverySet{}))
	session := account.NewSession([32]byte(randomBytes(32)), u.ID, account.ByTOTP, time.Now())
	ok(t, s.SignIn(t.Context(), session, audit.Event{Type: audit.SignIn, Action: audit.Execute, Who: me}))
	fine := func(account.User) error { return nil }
	if err := s.ResetFactors(t.Context(), who, of(newCentre(t, s)), u.PublicID, "toestel kwijt", fine); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("out of scope: %v", err)
	}
	refused := errors.New("refused")
	err := s.ResetFactors(t.Context(), who, account.AllCentres(), u.PublicID, "toestel kwijt", func(account.User) error { return refused })
	if !errors.Is(err, refused) || !factorsOf(t, s, u.ID).Any() {
		t.Errorf("refused: %v", err)
	}
	ok(t, s.ResetFactors(t.Context(), who, account.AllCentres(), u.PublicID, "toestel kwijt", fine))
	if f := factorsOf(t, s, u.ID); f.Any() || f.RecoveryLeft != 0 {
		t.Errorf("left: %+v", f)
	}
	if _, err := s.SessionByHash(t.Context(), session.TokenHash); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("the session: %v", err)
	}
	wantHistory(t, s, u, "factors_reset")
}

// halfSessions shows that a half session is told from a whole one, and that a confirmation
// is stored with its event.
func halfSessions(t *testing.T, s *store.Store) {
	u, me := newPerson(t, s)
	half := account.NewHalfSession([32]byte(randomBytes(32)), u.ID, time.Now())
	asked := audit.Event{Type: audit.FactorAsked, Action: audit.Execute, Who: me, ObjectType: "user", ObjectID: u.PublicID}
	ok(t, s.SignIn(t.Context(), half, asked))
	got, err := s.SessionByHash(t.Context(), half.TokenHash)
	if err != nil || !got.Half || !got.ProvedAt.IsZero() || got.Fresh(time.Now()) {
		t.Errorf("%+v, %v", got, err)
	}
	list, err := s.SessionsOf(t.Context(), u.ID)
	if err != nil || len(list) != 0 || !userOf(t, s, u.ID).LastSignInAt.IsZero() {
		t.Errorf("a half session counts as one: %+v, %v", list, err)
	}
	ok(t, s.ConfirmSession(t.Context(), half.TokenHash, account.ByTOTP, asked))
	got, err = s.SessionByHash(t.Context(), half.TokenHash)
	if err != nil || !got.Half || got.ProvedBy != account.ByTOTP || got.ProvedAt.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if err := s.ConfirmSession(t.Context(), [32]byte(randomBytes(32)), account.ByTOTP, asked); apperr.KindOf(err) != apperr.NotFound {
		t.Errorf("a session that ended: %v", err)
	}
}

// codesAreCounted shows that a try is counted before it is looked at, so that of many at
// once no more than the free ones are.
func codesAreCounted(t *testing.T, s *store.Store) {
	c := newCounter(time.Hour)
	const free = 3
	spacing := func(n int) time.Duration {
		if n < free {
			return 0
		}
		return time.Minute
	}
	var taken atomic.Int32
	var tries sync.WaitGroup
	for range 12 {
		tries.Go(func() {
			wait, err := s.TakeTry(t.Context(), c, spacing)
			if err != nil {
				t.Error(err)
			}
			if wait == 0 {
				taken.Add(1)
			}
		})
	}
	tries.Wait()
	if taken.Load() != free {
		t.Errorf("%d were looked at, want %d", taken.Load(), free)
	}
	if wait, err := s.TakeTry(t.Context(), c, spacing); err != nil || wait <= 50*time.Second || wait > time.Minute {
		t.Errorf("the next waits %v, %v", wait, err)
	}
}
