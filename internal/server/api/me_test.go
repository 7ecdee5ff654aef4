package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server/api"
	"sluis/internal/server/servertest"
)

func TestMe(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	for name, want := range map[string]string{
		"uploader":    "[patients.view deliveries.view deliveries.deliver] 2809",
		"clinician":   "[patients.view patients.enter deliveries.view] 2809",
		"other":       "[patients.view deliveries.view deliveries.deliver] 2810",
		"datamanager": "[patients.view deliveries.view] -",
		"auditor":     "[] -",
	} {
		a := s.Call(name, "GET", "/api/v1/me", "", "")
		d.fits("Me", a)
		got := value[api.Me](t, a)
		centre := "-"
		if got.Centre != nil {
			centre = got.Centre.Number
		}
		if told := fmt.Sprint(got.Permissions, " ", centre); told != want || got.Name != name ||
			got.Role != servertest.Accounts[name].Role || got.ExpiresAt != nil || time.Since(got.CreatedAt) > time.Hour {
			t.Errorf("%s: %s\n%s", name, told, a.Body)
		}
		if got.Limits != (api.Limits{FileMB: 1, Rows: 10_000, Uploads: 4, Page: 500}) {
			t.Errorf("limits %+v", got.Limits)
		}
		secret := s.Tokens[name]
		if strings.Contains(a.Body, secret) || strings.Contains(a.Body, fmt.Sprintf("%x", account.HashToken(secret))) {
			t.Errorf("the token is in the answer: %s", a.Body)
		}
	}
	if version := d.doc["info"].(map[string]any)["version"]; version != api.Version {
		t.Errorf("the description is of version %v, this is %s", version, api.Version)
	}
	d.problem("nobody", s.Call("", "GET", "/api/v1/me", "", ""), 401, "token_missing")
}

// TestMeOfATokenThatEnds: a script can see when its token ends, and is refused afterwards.
func TestMeOfATokenThatEnds(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	token, hash := account.NewToken()
	ends, centre := s.Clock.Now().Add(time.Hour).UTC().Truncate(time.Second), s.Centres["2809"]
	servertest.Must(s.Store.AddToken(t.Context(), audit.Who{Name: "test"},
		account.Token{Name: "nacht", Role: account.Uploader, Centre: &centre, ExpiresAt: ends}, hash))(t)
	s.Tokens["ends"] = token
	a := s.Call("ends", "GET", "/api/v1/me", "", "")
	d.fits("Me", a)
	if got := value[api.Me](t, a); got.ExpiresAt == nil || !got.ExpiresAt.Equal(ends) || got.Name != "nacht" {
		t.Errorf("%s", a.Body)
	}
	s.Clock.Advance(2 * time.Hour)
	d.problem("expired", s.Call("ends", "GET", "/api/v1/me", "", ""), 401, "token_invalid")
}
