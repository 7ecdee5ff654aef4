package ttpsandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load counts calls for the limits.
type load struct {
	now    atomic.Int64 // calls that are running
	mu     sync.Mutex
	second int64 // Unix time
	in     int   // calls in that second
}

// over counts a call in the second of at, and reports whether it is one too many.
func (l *load) over(rate int, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := at.Unix(); s != l.second {
		l.second, l.in = s, 0
	}
	l.in++
	return rate > 0 && l.in > rate
}

// misbehave puts the faults in front of next.
func (s *Sandbox) misbehave(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.readFaults()
		f := *s.faults.Load()
		calling := strings.HasPrefix(r.URL.Path, "/v1/pseudonyms/")
		switch {
		case f.Down:
			s.refuse(w, f, http.StatusServiceUnavailable)
		case strings.HasPrefix(r.URL.Path, "/oauth2/") && f.Token > 0 && s.dice.float() < f.Token:
			s.refuse(w, f, http.StatusInternalServerError)
		case !calling:
			next.ServeHTTP(w, r)
		default:
			n := s.load.now.Add(1)
			defer s.load.now.Add(-1)
			if f.Calls > 0 && n > int64(f.Calls) || s.load.over(f.Rate, time.Now()) {
				s.refuse(w, f, http.StatusTooManyRequests)
				return
			}
			if !pause(r, f.Latency) {
				return
			}
			s.serveWith(w, r, next, f, s.dice.fate(f))
		}
	})
}

// serveWith answers a call with the fault called fate.
func (s *Sandbox) serveWith(w http.ResponseWriter, r *http.Request, next http.Handler, f Faults, fate string) {
	switch fate {
	case "":
		next.ServeHTTP(w, r)
	case "401", "429", "500", "503":
		status, _ := strconv.Atoi(fate)
		s.refuse(w, f, status)
	case "reset":
		if s.dice.float() < 0.5 { // the work is done, and the caller never hears of it
			next.ServeHTTP(&answerBuffer{}, r)
		}
		panic(http.ErrAbortHandler)
	default:
		b := &answerBuffer{}
		next.ServeHTTP(b, r)
		if b.status == 0 || b.status == http.StatusOK {
			s.spoil(w, r, b, fate)
			return
		}
		b.copyTo(w)
	}
}

// spoil sends a good answer, spoiled in the way that fate names.
func (s *Sandbox) spoil(w http.ResponseWriter, r *http.Request, b *answerBuffer, fate string) {
	switch fate {
	case "truncate":
		half := b.body.Bytes()[:b.body.Len()/2]
		if s.dice.float() < 0.5 { // the HTTP body is complete, its JSON is not
			b.body = *bytes.NewBuffer(half)
			b.copyTo(w)
			return
		}
		w.Header().Set("Content-Type", b.header.Get("Content-Type"))
		w.Header().Set("Content-Length", strconv.Itoa(b.body.Len()))
		_, _ = w.Write(half)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "slow":
		w.Header().Set("Content-Type", b.header.Get("Content-Type"))
		const pieces = 20
		all := b.body.Bytes()
		for i := range pieces {
			_, _ = w.Write(all[i*len(all)/pieces : (i+1)*len(all)/pieces])
			_ = http.NewResponseController(w).Flush()
			if !pause(r, 100*time.Millisecond) {
				return
			}
		}
	default:
		var a answer
		if json.Unmarshal(b.body.Bytes(), &a) != nil || len(a.Items) == 0 {
			b.copyTo(w)
			return
		}
		writeJSON(w, answer{Items: s.rearrange(a.Items, fate)})
	}
}

func (s *Sandbox) rearrange(items []answerItem, fate string) []answerItem {
	at := int(s.dice.float() * float64(len(items)))
	rotated := func() []answerItem { return append(items[at:len(items):len(items)], items[:at]...) }
	switch fate {
	case "missing":
		return append(items[:at:at], items[at+1:]...)
	case "double":
		return append(items, items[at])
	case "shuffle":
		return rotated()
	case "short":
		return rotated()[1:]
	case "expired":
		for i, item := range items {
			if len(item.Pseudonyms) > 0 && item.Pseudonyms[0].ExpiresAt.IsZero() {
				items[i] = answerItem{Ref: item.Ref, Findings: []finding{temporaryExpired.at(item.Pseudonyms[0].Type)}}
			}
		}
	}
	return items
}

// refuse answers with a problem. A 429 or 503 has the Retry-After of f.
func (s *Sandbox) refuse(w http.ResponseWriter, f Faults, status int) {
	codes := map[int]string{
		http.StatusUnauthorized: "UNAUTHORIZED", http.StatusTooManyRequests: "TOO_MANY_REQUESTS",
		http.StatusInternalServerError: "INTERNAL", http.StatusServiceUnavailable: "UNAVAILABLE",
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		switch f.RetryAfter {
		case "", retryNone:
		case retryAbsurd:
			w.Header().Set("Retry-After", "99999999999999999999")
		case retryDate:
			w.Header().Set("Retry-After", time.Now().Add(2*time.Second).UTC().Format(http.TimeFormat))
		default:
			if d, err := time.ParseDuration(f.RetryAfter); err == nil {
				w.Header().Set("Retry-After", strconv.Itoa(int((d+time.Second-1)/time.Second)))
			}
		}
	}
	problem{Status: status, Code: codes[status], Title: "A fault that was switched on"}.write(w)
}

// pause waits for d. It returns false if the caller left before.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// answerBuffer keeps an answer, so that it can be spoiled before it is sent.
type answerBuffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *answerBuffer) Header() http.Header {
	if b.header == nil {
		b.header = http.Header{}
	}
	return b.header
}

func (b *answerBuffer) WriteHeader(status int) { b.status = status }

func (b *answerBuffer) Write(p []byte) (int, error) { return b.body.Write(p) }

func (b *answerBuffer) copyTo(w http.ResponseWriter) {
	for name, values := range b.Header() {
		w.Header()[name] = values
	}
	if b.status != 0 {
		w.WriteHeader(b.status)
	}
	_, _ = w.Write(b.body.Bytes())
}
