package accounts_test

import (
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluis/internal/mail"
	"sluis/internal/mail/mailtest"
	"sluis/internal/sealing"
	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// mailed sends what waits, and returns the newest message.
func mailed(t *testing.T, w *mail.Worker, m *mailtest.Server, want int) string {
	t.Helper()
	for {
		if busy := servertest.Must(w.Step(t.Context()))(t); !busy {
			break
		}
	}
	taken := m.Taken()
	if len(taken) != want {
		t.Fatalf("%d messages, want %d", len(taken), want)
	}
	return string(servertest.Must(io.ReadAll(quotedprintable.NewReader(strings.NewReader(taken[want-1]))))(t))
}

// TestMailedLink: with a mail server the link goes to the person and is on no page; its owner
// hears of a new browser and of a new password.
func TestMailedLink(t *testing.T) {
	post := mailtest.Start(t, true)
	var w *mail.Worker
	s := servertest.New(t, func(o *server.Options) {
		queue, ok := o.People.(mail.Queue)
		if !ok {
			t.Fatal("the store is no queue")
		}
		keys := servertest.Must(sealing.OpenKeyring(filepath.Join(t.TempDir(), "keyring"), o.Now))(t)
		p := mail.NewPost(keys, queue)
		o.Mail = p
		w = &mail.Worker{
			Post: p, Now: o.Now, Log: o.Log, Sender: mail.SMTP{Host: "127.0.0.1", Port: post.Port, Roots: post.Roots, From: "sluis@example.nl"},
		}
	})
	admin := s.SignedIn("admin")
	invited := admin.Post("/gebruikers/nieuw", url.Values{
		"email": {"nieuw@ziekenhuis.example"}, "naam": {"Nieuw"}, "rol": {"uploader"}, "centrum": {"2809"}, "reden": {"begint maandag"},
	})
	page := admin.Follow(invited).Body
	servertest.Contains(t, "the page after the invitation", page, "gemaild naar nieuw@ziekenhuis.example")
	message := mailed(t, w, post, 1)
	_, rest, ok := strings.Cut(message, "/uitnodiging/")
	token, _, _ := strings.Cut(rest, "\r\n")
	if !ok || token == "" || !strings.Contains(message, "Subject: Sluis: uitnodiging") {
		t.Fatalf("the message has no link:\n%s", message)
	}
	if strings.Contains(page+s.Log.String(), token) {
		t.Error("the link is on the page or in the log")
	}
	const password = "een heel ander wachtwoord"
	b := s.Browser()
	if a := b.Post("/uitnodiging/"+token, url.Values{"wachtwoord": {password}}); a.Status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.Status, a.Body)
	}
	b.SignIn("nieuw@ziekenhuis.example", password)
	mailed(t, w, post, 1) // the first browser is no news
	s.Clock.Advance(time.Minute)
	other := s.Browser()
	other.SignIn("nieuw@ziekenhuis.example", password)
	servertest.Contains(t, "the note", mailed(t, w, post, 2), "in een nieuwe browser", "127.0.0.1")
	other.Post("/uitloggen", nil)
	other.SignIn("nieuw@ziekenhuis.example", password)
	mailed(t, w, post, 2) // it is known now
	other.Post("/account/wachtwoord", url.Values{"huidig": {password}, "nieuw": {password + " of niet"}})
	servertest.Contains(t, "the note", mailed(t, w, post, 3), "uw wachtwoord is gewijzigd")
}

// TestUnknownLinkIsLogged: who tries links is in the access log, once for a series.
func TestUnknownLinkIsLogged(t *testing.T) {
	s := servertest.New(t)
	b := s.Browser()
	for range 3 {
		if a := b.Get("/uitnodiging/sluis_verzonnen"); a.Status != http.StatusNotFound {
			t.Fatalf("%d", a.Status)
		}
	}
	n := 0
	for _, ev := range s.Events() {
		if ev.Code == "link_unknown" && ev.Address == "127.0.0.1" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}
