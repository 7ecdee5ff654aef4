package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/server/access"
	"sluis/internal/server/api"
	"sluis/internal/server/fhirdoor"
	"sluis/internal/server/page"
	"sluis/internal/server/request"
)

// The limits of an ordinary request. A route that needs more time or a larger
// body (an upload, a stream of events, a report) says so itself.
const (
	maxForm      = 64 << 10
	writeTimeout = time.Minute
)

// readTimeout is how long a request may take to come in; tests shorten it.
var readTimeout = 30 * time.Second

// contentPolicy lets a page load its own style, script, font, image and events,
// post to itself, and nothing else; no script may turn text into markup.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// identify makes an id for every request and finds the client's address.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := &request.Info{
			ID: request.NewID(), Address: request.ClientAddress(r, s.o.TrustedProxies), Via: audit.ViaWeb,
			Certificate: request.Certificate(r, s.o.ClientCerts, s.o.TrustedProxies),
		}
		w.Header().Set("X-Request-Id", info.ID)
		r = request.With(r, info)
		access.Prepare(r)
		next.ServeHTTP(w, r)
	})
}

// secureHeaders sets the headers that every answer has, also errors.
func (s *Server) secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.setHeaders(w.Header())
		next.ServeHTTP(w, r)
	})
}

func (s *Server) setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if s.o.Secure {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}

// logRequests logs route and result of a request, never its URL: a client may
// write anything into that.
func (s *Server) logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			took := time.Since(start)
			s.o.Observe(routeOf(r), seen.Status(), took)
			info := request.From(r.Context())
			s.o.Log.LogAttrs(
				r.Context(),
				slog.LevelInfo,
				"request",
				slog.String(
					"request",
					info.ID,
				),
				slog.String("method", method(r)),
				slog.String("route", routeOf(r)),
				slog.Int("status", seen.Status()),
				slog.Int("bytes", seen.BytesWritten()),
				slog.Duration("took", took),
				slog.Int64("user", info.Actor.UserID),
			)
		}()
		next.ServeHTTP(seen, r)
	})
}

// routeOf is the pattern that r matched.
func routeOf(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil && c.RoutePattern() != "" {
		return c.RoutePattern()
	}
	return "-"
}

// method returns the method of r, or "-" if it is none of ours: a client may make
// one up.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "-"
}

// recoverPanics answers a panic with status 500. It logs the type of the value and
// the stack, never the value: that may be a patient's name.
func (s *Server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			thrown := recover()
			if thrown == nil {
				return
			}
			if thrown == http.ErrAbortHandler { //nolint:errorlint // it is thrown as it is
				panic(thrown)
			}
			s.o.Log.LogAttrs(r.Context(), slog.LevelError, "panic",
				slog.String("request", request.From(r.Context()).ID), slog.String("route", routeOf(r)),
				slog.String("type", fmt.Sprintf("%T", thrown)), slog.String("stack", apperr.Stack()))
			if written(w) {
				panic(http.ErrAbortHandler) // half an answer must not pass for a whole one
			}
			s.failStatus(w, r, http.StatusInternalServerError, "internal")
		}()
		next.ServeHTTP(w, r)
	})
}

// written reports whether an answer has begun.
func written(w http.ResponseWriter) bool {
	seen, ok := w.(middleware.WrapResponseWriter)
	return ok && seen.Status() != 0
}

// sameOrigin refuses a request that another website made the browser send.
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.origin.Check(r); err != nil {
			if logErr := s.access.Refused(r, "cross_origin"); logErr != nil {
				request.LogFailure(s.o.Log, r, logErr) // it is refused all the same
			}
			s.fail(w, r, apperr.Wrap(apperr.Forbidden, "cross_origin", err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limit bounds the time and the body of a request. The route of an upload widens
// both, but only when it knows who sends the file: a stranger gets no more time
// for an upload than for anything else.
func limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.SetReadDeadline(time.Now().Add(readTimeout))
		_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout))
		r.Body = &body{ReadCloser: r.Body, info: request.From(r.Context())}
		if !uploads(r) {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		}
		next.ServeHTTP(w, r)
	})
}

// uploads reports whether r brings a file. Then its route limits the body.
func uploads(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == page.DeliveriesPath || r.URL.Path == api.Prefix+"/deliveries" || isFHIR(r))
}

// fail answers r with the page or the problem that err is, and logs its cause.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case isAPI(r):
		s.api.Fail(w, r, err)
		return
	case isFHIR(r):
		s.fhir.Fail(w, r, err)
		return
	}
	s.frame.Fail(w, r, err)
}

// failStatus answers r with a failure that nobody has an error value of.
func (s *Server) failStatus(w http.ResponseWriter, r *http.Request, status int, code string) {
	switch {
	case isAPI(r):
		s.api.FailStatus(w, r, status, code)
		return
	case isFHIR(r):
		s.fhir.FailStatus(w, r, status, code)
		return
	}
	s.frame.FailStatus(w, r, status, code)
}

func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

func isFHIR(r *http.Request) bool {
	return r.URL.Path == fhirdoor.Prefix || strings.HasPrefix(r.URL.Path, fhirdoor.Prefix+"/")
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.failStatus(w, r, http.StatusNotFound, "not_found")
}

func (s *Server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost} {
		if s.router.Match(chi.NewRouteContext(), m, r.URL.Path) {
			if allowed = append(allowed, m); m == http.MethodGet {
				allowed = append(allowed, http.MethodHead)
			}
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.failStatus(w, r, http.StatusMethodNotAllowed, "method_not_allowed")
}
