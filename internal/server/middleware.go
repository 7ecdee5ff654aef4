package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/sessions"

	"sluis/internal/apperr"
	"sluis/internal/server/api"
	"sluis/internal/server/request"
)

// The limits of an ordinary request. A route that needs more time or a larger
// body (an upload, a stream of events, a report) says so itself.
const (
	maxForm      = 64 << 10
	readTimeout  = 30 * time.Second
	writeTimeout = time.Minute
)

// contentPolicy lets a page load its own style, script, font, image and events,
// post to itself, and nothing else; no script may turn text into markup.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// identify gives every request an id and finds where it came from.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := &request.Info{ID: request.NewID(), Address: request.ClientAddress(r, s.TrustedProxies), Via: request.Web}
		w.Header().Set("X-Request-Id", info.ID)
		r = request.With(r, info)
		sessions.GetRegistry(r) // one registry for all copies of r that follow
		next.ServeHTTP(w, r)
	})
}

// secureHeaders stand on every answer, errors included.
func (s *Server) secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.Secure {
			h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// logRequests logs route and result of a request: never its URL, which anyone
// may write anything in.
func (s *Server) logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			info := request.From(r.Context())
			s.Log.LogAttrs(r.Context(), slog.LevelInfo, "request",
				slog.String("request", info.ID), slog.String("method", method(r)), slog.String("route", routeOf(r)), slog.Int("status", seen.Status()),
				slog.Int("bytes", seen.BytesWritten()), slog.Duration("took", time.Since(start)), slog.Int64("user", info.Actor.UserID))
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

// method is the method of r, or that it has none that we know: a client may make
// one up.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "-"
}

// recoverPanics makes a failure of a panic. It logs the type of what was thrown
// and where, never the value: that may be anything.
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
			s.Log.LogAttrs(r.Context(), slog.LevelError, "panic",
				slog.String("request", request.From(r.Context()).ID), slog.String("route", routeOf(r)),
				slog.String("type", fmt.Sprintf("%T", thrown)), slog.String("stack", frames()))
			if written(w) {
				panic(http.ErrAbortHandler) // half an answer must not pass for a whole one
			}
			s.failStatus(w, r, http.StatusInternalServerError, "internal")
		}()
		next.ServeHTTP(w, r)
	})
}

// frames is the stack of a panic without its arguments.
func frames() string {
	pcs := make([]uintptr, 40)
	stack := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var out []string
	for {
		f, more := stack.Next()
		if strings.HasPrefix(f.Function, "sluis/") {
			out = append(out, fmt.Sprintf("%s:%d", f.Function, f.Line))
		}
		if !more {
			return strings.Join(out, " < ")
		}
	}
}

// written tells whether an answer has begun.
func written(w http.ResponseWriter) bool {
	seen, ok := w.(middleware.WrapResponseWriter)
	return ok && seen.Status() != 0
}

// sameOrigin refuses what another website makes a browser send.
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.origin.Check(r); err != nil {
			s.fail(w, r, apperr.Wrap(apperr.Forbidden, "cross_origin", err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limit bounds the time and the body of a request, until its route says
// otherwise. An upload's route does so only after it knows who sends it, so that
// a stranger has no more time for one than for anything else.
func (s *Server) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.SetReadDeadline(time.Now().Add(readTimeout))
		_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout))
		if !uploads(r) {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		}
		next.ServeHTTP(w, r)
	})
}

// uploads tells whether r brings a file; its route limits the body then.
func uploads(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == "/aanleveringen" || r.URL.Path == api.Prefix+"/deliveries")
}
