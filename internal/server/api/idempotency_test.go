package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"sluis/internal/server"
	"sluis/internal/server/api"
	"sluis/internal/server/servertest"
)

// TestSameRequestTwice: a script that heard no servertest.Answer sends the same once more,
// and there is one delivery.
func TestSameRequestTwice(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	send := func(token, key, name, query, body string) servertest.Answer {
		return s.Call(token, "POST", api.Prefix+"/deliveries?filename="+name+query, "text/csv", body, "Idempotency-Key", key)
	}
	first := send("uploader", "nacht-1", "a.csv", "", servertest.Pilot(t))
	if first.Status != http.StatusAccepted || first.Header.Get("Retry-After") == "" {
		t.Fatalf("%d %v %s", first.Status, first.Header, first.Body)
	}
	id := value[api.Accepted](t, first).ID
	again := send("uploader", "nacht-1", "a.csv", "", servertest.Pilot(t))
	d.fits("Accepted", again)
	if again.Status != http.StatusAccepted || value[api.Accepted](t, again).ID != id {
		t.Errorf("once more: %d %s, want delivery %s", again.Status, again.Body, id)
	}
	if v := finished(t, s, d, "uploader", id); v.Counts.Created != 36 {
		t.Errorf("%+v", v)
	}
	if got := send("uploader", "nacht-1", "a.csv", "", servertest.Pilot(t)); value[api.Accepted](t, got).ID != id ||
		got.Header.Get("Retry-After") != "" {
		t.Errorf("after the end: %d %s", got.Status, got.Body)
	}
	d.problem("another file", send("uploader", "nacht-1", "a.csv", "", servertest.Pilot(t)+"\n"), 409, "idempotency_key_reused")
	d.problem("another name", send("uploader", "nacht-1", "b.csv", "", servertest.Pilot(t)), 409, "idempotency_key_reused")
	d.problem("another wish", send("uploader", "nacht-1", "a.csv", "&check=true", servertest.Pilot(t)), 409, "idempotency_key_reused")
	d.problem("an empty file", send("uploader", "nacht-1", "a.csv", "", ""), 400, "file_empty")
	if got := send("other", "nacht-1", "a.csv", "", servertest.Pilot(t)); value[api.Accepted](t, got).ID == id {
		t.Error("another centre's key is the same")
	}
	if got := send("uploader", "nacht-2", "a.csv", "", servertest.Pilot(t)); value[api.Accepted](t, got).ID == id {
		t.Error("another key is the same")
	}
	for _, key := range []string{"", strings.Repeat("x", 256), "Müller", "a\tb"} {
		d.problem("the key "+key, send("uploader", key, "a.csv", "", servertest.Pilot(t)), 400, "invalid_parameter")
	}
	list := value[api.Deliveries](t, s.Call("uploader", "GET", api.Prefix+"/deliveries", "", ""))
	if len(list.Deliveries) != 2 {
		t.Errorf("there are %d deliveries, want 2", len(list.Deliveries))
	}
}

