package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"

	"sluis/internal/server/request"
)

// Listener returns ln with connections on which also net/http's own answers (400 to a
// request that it cannot read, 431 to headers that are too long) carry the headers that
// every answer has. Such an answer never reaches a handler: net/http writes it to the
// connection itself.
func (s *Server) Listener(ln net.Listener) net.Listener {
	h := http.Header{}
	s.setHeaders(h)
	var raw bytes.Buffer
	_ = h.Write(&raw) // a buffer takes everything
	return &listener{ln, raw.Bytes()}
}

// TLSListener is Listener with TLS. It readies srv for connections on which TLS is
// hidden from net/http: such a connection may still speak HTTP/2.
func (s *Server) TLSListener(ln net.Listener, srv *http.Server,
	certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error),
) net.Listener {
	srv.Protocols = new(http.Protocols)
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	settings := &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: certificate, NextProtos: []string{"h2", "http/1.1"},
	}
	if s.o.ClientCerts == request.CertsTLS {
		// Any certificate will do here, also a self-signed one: the handshake proves that the
		// client has its key, and a token says which one it must be.
		settings.ClientAuth = tls.RequestClientCert
		srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			if ours, ok := c.(*conn); ok {
				if secure, ok := ours.Conn.(*tls.Conn); ok {
					return request.OnConnection(ctx, secure.ConnectionState)
				}
			}
			return ctx
		}
	}
	return s.Listener(tls.NewListener(ln, settings))
}

type listener struct {
	net.Listener
	headers []byte
}

// Accept wraps the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{c, l.headers}, nil
}

type conn struct {
	net.Conn
	headers []byte
}

// ownAnswer is how net/http's own answers go on after their status line. A handler's
// answer has other headers first.
var ownAnswer = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

// Write adds the headers to an answer of net/http's own, which comes in one piece.
func (c *conn) Write(p []byte) (int, error) {
	line := bytes.IndexByte(p[:min(len(p), 200)], '\r')
	if line < 0 || !bytes.HasPrefix(p, []byte("HTTP/1.1 ")) || !bytes.HasPrefix(p[line:], ownAnswer) {
		return c.Conn.Write(p)
	}
	end := line + 2 // behind the status line
	whole := append(append(bytes.Clone(p[:end]), c.headers...), p[end:]...)
	n, err := c.Conn.Write(whole)
	return min(n, len(p)), err
}
