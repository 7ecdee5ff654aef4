package ttpsandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"
)

// maxBody is the largest body in bytes. The largest call is definitive, with 1,000
// rows of many types.
const maxBody = 16 << 20

// call is a request that was admitted.
type call struct {
	client *Client
	body   []byte
	at     time.Time // a repeated call has the time of the first one
	seed   []byte    // of the nonces; see maker
}

// guarded does what the pseudonym calls have in common before their own work: it
// checks credential, media type, body and idempotency key.
func (s *Sandbox) guarded(scope string, do func(call) (*answer, *problem)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, p := s.admit(w, r, scope)
		var a *answer
		if p == nil {
			a, p = do(c)
		}
		if p != nil {
			p.write(w)
			return
		}
		writeJSON(w, a)
	})
}

func (s *Sandbox) admit(w http.ResponseWriter, r *http.Request, scope string) (call, *problem) {
	client, p := s.clientFor(r, scope)
	if p != nil {
		return call{}, p
	}
	if mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mt != "application/json" {
		return call{}, &problem{Status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_MEDIA_TYPE", Title: "Send application/json"}
	}
	key := r.Header.Get("Idempotency-Key")
	if key == "" || len(key) > 255 {
		return call{}, malformed("an Idempotency-Key of 1 to 255 characters is needed")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return call{}, s.tooMany("The body is too large")
	}
	if err != nil {
		return call{}, malformed("the body ended early")
	}
	c := call{client: client, body: body}
	bodyHash := s.keyed(scope, string(body))
	at, ok := s.answered.first(s.keyed(scope, client.ID, key), bodyHash, s.opt.Now())
	if !ok {
		return call{}, &problem{
			Status: http.StatusConflict, Code: "IDEMPOTENCY_KEY_REUSED", Title: "This Idempotency-Key came with another body before",
		}
	}
	c.at = at
	seed := hmac.New(sha256.New, s.keys.nonce)
	for _, part := range []string{client.ID, key, string(bodyHash[:]), at.UTC().Format(time.RFC3339Nano)} {
		writeField(seed, part)
	}
	c.seed = seed.Sum(nil)
	return c, nil
}

// keyed returns a keyed hash of parts for the ledger. A plain hash would not do: the
// identities behind it could be found by hashing guesses.
func (s *Sandbox) keyed(parts ...string) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, s.keys.body)
	for _, part := range parts {
		writeField(mac, part)
	}
	mac.Sum(out[:0])
	return out
}

// decode reads a body strictly: it refuses fields that the contract does not name,
// so that nobody sends the TTP more than it asks for. The decoder's error is
// dropped, for its text may hold a value.
func decode(body []byte, into any) *problem {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if dec.Decode(into) != nil {
		return malformed("the body is not the JSON of this call")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return malformed("there is something after the body")
	}
	return nil
}

func (s *Sandbox) tooMany(title string) *problem {
	return &problem{Status: http.StatusRequestEntityTooLarge, Code: "TOO_MANY_ITEMS", Title: title, MaxItems: s.opt.MaxItems}
}

// allowed checks what every pseudonym call has: a domain, and a number of items
// with a ref each.
func (s *Sandbox) allowed(c *Client, domain string, refs []string) *problem {
	if !s.keys.domains[domain] || len(c.Domains) > 0 && !slices.Contains(c.Domains, domain) {
		return &problem{Status: http.StatusForbidden, Code: "DOMAIN_NOT_ALLOWED", Title: "This domain is not yours to use"}
	}
	if len(refs) > s.opt.MaxItems {
		return s.tooMany("Too many items in one call")
	}
	if len(refs) == 0 {
		return malformed("no items")
	}
	seen := make(map[string]bool, len(refs))
	for _, ref := range refs {
		if ref == "" || len(ref) > 255 || seen[ref] {
			return malformed("every item needs a ref of its own, of 1 to 255 characters")
		}
		seen[ref] = true
	}
	return nil
}

