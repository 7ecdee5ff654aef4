package main

import (
	"net/url"
	"testing"
	"time"

	"sluis/internal/config"
)

// TestTheLogIsNeverDeletedAtOnce checks that a configuration that says nothing about the
// access log deletes nothing of it, and that the demonstration has every default.
func TestTheLogIsNeverDeletedAtOnce(t *testing.T) {
	if n, err := (&retention{}).expire(t.Context(), bySystem, time.Now()); err == nil {
		t.Errorf("%d records deleted, as old as 0 years", n)
	}
	got := demoCommand{Data: t.TempDir()}.config(demoKeys{}, &url.URL{}, "127.0.0.1:1")
	want := config.Defaults()
	if want.AuditYears != 5 || got.AuditYears != want.AuditYears || got.LogReviewEvery != want.LogReviewEvery || got.Alarms != want.Alarms ||
		got.ReportLife != want.ReportLife || got.MaxUploads != want.MaxUploads || got.MaxRows != want.MaxRows {
		t.Errorf("the demonstration has %+v\nwant the defaults %+v", got, want)
	}
}
