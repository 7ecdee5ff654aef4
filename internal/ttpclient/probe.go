package ttpclient

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Clock asks the TTP's token address for nothing but its time. The time is zero if the
// answer has none. It is for a command that examines the way to the TTP.
func (l *Line) Clock(ctx context.Context) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.auth+tokenPath, nil)
	if err != nil {
		return time.Time{}, err
	}
	resp, err := l.http.Do(req)
	if err != nil {
		return time.Time{}, networkFault(err)
	}
	_ = resp.Body.Close()
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // a TTP without a clock is no fault
	}
	return at, nil
}

// CheckCredential fetches a token, or uses the one that is there.
func (c *Client) CheckCredential(ctx context.Context) error {
	if _, err := c.tokens.token(ctx); err != nil {
		return fmt.Errorf("scope %s: %w", c.opt.Scope, err)
	}
	return nil
}
