package server_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// TestHostHeaderIsNotBelieved: no link, redirect or cookie follows the Host that a client
// made up, and a one-time link leads to the address of the settings.
func TestHostHeaderIsNotBelieved(t *testing.T) {
	base := servertest.Must(url.Parse("https://sluis.example.nl"))(t)
	s := servertest.New(t, func(o *server.Options) { o.BaseURL = base })
	ids := s.OwnObjects()
	forged := []string{"X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example", "X-Host", "evil.example", "X-Original-URL", "/gebruikers"}
	for _, name := range everyone {
		b := s.SignedIn(name)
		b.Client.Transport = hostOf{"evil.example"}
		for _, route := range s.Server.Routes() {
			if route.Pattern == "/uitloggen" || route.Door == server.API || route.Door == server.FHIR {
				continue
			}
			a := b.Do(route.Method, pathOf(s, route, ids), "application/x-www-form-urlencoded", strings.NewReader("x=y"), forged...)
			if strings.Contains(a.Body, "evil.example") || strings.Contains(strings.Join(a.Header.Values("Location"), " "), "evil.example") ||
				strings.Contains(strings.Join(a.Header.Values("Set-Cookie"), " "), "evil.example") {
				t.Errorf("%s %s as %q follows the Host header", route.Method, route.Pattern, name)
			}
		}
	}
	admin := s.SignedIn("admin")
	admin.Client.Transport = hostOf{"evil.example"}
	a := admin.Post("/gebruikers/nieuw", url.Values{
		"email": {"fleur@example.nl"}, "naam": {"Fleur"}, "rol": {"uploader"}, "centrum": {"2809"}, "reden": {reason},
	}, forged...)
	if !strings.Contains(a.Body, "https://sluis.example.nl/uitnodiging/") || strings.Contains(a.Body, "evil.example") {
		t.Errorf("the one-time link: %d\n%s", a.Status, a.Body)
	}
}

// hostOf sends requests with another Host.
type hostOf struct{ host string }

func (h hostOf) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = h.host
	return http.DefaultTransport.RoundTrip(r)
}

