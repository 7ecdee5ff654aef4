// Package upload is what page and API share to take in a file: its name, its size
// limit, the places of a centre, and a connection that may take as long as it goes
// on sending.
//
// It writes nothing anywhere: a file is a stream here.
package upload

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"sluis/internal/apperr"
	"sluis/internal/delivery"
)

// Name returns a file name as it is kept: without folders and unprintable
// characters, and at most maxName long. It is "" if nothing is left.
func Name(given string) string {
	if i := strings.LastIndexAny(given, `/\`); i >= 0 {
		given = given[i+1:]
	}
	runes := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, given))
	if len(runes) > delivery.MaxFilename {
		runes = runes[:delivery.MaxFilename]
	}
	name := strings.TrimSpace(string(runes))
	if name == "." || name == ".." {
		return ""
	}
	return name
}

// announced reports whether r says beforehand that its body is over max bytes, so
// that nothing of it need be read.
func announced(r *http.Request, max int64) bool { return r.ContentLength > max }

// Limit reads the first max bytes of r, and then fails with "file_too_large". A
// body that ends too early, or cannot be read, is "upload_interrupted" without a
// cause: the errors of net/textproto repeat what they read.
func Limit(r io.Reader, max int64) io.Reader { return &limited{r: r, left: max} }

type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, apperr.New(apperr.TooLarge, "file_too_large")
	}
	// One byte more than allowed distinguishes a full file from one that is too large.
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		return n - 1, apperr.New(apperr.TooLarge, "file_too_large")
	}
	return n, Broken(err)
}

// Broken classifies the error of a body that cannot be read further, without the
// words of whoever read it. io.EOF itself is no error; wrapped, it is.
func Broken(err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // wrapped, it is a body that broke off
		return err
	}
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return apperr.New(apperr.TooLarge, "file_too_large")
	}
	if apperr.KindOf(err) != apperr.Internal {
		return err
	}
	return apperr.New(apperr.Invalid, "upload_interrupted")
}

// widen replaces the body of r by one of at most max bytes. Its deadline moves as
// long as bytes come in.
func widen(w http.ResponseWriter, r *http.Request, max int64, patience time.Duration) {
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Time{}) // the answer starts when the upload ends
	_ = rc.SetReadDeadline(time.Now().Add(patience))
	r.Body = http.MaxBytesReader(w, &patient{ReadCloser: r.Body, rc: rc, patience: patience, next: time.Now().Add(patience / 2)}, max)
}

// patient moves the read deadline on while there is progress.
type patient struct {
	io.ReadCloser
	rc       *http.ResponseController
	patience time.Duration
	next     time.Time // when to move it again
}

func (p *patient) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if now := time.Now(); n > 0 && now.After(p.next) {
		_ = p.rc.SetReadDeadline(now.Add(p.patience))
		p.next = now.Add(p.patience / 2)
	}
	return n, err
}

// end readies the connection for the answer. It reads and throws away whatever the
// client still sends, because a browser that cannot finish sending shows
// "connection lost" and not our words.
func end(w http.ResponseWriter, r *http.Request, patience time.Duration) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, r.Body); apperr.KindOf(err) == apperr.Timeout {
		// net/http looks for more of the body before it answers. If it waited once more, the
		// time for the answer would be over.
		_ = rc.SetReadDeadline(time.Now())
	}
	_ = rc.SetWriteDeadline(time.Now().Add(patience))
}
