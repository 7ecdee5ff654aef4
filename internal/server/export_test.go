package server

import "time"

// SetReadTimeout replaces the time that a request may take to come in, until the
// function that it returns is called.
func SetReadTimeout(d time.Duration) (restore func()) {
	was := readTimeout
	readTimeout = d
	return func() { readTimeout = was }
}

// The limits of costly requests.
const (
	CostlyAccount = costlyAccount
	CostlyAddress = costlyAddress
	MostBuckets   = mostBuckets
)

// Costly lists the routes that these limits hold for.
var Costly = costly

// Limiter counts costly requests.
type Limiter struct{ *limiter }

// NewLimiter makes a limiter.
func NewLimiter(now func() time.Time) Limiter { return Limiter{newLimiter(now)} }

// Take takes one request from the buckets of an account and an address.
func (l Limiter) Take(account, address string) (time.Duration, bool) { return l.take(account, address) }

// Size is how many buckets are remembered.
func (l Limiter) Size() int { return len(l.buckets) + len(l.older) }
