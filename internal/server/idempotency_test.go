package server_test

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
)

// TestSameRequestTwice: a script that heard no answer sends the same once more,
// and there is one delivery.
func TestSameRequestTwice(t *testing.T) {
	s, d := newSite(t), describe(t)
	send := func(token, key, name, query, body string) answer {
		return s.call(token, "POST", api.Prefix+"/deliveries?filename="+name+query, "text/csv", body, "Idempotency-Key", key)
	}
	first := send("uploader", "nacht-1", "a.csv", "", pilot(t))
	if first.Status != http.StatusAccepted || first.Header.Get("Retry-After") == "" {
		t.Fatalf("%d %v %s", first.Status, first.Header, first.Body)
	}
	id := value[api.Accepted](t, first).ID
	again := send("uploader", "nacht-1", "a.csv", "", pilot(t))
	d.fits("Accepted", again)
	if again.Status != http.StatusAccepted || value[api.Accepted](t, again).ID != id {
		t.Errorf("once more: %d %s, want delivery %s", again.Status, again.Body, id)
	}
	if v := s.finished(d, "uploader", id); v.Counts.Created != 36 {
		t.Errorf("%+v", v)
	}
	if got := send("uploader", "nacht-1", "a.csv", "", pilot(t)); value[api.Accepted](t, got).ID != id || got.Header.Get("Retry-After") != "" {
		t.Errorf("after the end: %d %s", got.Status, got.Body)
	}
	d.problem("another file", send("uploader", "nacht-1", "a.csv", "", pilot(t)+"\n"), 409, "idempotency_key_reused")
	d.problem("another name", send("uploader", "nacht-1", "b.csv", "", pilot(t)), 409, "idempotency_key_reused")
	d.problem("another wish", send("uploader", "nacht-1", "a.csv", "&check=true", pilot(t)), 409, "idempotency_key_reused")
	d.problem("an empty file", send("uploader", "nacht-1", "a.csv", "", ""), 400, "file_empty")
	if got := send("other", "nacht-1", "a.csv", "", pilot(t)); value[api.Accepted](t, got).ID == id {
		t.Error("another centre's key is the same")
	}
	if got := send("uploader", "nacht-2", "a.csv", "", pilot(t)); value[api.Accepted](t, got).ID == id {
		t.Error("another key is the same")
	}
	for _, key := range []string{"", strings.Repeat("x", 256), "Müller", "a\tb"} {
		d.problem("the key "+key, send("uploader", key, "a.csv", "", pilot(t)), 400, "invalid_parameter")
	}
	list := value[api.Deliveries](t, s.call("uploader", "GET", api.Prefix+"/deliveries", "", ""))
	if len(list.Deliveries) != 2 {
		t.Errorf("there are %d deliveries, want 2", len(list.Deliveries))
	}
}

