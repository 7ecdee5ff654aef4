package account_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
)

func TestPassword(t *testing.T) {
	ctx := t.Context()
	const right = "correct paard batterij nietje"
	hash, err := account.HashPassword(ctx, right)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash has other parameters: %.40s", hash)
	}
	for _, c := range []struct {
		name, hash, password string
		want                 bool
	}{
		{"right", hash, right, true},
		{"wrong", hash, right + " ", false},
		{"empty", hash, "", false},
		{"unknown user", "", right, false},
		{"far too long", hash, strings.Repeat("a", 10_000), false},
	} {
		got, err := account.CheckPassword(ctx, c.hash, c.password)
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
	if _, err := account.CheckPassword(ctx, "not a hash", right); err == nil || strings.Contains(err.Error(), "not a hash") {
		t.Errorf("a damaged hash: %v", err)
	}
}

func TestPasswordNormalisation(t *testing.T) {
	hash, err := account.HashPassword(t.Context(), "wachtwoord met e\u0301e\u0301n accent")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := account.CheckPassword(t.Context(), hash, "wachtwoord met \u00e9\u00e9n accent"); !ok || err != nil {
		t.Errorf("composed and decomposed differ: %v, %v", ok, err)
	}
}

func TestPasswordLength(t *testing.T) {
	for _, c := range []struct {
		password string
		want     error
	}{
		{"elf letters", account.ErrPasswordTooShort},
		{"twaalf lette", nil},
		{strings.Repeat("é", 11), account.ErrPasswordTooShort}, // characters, not bytes
		{strings.Repeat("a", account.MaxPasswordLength+1), account.ErrPasswordTooLong},
	} {
		if _, err := account.HashPassword(t.Context(), c.password); !errors.Is(err, c.want) {
			t.Errorf("%d bytes: %v, want %v", len(c.password), err, c.want)
		}
	}
}

func TestPasswordStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// Whichever branch its select takes, CheckPassword must not hang.
	done := make(chan struct{})
	go func() { defer close(done); _, _ = account.CheckPassword(ctx, "", "een wachtwoord") }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("hangs")
	}
}

func TestToken(t *testing.T) {
	token, hash := account.NewToken()
	other, otherHash := account.NewToken()
	if token == other || hash == otherHash {
		t.Fatal("two tokens are the same")
	}
	if !strings.HasPrefix(token, "sluis_") || len(token) != len("sluis_")+43 {
		t.Errorf("not a 256-bit token: %d characters", len(token))
	}
	if account.HashToken(token) != hash {
		t.Error("the hash is not that of the token")
	}
}

func TestSessionLife(t *testing.T) {
	start := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	s := account.NewSession([32]byte{1}, 7, account.ByPasskey, start)
	if !s.Live(start.Add(account.SessionIdle - time.Second)) {
		t.Error("the session ends before it was idle for SessionIdle")
	}
	if s.Live(start.Add(account.SessionIdle)) {
		t.Error("the session lives on although it was idle")
	}
	for at := start; at.Before(start.Add(account.SessionLife)); at = at.Add(20 * time.Minute) {
		if !s.Live(at) {
			t.Fatalf("the session ends at %s although it is used", at.Sub(start))
		}
		s.Touch(at)
	}
	if s.Live(start.Add(account.SessionLife)) {
		t.Error("the session lives longer than SessionLife")
	}
}
