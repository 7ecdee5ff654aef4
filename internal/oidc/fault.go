package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// Fault is why a provider or its answer is not accepted. It has a code and nothing of
// what was sent: no token, no claim, no text of the provider.
type Fault struct {
	Code string
	// Published is the issuer that a discovery document names instead of the one that was
	// asked for. It is set with IssuerOther only.
	Published string
}

func (f *Fault) Error() string { return "oidc: " + f.Code }

// The codes of a provider that cannot be used, or not now.
const (
	Unreachable      = "unreachable"
	Slow             = "slow"
	Certificate      = "certificate"
	AddressRefused   = "address_refused" // in a network in which providers may not be
	Redirected       = "redirected"
	TooLarge         = "too_large"
	StatusOdd        = "status"
	NotJSON          = "not_json"
	IssuerInvalid    = "issuer_invalid"
	IssuerInsecure   = "issuer_insecure"
	IssuerTemplate   = "issuer_template" // Entra's common endpoint: an issuer for everybody
	IssuerOther      = "issuer_other"
	EndpointMissing  = "endpoint_missing"
	EndpointInsecure = "endpoint_insecure"
	NoCodeFlow       = "no_code_flow"
	NoAlgorithm      = "no_algorithm"
	NoPKCE           = "no_pkce"
	NoKeys           = "no_keys"
	SecretMissing    = "secret_missing"
	SecretOpen       = "secret_open" // others on the machine can read it
	SecretInvalid    = "secret_invalid"
	ClientRefused    = "client_refused"
)

// The codes of an answer that is not accepted.
const (
	CodeRefused    = "code_refused"
	ProviderFailed = "provider_failed"
	TokenMissing   = "token_missing"
	TokenMalformed = "token_malformed"
	TokenAlgorithm = "token_algorithm"
	TokenSignature = "token_signature" // also a key that the provider does not have
	TokenIssuer    = "token_issuer"
	TokenAudience  = "token_audience"
	TokenParty     = "token_party" // azp
	TokenNonce     = "token_nonce"
	TokenExpired   = "token_expired"
	TokenFuture    = "token_future"
	TokenOld       = "token_old"
	TokenSubject   = "token_subject"
	LogoutEvent    = "logout_event"
	LogoutNonce    = "logout_nonce"
	LogoutID       = "logout_id" // jti
)

// Codes lists every code, for the test that each has a text.
var Codes = []string{
	Unreachable, Slow, Certificate, AddressRefused, Redirected, TooLarge, StatusOdd, NotJSON, IssuerInvalid, IssuerInsecure, IssuerTemplate,
	IssuerOther, EndpointMissing, EndpointInsecure, NoCodeFlow, NoAlgorithm, NoPKCE, NoKeys, SecretMissing, SecretOpen, SecretInvalid,
	ClientRefused, CodeRefused, ProviderFailed, TokenMissing, TokenMalformed, TokenAlgorithm, TokenSignature, TokenIssuer, TokenAudience,
	TokenParty, TokenNonce, TokenExpired, TokenFuture, TokenOld, TokenSubject, LogoutEvent, LogoutNonce, LogoutID,
}

func fault(code string) error { return &Fault{Code: code} }

// CodeOf returns the code of a fault in err; Unreachable if there is none.
func CodeOf(err error) string {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Code
	}
	return Unreachable
}

// networkFault returns the fault of a call that got no answer. The error of the library
// is dropped: it names the address with its query.
func networkFault(err error) error {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return fault(Slow)
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	if untrusted || unknown {
		return fault(Certificate)
	}
	return fault(Unreachable)
}
