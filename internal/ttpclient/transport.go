package ttpclient

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go" // retries, breakers and limits that compose, with a context
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"sluis/internal/ttphealth"
)

// errUnusable is the error of an answer that came in whole but does not fit the
// question.
var errUnusable = errors.New("the answer does not fit the question")

// request describes one call. Each try makes a new HTTP request of it.
type request struct {
	kind     ttphealth.Call
	method   string
	path     string
	key      string // Idempotency-Key; empty if asking twice does no harm
	body     []byte
	accept   string
	perTry   time.Duration // 0: as the client
	attempts int           // 0: as the client
	person   bool          // a person waits for it
	// unbounded switches both deadlines off. read must then see to it that it ends.
	unbounded bool
	read      func(ctx context.Context, resp *http.Response) error
}

// post makes one call. It returns an answer, errUnusable or a *fault.
func (c *Client) post(ctx context.Context, call Call, key string, body []byte) (*answerBody, error) {
	var a *answerBody
	err := c.send(ctx, request{
		kind: call.kind, method: http.MethodPost, path: call.path, key: key, body: body,
		accept: "application/json, application/problem+json",
		perTry: call.PerTry, person: call.PerTry > 0,
		read: func(_ context.Context, resp *http.Response) error {
			text, err := c.whole(resp)
			if err == nil {
				a, err = decode(text)
			}
			return err
		},
	})
	return a, err
}

// send makes a call under the policies of the client. From outside to inside these
// are: the overall deadline, retries while the TTP is busy or broken, the breakers,
// the limit of calls at once, and the deadline of one try.
func (c *Client) send(ctx context.Context, r request) error {
	within, cancel := bounded(ctx, c.opt.Overall, r.unbounded)
	defer cancel()
	retry := retrypolicy.NewBuilder[any]().
		HandleIf(func(_ any, err error) bool { return c.retryable(within, err) }).
		WithMaxAttempts(cmp.Or(r.attempts, c.opt.Attempts)).
		WithBackoff(c.opt.BaseDelay, c.opt.MaxDelay).
		WithJitterFactor(0.25).
		WithDelayFunc(func(e failsafe.ExecutionAttempt[any]) time.Duration {
			if f, ok := errors.AsType[*fault](e.LastError()); ok && f.retryAfter > 0 {
				return f.retryAfter
			}
			return -1 // the backoff above
		}).
		ReturnLastFailure().
		Build()
	err := failsafe.With(retry, c.gate.denied, c.gate.down).WithContext(within).RunWithExecution(func(e failsafe.Execution[any]) error {
		err := c.try(within, r)
		if f, ok := errors.AsType[*fault](err); ok {
			c.log.Warn("ttp call failed", "call", r.kind, "attempt", e.Attempts(),
				"status", f.status, "code", f.code, "what", f.what, "retry_after", f.retryAfter)
			c.gate.pause(f.retryAfter)
		}
		return err
	})
	if errors.Is(err, circuitbreaker.ErrOpen) {
		return c.gate.openFault()
	}
	if _, ok := errors.AsType[*fault](err); err != nil && !ok && within.Err() != nil {
		return networkFault(within.Err())
	}
	return err
}

