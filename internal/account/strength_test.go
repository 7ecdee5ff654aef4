package account_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
)

func TestGuessablePasswordsAreRefused(t *testing.T) {
	about := []string{"p.vandenberg@noorderzee.example", "Noorderzeeziekenhuis Den Helder"}
	for _, c := range []struct {
		want      error
		passwords []string
	}{
		{account.ErrPasswordCommon, []string{
			"            ", "aaaaaaaaaaaa", "wachtwoord12", "Wachtwoord2026!", "W@chtw00rd123", "Welkom2026!!!", "welkomwelkom", "geheimgeheim1",
			"123456789012", "987654321098", "abcdefghijkl", "qwertyuiop12", "azertyuiop123", "1qaz2wsx3edc", "passwordpassword", "P@ssw0rd2345",
			"Zomer2026Zomer2026", "zomerwinter12", "januari012026", "Ziekenhuis2026", "jansenjansenjansen", "correct horse", "ababababababab",
			"k3jh5k3jh5k3jh5", "letmeinletmein", "iloveyou1234", "Feyenoord1908", "Amsterdam1985!", "aaaaaaaabbbbbbbb", strings.Repeat("ha", 40), "sluis-sluis-1", "Sluis!Sluis!77",
		}},
		{account.ErrPasswordContext, []string{
			"noorderzee2026!", "vandenberg1975", "Noorderzeeziekenhuis1", "den helder sluis x",
		}},
		{nil, []string{
			"correct horse battery staple", "paard nietje batterij", "een lang genoeg wachtwoord", "x7Kq!mP2vL9z", "twaalf lette",
			"de kat krabt de krullen van de trap", "Utrecht-2026-voorjaar", "ǒngewoon têken ☂ ÿ",
		}},
	} {
		for _, p := range c.passwords {
			if got := account.CheckPasswordStrength(p, about...); !errors.Is(got, c.want) {
				t.Errorf("%q: %v, want %v", p, got, c.want)
			}
		}
	}
}

// TestMadeUpPasswordsAreAccepted: what Sluis makes up itself is never refused.
func TestMadeUpPasswordsAreAccepted(t *testing.T) {
	for range 2000 {
		if p := rand.Text()[:16]; account.CheckPasswordStrength(p) != nil {
			t.Errorf("%s: %v", p, account.CheckPasswordStrength(p))
		}
	}
}

func TestTheLongestPasswordIsCheckedSoon(t *testing.T) {
	_ = account.CheckPasswordStrength("maakt de lijst") // which is read once
	start := time.Now()
	_ = account.CheckPasswordStrength(strings.Repeat("wachtwoord1", 23))
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %s", took)
	}
}