// half sends the first half of an upload, and gives what sends the rest.
func (s *site) half(token, key string) (rest func() *http.Response) {
	s.t.Helper()
	body := pilot(s.t)
	conn := must(net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")))(s.t)
	s.t.Cleanup(func() { _ = conn.Close() })
	header := ""
	if key != "" {
		header = "Idempotency-Key: " + key + "\r\n"
	}
	_, _ = fmt.Fprintf(conn, "POST %s/deliveries?filename=half.csv HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%sContent-Type: text/csv\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		api.Prefix, s.tokens[token], header, len(body))
	answers := bufio.NewReader(conn)
	// The handler reads: it is inside.
	if res := must(http.ReadResponse(answers, nil))(s.t); res.StatusCode != http.StatusContinue {
		s.t.Fatalf("half an upload: %d", res.StatusCode)
	}
	_, _ = io.WriteString(conn, body[:len(body)/2])
	return func() *http.Response {
		_, _ = io.WriteString(conn, body[len(body)/2:])
		return must(http.ReadResponse(answers, nil))(s.t)
	}
}

// TestSameRequestWhileTheFirstIsUnderWay: the latest counts, so that a script whose
// connection died need not wait for us to notice.
func TestSameRequestWhileTheFirstIsUnderWay(t *testing.T) {
	s, d := newSite(t), describe(t)
	rest := s.half("uploader", "nacht")
	second := s.call("uploader", "POST", api.Prefix+"/deliveries?filename=half.csv", "text/csv", pilot(t), "Idempotency-Key", "nacht")
	if second.Status != http.StatusAccepted {
		t.Fatalf("%d %s", second.Status, second.Body)
	}
	res := rest()
	raw := must(io.ReadAll(res.Body))(t)
	d.problem("the first", answer{Status: res.StatusCode, Header: res.Header, Body: string(raw)}, 409, "upload_superseded")
	if v := s.finished(d, "uploader", value[api.Accepted](t, second).ID); v.Counts.Created != 36 {
		t.Errorf("%+v", v)
	}
	if list := value[api.Deliveries](t, s.call("uploader", "GET", api.Prefix+"/deliveries", "", "")); len(list.Deliveries) != 1 {
		t.Errorf("there are %d deliveries, want 1", len(list.Deliveries))
	}
}

// TestUploadsAtOnce: one centre has so many at once, and is told; others notice
// nothing.
func TestUploadsAtOnce(t *testing.T) {
	s, d := newSite(t, func(o *server.Options) { o.MaxUploads = 2 }), describe(t)
	one, two := s.half("uploader", ""), s.half("uploader", "")
	third := s.call("uploader", "POST", api.Prefix+"/deliveries?filename=c.csv", "text/csv", pilot(t))
	d.problem("the third", third, 429, "too_many_uploads")
	if third.Header.Get("Retry-After") == "" {
		t.Error("nobody says how long to wait")
	}
	b := s.signedIn("uploader")
	if got := b.upload("save", "d.csv", pilot(t)); got.Status != http.StatusTooManyRequests || !strings.Contains(got.Body, "al 2 bestanden aan het uploaden") ||
		!strings.Contains(got.Body, `href="#file"`) {
		t.Errorf("in the browser: %d\n%.1500s", got.Status, got.Body)
	}
	if got := s.call("other", "POST", api.Prefix+"/deliveries?filename=e.csv", "text/csv", pilot(t)); got.Status != http.StatusAccepted {
		t.Errorf("another centre: %d %s", got.Status, got.Body)
	}
	for _, rest := range []func() *http.Response{one, two} {
		if res := rest(); res.StatusCode != http.StatusAccepted {
			t.Errorf("one that was let in: %d", res.StatusCode)
		}
	}
	if got := b.upload("save", "d.csv", pilot(t)); got.Status != http.StatusSeeOther {
		t.Errorf("afterwards: %d", got.Status)
	}
	contains(t, "told before", b.get("/aanleveringen/nieuw").Body, "500 kolommen", "1.000 tekens in een veld", "2 bestanden van uw centrum tegelijk", "10.000 records")
}

// TestRetryThroughTheAPI: a paused delivery asks the TTP at once.
func TestRetryThroughTheAPI(t *testing.T) {
	s, d := newSite(t), describe(t)
	s.faults("down")
	id := value[api.Accepted](t, s.call("uploader", "POST", api.Prefix+"/deliveries?filename=a.csv", "text/csv", pilot(t))).ID
	var v api.Delivery
	var got answer
	for range 4000 {
		got = s.call("uploader", "GET", api.Prefix+"/deliveries/"+id, "", "")
		if v = value[api.Delivery](t, got); v.Status == "paused" {
			break
		}
	}
	d.fits("Delivery", got)
	if v.Links.Retry == "" || got.Header.Get("Retry-After") == "" {
		t.Fatalf("%s %v", got.Body, got.Header)
	}
	s.faults("")
	retried := s.call("uploader", "POST", v.Links.Retry, "", "")
	d.fits("Accepted", retried)
	for range 4000 {
		if v = s.finished(d, "uploader", id); v.Status != "paused" { // it may still show the pause for a moment
			break
		}
	}
	if v.Status != "done" || v.Counts.Created != 36 || v.Links.Retry != "" {
		t.Errorf("%+v", v)
	}
	if got := s.call("other", "POST", api.Prefix+"/deliveries/"+id+"/retry", "", ""); got.Status != http.StatusNotFound {
		t.Errorf("another centre: %d", got.Status)
	}
}
