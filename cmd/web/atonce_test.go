package main

import (
	"bytes"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"sluis/internal/account"
)

// TestUploadsAtOnce delivers the same file four times at one moment: each patient is made
// once, whichever delivery is first.
func TestUploadsAtOnce(t *testing.T) {
	d := beginDemo(t, filepath.Join(t.TempDir(), "data"))
	uploader := d.api(t, account.Uploader, "2809")
	file := pilot(t)
	got := make([]delivered, 4)
	var senders sync.WaitGroup
	for i := range got {
		senders.Go(func() {
			if status := uploader.call(t, "POST", "/deliveries?filename=pilot40.csv", "text/csv", bytes.NewReader(file),
				&got[i]); status != http.StatusAccepted {
				t.Errorf("upload %d: %d", i, status)
			}
		})
	}
	senders.Wait()
	var sum counts
	for _, g := range got {
		c := uploader.await(t, g.ID).Counts
		sum.Created, sum.Unchanged, sum.Rejected = sum.Created+c.Created, sum.Unchanged+c.Unchanged, sum.Rejected+c.Rejected
		if c.Created != 0 && c.Created != 36 {
			t.Errorf("delivery %s: %+v", g.ID, c)
		}
	}
	if want := (counts{Created: 36, Unchanged: 3 * 36, Rejected: 4 * 4}); sum != want {
		t.Errorf("together %+v, want %+v", sum, want)
	}
	if n := len(uploader.patients(t)); n != 36 {
		t.Errorf("%d patients, want 36", n)
	}
}

// TestButtonsTwice confirms and cancels deliveries that are past it: the answer is 409, and
// nothing changes.
func TestButtonsTwice(t *testing.T) {
	d := beginDemo(t, filepath.Join(t.TempDir(), "data"))
	uploader := d.api(t, account.Uploader, "2809")
	post := func(id, verb string) int {
		t.Helper()
		return uploader.call(t, "POST", "/deliveries/"+id+"/"+verb, "", nil, nil)
	}
	saved := uploader.deliver(t, "a.csv", pilot(t), "&check=true")
	if a, b := post(saved.ID, "confirm"), post(saved.ID, "confirm"); a != http.StatusAccepted || b != http.StatusConflict {
		t.Errorf("confirmed twice: %d and %d, want 202 and 409", a, b)
	}
	if got := uploader.await(t, saved.ID); got.Status != "done" || got.Counts.Created != 36 {
		t.Errorf("%s %+v", got.Status, got.Counts)
	}
	if status := post(saved.ID, "cancel"); status != http.StatusConflict {
		t.Errorf("cancelled when it was done: %d, want 409", status)
	}
	cancelled := uploader.deliver(t, "b.csv", pilot(t), "&check=true")
	if a, b, c := post(cancelled.ID, "cancel"), post(cancelled.ID, "cancel"), post(cancelled.ID, "confirm"); a != http.StatusAccepted ||
		b != http.StatusConflict || c != http.StatusConflict {
		t.Errorf("cancelled twice and confirmed: %d %d %d, want 202 409 409", a, b, c)
	}
	if got := uploader.await(t, cancelled.ID); got.Status != "cancelled" || got.Counts != (counts{Read: 40, Pending: 40}) {
		t.Errorf("%s %+v", got.Status, got.Counts)
	}
	if status := d.api(t, account.Uploader, "2810").call(t, "POST", "/deliveries/"+saved.ID+"/cancel", "", nil,
		nil); status != http.StatusNotFound {
		t.Errorf("another centre cancels: %d, want 404", status)
	}
	// A cancelled delivery does not count as the first of the same file; a saved one does.
	other := bytes.ReplaceAll(pilot(t), []byte("Jansen"), []byte("Janssen"))
	cancelled = uploader.deliver(t, "c.csv", other, "&check=true")
	post(cancelled.ID, "cancel")
	if got := uploader.deliver(t, "c.csv", other, "&check=true"); got.SameAs != "" {
		t.Errorf("the same file as %s, which was cancelled", got.SameAs)
	}
	if got := uploader.deliver(t, "d.csv", pilot(t), ""); got.SameAs != saved.ID {
		t.Errorf("the same file as %q, want %s", got.SameAs, saved.ID)
	}
}
