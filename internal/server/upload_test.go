package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/server"
)

func TestUploadFaultsAreToldAtTheForm(t *testing.T) {
	s := newSite(t, func(o *server.Options) { o.MaxFileBytes = 1 << 20 })
	b := s.signedIn("uploader")
	for _, c := range []struct {
		name    string
		parts   []part
		status  int
		message string
	}{
		{"no file", []part{{"mode", "", "save"}}, 422, "Kies een bestand"},
		{"empty", []part{{"mode", "", "save"}, {"file", "leeg.csv", ""}}, 422, "Het gekozen bestand is leeg"},
		{"too large", []part{{"mode", "", "save"}, {"file", "groot.csv", strings.Repeat("a;b\n", 1<<18) + "x"}}, 413, "groter dan 1 MB"},
		{"far too large", []part{{"mode", "", "save"}, {"file", "groot.csv", strings.Repeat("a;b\n", 1<<20)}}, 413, "groter dan 1 MB"},
	} {
		kind, body := multipartBody(c.parts...)
		got := b.do("POST", "/aanleveringen", kind, body)
		if got.Status != c.status || !strings.Contains(got.Body, c.message) || !strings.Contains(got.Body, `href="#file"`) {
			t.Errorf("%s: %d\n%.1500s", c.name, got.Status, got.Body)
		}
	}
	for _, file := range []part{{"file", "", ""}, {"file", "leeg.csv", ""}} {
		kind, body := multipartBody(file)
		got := b.do("POST", "/aanleveringen", kind, body)
		if got.Status != 422 || !strings.Contains(got.Body, `href="#mode"`) || !strings.Contains(got.Body, `href="#file"`) {
			t.Errorf("neither mode nor file: %d\n%.1500s", got.Status, got.Body)
		}
	}
	if list := b.get("/aanleveringen"); strings.Contains(list.Body, "groot.csv") || strings.Contains(list.Body, "leeg.csv") {
		t.Error("an upload that failed is a delivery")
	}
}

