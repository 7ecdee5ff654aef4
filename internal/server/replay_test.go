package server_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/server/servertest"
)

const (
	reason      = "op verzoek van het afdelingshoofd"
	newPassword = "paarse fiets op de dijk"
)

// TestCapturedCookiesAreDead: whoever copied the cookies of a user gets nowhere with them
// once the session has ended, however it ended.
func TestCapturedCookiesAreDead(t *testing.T) {
	for what, end := range map[string]func(s *servertest.Site, b *servertest.Browser, user string) servertest.Answer{
		"sign-out": func(_ *servertest.Site, b *servertest.Browser, _ string) servertest.Answer {
			return b.Post("/uitloggen", nil)
		},
		"sign-out in another browser": func(s *servertest.Site, _ *servertest.Browser, _ string) servertest.Answer {
			return s.SignedIn("uploader").Post("/uitloggen", nil)
		},
		"own new password": func(_ *servertest.Site, b *servertest.Browser, _ string) servertest.Answer {
			return b.Post("/account/wachtwoord", url.Values{"huidig": {servertest.Password}, "nieuw": {newPassword}})
		},
		"change of role": func(s *servertest.Site, _ *servertest.Browser, user string) servertest.Answer {
			return s.SignedIn("admin").Post("/gebruikers/"+user+"/rollen",
				url.Values{"rol": {"uploader", "clinician"}, "centrum": {"2809"}, "reden-rollen": {reason}})
		},
		"block": func(s *servertest.Site, _ *servertest.Browser, user string) servertest.Answer {
			return s.SignedIn("admin").Post("/gebruikers/"+user+"/blokkeren", url.Values{"reden-blokkeren": {reason}})
		},
		"block by the own hospital": func(s *servertest.Site, _ *servertest.Browser, user string) servertest.Answer {
			return s.SignedIn("centreadmin").Post("/gebruikers/"+user+"/blokkeren", url.Values{"reden-blokkeren": {reason}})
		},
		"ended on the own page": func(_ *servertest.Site, b *servertest.Browser, _ string) servertest.Answer {
			_, rest, _ := strings.Cut(b.Get("/account").Body, "/account/sessies/")
			id, _, _ := strings.Cut(rest, "/")
			return b.Post("/account/sessies/"+id+"/beeindigen", nil)
		},
		"new sign-in in the same browser": func(_ *servertest.Site, b *servertest.Browser, _ string) servertest.Answer {
			return b.SignIn("clinician@example.nl", servertest.Password)
		},
		"too long unused": func(s *servertest.Site, _ *servertest.Browser, _ string) servertest.Answer {
			s.Clock.Advance(account.SessionIdle + time.Second)
			return servertest.Answer{Status: http.StatusSeeOther}
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := servertest.New(t)
			b := s.SignedIn("uploader")
			var copied []string
			for _, c := range servertest.Cookies(b) {
				copied = append(copied, c.Name+"="+c.Value)
			}
			stolen := strings.Join(copied, "; ")
			if a := s.Browser().Get("/patienten", "Cookie", stolen); a.Status != http.StatusOK {
				t.Fatalf("the copy does not work before either: %d", a.Status)
			}
			user := servertest.Must(s.Store.UserByEmail(t.Context(), "uploader@example.nl"))(t)
			if a := end(s, b, user.PublicID); a.Status != http.StatusSeeOther {
				t.Fatalf("ending: %d\n%s", a.Status, a.Body)
			}
			for _, path := range []string{"/", "/patienten", "/aanleveringen", "/account", "/account/sessie"} {
				if a := s.Browser().Get(path, "Cookie", stolen); a.Status != http.StatusSeeOther || !strings.HasPrefix(a.Location(), "/inloggen") {
					t.Errorf("%s with the copy: %d %s", path, a.Status, a.Location())
				}
			}
			if a := s.Browser().Post("/account/sessie", nil, "Cookie", stolen); a.Status != http.StatusSeeOther {
				t.Errorf("the copy prolongs the session: %d", a.Status)
			}
			if a := s.Browser().Get("/inloggen", "Cookie", stolen); !strings.Contains(a.Header.Get("Clear-Site-Data"), `"cache"`) {
				t.Errorf("the browser is not told to forget the pages: %q", a.Header.Get("Clear-Site-Data"))
			}
		})
	}
}

// TestSessionLeft: the page says when the session ends, asking for it does not postpone
// that, and Verlengen does.
func TestSessionLeft(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("clinician")
	servertest.Contains(t, "the page", b.Get("/").Body, `data-idle="1`, "Uw sessie eindigt om ", "Bent u er nog?", "Verlengen")
	if strings.Contains(s.Browser().Get("/inloggen").Body, "data-session") {
		t.Error("a page without a session has the dialog")
	}
	s.Clock.Advance(29 * time.Minute)
	for range 2 {
		if a := b.Get("/account/sessie"); a.Status != http.StatusOK || !strings.Contains(a.Body, `"idle":59`) && !strings.Contains(a.Body, `"idle":60`) {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	if a := b.Post("/account/sessie", nil); !strings.Contains(a.Body, `"idle":1800`) && !strings.Contains(a.Body, `"idle":1799`) || !strings.Contains(a.Body, `"who":"clinician@example.nl"`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	for range 30 { // up to the last hour
		s.Clock.Advance(22 * time.Minute)
		b.Post("/account/sessie", nil)
	}
	s.Clock.Advance(10 * time.Minute)
	servertest.Contains(t, "the page near the end", b.Get("/").Body, "Daarna logt u opnieuw in")
	s.Clock.Advance(29 * time.Minute)
	if a := b.Post("/account/sessie", nil); a.Status != http.StatusSeeOther {
		t.Errorf("a session is prolonged beyond its life: %d %s", a.Status, a.Body)
	}
}

// TestSessionIDs: each id is new, random and as long as 256 bits.
func TestSessionIDs(t *testing.T) {
	s := servertest.New(t)
	b, seen, letters := s.Browser(), map[string]bool{}, map[rune]int{}
	const many = 20
	for range many {
		b.SignIn("uploader@example.nl", servertest.Password)
		raw := servertest.Must(base64.URLEncoding.DecodeString(servertest.Cookies(b)[0].Value))(t)
		parts := strings.SplitN(string(raw), "|", 3) // time, value, signature
		id := servertest.Must(base64.URLEncoding.DecodeString(parts[1]))(t)
		text := strings.Trim(strings.TrimSpace(string(id)), `"`)
		if seen[text] || len(text) < 52 { // of 5 bits each
			t.Errorf("the id has %d characters, or was there before", len(text))
		}
		seen[text] = true
		for _, r := range text {
			letters[r]++
		}
	}
	if len(letters) != 32 { // in a thousand characters each of the alphabet's comes about thirty times
		t.Errorf("%d different characters in %d ids", len(letters), many)
	}
}