// TestForwardedHeadersAreNotBelieved: the address in the access log is that of the
// connection, unless the connection comes from a proxy that is on the list.
func TestForwardedHeadersAreNotBelieved(t *testing.T) {
	s := servertest.New(t)
	headers := []string{
		"X-Forwarded-For", "203.0.113.7", "Forwarded", "for=203.0.113.7", "X-Real-IP", "203.0.113.7", "True-Client-IP", "203.0.113.7",
		"CF-Connecting-IP", "203.0.113.7", "X-Client-IP", "203.0.113.7", "X-Forwarded-Proto", "https", "X-User-ID", "1", "X-Forwarded-User", "admin",
	}
	b := s.SignedIn("auditor")
	if a := b.Get("/patienten", headers...); a.Status != http.StatusForbidden {
		t.Fatalf("%d", a.Status)
	}
	if ev := s.Events()[0]; ev.Address != "127.0.0.1" || ev.Name != "auditor@example.nl" {
		t.Errorf("%+v", ev)
	}
	if a := s.Browser().Get("/patienten", headers...); a.Status != http.StatusSeeOther {
		t.Errorf("a header signs somebody in: %d", a.Status)
	}
	proxied := s.Again(func(o *server.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	for _, c := range []struct {
		name, value, want string
	}{
		{"X-Forwarded-For", "203.0.113.7", "203.0.113.7"},
		{"X-Forwarded-For", "198.51.100.9, 203.0.113.7", "203.0.113.7"}, // the left one is the client's own word
		{"X-Forwarded-For", "203.0.113.7, 127.0.0.2", "203.0.113.7"},
		{"X-Forwarded-For", "nonsense", "127.0.0.1"},
		{"Forwarded", "for=203.0.113.7", "127.0.0.1"},
		{"X-Real-IP", "203.0.113.7", "127.0.0.1"},
	} {
		proxied.SignedIn("auditor").Get("/patienten", c.name, c.value)
		if ev := s.Events()[0]; ev.Address != c.want {
			t.Errorf("%s: %s behind a proxy: %s, want %s", c.name, c.value, ev.Address, c.want)
		}
	}
}

// TestSmuggling sends requests whose length can be read in two ways. Each is refused, or
// read as the standard says; none brings in a second request as part of its body.
func TestSmuggling(t *testing.T) {
	s := servertest.New(t)
	hidden := "GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.Tokens["admin"] + "\r\n\r\n"
	for name, c := range map[string]struct {
		headers, body string
	}{
		"two lengths":              {"Content-Length: 0\r\nContent-Length: 5\r\n", "hello"},
		"two lengths in one":       {"Content-Length: 0, 5\r\n", "hello"},
		"a negative length":        {"Content-Length: -1\r\n", "hello"},
		"a length with a sign":     {"Content-Length: +5\r\n", "hello"},
		"a length in hexadecimal":  {"Content-Length: 0x5\r\n", "hello"},
		"chunked twice":            {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"},
		"chunked is not the last":  {"Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"},
		"an unknown encoding":      {"Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"},
		"a tab in the encoding":    {"Transfer-Encoding: \tchunked x\r\n", "0\r\n\r\n"},
		"a blank before the colon": {"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", "hello"},
		"a bare carriage return":   {"X: a\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", "hello"},
		"a zero byte":              {"X: a\x00b\r\nContent-Length: 5\r\n", "hello"},
		"a wrong chunk size":       {"Transfer-Encoding: chunked\r\n", "zz\r\nhello\r\n0\r\n\r\n"},
		"a chunk that is too long": {"Transfer-Encoding: chunked\r\n", "ffffffffffffffff1\r\nhello\r\n0\r\n\r\n"},
	} {
		answers := rawAnswers(t, s, "POST /inloggen HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"+c.headers+"\r\n"+c.body+hidden)
		for i, a := range answers {
			if a.Status == http.StatusOK || a.Status >= 500 && a.Status != http.StatusNotImplemented {
				t.Errorf("%s: answer %d is %d", name, i+1, a.Status)
			}
			if strings.Contains(a.Body, "admin") {
				t.Errorf("%s: the hidden request was answered", name)
			}
		}
		if len(answers) != 1 {
			t.Errorf("%s: %d answers", name, len(answers))
		}
	}
	// Both a length and an encoding: the standard says that the encoding counts. The length
	// reaches into the second request, which must be read as a request of its own or not at all.
	both := rawAnswers(t, s, "POST /inloggen HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+
		"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if len(both) > 2 || both[0].Status == http.StatusOK || len(both) == 2 && both[1].Body != "ok\n" {
		t.Errorf("a length and an encoding: %+v", both)
	}
}

// rawAnswers writes raw bytes to the server and reads answers until it closes or is silent.
func rawAnswers(t *testing.T, s *servertest.Site, raw string) (answers []servertest.Answer) {
	t.Helper()
	c := servertest.Must(net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")))(t)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	_, _ = io.WriteString(c, raw)
	_ = c.(*net.TCPConn).CloseWrite()
	r := bufio.NewReader(c)
	for {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return answers
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		answers = append(answers, servertest.Answer{Status: res.StatusCode, Header: res.Header, Body: string(body)})
	}
}

// TestStaticFilesHaveNoWayOut: no writing of a path leads out of the folder of the assets.
func TestStaticFilesHaveNoWayOut(t *testing.T) {
	s := servertest.New(t)
	for _, path := range []string{
		"/static/../go.mod", "/static/..%2fgo.mod", "/static/%2e%2e/%2e%2e/etc/passwd", "/static/....//....//etc/passwd", "/static/..\\..\\etc\\passwd",
		"/static/..%5c..%5cetc%5cpasswd", "/static/%252e%252e%252fetc%252fpasswd", "/static//etc/passwd", "/static/%00.css", "/static/dist/app.css",
		"/static/meta.json", "/static/", "/static", "/static/.", "/static/../static.go", "/static/app.css/../../static.go", "/static/x.css%00.svg",
		"/static/%c0%ae%c0%ae/etc/passwd", "/../../../../etc/passwd", "//etc/passwd", "/static/..;/etc/passwd",
	} {
		for _, a := range rawAnswers(t, s, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") {
			if a.Status != http.StatusNotFound && a.Status != http.StatusBadRequest && a.Status != http.StatusMovedPermanently ||
				strings.Contains(a.Body, "root:") || strings.Contains(a.Body, "module sluis") || strings.Contains(a.Body, "package static") {
				t.Errorf("%s: %d\n%.200s", path, a.Status, a.Body)
			}
			if to := a.Location(); strings.HasPrefix(to, "//") || strings.Contains(to, "passwd") {
				t.Errorf("%s leads to %s", path, to)
			}
		}
	}
}

// TestTLSVersions: a client that speaks only TLS 1.0 or 1.1 is turned away; the others get
// the newest that they speak, with forward secrecy and an authenticated cipher.
func TestTLSVersions(t *testing.T) {
	s := servertest.New(t)
	web := httptest.NewUnstartedServer(s.Server)
	web.StartTLS() // for its certificate
	defer web.Close()
	ln := servertest.Must(net.Listen("tcp", "127.0.0.1:0"))(t)
	srv := s.Server.HTTPServer()
	certificate := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &web.TLS.Certificates[0], nil }
	go func() { _ = srv.Serve(s.Server.TLSListener(ln, srv, certificate)) }()
	defer srv.Close()
	pool := web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	dial := func(c *tls.Config) (tls.ConnectionState, error) {
		c.RootCAs, c.ServerName = pool, "example.com"
		conn, err := tls.Dial("tcp", ln.Addr().String(), c)
		if err != nil {
			return tls.ConnectionState{}, err
		}
		defer conn.Close()
		return conn.ConnectionState(), nil
	}
	for _, old := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		if _, err := dial(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: old}); err == nil {
			t.Errorf("%s is accepted", tls.VersionName(old))
		}
	}
	if state, err := dial(&tls.Config{}); err != nil || state.Version != tls.VersionTLS13 {
		t.Errorf("a new client gets %s, %v", tls.VersionName(state.Version), err)
	}
	state, err := dial(&tls.Config{MaxVersion: tls.VersionTLS12})
	suite := tls.CipherSuiteName(state.CipherSuite)
	if err != nil || !strings.Contains(suite, "_ECDHE_") || !strings.Contains(suite, "GCM") && !strings.Contains(suite, "CHACHA20") {
		t.Errorf("TLS 1.2 gets %s, %v", suite, err)
	}
	for _, weak := range tls.InsecureCipherSuites() {
		if _, err := dial(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{weak.ID}}); err == nil {
			t.Errorf("%s is accepted", weak.Name)
		}
	}
}

