package deliveries_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// waiting makes a delivery that waits for the TTP, so that its progress is a stream.
func waiting(t *testing.T, s *servertest.Site) string {
	t.Helper()
	s.Faults("500=100%")
	a := s.SignedIn("uploader").Upload("save", "pilot.csv", servertest.Pilot(t))
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.Status, a.Body)
	}
	return strings.TrimPrefix(a.Location(), "/aanleveringen/")
}

// open opens the progress of a delivery, and returns after its first event. The channel
// is closed when the stream ends.
func open(t *testing.T, s *servertest.Site, b *servertest.Browser, id string) (status int, ended <-chan struct{}) {
	t.Helper()
	r := servertest.Must(http.NewRequestWithContext(t.Context(), "GET", s.URL+"/aanleveringen/"+id+"/voortgang", nil))(t)
	res := servertest.Must(b.Client.Do(r))(t)
	done := make(chan struct{})
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		close(done)
		return res.StatusCode, done
	}
	lines := bufio.NewReader(res.Body)
	if first, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(first, "event: progress") {
		t.Fatalf("%q, %v", first, err)
	}
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, lines)
		_ = res.Body.Close()
	}()
	return res.StatusCode, done
}

// TestStreamsEnd: who is no longer let in sees no further event.
func TestStreamsEnd(t *testing.T) {
	s := servertest.New(t, func(o *server.Options) { o.BusyWait = -1 })
	id := waiting(t, s)
	who := audit.Who{Name: "test", Via: audit.ViaCLI}
	change := func(code string, f func(u *account.User)) func() {
		return func() {
			err := s.Store.ChangeUser(t.Context(), who, "uploader@example.nl", code, func(u *account.User) error { f(u); return nil })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, end := range map[string]func(){
		"sign-out in another browser": func() { s.SignedIn("uploader").Post("/uitloggen", nil) },
		"a new password":              change("password", func(*account.User) {}),
		"blocked": func() {
			change("disabled", func(u *account.User) { u.DisabledAt = time.Now() })()
			change("enabled", func(u *account.User) { u.DisabledAt = time.Time{} })()
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, ended := open(t, s, s.SignedIn("uploader"), id)
			start := time.Now()
			end()
			select {
			case <-ended:
				t.Logf("ended after %s", time.Since(start).Round(100*time.Millisecond))
			case <-time.After(20 * time.Second):
				t.Error("the stream goes on")
			}
		})
	}
}

// TestStreamsOfAUser: one user cannot hold any number of connections open, and does not
// take those of others.
func TestStreamsOfAUser(t *testing.T) {
	s := servertest.New(t, func(o *server.Options) { o.BusyWait = -1 })
	id := waiting(t, s)
	b := s.SignedIn("uploader")
	for i := range 10 {
		if status, _ := open(t, s, b, id); status != http.StatusOK {
			t.Fatalf("stream %d: %d", i+1, status)
		}
	}
	if status, _ := open(t, s, b, id); status != http.StatusTooManyRequests {
		t.Errorf("one more: %d", status)
	}
	if status, _ := open(t, s, s.SignedIn("clinician"), id); status != http.StatusOK {
		t.Errorf("of somebody else: %d", status)
	}
	b.Post("/uitloggen", nil)
	deadline := time.Now().Add(20 * time.Second)
	for b = s.SignedIn("uploader"); ; time.Sleep(100 * time.Millisecond) {
		if status, _ := open(t, s, b, id); status == http.StatusOK {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(fmt.Sprint("still full: ", status))
		}
	}
}
