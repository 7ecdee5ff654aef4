package ttpclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

// errUnusable says that an answer came in whole and does not fit the question.
var errUnusable = errors.New("the answer does not fit the question")

// post makes one call, with retries while the TTP is busy or broken. It gives an
// answer, errUnusable, or a *fault.
func (c *Client) post(ctx context.Context, call Call, key string, body []byte) (*answerBody, error) {
	retry := retrypolicy.NewBuilder[*answerBody]().
		HandleIf(func(_ *answerBody, err error) bool { return c.retryable(ctx, err) }).
		WithMaxAttempts(c.opt.Attempts).
		WithBackoff(c.opt.BaseDelay, c.opt.MaxDelay).
		WithJitterFactor(0.25).
		WithDelayFunc(func(e failsafe.ExecutionAttempt[*answerBody]) time.Duration {
			if f, ok := errors.AsType[*fault](e.LastError()); ok && f.retryAfter > 0 {
				return f.retryAfter
			}
			return -1 // the backoff above
		}).
		ReturnLastFailure().
		Build()
	return failsafe.With(retry).WithContext(ctx).GetWithExecution(func(e failsafe.Execution[*answerBody]) (*answerBody, error) {
		a, err := c.try(ctx, call, key, body)
		if f, ok := errors.AsType[*fault](err); ok {
			c.opt.Log.Warn("ttp call failed", "call", call.path, "attempt", e.Attempts(),
				"status", f.status, "code", f.code, "what", f.what, "retryAfter", f.retryAfter)
		}
		return a, err
	})
}

// retryable tells whether trying again within this call makes sense.
func (c *Client) retryable(ctx context.Context, err error) bool {
	f, ok := errors.AsType[*fault](err)
	return ok && f.verdict == tryAgain && f.retryAfter <= c.opt.MaxDelay && ctx.Err() == nil
}

// try asks once; twice where the token turns out to be refused.
func (c *Client) try(ctx context.Context, call Call, key string, body []byte) (*answerBody, error) {
	perTry := c.opt.PerTry
	if call.PerTry > 0 {
		perTry = min(perTry, call.PerTry)
	}
	ctx, cancel := context.WithTimeout(ctx, perTry)
	defer cancel()
	for again := false; ; again = true {
		token, err := c.tokens.token(ctx)
		if _, ok := errors.AsType[*fault](err); err != nil && !ok {
			err = networkFault(err) // the wait for the token ended
		}
		if err != nil {
			return nil, err
		}
		a, err := c.once(ctx, call, key, body, token)
		f, ok := errors.AsType[*fault](err)
		if !ok || f.verdict != newToken {
			return a, err
		}
		c.tokens.drop(token)
		if again {
			f.verdict = denied
			return nil, f
		}
	}
}

func (c *Client) once(ctx context.Context, call Call, key string, body []byte, token string) (*answerBody, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.api+call.path, bytes.NewReader(body))
	if err != nil {
		return nil, &fault{verdict: giveUp, what: "the request cannot be made"}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set(headerIdempotency, key)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, networkFault(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, c.opt.MaxBody+1))
	switch {
	case err != nil:
		return nil, networkFault(err)
	case int64(len(text)) > c.opt.MaxBody:
		return nil, &fault{verdict: giveUp, status: resp.StatusCode, what: "the answer is too large"}
	case resp.StatusCode != http.StatusOK:
		return nil, refusal(resp, text)
	}
	if !isJSON(resp.Header) {
		// A page of some proxy: the TTP itself was not reached.
		return nil, &fault{verdict: tryAgain, status: resp.StatusCode, what: "the answer is no JSON"}
	}
	return decode(text)
}

// refusal reads status and code of an answer that is no 200.
func refusal(resp *http.Response, text []byte) *fault {
	var p problemBody
	if isJSON(resp.Header) {
		_ = json.Unmarshal(text, &p) // the status says enough where this fails
	}
	f := &fault{status: resp.StatusCode, code: knownCode(p.Code), what: "the TTP refused the call", maxItems: p.MaxItems}
	f.verdict = judge(f.status, f.code)
	if f.verdict == tryAgain {
		f.retryAfter = retryAfter(resp.Header)
	}
	return f
}

func isJSON(h http.Header) bool {
	mt, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (mt == "application/json" || strings.HasSuffix(mt, "+json"))
}

// decode tells a body that was cut off, which is the connection's fault, from
// one that is whole and wrong. The decoder's own words may quote the body.
func decode(text []byte) (*answerBody, error) {
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