func (s *Sandbox) temporary(c call) (*answer, *problem) {
	var req temporaryRequest
	if p := decode(c.body, &req); p != nil {
		return nil, p
	}
	refs := make([]string, len(req.Items))
	for i := range req.Items {
		refs[i] = req.Items[i].Ref
	}
	if p := s.allowed(c.client, req.Domain, refs); p != nil {
		return nil, p
	}
	if p := knownTypes(req.Types); p != nil {
		return nil, p
	}
	m := s.maker(req.Domain, c.client, c.at)
	m.seed = c.seed
	return &answer{Items: s.answers(m, req.Items, req.Types, c.at)}, nil
}

func knownTypes(types []string) *problem {
	seen := map[string]bool{}
	for _, t := range types {
		if _, ok := kinds[t]; !ok || seen[t] {
			return malformed("types must be known, and each named only once")
		}
		seen[t] = true
	}
	if len(types) == 0 {
		return malformed("no types")
	}
	return nil
}

func (s *Sandbox) maker(domain string, c *Client, at time.Time) *maker {
	return &maker{
		keys: s.keys, domain: domain, recipient: c.Recipient, provider: c.Provider,
		expires: at.Add(s.opt.Lifetime).UTC().Truncate(time.Second),
	}
}

// answers checks items and makes temporary pseudonyms of the usable ones.
func (s *Sandbox) answers(m *maker, items []identity, types []string, at time.Time) []answerItem {
	today := s.today(at)
	out := make([]answerItem, len(items))
	for i, id := range items {
		p, found, ok := check(id, types, today)
		out[i] = answerItem{Ref: id.Ref, Findings: found}
		if ok {
			out[i].Pseudonyms = m.all(id.Ref, p, types)
		}
	}
	return out
}

func (s *Sandbox) definitive(c call) (*answer, *problem) {
	var req definitiveRequest
	if p := decode(c.body, &req); p != nil {
		return nil, p
	}
	refs := make([]string, len(req.Items))
	for i := range req.Items {
		refs[i] = req.Items[i].Ref
	}
	if p := s.allowed(c.client, req.Domain, refs); p != nil {
		return nil, p
	}
	a := &answer{Items: make([]answerItem, len(req.Items))}
	for i, item := range req.Items {
		if len(item.Pseudonyms) == 0 {
			return nil, malformed("an item without pseudonyms")
		}
		out, p := s.exchange(c, req.Domain, item.Provider, item.Pseudonyms)
		if p != nil {
			return nil, p
		}
		out.Ref = item.Ref
		a.Items[i] = out
	}
	return a, nil
}

// exchange returns the answer to one row: all of its definitive pseudonyms, or the
// findings about its temporary ones.
func (s *Sandbox) exchange(c call, domain, provider string, given []pseudonym) (answerItem, *problem) {
	var out answerItem
	newest := s.keyVersion()
	for _, t := range given {
		o, f := s.read(c, domain, provider, t)
		if f != nil {
			out.Findings = append(out.Findings, f.at(t.Type))
			continue
		}
		value, err := s.keys.definitive(domain, t.Type, newest, o.precursor)
		if err != nil {
			return answerItem{}, &problem{Status: http.StatusInternalServerError, Code: "INTERNAL", Title: "The TTP cannot do this now"}
		}
		out.Pseudonyms = append(out.Pseudonyms, pseudonym{Type: t.Type, Value: value, RecordedOn: t.RecordedOn, KeyVersion: newest})
	}
	if len(out.Findings) > 0 {
		out.Pseudonyms = nil
	}
	return out, nil
}

func (s *Sandbox) read(c call, domain, provider string, t pseudonym) (opened, *finding) {
	o, ok := s.keys.open(t.Value, c.client.Recipient)
	if !ok {
		for _, other := range s.recipients {
			if _, ok := s.keys.open(t.Value, other); ok {
				return opened{}, &temporaryForeign
			}
		}
		return opened{}, &temporaryUnknown
	}
	switch {
	case o.typ != t.Type:
		return opened{}, &temporaryUnknown
	case o.domain != domain:
		return opened{}, &temporaryForeign
	case provider != "" && o.provider != "" && o.provider != provider:
		return opened{}, &temporaryOthers
	case !c.at.Before(o.expires):
		return opened{}, &temporaryExpired
	}
	return o, nil
}
