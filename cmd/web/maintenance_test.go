package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestMaintenance announces that the TTP is out of use. Deliveries then wait for its end
// without a try, and go on at once when the announcement is cancelled.
func TestMaintenance(t *testing.T) {
	dir := t.TempDir()
	p, settings := beginService(t, dir)
	env := environ(settings)
	uploader := prepareCentre(t, env, settings["SLUIS_BASE_URL"])
	if r := command(t, env, "", "user", "add", "--email", "beheer@b.example", "--role", "admin", "--as", "niemand"); r.code == 0 {
		t.Error("an unknown administrator is believed")
	}
	wantCommand(t, env, "user", "add", "--email", "beheer@b.example", "--role", "admin")
	moment := func(d time.Duration) string { return time.Now().Add(d).Format("2006-01-02T15:04Z07:00") }
	add := func(from, until time.Duration) ran {
		return command(t, env, "", "maintenance", "add", "--of", "ttp", "--from", moment(from), "--until", moment(until), "--note", "verhuizing",
			"--as", "beheer@b.example")
	}
	if r := add(time.Hour, time.Minute); r.code != 1 || !strings.Contains(r.err, "--until must be after --from") {
		t.Errorf("the wrong order: %d %s", r.code, r.err)
	}
	r := add(-time.Hour, 2*time.Hour)
	if r.code != 0 {
		t.Fatal(r.err)
	}
	fields := strings.Fields(r.out)
	id := fields[len(fields)-1]
	p.until(t, "the silence", func() bool {
		return strings.Contains(p.err.String(), "announced maintenance of the TTP: it is not asked")
	})
	var me struct {
		Maintenance []struct{ Of, Note string }
	}
	if status := uploader.call(t, "GET", "/me", "", nil, &me); status != http.StatusOK || len(me.Maintenance) != 1 ||
		me.Maintenance[0].Of != "ttp" || me.Maintenance[0].Note != "verhuizing" {
		t.Errorf("over the API: %d %+v", status, me)
	}
	var got struct {
		ID, Status string
		NextTryAt  time.Time
	}
	if status := uploader.call(t, "POST", "/deliveries?filename=a.csv", "text/csv", bytes.NewReader(pilot(t)), &got); status != http.StatusAccepted {
		t.Fatalf("uploads are taken all the while: %d", status)
	}
	p.until(t, "a paused delivery", func() bool {
		uploader.call(t, "GET", "/deliveries/"+got.ID, "", nil, &got)
		return got.Status == "paused"
	})
	if left := time.Until(got.NextTryAt); left < time.Hour || left > 3*time.Hour {
		t.Errorf("the next try is at %v, want the end of the maintenance", got.NextTryAt)
	}
	if r := command(t, env, "", "maintenance", "list"); r.code != 0 || !strings.Contains(r.out, id) || !strings.Contains(r.out, "now") {
		t.Errorf("list: %d %s", r.code, r.out)
	}
	wantCommand(t, env, "maintenance", "cancel", id, "--as", "beheer@b.example")
	if d := uploader.await(t, got.ID); d.Counts != (counts{Read: 40, Created: 36, Rejected: 4}) {
		t.Errorf("afterwards: %s %+v", d.Status, d.Counts)
	}
	if strings.Contains(p.err.String(), "TTP not available") {
		t.Error("the TTP was tried although it was announced to be out of use")
	}
	if r := command(t, env, "", "maintenance", "cancel", id, "--as", "beheer@b.example"); r.code != 1 || !strings.Contains(r.err, "nothing with that id") {
		t.Errorf("cancelled twice: %d %s", r.code, r.err)
	}
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
