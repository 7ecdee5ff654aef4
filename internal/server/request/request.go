// Package request carries what is known of an HTTP request apart from its content:
// its id, the client's address, and who makes it.
//
// Middleware fills it and handlers read it. It never holds anything of a body or a
// URL.
package request

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/netip"
	"strings"

	"sluis/internal/account"
	"sluis/internal/audit"
)

// Info is what is known of a request.
type Info struct {
	ID      string // for the log, the access log and the helpdesk
	Address string // the client's network address
	Via     audit.Via
	// Certificate is the SHA-256 in hex of the client's certificate; empty for none.
	Certificate string
	Actor       account.Actor
	Known       bool          // Actor is set
	Stalled     bool          // the client stopped sending
	Token       account.Token // that Actor bears; zero if Actor is a person
}

type key struct{}

// With returns r with its info, which later middleware completes.
func With(r *http.Request, info *Info) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), key{}, info))
}

// From returns the info of a request, or an empty one.
func From(ctx context.Context) *Info {
	if info, ok := ctx.Value(key{}).(*Info); ok {
		return info
	}
	return &Info{}
}

// Actor is who makes the request; the zero Actor may nothing.
func Actor(r *http.Request) account.Actor { return From(r.Context()).Actor }

// Who is the person or script behind r, as the access log names them.
func Who(r *http.Request) audit.Who {
	info := From(r.Context())
	who := info.Actor.Who()
	who.Address, who.RequestID, who.Via = info.Address, info.ID, info.Via
	return who
}

// NewID makes a request id.
func NewID() string { return strings.ToLower(rand.Text()[:16]) }

// ClientAddress returns the address of the client. X-Forwarded-For is read from
// the right, and only as far as trusted proxies wrote it: the first address that
// is no such proxy is the client.
func ClientAddress(r *http.Request, trusted []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	client := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && contains(trusted, client); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		client = hop.Unmap()
	}
	return client.WithZone("").String()
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
