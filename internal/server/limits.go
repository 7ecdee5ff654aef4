package server

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/server/request"
)

// Requests that cost much more than a page: a search over all patients, a report of a
// delivery, an export. Each account or token may make burst of them at once and burst a
// minute after that; so may an address, behind which a whole hospital may sit. These
// limits keep a script from crowding out the others. They are this process's own.
const (
	costlyAccount = 120
	costlyAddress = 1200
	mostBuckets   = 20_000 // that are remembered
)

// costly lists the routes that these limits hold for.
var costly = map[string]bool{
	"POST /patienten":                     true,
	"POST /api/v1/patients/search":        true,
	"GET /aanleveringen/{id}/fouten":      true,
	"GET /aanleveringen/{id}/fouten.csv":  true,
	"GET /aanleveringen/{id}/fouten.json": true,
	"GET /aanleveringen/{id}/fouten.xlsx": true,
	"GET /api/v1/deliveries/{id}/report":  true,
	"GET /gebruikers/controle.csv":        true,
	"GET /logboek":                        true,
	"GET /logboek.csv":                    true,
	"POST /logboek/inzage.csv":            true,
	"POST /logboek":                       true,
}

// limiter counts costly requests by account and by address.
type limiter struct {
	now func() time.Time

	mu             sync.Mutex
	buckets, older map[string]*bucket
}

// bucket holds what is left of a burst. It fills up in a minute.
type bucket struct {
	left float64
	at   time.Time
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, buckets: map[string]*bucket{}}
}

// take takes one request from each bucket, or from none and returns how long to wait.
func (l *limiter) take(account, address string) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	a, b := l.fill(account, costlyAccount, now), l.fill(address, costlyAddress, now)
	if a.left >= 1 && b.left >= 1 {
		a.left--
		b.left--
		return 0, true
	}
	wait = max(untilOne(a, costlyAccount), untilOne(b, costlyAddress))
	return wait, false
}

// fill returns the bucket of a key with what has come in since.
func (l *limiter) fill(key string, size float64, now time.Time) *bucket {
	b := l.buckets[key]
	if b == nil {
		if b = l.older[key]; b == nil {
			b = &bucket{left: size, at: now}
		}
		if len(l.buckets) >= mostBuckets/2 { // an older one that nobody used since is full by now, or one of very many
			l.older, l.buckets = l.buckets, map[string]*bucket{}
		}
		l.buckets[key] = b
	}
	if since := now.Sub(b.at); since > 0 {
		b.left, b.at = min(size, b.left+size*since.Minutes()), now
	}
	return b
}

func untilOne(b *bucket, size float64) time.Duration {
	if b.left >= 1 {
		return 0
	}
	return time.Duration((1 - b.left) / size * float64(time.Minute))
}

// limitRoute counts r against the limits of whoever makes it, if its route is costly. The
// first refusal of a series is in the access log.
func (s *Server) limitRoute(route Route, w http.ResponseWriter, r *http.Request) error {
	if !costly[route.Method+" "+route.Pattern] {
		return nil
	}
	info := request.From(r.Context())
	who := "user " + strconv.FormatInt(info.Actor.UserID, 10)
	if info.Token.ID != 0 {
		who = "token " + strconv.FormatInt(info.Token.ID, 10)
	}
	wait, ok := s.limiter.take(who, "address "+info.Address)
	if ok {
		return nil
	}
	if err := s.access.Refused(r, "too_many_requests"); err != nil {
		return err
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return apperr.New(apperr.TooMany, "too_many_requests")
}
