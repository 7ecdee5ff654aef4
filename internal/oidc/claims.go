package oidc

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
)

// Claims is what a provider says of a person who signed in there. Nothing prints them.
type Claims struct {
	Issuer  string
	Subject string
	Session string // sid: the session at the provider; "" if it names none
	values  map[string]any
}

// Values returns the values of a claim that is a text or a list of texts. A claim may be
// in another one: realm_access.roles is the claim roles in realm_access. A claim that
// has the whole name itself comes first, for names of claims may be addresses.
func (c Claims) Values(name string) []string {
	if v, ok := c.values[name]; ok {
		return texts(v)
	}
	var at any = c.values
	for part := range strings.SplitSeq(name, ".") {
		inside, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = inside[part]
	}
	return texts(at)
}

// First returns the first text of the first of these claims that has any.
func (c Claims) First(names ...string) string {
	for _, name := range names {
		if v := c.Values(name); len(v) > 0 && v[0] != "" {
			return v[0]
		}
	}
	return ""
}

func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, one := range v {
			if s, ok := one.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

const masked = "***"

// String hides the claims.
func (Claims) String() string { return masked }

// GoString hides the claims from %#v.
func (Claims) GoString() string { return masked }

// Format hides the claims from every verb.
func (Claims) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// LogValue hides the claims from slog.
func (Claims) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalJSON hides the claims from encoders.
func (Claims) MarshalJSON() ([]byte, error) { return json.Marshal(masked) }

// audience is a claim aud: one text, or a list of them.
type audience []string

// UnmarshalJSON reads both forms.
func (a *audience) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = audience{one}
		return nil
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		return fault(TokenMalformed)
	}
	*a = list
	return nil
}

// Denies reports whether a claim is false.
func (c Claims) Denies(name string) bool {
	switch v := c.values[name].(type) {
	case bool:
		return !v
	case string:
		return v == "false"
	}
	return false
}
