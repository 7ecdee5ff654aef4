// Package prepare asks the TTP for temporary pseudonyms of identities, with the
// care provider's credential.
//
// It never sees a definitive pseudonym and never imports package resolve. An
// identity is read when its call is written, and is kept no longer than the call
// lasts. It is in no error and in no log line.
package prepare

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"sluis/internal/identity"
	"sluis/internal/patient"
	"sluis/internal/ttpclient"
)

// A person waits for PrepareOne.
const (
	oneDeadline = 10 * time.Second // for the call with all its tries
	onePerTry   = 4 * time.Second  // for one try
)

// Client makes temporary pseudonyms for one domain.
type Client struct {
	ttp    *ttpclient.Client
	domain string
	types  []string
}

// New makes a client that asks for types, such as NGGV and NGG, in domain. The
// credential of ttp must have scope [ttpclient.ScopeTemporary].
func New(ttp *ttpclient.Client, domain string, types []string) *Client {
	return &Client{ttp: ttp, domain: domain, types: slices.Clone(types)}
}

// Prepare returns an answer for every item, by ref, or an error and no answer at
// all. The error is a [*patient.UnavailableError] if the TTP cannot be used now. The
// same key and items get the same answer. The number of items is not limited.
func (c *Client) Prepare(ctx context.Context, key string, items []identity.Item) (map[string]patient.Prepared, error) {
	return c.ask(ctx, key, ttpclient.Temporary(c.domain, c.types), items)
}

// PrepareOne asks about one person while the user waits: ten seconds at most.
func (c *Client) PrepareOne(ctx context.Context, id identity.Identity) ([]patient.Temporary, []patient.Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, oneDeadline)
	defer cancel()
	call := ttpclient.Temporary(c.domain, c.types)
	call.PerTry = onePerTry
	ref := rand.Text()
	answers, err := c.ask(ctx, rand.Text(), call, []identity.Item{{Ref: ref, Identity: id}})
	if err != nil {
		return nil, nil, err
	}
	return answers[ref].Temporaries, answers[ref].Findings, nil
}

func (c *Client) ask(ctx context.Context, key string, call ttpclient.Call, items []identity.Item) (map[string]patient.Prepared, error) {
	rows := make([]ttpclient.Row, len(items))
	for i, item := range items {
		rows[i] = ttpclient.Row{Ref: item.Ref, Person: person(item.Identity)}
	}
	answers, err := c.ttp.Exchange(ctx, key, call, rows)
	if err != nil {
		return nil, err
	}
	out := make(map[string]patient.Prepared, len(answers))
	for ref, a := range answers {
		prepared := patient.Prepared{Findings: a.Findings}
		for _, v := range a.Pseudonyms {
			prepared.Temporaries = append(prepared.Temporaries, patient.Temporary{
				Type: v.Type, Value: v.Value, ExpiresAt: v.ExpiresAt.UTC(), RecordedOn: v.RecordedOn,
			})
		}
		out[ref] = prepared
	}
	return out, nil
}

func person(id identity.Identity) ttpclient.Person {
	f := id.Reveal()
	p := ttpclient.Person{Surname: f.Surname, Prefix: f.Prefix, Initials: f.Initials, BirthDate: f.BirthDate, Sex: f.Sex}
	for _, pc := range f.Postcodes {
		p.Postcodes = append(p.Postcodes, ttpclient.Postcode(pc))
	}
	return p
}