func TestUploadThatBreaksOff(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	kind, body := multipartBody(part{"mode", "", "save"}, part{"file", "half.csv", pilot(t)})
	conn := must(net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")))(t)
	defer func() { _ = conn.Close() }()
	half := body.String()[:body.Len()/2]
	_, _ = fmt.Fprintf(conn, "POST /aanleveringen HTTP/1.1\r\nHost: x\r\nCookie: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		cookies(b)[0], kind, body.Len(), half)
	_ = conn.(*net.TCPConn).CloseWrite()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && res.StatusCode < 400 {
		t.Errorf("half a file is accepted: %d", res.StatusCode)
	}
	if list := b.get("/aanleveringen"); strings.Contains(list.Body, "half.csv") {
		t.Error("half a file is a delivery")
	}

	// A body that is whole as HTTP but ends inside the file.
	got := b.do("POST", "/aanleveringen", kind, strings.NewReader(half))
	if got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "Het versturen is afgebroken") {
		t.Errorf("%d\n%.1500s", got.Status, got.Body)
	}
	if list := b.get("/aanleveringen"); strings.Contains(list.Body, "half.csv") {
		t.Error("half a file is a delivery")
	}
}

func TestPressedTwice(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("uploader")
	to := action(b.get("/aanleveringen/nieuw").Body)
	if !strings.Contains(to, "sleutel=") {
		t.Fatalf("the form has no key: %s", to)
	}
	places := make([]string, 4)
	var all sync.WaitGroup
	for i := range places {
		all.Go(func() {
			kind, body := multipartBody(part{"mode", "", "save"}, part{"file", "pilot40.csv", pilot(t)})
			places[i] = b.do("POST", to, kind, body).location()
		})
	}
	all.Wait()
	for _, place := range places {
		if place == "" || place != places[0] {
			t.Errorf("led to %q", places)
			break
		}
	}
}

func TestIdentitiesAreRefusedWhereTheyAreNotAllowed(t *testing.T) {
	s := newSite(t)
	b := s.signedIn("other")
	page := b.follow(b.upload("save", "pilot40.csv", pilot(t)))
	if !strings.Contains(page.Body, "Bestand afgekeurd") || !strings.Contains(page.Body, "Uw centrum mag geen persoonsgegevens aanleveren") {
		t.Errorf("%s", page.Body)
	}
	if form := b.get("/aanleveringen/nieuw"); strings.Contains(form.Body, "Achternaam") || !strings.Contains(form.Body, "Pseudoniem NGGV") {
		t.Error("the form asks for names")
	}
}

func TestProgressStream(t *testing.T) {
	s := newSite(t)
	id := s.ownObjects().delivery
	got := s.signedIn("uploader").get("/aanleveringen/" + id + "/voortgang")
	if got.Header.Get("Content-Type") != "text/event-stream" || got.Header.Get("X-Accel-Buffering") != "no" {
		t.Errorf("%v", got.Header)
	}
	if !strings.HasPrefix(got.Body, "event: progress\ndata: {") || !strings.Contains(got.Body, "\n\nevent: done\ndata: {") ||
		!strings.Contains(got.Body, `"percent":100`) || !strings.Contains(got.Body, `"read":40`) {
		t.Errorf("%s", got.Body)
	}
}

// A TTP that is down: the upload's answer comes, the page says that nothing is
// lost, and the stream goes on until the TTP is back.
func TestProgressWhileTheTTPIsDown(t *testing.T) {
	s := newSite(t, func(o *server.Options) { o.BusyWait = -1 })
	s.TTP.Break(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	})
	b := s.signedIn("uploader")
	sent := b.upload("save", "pilot40.csv", pilot(t))
	r := must(http.NewRequest("GET", s.URL+sent.location()+"/voortgang", nil))(t)
	res := must(b.c.Do(r))(t)
	defer func() { _ = res.Body.Close() }()
	paused := false
	for events := bufio.NewScanner(res.Body); events.Scan(); {
		line := events.Text()
		if strings.Contains(line, `"status":"paused"`) && !paused {
			paused = true
			if page := b.get(sent.location()); !strings.Contains(page.Body, "De TTP is niet bereikbaar") || !strings.Contains(page.Body, "/nu-proberen") {
				t.Errorf("%s", page.Body)
			}
			s.TTP.Break(nil)
			b.post(sent.location()+"/nu-proberen", nil)
		}
		if strings.HasPrefix(line, "event: done") {
			if !paused {
				t.Error("done without having been paused")
			}
			if page := b.get(sent.location()); !strings.Contains(page.Body, "36 van 40 records opgeslagen") {
				t.Errorf("%s", page.Body)
			}
			return
		}
	}
	t.Error("the stream ended before the delivery did")
}

// storing shows every delivery as one that is being stored.
type storing struct{ server.Records }

func (s storing) Delivery(ctx context.Context, scope account.Scope, id string) (delivery.Delivery, error) {
	d, err := s.Records.Delivery(ctx, scope, id)
	d.State = delivery.Registering
	return d, err
}

// TestCancelThatComesTooLate: a button that promised that nothing would be stored
// does not stop a delivery halfway.
func TestCancelThatComesTooLate(t *testing.T) {
	s := newSite(t, func(o *server.Options) { o.Records, o.BusyWait = storing{o.Records}, -1 })
	b := s.signedIn("uploader")
	at := b.upload("check", "a.csv", pilot(t)).location()
	page := b.follow(b.post(at+"/annuleren", nil))
	contains(t, "the button of before", page.Body, "Het opslaan is intussen begonnen")
	if strings.Contains(page.Body, "is geannuleerd") {
		t.Error("it was cancelled")
	}
	if got := b.follow(b.post(at+"/annuleren?opslaan=ja", nil)); !strings.Contains(got.Body, "Deze aanlevering is geannuleerd") {
		t.Errorf("who knows what it means: %d\n%.1500s", got.Status, got.Body)
	}
}
