package request

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"net/netip"
	"strings"

	"sluis/internal/account"
)

// Certs says where the certificate of a client is found.
type Certs string

// The places.
const (
	NoCerts     Certs = ""
	CertsTLS    Certs = "tls"    // in the connection, which Sluis ends itself
	CertsHeader Certs = "header" // in Client-Cert, from a trusted proxy (RFC 9440)
)

type connection struct{}

// OnConnection notes in the context of a connection how its TLS is doing. net/http does
// not know: our listener wraps the connection.
func OnConnection(ctx context.Context, state func() tls.ConnectionState) context.Context {
	return context.WithValue(ctx, connection{}, state)
}

// maxCertHeader is the longest Client-Cert that is read, in bytes.
const maxCertHeader = 16 << 10

// Certificate returns the SHA-256 in hex of the certificate that the client of r has the
// key of; "" if it has none. Client-Cert counts only if the peer itself is a trusted proxy:
// whoever connects directly may write anything into it.
func Certificate(r *http.Request, from Certs, trusted []netip.Prefix) string {
	switch from {
	case CertsTLS:
		if state, ok := r.Context().Value(connection{}).(func() tls.ConnectionState); ok {
			if sent := state().PeerCertificates; len(sent) > 0 {
				return account.Thumbprint(sent[0].Raw)
			}
		}
	case CertsHeader:
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		values := r.Header.Values("Client-Cert")
		if err != nil || !contains(trusted, peer.Addr().Unmap()) || len(values) != 1 || len(values[0]) > maxCertHeader {
			return "" // two of them may be the client's and the proxy's
		}
		text, opened := strings.CutPrefix(strings.TrimSpace(values[0]), ":")
		text, closed := strings.CutSuffix(text, ":")
		der, err := base64.StdEncoding.DecodeString(text)
		if opened && closed && err == nil && len(der) > 0 {
			return account.Thumbprint(der)
		}
	}
	return ""
}
