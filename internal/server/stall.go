package server

import (
	"errors"
	"io"
	"os"

	"sluis/internal/apperr"
	"sluis/internal/server/request"
)

// body is the body of a request. A client that stops sending is an error of its own
// (408), and stays one: whoever reads on does not wait once more.
type body struct {
	io.ReadCloser
	info    *request.Info
	stalled error
}

// Read reads the body.
func (b *body) Read(p []byte) (int, error) {
	if b.stalled != nil {
		return 0, b.stalled
	}
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		b.stalled = apperr.New(apperr.Timeout, "client_stalled")
		err = b.stalled
		b.info.Stalled = true
	}
	return n, err
}
