package account

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"net/netip"
	"slices"
	"strings"
)

// MostNetworks is how many networks a token can be bound to.
const MostNetworks = 20

// The codes of [Token.Elsewhere].
const (
	OtherAddress     = "token_address"     // the request comes from another network
	OtherCertificate = "token_certificate" // it comes without the certificate, or with another one
)

// Elsewhere returns a code if the token may not be used from this address with this client
// certificate, given by its SHA-256 in hex; "" if it may. An address that cannot be read is
// in no network.
func (t Token) Elsewhere(address, certificate string) string {
	a, err := netip.ParseAddr(address)
	inside := func(p netip.Prefix) bool { return err == nil && p.Contains(a.Unmap()) }
	switch {
	case len(t.Addresses) > 0 && !slices.ContainsFunc(t.Addresses, inside):
		return OtherAddress
	case t.Certificate != "" && t.Certificate != certificate:
		return OtherCertificate
	}
	return ""
}

// ParseNetworks reads networks such as 10.1.0.0/16 and 2001:db8::/32, with white space or
// commas between them. A bare address is a network of one. It returns false if one cannot
// be read, if they are too many, or if one of them is every address there is.
func ParseNetworks(s string) ([]netip.Prefix, bool) {
	var out []netip.Prefix
	for _, text := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }) {
		p, err := netip.ParsePrefix(text)
		if a, addrErr := netip.ParseAddr(text); addrErr == nil && a.Zone() == "" {
			a = a.Unmap()
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || p.Bits() == 0 || p.Addr().Is4In6() {
			return nil, false
		}
		if p = p.Masked(); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, len(out) <= MostNetworks
}

// JoinNetworks writes networks as [ParseNetworks] reads them.
func JoinNetworks(networks []netip.Prefix) string {
	words := make([]string, len(networks))
	for i, p := range networks {
		words[i] = p.String()
		if p.IsSingleIP() {
			words[i] = p.Addr().String()
		}
	}
	return strings.Join(words, " ")
}

// Thumbprint is the SHA-256 of a certificate (DER) in hex.
func Thumbprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// ParseThumbprint reads a SHA-256 in hex, with or without colons, or takes that of a
// certificate in PEM. It returns false if s is neither.
func ParseThumbprint(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", true
	}
	if block, _ := pem.Decode([]byte(s)); block != nil {
		return Thumbprint(block.Bytes), block.Type == "CERTIFICATE"
	}
	s = strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(s))
	raw, err := hex.DecodeString(s)
	return s, err == nil && len(raw) == sha256.Size
}
