// Package resolve exchanges temporary pseudonyms for definitive ones, with the
// registry's credential.
//
// It never sees an identity, and never imports package prepare. No pseudonym is
// in its errors or log lines.
package resolve

import (
	"context"
	"errors"
	"slices"

	"sluis/internal/patient"
	"sluis/internal/ttpclient"
)

// Client resolves into one domain. It is a [patient.Resolver].
type Client struct {
	ttp    *ttpclient.Client
	domain string
}

var (
	_ patient.Resolver        = (*Client)(nil)
	_ patient.DomainConverter = (*Client)(nil)
)

// New makes a client for domain. The credential of ttp must have scope
// [ttpclient.ScopeDefinitive].
func New(ttp *ttpclient.Client, domain string) *Client { return &Client{ttp: ttp, domain: domain} }

// Resolve implements [patient.Resolver]. The number of rows is not limited.
func (c *Client) Resolve(ctx context.Context, key string, rows []patient.Resolvable) (map[string]patient.Resolved, error) {
	asked := make([]ttpclient.Row, len(rows))
	for i, r := range rows {
		values, err := temporaries(r)
		if err != nil {
			return nil, err
		}
		asked[i] = ttpclient.Row{Ref: r.Ref, Temporaries: values, Provider: r.Provider}
	}
	answers, err := c.ttp.Exchange(ctx, key, ttpclient.Definitive(c.domain), asked)
	if err != nil {
		return nil, err
	}
	out := make(map[string]patient.Resolved, len(answers))
	for ref, a := range answers {
		resolved := patient.Resolved{Findings: a.Findings}
		for _, v := range a.Pseudonyms {
			resolved.Pseudonyms = append(resolved.Pseudonyms, patient.Pseudonym{
				Type: v.Type, Domain: c.domain, KeyVersion: v.KeyVersion, Value: v.Value, RecordedOn: v.RecordedOn,
				ObservedOn: v.RecordedOn,
			})
		}
		out[ref] = resolved
	}
	return out, nil
}

// Convert implements [patient.DomainConverter]. The credential must have
// scope [ttpclient.ScopeConvert].
func (c *Client) Convert(
	ctx context.Context,
	key, from, to string,
	items []patient.DomainConversion,
) (map[string]patient.DomainConverted, error) {
	asked := make([]ttpclient.Row, len(items))
	given := make(map[string]patient.Pseudonym, len(items))
	for i, item := range items {
		p := item.Pseudonym
		asked[i] = ttpclient.Row{Ref: item.Ref, Definitive: ttpclient.Value{Type: p.Type, Value: p.Value, KeyVersion: p.KeyVersion}}
		given[item.Ref] = p
	}
	answers, err := c.ttp.Exchange(ctx, key, ttpclient.Convert(from, to), asked)
	if err != nil {
		return nil, err
	}
	out := make(map[string]patient.DomainConverted, len(answers))
	for ref, a := range answers {
		converted := patient.DomainConverted{Findings: a.Findings}
		for _, v := range a.Pseudonyms { // one at most
			p := given[ref]
			p.Domain, p.KeyVersion, p.Value = to, v.KeyVersion, v.Value
			converted.Pseudonym = p
		}
		out[ref] = converted
	}
	return out, nil
}

// temporaries returns the temporary pseudonyms of r as values of a call. There must
// be at least one, and each type (with its date) only once: otherwise the answer
// could not be matched.
func temporaries(r patient.Resolvable) ([]ttpclient.Value, error) {
	values := make([]ttpclient.Value, len(r.Temporaries))
	for i, t := range r.Temporaries {
		if slices.ContainsFunc(r.Temporaries[:i],
			func(o patient.Temporary) bool { return o.Type == t.Type && o.RecordedOn == t.RecordedOn }) {
			return nil, errors.New("resolve: a row has two temporary pseudonyms of one type and date")
		}
		values[i] = ttpclient.Value{Type: t.Type, Value: t.Value, RecordedOn: t.RecordedOn}
	}
	if len(values) == 0 {
		return nil, errors.New("resolve: a row has no temporary pseudonym")
	}
	return values, nil
}
