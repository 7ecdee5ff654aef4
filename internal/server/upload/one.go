package upload

import (
	"io"
	"mime/multipart"

	"sluis/internal/apperr"
)

// OneFile reads the file in part. At its end it reads the rest of the form, and fails
// with "several_files" if there is another file: it would vanish behind the answer that
// the first one was received.
func OneFile(part *multipart.Part, rest *multipart.Reader) io.Reader {
	return &oneFile{part, rest, nil}
}

type oneFile struct {
	part *multipart.Part
	rest *multipart.Reader
	end  error // io.EOF or why not, after the end of the file
}

// Read reads the file.
func (o *oneFile) Read(p []byte) (int, error) {
	if o.end != nil {
		return 0, o.end
	}
	n, err := o.part.Read(p)
	if err == io.EOF { //nolint:errorlint // wrapped, it is a body that broke off
		o.end = o.others()
		err = o.end
	}
	return n, err
}

// others reads the parts behind the file; io.EOF if none of them is a file.
func (o *oneFile) others() error {
	for {
		part, err := o.rest.NextPart()
		switch {
		case err != nil:
			return Broken(err)
		case IsFile(part):
			return ErrSeveralFiles
		}
	}
}

// ErrSeveralFiles is returned for a form with more than one file.
var ErrSeveralFiles = apperr.New(apperr.Invalid, "several_files")

// IsFile reports whether part is a file that somebody chose. A browser sends an input
// that was left empty as a part with an empty name.
func IsFile(part *multipart.Part) bool { return part.FileName() != "" }