// half sends the first half of an upload, and returns a function that sends the
// rest.
func half(t *testing.T, s *servertest.Site, token, key string) (rest func() *http.Response) {
	t.Helper()
	body := servertest.Pilot(t)
	conn := servertest.Must(net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")))(t)
	t.Cleanup(func() { _ = conn.Close() })
	header := ""
	if key != "" {
		header = "Idempotency-Key: " + key + "\r\n"
	}
	_, _ = fmt.Fprintf(conn, "POST %s/deliveries?filename=half.csv HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%sContent-Type: text/csv\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		api.Prefix, s.Tokens[token], header, len(body))
	answers := bufio.NewReader(conn)
	// The handler reads: it is inside.
	if res := servertest.Must(http.ReadResponse(answers, nil))(t); res.StatusCode != http.StatusContinue {
		t.Fatalf("half an upload: %d", res.StatusCode)
	}
	_, _ = io.WriteString(conn, body[:len(body)/2])
	return func() *http.Response {
		_, _ = io.WriteString(conn, body[len(body)/2:])
		return servertest.Must(http.ReadResponse(answers, nil))(t)
	}
}

// TestSameRequestWhileTheFirstIsUnderWay: the latest counts, so that a script whose
// connection died need not wait for us to notice.
func TestSameRequestWhileTheFirstIsUnderWay(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	rest := half(t, s, "uploader", "nacht")
	second := s.Call("uploader", "POST", api.Prefix+"/deliveries?filename=half.csv", "text/csv", servertest.Pilot(t), "Idempotency-Key",
		"nacht")
	if second.Status != http.StatusAccepted {
		t.Fatalf("%d %s", second.Status, second.Body)
	}
	res := rest()
	raw := servertest.Must(io.ReadAll(res.Body))(t)
	d.problem("the first", servertest.Answer{Status: res.StatusCode, Header: res.Header, Body: string(raw)}, 409, "upload_superseded")
	if v := finished(t, s, d, "uploader", value[api.Accepted](t, second).ID); v.Counts.Created != 36 {
		t.Errorf("%+v", v)
	}
	if list := value[api.Deliveries](t, s.Call("uploader", "GET", api.Prefix+"/deliveries", "", "")); len(list.Deliveries) != 1 {
		t.Errorf("there are %d deliveries, want 1", len(list.Deliveries))
	}
}

// TestUploadsAtOnce: one centre has so many at once, and is told; others notice
// nothing.
func TestUploadsAtOnce(t *testing.T) {
	s, d := servertest.New(t, func(o *server.Options) { o.MaxUploads = 2 }), describe(t)
	one, two := half(t, s, "uploader", ""), half(t, s, "uploader", "")
	third := s.Call("uploader", "POST", api.Prefix+"/deliveries?filename=c.csv", "text/csv", servertest.Pilot(t))
	d.problem("the third", third, 429, "too_many_uploads")
	if third.Header.Get("Retry-After") == "" {
		t.Error("nobody says how long to wait")
	}
	b := s.SignedIn("uploader")
	if got := b.Upload("save", "d.csv", servertest.Pilot(t)); got.Status != http.StatusTooManyRequests ||
		!strings.Contains(got.Body, "al 2 bestanden aan het uploaden") ||
		!strings.Contains(got.Body, `href="#file"`) {
		t.Errorf("in the browser: %d\n%.1500s", got.Status, got.Body)
	}
	if got := s.Call("other", "POST", api.Prefix+"/deliveries?filename=e.csv", "text/csv",
		servertest.Pilot(t)); got.Status != http.StatusAccepted {
		t.Errorf("another centre: %d %s", got.Status, got.Body)
	}
	for _, rest := range []func() *http.Response{one, two} {
		if res := rest(); res.StatusCode != http.StatusAccepted {
			t.Errorf("one that was let in: %d", res.StatusCode)
		}
	}
	if got := b.Upload("save", "d.csv", servertest.Pilot(t)); got.Status != http.StatusSeeOther {
		t.Errorf("afterwards: %d", got.Status)
	}
	servertest.Contains(t, "told before", b.Get("/aanleveringen/nieuw").Body, "500 kolommen", "1.000 tekens in een veld",
		"2 bestanden van uw centrum tegelijk", "10.000 records")
}

// TestRetryThroughTheAPI: a paused delivery asks the TTP at once.
func TestRetryThroughTheAPI(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	s.Faults("down")
	id := value[api.Accepted](t, s.Call("uploader", "POST", api.Prefix+"/deliveries?filename=a.csv", "text/csv", servertest.Pilot(t))).ID
	var v api.Delivery
	var got servertest.Answer
	for range 4000 {
		got = s.Call("uploader", "GET", api.Prefix+"/deliveries/"+id, "", "")
		if v = value[api.Delivery](t, got); v.Status == "paused" {
			break
		}
	}
	d.fits("Delivery", got)
	if v.Links.Retry == "" || got.Header.Get("Retry-After") == "" {
		t.Fatalf("%s %v", got.Body, got.Header)
	}
	s.Faults("")
	retried := s.Call("uploader", "POST", v.Links.Retry, "", "")
	d.fits("Accepted", retried)
	for range 4000 {
		if v = finished(t, s, d, "uploader", id); v.Status != "paused" { // it may still show the pause for a moment
			break
		}
	}
	if v.Status != "done" || v.Counts.Created != 36 || v.Links.Retry != "" {
		t.Errorf("%+v", v)
	}
	if got := s.Call("other", "POST", api.Prefix+"/deliveries/"+id+"/retry", "", ""); got.Status != http.StatusNotFound {
		t.Errorf("another centre: %d", got.Status)
	}
}
