package ttpclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is our client certificate. It is read again when its files change:
// it is renewed every year or so, and that must not need a restart. Connections
// that exist already go on with the certificate they began with.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	stamp   [2]fileStamp
	checked time.Time
}

// checkEvery is the shortest time between two looks at the files.
const checkEvery = time.Second

type fileStamp struct {
	changed time.Time
	size    int64
}

func openCertificate(certFile, keyFile string, now func() time.Time, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, now: now, log: log}
	c.stamp = c.look()
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("read the TTP client certificate: %w", err)
	}
	return c, nil
}

func (c *certificate) look() (s [2]fileStamp) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			s[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

func (c *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return errors.New("the certificate cannot be read")
		}
	}
	c.pair = &pair
	return nil
}

// current returns the newest pair that can be read. A pair that is only half
// replaced is tried again at the next look.
func (c *certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.checked) < checkEvery && !now.Before(c.checked) {
		return c.pair
	}
	c.checked = now
	if s := c.look(); s != c.stamp {
		if err := c.read(); err != nil {
			c.log.Warn("the TTP client certificate has changed and cannot be read; the old one is used", "err", err)
		} else {
			c.stamp = s
			c.log.Info("the TTP client certificate was read again", "ends", c.pair.Leaf.NotAfter)
		}
	}
	return c.pair
}

func (c *certificate) get(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return c.current(), nil
}

func (c *certificate) ends() time.Time { return c.current().Leaf.NotAfter }
