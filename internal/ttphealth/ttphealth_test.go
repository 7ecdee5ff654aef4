package ttphealth_test

import (
	"testing"
	"time"

	"sluis/internal/ttphealth"
)

func TestRecorder(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 14, 59, 0, time.UTC)
	r := ttphealth.NewRecorder(func() time.Time { return now })
	r.Observe(ttphealth.Temporary, 40*time.Millisecond, true)
	r.Observe(ttphealth.Temporary, 41*time.Millisecond, true)
	now = now.Add(time.Second) // the next quarter of an hour
	r.Observe(ttphealth.Temporary, 40*time.Millisecond, false)
	first := r.Take()
	if len(first) != 2 || first[0].OK != 2 || first[1].Bad != 1 || !first[1].Start.Equal(now) {
		t.Fatalf("bins = %+v", first)
	}
	if len(r.Take()) != 0 {
		t.Error("the same counts were taken twice")
	}
	r.Observe(ttphealth.Temporary, 40*time.Millisecond, false)
	r.GiveBack(first)
	if again := r.Take(); len(again) != 2 || again[1].Bad != 2 {
		t.Errorf("given back: %+v", again)
	}
}

func TestSummary(t *testing.T) {
	r := ttphealth.NewRecorder(time.Now)
	for range 90 {
		r.Observe(ttphealth.Definitive, 50*time.Millisecond, true)
	}
	for range 10 {
		r.Observe(ttphealth.Definitive, 900*time.Millisecond, true)
	}
	for range 25 {
		r.Observe(ttphealth.Definitive, time.Hour, false) // no answer: its duration must not count
	}
	s := ttphealth.Summarise(r.Take())
	atMost := func(name string, got, true time.Duration) {
		if got < true || got > true*5/4+time.Millisecond {
			t.Errorf("%s = %v, of %v", name, got, true)
		}
	}
	atMost("p50", s.P50, 50*time.Millisecond)
	atMost("p95", s.P95, 900*time.Millisecond)
	if s.OK != 100 || s.Bad != 25 || s.ErrorShare() != 0.2 || s.LastBad.IsZero() {
		t.Errorf("summary = %+v", s)
	}
	if empty := ttphealth.Summarise(nil); empty != (ttphealth.Summary{}) || empty.ErrorShare() != 0 {
		t.Errorf("of nothing: %+v", empty)
	}
}

// TestClasses shows that the class of a duration is never shorter than it, and at
// most a quarter longer.
func TestClasses(t *testing.T) {
	for d := time.Duration(0); d < 70*time.Second; d += 37*time.Millisecond + d/50 {
		r := ttphealth.NewRecorder(time.Now)
		r.Observe(ttphealth.Token, d, true)
		u := ttphealth.Upper(r.Take()[0].Class)
		if u < d || u > d*5/4+time.Millisecond {
			t.Errorf("%v is in the class up to %v", d, u)
		}
	}
}
