package oidc

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// Document is what Sluis uses of a discovery document. The rest is passed over, such as
// the access_token_issuer of AD FS: Sluis takes no access token.
type Document struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	EndSessionEndpoint    string   `json:"end_session_endpoint"` // "" if there is none
	ResponseTypes         []string `json:"response_types_supported"`
	TokenAlgorithms       []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"` // Entra ID and AD FS do not list any
	// ResponseIssuer says that an answer names its issuer (RFC 9207).
	ResponseIssuer    bool `json:"authorization_response_iss_parameter_supported"`
	BackChannelLogout bool `json:"backchannel_logout_supported"`
	// FrontChannelLogout is not used; it is shown, because it may be all there is.
	FrontChannelLogout bool `json:"frontchannel_logout_supported"`
}

// Algorithms returns those that the provider signs with and Sluis accepts.
func (d Document) Algorithms() []string {
	return slices.DeleteFunc(slices.Clone(algorithms), func(a string) bool { return !slices.Contains(d.TokenAlgorithms, a) })
}

// Discover reads the discovery document of a provider and checks what Sluis needs of it.
func (c *Client) Discover(ctx context.Context, issuer string) (Document, error) {
	if err := CheckIssuer(issuer, c.opt.Loopback); err != nil {
		return Document{}, err
	}
	var d Document
	if err := c.getJSON(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &d); err != nil {
		return Document{}, err
	}
	return d, d.check(issuer, c.opt.Loopback)
}

// CheckIssuer returns a fault if an issuer cannot be one. loopback allows one on this
// machine.
func CheckIssuer(issuer string, loopback bool) error {
	if strings.ContainsAny(issuer, "{}") {
		return fault(IssuerTemplate)
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery || len(issuer) > 500 {
		return fault(IssuerInvalid)
	}
	if u.Scheme != "https" && (!loopback || !isLoopback(u.Hostname())) {
		return fault(IssuerInsecure)
	}
	return nil
}

func (d Document) check(issuer string, loopback bool) error {
	switch {
	case strings.ContainsAny(d.Issuer, "{}"):
		// https://login.microsoftonline.com/{tenantid}/v2.0: tokens of every organisation.
		return fault(IssuerTemplate)
	case d.Issuer != issuer:
		return &Fault{Code: IssuerOther, Published: shownIssuer(d.Issuer)}
	}
	for _, endpoint := range []string{d.AuthorizationEndpoint, d.TokenEndpoint, d.JWKSURI} {
		if endpoint == "" {
			return fault(EndpointMissing)
		}
		if err := checkEndpoint(endpoint, loopback); err != nil {
			return err
		}
	}
	if d.EndSessionEndpoint != "" {
		if err := checkEndpoint(d.EndSessionEndpoint, loopback); err != nil {
			return err
		}
	}
	switch {
	case len(d.ResponseTypes) > 0 && !slices.Contains(d.ResponseTypes, "code"):
		return fault(NoCodeFlow)
	case len(d.Algorithms()) == 0:
		return fault(NoAlgorithm)
	case len(d.ChallengeMethods) > 0 && !slices.Contains(d.ChallengeMethods, "S256"):
		return fault(NoPKCE)
	}
	return nil
}

func checkEndpoint(endpoint string, loopback bool) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fault(EndpointMissing)
	}
	if u.Scheme != "https" && (!loopback || !isLoopback(u.Hostname())) {
		return fault(EndpointInsecure)
	}
	return nil
}

// shownIssuer returns an issuer as an administrator may see it: nothing that is not an
// address.
func shownIssuer(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || len(issuer) > 500 {
		return ""
	}
	return u.Redacted()
}

// SignOutURL returns where a browser ends its session at the provider, and from where it
// comes back to afterwards; "" if the provider has no such place.
func (c *Client) SignOutURL(ctx context.Context, s Settings, afterwards string) (string, error) {
	d, _, err := c.of(ctx, s.Issuer)
	if err != nil || d.EndSessionEndpoint == "" {
		return "", err
	}
	u, err := url.Parse(d.EndSessionEndpoint)
	if err != nil {
		return "", fault(EndpointMissing)
	}
	q := u.Query()
	q.Set("client_id", s.ClientID)
	q.Set("post_logout_redirect_uri", afterwards)
	u.RawQuery = q.Encode()
	return u.String(), nil
}
