package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/audit/alarm"
	"sluis/internal/store"
)

// alarmRig is a log whose clock a test sets.
type alarmRig struct {
	*logRig
	now    time.Time
	limits alarm.Limits
}

func newAlarmRig(t *testing.T) *alarmRig {
	t.Helper()
	r := &alarmRig{logRig: newLogRig(t), now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), limits: alarm.Defaults(time.UTC)}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := store.OpenSQLite(context.Background(), r.path, store.Options{
		Now: func() time.Time { return r.now }, Log: options().Log, AuditKey: r.key,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Store = s
	r.look() // what the rig itself recorded
	return r
}

func (r *alarmRig) look() []alarm.Alarm {
	r.t.Helper()
	var all []alarm.Alarm
	for more := true; more; {
		raised, rest, err := r.RaiseAlarms(context.Background(), r.limits)
		if err != nil {
			r.t.Fatal(err)
		}
		all, more = append(all, raised...), rest
	}
	return all
}

// views records that somebody saw n patients.
func (r *alarmRig) views(name string, n int) {
	r.t.Helper()
	ev := audit.Event{Type: audit.PatientsListed, Action: audit.Read, Who: audit.Who{UserID: 1, Name: name, CentreID: 1, Via: audit.ViaWeb}}
	for i := range n {
		ev.Subjects = append(ev.Subjects, audit.Subject{PatientID: int64(i + 1), Action: audit.Read})
	}
	if err := r.Record(context.Background(), ev); err != nil {
		r.t.Fatal(err)
	}
}

// TestOneAlarmADay: however much somebody views, there is one open alarm of a kind. After it
// was closed, it takes as many views again to raise the next.
func TestOneAlarmADay(t *testing.T) {
	r := newAlarmRig(t)
	for range 9 {
		r.views("a@example.nl", 50)
		r.views("b@example.nl", 10)
	}
	if raised := r.look(); len(raised) != 0 {
		t.Errorf("too early: %+v", raised)
	}
	r.views("a@example.nl", 50)
	raised := r.look()
	if len(raised) != 1 || raised[0].Kind != alarm.MassHour || raised[0].Cause != "a@example.nl" || raised[0].Count != 500 {
		t.Fatalf("%+v", raised)
	}
	id := raised[0].ID
	for range 5 {
		r.now = r.now.Add(time.Hour)
		for range 11 {
			r.views("a@example.nl", 50)
		}
		if more := r.look(); len(more) > 0 && more[0].Kind == alarm.MassHour {
			t.Errorf("a second open alarm: %+v", more)
		}
	}
	auditor := audit.Who{UserID: 9, Name: "fg@example.nl", Via: audit.ViaWeb}
	a, err := r.Alarm(t.Context(), auditor, id)
	if err != nil || !a.Open() || a.Count != 550 || a.FirstRecord >= a.LastRecord {
		t.Errorf("%+v, %v", a, err)
	}
	open, err := r.OpenAlarms(t.Context())
	if err != nil || open[alarm.MassHour] != 1 || open[alarm.MassDay] != 1 || open[alarm.Misses] != 0 || len(open) != len(alarm.Kinds) {
		t.Errorf("%v, %v", open, err)
	}
	if err := r.CloseAlarm(t.Context(), auditor, id, "nagevraagd: overdracht"); err != nil {
		t.Fatal(err)
	}
	if err := r.CloseAlarm(t.Context(), auditor, id, "nog eens"); apperr.KindOf(err) != apperr.Conflict {
		t.Errorf("closed twice: %v", err)
	}
	r.views("a@example.nl", 50)
	if again := r.look(); len(again) != 0 {
		t.Errorf("at once after it was closed: %+v", again)
	}
	r.now = r.now.Add(time.Hour)
	for range 10 {
		r.views("a@example.nl", 50)
	}
	if again := r.look(); len(again) != 1 || again[0].ID == id {
		t.Errorf("as many again: %+v", again)
	}
	page, err := r.Alarms(t.Context(), auditor, alarm.Query{Limit: 2})
	if err != nil || len(page.Alarms) != 2 || page.Next == 0 {
		t.Errorf("%+v, %v", page, err)
	}
	// Each was recorded: that it was raised, seen and closed.
	kinds := map[audit.Type]int{}
	events, err := r.Events(t.Context(), auditor, audit.Query{Group: audit.Log})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range events.Events {
		kinds[ev.Type]++
	}
	if kinds[audit.AlarmRaised] != 3 || kinds[audit.AlarmClosed] != 1 || kinds[audit.AlarmsListed] != 2 {
		t.Errorf("%v", kinds)
	}
}

// TestEachRecordCountsOnce lets several look at once: the count is what was recorded.
func TestEachRecordCountsOnce(t *testing.T) {
	r := newAlarmRig(t)
	for range 40 {
		r.views("a@example.nl", 20)
	}
	var mu sync.Mutex
	var raised []alarm.Alarm
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 3 {
				got, _, err := r.RaiseAlarms(context.Background(), r.limits)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				raised = append(raised, got...)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(raised) != 1 || raised[0].Count != 800 {
		t.Errorf("%+v", raised)
	}
}

// TestUnusualCentre: somebody who may see all centres opens a patient of one that they did not
// open one of for long. At the start nothing is unusual.
func TestUnusualCentre(t *testing.T) {
	r := newAlarmRig(t)
	who := audit.Who{UserID: 5, Name: "dm@example.nl", Role: "datamanager", Via: audit.ViaWeb}
	for i, number := range []string{"2809", "2810"} {
		if _, err := r.AddCentre(context.Background(), who, account.Centre{Number: number, Name: number}); err != nil {
			t.Fatal(err)
		}
		id := string(rune('1' + i))
		r.exec("INSERT INTO patients (id, public_id, centre_id, patient_number, birth, sex, unnumbered, version, created_at, updated_at) VALUES (" +
			id + ", 'x" + id + "', " + id + ", '7', '1961', 'v', 0, 1, '2026-01-01 10:00:00+00:00', '2026-01-01 10:00:00+00:00')")
	}
	open := func(patient int64) []alarm.Alarm {
		t.Helper()
		if err := r.Record(context.Background(), audit.Event{
			Type: audit.PatientViewed, Action: audit.Read, Who: who, Subjects: []audit.Subject{{PatientID: patient, Action: audit.Read}},
		}); err != nil {
			t.Fatal(err)
		}
		return r.look()
	}
	if raised := open(1); len(raised) != 0 {
		t.Errorf("the first centre: %+v", raised)
	}
	r.now = r.now.AddDate(0, 0, 40)
	if raised := open(1); len(raised) != 0 {
		t.Errorf("the usual centre: %+v", raised)
	}
	raised := open(2)
	if len(raised) != 1 || raised[0].Kind != alarm.OtherCentre {
		t.Fatalf("an unusual centre: %+v", raised)
	}
	if a, err := r.Alarm(t.Context(), who, raised[0].ID); err != nil || a.CentreNumber != "2810" {
		t.Errorf("%+v, %v", a, err)
	}
	if again := open(2); len(again) != 0 {
		t.Errorf("once more: %+v", again)
	}
	r.now = r.now.AddDate(0, 0, 100)
	if later := open(2); len(later) != 1 {
		t.Errorf("after 100 days: %+v", later)
	}
}