func bounded(ctx context.Context, d time.Duration, unbounded bool) (context.Context, context.CancelFunc) {
	if unbounded {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// retryable reports whether another try within this call makes sense.
func (c *Client) retryable(ctx context.Context, err error) bool {
	f, ok := errors.AsType[*fault](err)
	return ok && f.verdict == tryAgain && f.retryAfter <= c.opt.MaxDelay && ctx.Err() == nil
}

// try asks once. If the TTP refuses the token, it asks a second time with a new one.
func (c *Client) try(ctx context.Context, r request) error {
	if err := c.gate.wait(ctx); err != nil {
		return err
	}
	release, err := c.line.acquire(ctx, r.person)
	if err != nil {
		f := networkFault(err)
		f.unsent = true // it waited for its turn, not for the TTP
		return f
	}
	defer release()
	perTry := c.opt.PerTry
	if r.perTry > 0 {
		perTry = min(perTry, r.perTry)
	}
	ctx, cancel := bounded(ctx, perTry, r.unbounded)
	defer cancel()
	for again := false; ; again = true {
		token, err := c.tokens.token(ctx)
		if _, ok := errors.AsType[*fault](err); err != nil && !ok {
			err = networkFault(err) // the wait for the token ended
		}
		if err != nil {
			return err
		}
		err = c.once(ctx, r, token)
		f, ok := errors.AsType[*fault](err)
		if !ok || f.verdict != newToken {
			return err
		}
		c.tokens.drop(token)
		if again {
			f.verdict = denied
			return f
		}
	}
}

func (c *Client) once(ctx context.Context, r request, token string) (err error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.line.api+r.path, bytes.NewReader(r.body))
	if err != nil {
		return &fault{verdict: giveUp, what: "the request cannot be made"}
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", r.accept)
	req.Header.Set("Authorization", "Bearer "+token)
	if r.key != "" {
		req.Header.Set(headerIdempotency, r.key)
	}
	start := time.Now()
	defer func() {
		if !errors.Is(ctx.Err(), context.Canceled) {
			c.opt.Observe(r.kind, time.Since(start), answered(err))
		}
	}()
	resp, err := c.line.http.Do(req)
	if err != nil {
		return networkFault(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		// We did not ask for compression: this is a page of some proxy, or a bomb.
		return &fault{verdict: tryAgain, status: resp.StatusCode, what: "the answer is compressed"}
	}
	if resp.StatusCode != http.StatusOK {
		text, err := c.whole(resp)
		if err != nil {
			return err
		}
		return refusal(resp, text, c.now())
	}
	return r.read(ctx, resp)
}

// answered reports whether the TTP did its work. Refusing the rows is part of that.
func answered(err error) bool {
	f, ok := errors.AsType[*fault](err)
	return err == nil || ok && (f.verdict == takeApart || f.verdict == tooLarge || f.verdict == otherKey || f.verdict == gone)
}

// whole returns the body of an answer, or a fault if it is longer than MaxBody.
func (c *Client) whole(resp *http.Response) ([]byte, error) {
	var body bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= c.opt.MaxBody {
		body.Grow(int(n) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(resp.Body, c.opt.MaxBody+1))
	text := body.Bytes()
	switch {
	case err != nil:
		return nil, networkFault(err)
	case int64(len(text)) > c.opt.MaxBody:
		return nil, &fault{verdict: giveUp, status: resp.StatusCode, what: "the answer is too large"}
	case resp.StatusCode == http.StatusOK && !isJSON(resp.Header):
		// A page of some proxy: the TTP itself was not reached.
		return nil, &fault{verdict: tryAgain, status: resp.StatusCode, what: "the answer is not JSON"}
	}
	return text, nil
}

// refusal returns the fault of an answer whose status is not 200.
func refusal(resp *http.Response, text []byte, now time.Time) *fault {
	var p problemBody
	if isJSON(resp.Header) {
		_ = json.Unmarshal(text, &p) // if this fails, the status says enough
	}
	f := &fault{status: resp.StatusCode, code: knownCode(p.Code), what: "the TTP refused the call", maxItems: p.MaxItems}
	f.verdict = classify(f.status, f.code)
	if f.verdict == tryAgain {
		f.retryAfter = retryAfter(resp.Header, now)
	}
	return f
}

func isJSON(h http.Header) bool {
	mt := mediaType(h)
	return mt == "application/json" || strings.HasSuffix(mt, "+json")
}

func mediaType(h http.Header) string {
	mt, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return mt
}

// decode reads the body of an answer. A body that was cut off is the connection's
// fault and is worth another try; one that is whole and wrong is errUnusable. The
// decoder's error is dropped, for its text may quote the body.
func decode(text []byte) (*answerBody, error) {
	if a, ok := plainAnswer(string(text)); ok {
		return &a, nil
	}
	var a answerBody
	dec := json.NewDecoder(bytes.NewReader(text))
	err := dec.Decode(&a)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return nil, &fault{verdict: tryAgain, status: http.StatusOK, what: "the answer was cut off"}
	}
	if err == nil {
		if _, end := dec.Token(); errors.Is(end, io.EOF) {
			return &a, nil
		}
	}
	return nil, errUnusable
}
