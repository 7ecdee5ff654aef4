package upload

import (
	"net/http"
	"time"

	"sluis/internal/apperr"
)

// overhead is the number of bytes that multipart framing and the other fields may
// add to a file.
const overhead = 1 << 20

// Door takes files in, for the page and for the API alike: it bounds how large they
// are, how long a connection may be silent, and how many of a centre come at once.
type Door struct {
	gate     *Gate
	maxBytes int64
	patience time.Duration
}

// NewDoor makes a door for files of at most maxBytes bytes, and most of them of one
// centre at once. A connection may be silent for patience during an upload.
func NewDoor(most int, maxBytes int64, patience time.Duration) *Door {
	return &Door{NewGate(most), maxBytes, patience}
}

// MaxBytes is how large a file may be.
func (d *Door) MaxBytes() int64 { return d.maxBytes }

// Most is how many files of one centre come in at once.
func (d *Door) Most() int { return d.gate.most }

// Begin readies r for a file: its body may be that large, and may take as long as
// it goes on sending. The caller must call finish before it answers.
func (d *Door) Begin(w http.ResponseWriter, r *http.Request) (finish func()) {
	widen(w, r, d.maxBytes+overhead, d.patience)
	return func() { end(w, r, d.patience) }
}

// Take runs take, which reads the file from r, while one of the centre's places is
// taken. Errors besides those of take: apperr.TooMany "too_many_uploads", and
// apperr.TooLarge "file_too_large" if r says so beforehand.
func (d *Door) Take(r *http.Request, centreID int64, take func() (string, error)) (string, error) {
	leave, err := d.gate.Acquire(centreID)
	if err != nil {
		return "", err
	}
	defer leave()
	if announced(r, d.maxBytes+overhead) {
		return "", apperr.New(apperr.TooLarge, "file_too_large")
	}
	return take()
}