// TestLogLinesStayLines: what a client sends makes no line of the log, no colour and no
// other field.
func TestLogLinesStayLines(t *testing.T) {
	s := servertest.New(t)
	const forged = "x\r\n{\"level\":\"INFO\",\"msg\":\"forged\"}\r\n\x1b[31mrood"
	b := s.SignedIn("uploader")
	b.Get("/nergens/" + url.PathEscape(forged))
	b.Get("/patienten?x=" + url.QueryEscape(forged))
	b.Post("/patienten", url.Values{"number": {forged}})
	b.Upload("save", forged+".csv", servertest.EntryHeader+"2809;1-1-1955;v;"+forged+";Anders;;q\n")
	s.Browser().SignIn(forged, forged)
	rawAnswers(t, s, "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: a\x1b[31m\"}{\r\nReferer: \"},{\"msg\":\"forged\"\r\nX-Request-Id: forged\r\n\r\n")
	s.Call("", "GET", "/api/v1/me", "", "", "Authorization", "Bearer forged\t\"}{")
	for _, line := range strings.Split(strings.TrimSpace(s.Log.String()), "\n") {
		if !json.Valid([]byte(line)) || strings.Contains(line, "\x1b") || strings.Contains(line, `"msg":"forged"`) || strings.Contains(line, `"request":"forged"`) {
			t.Errorf("%q", line)
		}
	}
}
