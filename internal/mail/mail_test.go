package mail_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime/quotedprintable"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluis/internal/mail"
	"sluis/internal/mail/mailtest"
	"sluis/internal/sealing"
	"sluis/internal/store"
	"sluis/web/text"
)

// secret is what no log and no table may have.
const secret = "https://sluis.example/uitnodiging/sluis_geheim"

type site struct {
	store    *store.Store
	database string
	post     *mail.Post
	log      *bytes.Buffer
	mu       sync.Mutex
	now      time.Time
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{log: &bytes.Buffer{}, now: time.Now(), database: filepath.Join(t.TempDir(), "sluis.db")}
	var err error
	if s.store, err = store.OpenSQLite(t.Context(), s.database, store.Options{Now: s.clock, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close() })
	keys, err := sealing.OpenKeyring(filepath.Join(t.TempDir(), "keyring"), s.clock)
	if err != nil {
		t.Fatal(err)
	}
	s.post = mail.NewPost(keys, s.store)
	return s
}

func (s *site) worker(sender mail.Sender) *mail.Worker {
	return &mail.Worker{Post: s.post, Sender: sender, Now: s.clock, Log: slog.New(slog.NewJSONHandler(s.log, nil))}
}

func (s *site) put(t *testing.T) {
	t.Helper()
	err := s.post.Put(t.Context(), mail.Message{
		Kind: mail.Invitation, To: "jan@ziekenhuis.example", Values: map[string]string{"link": secret, "ends": "morgen"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func smtpOf(s *mailtest.Server) mail.SMTP {
	return mail.SMTP{Host: "127.0.0.1", Port: s.Port, Roots: s.Roots, From: "sluis@example.nl"}
}

func step(t *testing.T, w *mail.Worker, want bool) {
	t.Helper()
	busy, err := w.Step(t.Context())
	if err != nil || busy != want {
		t.Fatalf("a step: %v %v, want %v", busy, err, want)
	}
}

// TestSent: a message is sent over TLS, once, in the words of the catalogue; while it waits
// its content is in no table in plain, and afterwards not at all.
func TestSent(t *testing.T) {
	server, s := mailtest.Start(t, true), newSite(t)
	s.put(t)
	if ids, err := s.store.KeyIDsInUse(t.Context()); err != nil || len(ids) != 1 {
		t.Errorf("the keys in use while a message waits: %v %v", ids, err)
	}
	w := s.worker(smtpOf(server))
	step(t, w, true)
	step(t, w, false)
	taken := server.Taken()
	if len(taken) != 1 {
		t.Fatalf("%d messages", len(taken))
	}
	body, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(taken[0])))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"To: <jan@ziekenhuis.example>", "From: <sluis@example.nl>", "Auto-Submitted: auto-generated", "Message-ID: <", secret, "tot morgen"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the message lacks %q:\n%s", want, body)
		}
	}
	if ids, err := s.store.KeyIDsInUse(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("the keys in use after it was sent: %v %v", ids, err)
	}
	if log := s.log.String(); strings.Contains(log, "geheim") || strings.Contains(log, "jan@") || !strings.Contains(log, "mail sent") {
		t.Errorf("the log: %s", log)
	}
}

// TestTriedAgain: a server that is busy is asked again later, one that refuses for good is
// not, and neither answer is in the log in words.
func TestTriedAgain(t *testing.T) {
	server, s := mailtest.Start(t, true), newSite(t)
	s.put(t)
	w := s.worker(smtpOf(server))
	server.Answer("451 try jan@ziekenhuis.example later", "421 sluis_geheim")
	for range 2 {
		step(t, w, true)
		step(t, w, false) // not at once
		s.advance(5 * time.Minute)
	}
	step(t, w, true)
	if n := len(server.Taken()); n != 1 {
		t.Errorf("%d messages after two tries that failed", n)
	}
	s.put(t)
	server.Answer("550 no such person as jan@ziekenhuis.example")
	step(t, w, true)
	s.advance(24 * time.Hour)
	step(t, w, false)
	if log := s.log.String(); strings.Contains(log, "geheim") || strings.Contains(log, "jan@") || !strings.Contains(log, `"code":550`) {
		t.Errorf("the log: %s", log)
	}
}

// TestOnlyVerifiedTLS: a server without STARTTLS, and one whose certificate is not trusted,
// get nothing.
func TestOnlyVerifiedTLS(t *testing.T) {
	plain, strange := mailtest.Start(t, false), mailtest.Start(t, true)
	m := mail.Message{Kind: mail.Test, To: "jan@ziekenhuis.example"}
	untrusted := smtpOf(strange)
	untrusted.Roots = plain.Roots
	for what, sender := range map[string]mail.SMTP{"no STARTTLS": smtpOf(plain), "an unknown certificate": untrusted} {
		if err := sender.Send(t.Context(), "1", m); err == nil {
			t.Errorf("%s: sent", what)
		}
	}
	if len(plain.Taken())+len(strange.Taken()) != 0 {
		t.Error("something was sent")
	}
	here := smtpOf(plain)
	here.Plain = true
	if err := here.Send(t.Context(), "1", m); err != nil || len(plain.Taken()) != 1 {
		t.Errorf("on this machine without TLS: %v", err)
	}
}

// counting counts what it is given to send.
type counting struct {
	mu sync.Mutex
	n  int
}

func (c *counting) Send(context.Context, string, mail.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return nil
}

// TestSeveralWorkers: workers of several processes send each message once between them.
func TestSeveralWorkers(t *testing.T) {
	s, sender := newSite(t), &counting{}
	const messages = 20
	for range messages {
		s.put(t)
	}
	var working sync.WaitGroup
	for range 4 {
		w := &mail.Worker{Post: s.post, Sender: sender, Now: s.clock, Log: slog.New(slog.DiscardHandler)}
		working.Go(func() {
			for {
				if busy, err := w.Step(t.Context()); err != nil || !busy {
					return
				}
			}
		})
	}
	working.Wait()
	if sender.n != messages {
		t.Errorf("%d messages sent, want %d", sender.n, messages)
	}
}

// TestEveryKindHasTexts: each kind has its texts in both languages, with a place for
// everything that it may say, and nothing else can be said.
func TestEveryKindHasTexts(t *testing.T) {
	for _, lang := range []string{text.Dutch, "en"} {
		for _, k := range mail.Kinds() {
			c, key := text.For(lang), "mail."+string(k)
			if !c.Has(key+".subject") || !c.Has(key+".body") {
				t.Errorf("%s has no texts in %s", k, lang)
			}
			for _, name := range mail.Values(k) {
				if !strings.Contains(c.T(key+".body"), "{"+name+"}") {
					t.Errorf("%s in %s has no place for %s", k, lang, name)
				}
			}
		}
	}
	for _, m := range []mail.Message{
		{Kind: "patient", To: "a@b.example"}, {Kind: mail.Test, To: "a@b.example", Values: map[string]string{"patient": "x"}},
		{Kind: mail.Test, To: "Jan <a@b.example>"}, {Kind: mail.Test, To: "a@b.example\r\nBcc: x@y.example"}, {Kind: mail.Test},
	} {
		if m.Check() == nil {
			t.Errorf("%+v is sent", m)
		}
	}
}
