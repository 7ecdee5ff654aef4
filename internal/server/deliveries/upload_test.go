package deliveries_test

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
	"sluis/internal/server/servertest"
)

func TestUploadFaultsAreToldAtTheForm(t *testing.T) {
	s := servertest.New(t, func(o *server.Options) { o.MaxFileBytes = 1 << 20 })
	b := s.SignedIn("uploader")
	for _, c := range []struct {
		name    string
		parts   []servertest.Part
		status  int
		message string
	}{
		{"no file", []servertest.Part{servertest.Field("mode", "save")}, 422, "Kies een bestand"},
		{"empty", []servertest.Part{servertest.Field("mode", "save"), servertest.File("file", "leeg.csv", "")}, 422,
			"Het gekozen bestand is leeg"},
		{"too large", []servertest.Part{servertest.Field("mode", "save"),
			servertest.File("file", "groot.csv", strings.Repeat("a;b\n", 1<<18)+"x")}, 413, "groter dan 1 MB"},
		{"far too large", []servertest.Part{servertest.Field("mode", "save"),
			servertest.File("file", "groot.csv", strings.Repeat("a;b\n", 1<<20))}, 413, "groter dan 1 MB"},
	} {
		kind, body := servertest.Multipart(c.parts...)
		got := b.Do("POST", "/aanleveringen", kind, body)
		if got.Status != c.status || !strings.Contains(got.Body, c.message) || !strings.Contains(got.Body, `href="#file"`) {
			t.Errorf("%s: %d\n%.1500s", c.name, got.Status, got.Body)
		}
	}
	for _, file := range []servertest.Part{servertest.File("file", "", ""), servertest.File("file", "leeg.csv", "")} {
		kind, body := servertest.Multipart(file)
		got := b.Do("POST", "/aanleveringen", kind, body)
		if got.Status != 422 || !strings.Contains(got.Body, `href="#mode"`) || !strings.Contains(got.Body, `href="#file"`) {
			t.Errorf("neither mode nor file: %d\n%.1500s", got.Status, got.Body)
		}
	}
	if list := b.Get("/aanleveringen"); strings.Contains(list.Body, "groot.csv") || strings.Contains(list.Body, "leeg.csv") {
		t.Error("an upload that failed is a delivery")
	}
}

