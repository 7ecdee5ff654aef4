package accounts_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server/servertest"
)

// TestAccessReview exports who has access, signs off, and says when the next one is due.
func TestAccessReview(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("admin")
	servertest.Contains(t, "the list", b.Get("/gebruikers").Body, "nog nooit gecontroleerd")
	servertest.Contains(t, "the review", b.Get("/gebruikers/controle").Body, "Accounts met toegang", "Er is nog geen controle afgetekend")

	export := b.Get("/gebruikers/controle.csv")
	if kind := export.Header.Get("Content-Type"); export.Status != http.StatusOK || kind != "text/csv; charset=utf-8" {
		t.Fatalf("%d %s", export.Status, kind)
	}
	servertest.Contains(t, "the export", export.Body, "account;;uploader@example.nl;uploader;2809;active", "token;uploader;;uploader;2809;active")
	if ev := event(t, s, audit.AccountsListed, "csv"); ev.Name != "admin@example.nl" || ev.ObjectType != "access_review" {
		t.Errorf("%+v", ev)
	}
	for _, form := range []url.Values{{}, {"gezien": {"ja"}}, {"opmerking": {"alles klopt"}}} {
		if a := b.Post("/gebruikers/controle", form); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", form, a.Status)
		}
	}
	signed := b.Post("/gebruikers/controle", url.Values{"gezien": {"ja"}, "opmerking": {"=alles klopt"}})
	servertest.Contains(t, "the review", b.Follow(signed).Body, "De controle is afgetekend", "=alles klopt", "admin@example.nl",
		"De volgende controle van de toegang is uiterlijk")
	event(t, s, audit.AccountChanged, "review_signed")

	s.Clock.Advance(account.ReviewEvery + time.Hour)
	b = s.SignedIn("admin")
	servertest.Contains(t, "the list later", b.Get("/gebruikers").Body, "had uiterlijk")
	servertest.Contains(t, "the review later", b.Get("/gebruikers/controle").Body, "/gebruikers/"+idOf(t, s, "uploader"))
	if strings.Contains(b.Get("/gebruikers/controle").Body, "/gebruikers/"+idOf(t, s, "admin")+`"`) {
		t.Error("the one who has just signed in is said to be unused")
	}
}
