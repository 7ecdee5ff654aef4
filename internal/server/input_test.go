package server_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// TestTwoFilesInOneRequest: the second must not vanish behind an answer that says that
// the file was received.
func TestTwoFilesInOneRequest(t *testing.T) {
	s := servertest.New(t)
	pilot := servertest.Pilot(t)
	empty, one, other := servertest.File("file", "", ""), servertest.File("file", "een.csv", pilot),
		servertest.File("bijlage", "twee.csv", pilot)
	second := servertest.File("file", "twee.csv", pilot)
	mode := servertest.Field("mode", "check")
	for _, c := range []struct {
		name  string
		parts []servertest.Part
		both  bool
	}{
		{"two files under one name", []servertest.Part{mode, one, second}, true},
		{"another file behind it", []servertest.Part{mode, one, other}, true},
		{"another file before it", []servertest.Part{mode, other, one}, true},
		{"an input that was left empty", []servertest.Part{mode, one, empty}, false},
	} {
		kind, body := servertest.Multipart(c.parts...)
		raw := body.String()
		before := strings.Count(s.SignedIn("uploader").Get("/aanleveringen?groep=closed").Body, "een.csv")
		page := s.SignedIn("uploader").Do("POST", "/aanleveringen", kind, strings.NewReader(raw))
		api := s.Call("uploader", "POST", "/api/v1/deliveries?check=true", kind, raw)
		if !c.both {
			if page.Status != http.StatusSeeOther || api.Status != http.StatusAccepted {
				t.Errorf("%s: page %d, API %d", c.name, page.Status, api.Status)
			}
			continue
		}
		if page.Status != http.StatusBadRequest || !strings.Contains(page.Body, "Kies één bestand") {
			t.Errorf("%s: page %d", c.name, page.Status)
		}
		if api.Status != http.StatusBadRequest || !strings.Contains(api.Body, `"code":"several_files"`) {
			t.Errorf("%s: API %d %s", c.name, api.Status, api.Body)
		}
		if after := strings.Count(s.SignedIn("uploader").Get("/aanleveringen?groep=closed").Body, "een.csv"); after != before {
			t.Errorf("%s: a delivery came of it", c.name)
		}
	}
}

// TestAStalledClient: who stops sending gets 408, wherever the request went.
func TestAStalledClient(t *testing.T) {
	defer server.SetReadTimeout(300 * time.Millisecond)()
	s := servertest.New(t, func(o *server.Options) { o.Patience = time.Second })
	defer func() {
		if t.Failed() {
			t.Log(s.Log.String())
		}
	}()
	for _, request := range []string{
		"POST /inloggen HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n",
		"POST /api/v1/patients HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 50\r\nAuthorization: Bearer " +
			s.Tokens["clinician"] + "\r\n",
		"POST /api/v1/deliveries?filename=x.csv HTTP/1.1\r\nContent-Type: text/csv\r\nContent-Length: 5000\r\nAuthorization: Bearer " +
			s.Tokens["uploader"] + "\r\n",
		"POST /fhir HTTP/1.1\r\nContent-Type: application/fhir+json\r\nContent-Length: 5000\r\nAuthorization: Bearer " +
			s.Tokens["uploader"] + "\r\n",
		"POST /aanleveringen HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000\r\nCookie: " +
			servertest.Cookies(s.SignedIn("uploader"))[0].String() + "\r\n",
	} {
		start := time.Now()
		res := sent(t, s, request+"Host: x\r\n\r\nemail=a")
		if res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%.30s: %d\n%s", request, res.StatusCode, s.Log.String())
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%.30s: after %s", request, took)
		}
	}
}

// TestOwnAnswersOfTheLibrary: what net/http says without asking us has the headers too.
func TestOwnAnswersOfTheLibrary(t *testing.T) {
	s := servertest.New(t, func(o *server.Options) { o.Secure = true })
	for request, status := range map[string]int{
		"GET / HTTP/1.1\r\n\r\n": http.StatusBadRequest, // no Host
		"nonsense\r\n\r\n":       http.StatusBadRequest,
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n":     http.StatusRequestHeaderFieldsTooLarge,
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: rot13\r\n\r\n":                  http.StatusNotImplemented,
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nabc": http.StatusBadRequest,
	} {
		res := sent(t, s, request)
		if res.StatusCode != status {
			t.Errorf("%.40q: %d, want %d", request, res.StatusCode, status)
		}
		for _, name := range []string{
			"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control", "Strict-Transport-Security",
		} {
			if res.Header.Get(name) == "" {
				t.Errorf("%.40q: no %s", request, name)
			}
		}
	}
}

// sent writes raw bytes to the server and reads its answer.
func sent(t *testing.T, s *servertest.Site, raw string) *http.Response {
	t.Helper()
	c := servertest.Must(net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")))(t)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	res := servertest.Must(http.ReadResponse(bufio.NewReader(c), nil))(t)
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res
}

// TestHeadWorksWhereGetDoes: the same status and headers as GET, without the body.
func TestHeadWorksWhereGetDoes(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	for _, name := range []string{"", "clinician", "uploader", "datamanager", "auditor"} {
		b := s.SignedIn(name)
		for _, route := range s.Server.Routes() {
			if route.Method != http.MethodGet {
				continue
			}
			get := request(t, s, b, name, route, ids)
			route.Method = http.MethodHead
			head := request(t, s, b, name, route, ids)
			if head.Status != get.Status || head.Body != "" || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
				t.Errorf("%s as %q: HEAD %d %s, GET %d %s", route.Pattern, name, head.Status, head.Header.Get("Content-Type"), get.Status,
					get.Header.Get("Content-Type"))
			}
		}
	}
	if a := s.Browser().Do("HEAD", "/taal", "", nil); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD of a page that has no GET: %d", a.Status)
	}
}

// TestHTTP2BehindTheListener: the listener hides TLS from net/http, and HTTP/2 still
// works.
func TestHTTP2BehindTheListener(t *testing.T) {
	s := servertest.New(t)
	web := httptest.NewUnstartedServer(s.Server)
	web.StartTLS() // for its certificate
	defer web.Close()
	ln := servertest.Must(net.Listen("tcp", "127.0.0.1:0"))(t)
	srv := s.Server.HTTPServer()
	certificate := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &web.TLS.Certificates[0], nil }
	go func() { _ = srv.Serve(s.Server.TLSListener(ln, srv, certificate)) }()
	defer srv.Close()
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		tr := web.Client().Transport.(*http.Transport).Clone()
		tr.ForceAttemptHTTP2 = protocol == "HTTP/2.0"
		res := servertest.Must((&http.Client{Transport: tr}).Get(fmt.Sprintf("https://%s/healthz", ln.Addr())))(t)
		raw := servertest.Must(io.ReadAll(res.Body))(t)
		_ = res.Body.Close()
		if res.Proto != protocol || string(raw) != "ok\n" {
			t.Errorf("%s: %s %q", protocol, res.Proto, raw)
		}
		tr.CloseIdleConnections()
	}
}