func TestUploadThatBreaksOff(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	kind, body := servertest.Multipart(servertest.Field("mode", "save"), servertest.File("file", "half.csv", servertest.Pilot(t)))
	conn := servertest.Must(net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")))(t)
	defer func() { _ = conn.Close() }()
	half := body.String()[:body.Len()/2]
	_, _ = fmt.Fprintf(conn, "POST /aanleveringen HTTP/1.1\r\nHost: x\r\nCookie: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		servertest.Cookies(b)[0], kind, body.Len(), half)
	_ = conn.(*net.TCPConn).CloseWrite()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && res.StatusCode < 400 {
		t.Errorf("half a file is accepted: %d", res.StatusCode)
	}
	if list := b.Get("/aanleveringen"); strings.Contains(list.Body, "half.csv") {
		t.Error("half a file is a delivery")
	}

	// A body that is whole as HTTP but ends inside the file.
	got := b.Do("POST", "/aanleveringen", kind, strings.NewReader(half))
	if got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "Het versturen is afgebroken") {
		t.Errorf("%d\n%.1500s", got.Status, got.Body)
	}
	if list := b.Get("/aanleveringen"); strings.Contains(list.Body, "half.csv") {
		t.Error("half a file is a delivery")
	}
}

func TestPressedTwice(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	to := servertest.Action(b.Get("/aanleveringen/nieuw").Body)
	if !strings.Contains(to, "sleutel=") {
		t.Fatalf("the form has no key: %s", to)
	}
	places := make([]string, 4)
	var all sync.WaitGroup
	for i := range places {
		all.Go(func() {
			kind, body := servertest.Multipart(servertest.Field("mode", "save"),
				servertest.File("file", "pilot40.csv", servertest.Pilot(t)))
			places[i] = b.Do("POST", to, kind, body).Location()
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
	s := servertest.New(t)
	b := s.SignedIn("other")
	page := b.Follow(b.Upload("save", "pilot40.csv", servertest.Pilot(t)))
	if !strings.Contains(page.Body, "Bestand afgekeurd") ||
		!strings.Contains(page.Body, "Uw centrum mag geen persoonsgegevens aanleveren") {
		t.Errorf("%s", page.Body)
	}
	if form := b.Get("/aanleveringen/nieuw"); strings.Contains(form.Body, "Achternaam") || !strings.Contains(form.Body, "Pseudoniem NGGV") {
		t.Error("the form asks for names")
	}
}

func TestProgressStream(t *testing.T) {
	s := servertest.New(t)
	id := s.OwnObjects().Delivery
	got := s.SignedIn("uploader").Get("/aanleveringen/" + id + "/voortgang")
	if got.Header.Get("Content-Type") != "text/event-stream" || got.Header.Get("X-Accel-Buffering") != "no" {
		t.Errorf("%v", got.Header)
	}
	if !strings.HasPrefix(got.Body, "event: progress\ndata: {") || !strings.Contains(got.Body, "\n\nevent: done\ndata: {") ||
		!strings.Contains(got.Body, `"percent":100`) || !strings.Contains(got.Body, `"read":40`) {
		t.Errorf("%s", got.Body)
	}
}

// A TTP that is down: the upload's servertest.Answer comes, the page says that nothing is
// lost, and the stream goes on until the TTP is back.
func TestProgressWhileTheTTPIsDown(t *testing.T) {
	s := servertest.New(t, func(o *server.Options) { o.BusyWait = -1 })
	s.TTP.Break(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	})
	b := s.SignedIn("uploader")
	sent := b.Upload("save", "pilot40.csv", servertest.Pilot(t))
	r := servertest.Must(http.NewRequest("GET", s.URL+sent.Location()+"/voortgang", nil))(t)
	res := servertest.Must(b.Client.Do(r))(t)
	defer func() { _ = res.Body.Close() }()
	paused := false
	for events := bufio.NewScanner(res.Body); events.Scan(); {
		line := events.Text()
		if strings.Contains(line, `"status":"paused"`) && !paused {
			paused = true
			if page := b.Get(sent.Location()); !strings.Contains(page.Body, "De TTP is niet bereikbaar") ||
				!strings.Contains(page.Body, "/nu-proberen") {
				t.Errorf("%s", page.Body)
			}
			s.TTP.Break(nil)
			b.Post(sent.Location()+"/nu-proberen", nil)
		}
		if strings.HasPrefix(line, "event: done") {
			if !paused {
				t.Error("done without having been paused")
			}
			if page := b.Get(sent.Location()); !strings.Contains(page.Body, "36 van 40 records opgeslagen") {
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
	s := servertest.New(t, func(o *server.Options) { o.Records, o.BusyWait = storing{o.Records}, -1 })
	b := s.SignedIn("uploader")
	at := b.Upload("check", "a.csv", servertest.Pilot(t)).Location()
	page := b.Follow(b.Post(at+"/annuleren", nil))
	servertest.Contains(t, "the button of before", page.Body, "Het opslaan is intussen begonnen")
	if strings.Contains(page.Body, "is geannuleerd") {
		t.Error("it was cancelled")
	}
	if got := b.Follow(b.Post(at+"/annuleren?opslaan=ja", nil)); !strings.Contains(got.Body, "Deze aanlevering is geannuleerd") {
		t.Errorf("who knows what it means: %d\n%.1500s", got.Status, got.Body)
	}
}

// TestPausedTellsWhy: a TTP that is down and one that refuses us are told apart,
// on every page and in the API; nothing is lost; it goes on when the TTP is back.
func TestPausedTellsWhy(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("uploader")
	s.Faults("down")
	sent := b.Upload("save", "pilot40.csv", servertest.Pilot(t))
	page := b.Get(sent.Location())
	servertest.Contains(t, "paused", page.Body, "Gepauzeerd, TTP niet bereikbaar", "Nu proberen", "Er is niets verloren",
		"De volgende poging is op")
	servertest.Contains(t, "the list", b.Get("/aanleveringen").Body, "Gepauzeerd, TTP niet bereikbaar")
	id := strings.TrimPrefix(sent.Location(), "/aanleveringen/")
	if d := s.Call("uploader", "GET", "/api/v1/deliveries/"+id, "", ""); !strings.Contains(d.Body, `"pauseReason":"down"`) {
		t.Errorf("the API says %s", d.Body)
	}
	s.Faults("")
	if got := b.Post(sent.Location()+"/nu-proberen", nil); got.Status != http.StatusSeeOther {
		t.Errorf("now: %d", got.Status)
	}
	servertest.Contains(t, "done", b.Get(sent.Location()).Body, "36 van 40 records opgeslagen")

	s.TTP.BreakCalls(func(_ int, _ http.Handler, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	})
	sent = b.Upload("save", "nog eens.csv", servertest.Pilot(t))
	servertest.Contains(t, "refused", b.Get(sent.Location()).Body, "Gepauzeerd, TTP weigert toegang", "De TTP weigert de toegang")
	servertest.Contains(t, "the status", s.SignedIn("admin").Get("/status/ttp").Body, "Weigert toegang")
	if got := s.SignedIn("datamanager").Post(sent.Location()+"/annuleren", nil); got.Status != http.StatusForbidden {
		t.Errorf("a data manager cancels a centre's delivery: %d", got.Status)
	}
}

func TestDataManagerSeesAllCentres(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	other := s.SignedIn("other").Upload("save", "ander.csv", servertest.Pilot(t)).Location()
	b := s.SignedIn("datamanager")
	for query, want := range map[string][2]bool{"": {true, true}, "&centrum=2809": {true, false}, "&centrum=2810": {false, true}} {
		page := b.Get("/aanleveringen?groep=closed" + query)
		if strings.Contains(page.Body, ids.Delivery) != want[0] || strings.Contains(page.Body, other) != want[1] {
			t.Errorf("%q shows others than %v", query, want)
		}
		if !strings.Contains(page.Body, `name="centrum"`) {
			t.Error("no filter on centre")
		}
	}
	if page := b.Get(other); page.Status != http.StatusOK || !strings.Contains(page.Body, "2810") ||
		strings.Contains(page.Body, "/annuleren") {
		t.Errorf("%d\n%s", page.Status, page.Body)
	}
	if list := s.Call("datamanager", "GET", "/api/v1/deliveries?centre=2810", "", ""); !strings.Contains(list.Body, `"centre":"2810"`) ||
		strings.Contains(list.Body, "2809") {
		t.Errorf("%s", list.Body)
	}
	if mine := s.SignedIn("uploader").Get("/aanleveringen?groep=closed"); strings.Contains(mine.Body, `name="centrum"`) {
		t.Error("an uploader can choose a centre")
	}
}
