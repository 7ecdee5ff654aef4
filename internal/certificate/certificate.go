// Package certificate keeps a certificate and its key that are read again when
// their files change. A certificate is renewed every few months, and that must not
// need a restart.
//
// It knows nothing of who is connected: connections that exist already go on with
// the certificate that they began with.
package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Options say where the pair is and what it is called in the log.
type Options struct {
	Name              string // such as "TTP client certificate"
	CertFile, KeyFile string
	Now               func() time.Time
	Log               *slog.Logger
}

// Pair is a certificate with its key. It is safe for concurrent use.
type Pair struct {
	o Options

	mu      sync.Mutex
	pair    *tls.Certificate
	stamp   stamps // of the files that pair was read from
	refused stamps // of the files that were last refused
	checked time.Time
}

// checkEvery is the shortest time between two looks at the files.
const checkEvery = time.Second

// stamps are the times and sizes of the two files, by which a change is noticed.
type stamps [2]struct {
	changed time.Time
	size    int64
}

// Open reads the pair.
func Open(o Options) (*Pair, error) {
	p := &Pair{o: o}
	stamp := p.look()
	pair, err := Read(o.CertFile, o.KeyFile)
	if err != nil {
		return nil, err
	}
	p.pair, p.stamp = pair, stamp
	return p, nil
}

// Read returns the certificate with its key. It fails if they do not belong
// together.
func Read(certFile, keyFile string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, errors.New("the certificate cannot be read")
		}
	}
	return &pair, nil
}

func (p *Pair) look() (s stamps) {
	for i, name := range []string{p.o.CertFile, p.o.KeyFile} {
		if info, err := os.Stat(name); err == nil {
			s[i].changed, s[i].size = info.ModTime(), info.Size()
		}
	}
	return s
}

// Current returns the newest pair that can be read. A pair of which only one file
// was replaced so far is tried again at the next look, and logged once.
func (p *Pair) Current() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.o.Now()
	if now.Sub(p.checked) < checkEvery && !now.Before(p.checked) {
		return p.pair
	}
	p.checked = now
	s := p.look()
	if s == p.stamp {
		return p.pair
	}
	changed, err := p.read(s)
	switch {
	case err != nil && p.refused != s:
		p.refused = s
		p.o.Log.Warn("a certificate has changed and cannot be used; the old one stays in use", "certificate", p.o.Name, "err", err)
	case changed:
		p.o.Log.Info("a certificate was read again", "certificate", p.o.Name, "ends", p.pair.Leaf.NotAfter)
	}
	return p.pair
}

// Reload reads the files at once, even if they look the same as before. It reports
// whether another certificate is used from now on. If the files cannot be used, the
// old pair stays in use.
func (p *Pair) Reload() (changed bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checked = p.o.Now()
	return p.read(p.look())
}

// read replaces the pair by what is in the files now.
func (p *Pair) read(s stamps) (changed bool, err error) {
	pair, err := Read(p.o.CertFile, p.o.KeyFile)
	if err != nil {
		return false, err
	}
	changed = !bytes.Equal(pair.Certificate[0], p.pair.Certificate[0])
	p.pair, p.stamp, p.refused = pair, s, stamps{}
	return changed, nil
}

// ForServer is the GetCertificate of a server's [tls.Config].
func (p *Pair) ForServer(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.Current(), nil }

// ForClient is the GetClientCertificate of a client's [tls.Config].
func (p *Pair) ForClient(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return p.Current(), nil
}

// Ends returns the moment at which the certificate ends.
func (p *Pair) Ends() time.Time { return p.Current().Leaf.NotAfter }
