package ttpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluis/internal/patient"
)

// longestRetryAfter is the longest time that the TTP can make a caller wait.
const longestRetryAfter = time.Hour

// fault is the error of a try that got no answer. It has a status and a known code,
// never a piece of a body.
type fault struct {
	verdict    verdict
	status     int    // 0 if the TTP sent nothing at all
	code       string // one of knownCodes, or empty
	what       string // in our own words
	cause      error  // only errors whose text cannot hold a piece of a body
	retryAfter time.Duration
	maxItems   int  // rows that the TTP takes in one call, if it said so with tooLarge
	unsent     bool // the call never left: the gate refused it, or its turn did not come
}

func (f *fault) Error() string {
	text := f.what
	if f.status != 0 {
		text = fmt.Sprintf("%s (status %d)", text, f.status)
	}
	if f.code != "" {
		text += " " + f.code
	}
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

func (f *fault) Unwrap() error { return f.cause }

// knownCode returns code if the contract lists it, else nothing.
func knownCode(code string) string {
	if slices.Contains(knownCodes, code) {
		return code
	}
	return ""
}

// networkFault returns the fault of a transport error. It keeps only causes that
// are about the connection: net/http may quote a piece of a broken answer.
func networkFault(err error) *fault {
	f := &fault{verdict: tryAgain, what: "no connection"}
	var (
		op   *net.OpError
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		tout interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, context.Canceled):
		f.cause = context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		f.what, f.cause = "no answer in time", context.DeadlineExceeded
	case errors.Is(err, errHost):
		f.verdict, f.cause = giveUp, errHost
	case errors.Is(err, errSandbox):
		f.verdict, f.cause = giveUp, errSandbox
	case errors.As(err, &cert):
		f.verdict, f.what, f.cause = giveUp, "the certificate is not trusted", cert
	case errors.As(err, &dns):
		f.cause = dns
	case errors.As(err, &op):
		f.cause = op
	case errors.As(err, &tout) && tout.Timeout():
		f.what = "no answer in time"
	default:
		f.what = "the connection broke"
	}
	return f
}

// retryAfter returns the wait that the Retry-After header asks for, in seconds or
// until a date; 0 if it says nothing sensible. A date is compared with the Date
// header if there is one, for the TTP's clock and ours may differ.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	var d time.Duration
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		d = time.Duration(min(max(n, 0), int64(longestRetryAfter/time.Second))) * time.Second
	} else if errors.Is(err, strconv.ErrRange) && !strings.HasPrefix(v, "-") {
		d = longestRetryAfter
	} else if at, err := http.ParseTime(v); err == nil {
		if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
			now = theirs
		}
		d = at.Sub(now)
	}
	return min(max(d, 0), longestRetryAfter)
}

// unavailable returns err as the [*patient.UnavailableError] that callers act on.
// If the caller itself gave up, it returns context.Canceled, which says nothing
// about the TTP.
func unavailable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("ttpclient: %w", context.Canceled)
	}
	u := &patient.UnavailableError{Err: err}
	if f, ok := errors.AsType[*fault](err); ok {
		u.Denied = f.verdict == denied || f.verdict == newToken
		u.RetryAfter = f.retryAfter
	}
	return u
}
