package alarm_test

import (
	"testing"
	"time"

	"sluis/internal/audit"
	"sluis/internal/audit/alarm"
)

// TestWhatCounts checks what each kind of event adds to the counts.
func TestWhatCounts(t *testing.T) {
	l := alarm.Defaults(time.UTC)
	day, night := time.Date(2026, 3, 2, 14, 30, 0, 0, time.UTC), time.Date(2026, 3, 2, 23, 0, 0, 0, time.UTC)
	who := audit.Who{Name: "a@example.nl", Via: audit.ViaWeb, Address: "192.0.2.1"}
	script := who
	script.Via = audit.ViaAPI
	for name, c := range map[string]struct {
		ev   audit.Event
		want map[alarm.Kind]int
	}{
		"a list": {audit.Event{At: day, Type: audit.PatientsListed, Who: who, SubjectCount: 50}, map[alarm.Kind]int{alarm.MassHour: 50, alarm.MassDay: 50}},
		"a list at night": {
			audit.Event{At: night, Type: audit.PatientsListed, Who: who, SubjectCount: 50},
			map[alarm.Kind]int{alarm.MassHour: 50, alarm.MassDay: 50, alarm.OddHours: 50},
		},
		"a script at night": {
			audit.Event{At: night, Type: audit.PatientViewed, Who: script, SubjectCount: 1}, map[alarm.Kind]int{alarm.MassHour: 1, alarm.MassDay: 1},
		},
		"a search for nobody": {audit.Event{At: day, Type: audit.PatientsSearched, Who: who}, map[alarm.Kind]int{alarm.Misses: 1}},
		"no such object": {
			audit.Event{At: day, Type: audit.AccessDenied, Code: "not_found", Who: who}, map[alarm.Kind]int{alarm.Misses: 1},
		},
		"a wrong password": {
			audit.Event{At: day, Type: audit.SignIn, Code: "sign_in_failed", Result: audit.MinorFailure, Who: who}, map[alarm.Kind]int{alarm.SignIns: 2},
		},
		"too many passwords": {
			audit.Event{At: day, Type: audit.SignIn, Code: "sign_in_refused", Who: who}, map[alarm.Kind]int{alarm.SignIns: l.SignIns},
		},
		"a revoked token": {audit.Event{At: day, Type: audit.AccessDenied, Code: "token_revoked", Who: who}, map[alarm.Kind]int{alarm.DeadToken: 1}},
		"a sign-in":       {audit.Event{At: day, Type: audit.SignIn, Who: who}, nil},
		"storing":         {audit.Event{At: night, Type: audit.DeliveryStored, Who: who, SubjectCount: 500}, nil},
		"nobody's name":   {audit.Event{At: day, Type: audit.PatientsSearched}, nil},
	} {
		got := map[alarm.Kind]int{}
		for _, c := range l.Of(c.ev) {
			got[c.Kind] += c.N
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		for k, n := range c.want {
			if got[k] != n {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
	}
	if off := (alarm.Limits{Location: time.UTC}); len(off.Of(audit.Event{At: night, Type: audit.PatientsListed, Who: who, SubjectCount: 9999})) != 0 {
		t.Error("an alarm that is switched off counts")
	}
}
