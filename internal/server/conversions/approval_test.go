package conversions_test

import (
	"net/url"
	"strings"
	"testing"

	"sluis/internal/audit"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/server/servertest"
)

// TestApprovalForm: who may say what of an erasure, and that each word is in the
// access log.
func TestApprovalForm(t *testing.T) {
	s := servertest.New(t)
	who := audit.Who{Name: "operator", Via: audit.ViaCLI}
	run := servertest.Must(s.Store.StartRun(t.Context(), who, conversion.NewRun{
		PublicID: "01920000-0000-7000-8000-000000000001", Mode: delivery.Save, Table: "SQLite oud patient",
		Mapping: conversion.DefaultMapping(), Centres: map[int64]int{s.Centres["2809"].ID: 40}, Total: 40,
	}))(t)
	check := servertest.Must(s.Store.AddReport(t.Context(), who,
		conversion.Report{Kind: conversion.KindCheck, RunID: run.ID, Document: "{}"}))(t)
	e := servertest.Must(s.Store.AskErasure(t.Context(), who,
		conversion.Erasure{RunID: run.ID, Way: conversion.NewDatabase, CheckID: check.ID}))(t)
	path := "/migratie/" + e.PublicID + "/goedkeuren"
	t.Run("who may approve, and what has to be said", func(t *testing.T) { approvals(t, s, path) })
	t.Run("each approval is kept and logged", func(t *testing.T) {
		found, _, err := s.Store.ErasureOf(t.Context(), run.ID)
		if err != nil || len(found.Approvals) != 2 || found.Approvals[0].Why != "Ook gezien." {
			t.Errorf("approvals = %+v (%v)", found.Approvals, err)
		}
		logged := 0
		for _, ev := range s.Events() {
			if ev.Type == audit.ErasureApproved {
				if logged++; ev.ObjectID != e.PublicID || ev.CentreNumber != "2809" || ev.RequestID == "" {
					t.Errorf("event %+v", ev)
				}
			}
		}
		if logged != 2 {
			t.Errorf("%d approvals in the log", logged)
		}
	})
	t.Run("the page says how far it is", func(t *testing.T) {
		page := s.SignedIn("admin").Get("/migratie").Body
		for _, want := range []string{"datamanager@example.nl", "admin@example.nl", "Nog niet alle centra zijn omgezet",
			"2 van 2 goedkeuringen", "web existing erase"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
	})
	t.Run("no approval is asked once the erasure has begun", func(t *testing.T) {
		if err := s.Store.BeginErasure(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		b := s.SignedIn("admin")
		if got := b.Post(path, url.Values{"rol": {"admin"}, "centra": {"2809"}, "reden": {"Gezien."}}); got.Status != 303 ||
			!strings.Contains(b.Get("/migratie").Body, "Er wordt geen goedkeuring meer gevraagd") {
			t.Errorf("when it has begun: %d", got.Status)
		}
	})
}

// approvals posts the form as several people, with several mistakes.
func approvals(t *testing.T, s *servertest.Site, path string) {
	t.Helper()
	for _, step := range []struct {
		name, role, centres, why string
		status                   int
		says                     string
	}{
		{"datamanager", "admin", "2809", "Gezien.", 403, "Geen toegang"},
		{"datamanager", "", "2809", "Gezien.", 403, "Geen toegang"},
		{"datamanager", "datamanager", "", "Gezien.", 422, "Typ het nummer van het centrum"},
		{"datamanager", "datamanager", "2809", "x", 422, "reden"},
		{"datamanager", "datamanager", "2809 2810", "Gezien.", 422, "geen centrum van deze omzetting"},
		{"datamanager", "datamanager", " 2809;2809, ", "Gezien.", 303, ""},
		{"datamanager", "datamanager", "2809", "Gezien.", 422, "al goedgekeurd"},
		{"admin", "admin", "2809", "Ook gezien.", 303, ""},
	} {
		b := s.SignedIn(step.name)
		got := b.Post(path, url.Values{"rol": {step.role}, "centra": {step.centres}, "reden": {step.why}})
		if got.Status != step.status || !strings.Contains(got.Body, step.says) {
			t.Errorf("%s as %s, %q, %q: %d, want %d and %q", step.name, step.role, step.centres, step.why, got.Status, step.status,
				step.says)
		}
	}
}
