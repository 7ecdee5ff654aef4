package api

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/server/request"
	"sluis/internal/server/upload"
)

// multipartType is the content type of a form with a file in it.
const multipartType = "multipart/form-data"

// FileTypes are the content types of a file: a form with a part, or the file as the body
// itself. They say little (a file of any format travels under all of them): the content
// decides.
var FileTypes = []string{
	multipartType, "text/csv", "text/plain", "text/tab-separated-values", "application/csv", "application/vnd.ms-excel",
	"application/octet-stream", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"application/vnd.ms-excel.sheet.macroenabled.12", "application/json", "application/x-ndjson", "application/ndjson",
	"application/jsonl", "application/fhir+json", "application/fhir+ndjson",
}

// PostDelivery is POST /deliveries.
func (a *API) PostDelivery(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	if _, err := centreFor(r, q[behalfParam]); err != nil {
		return err
	}
	check, err := q.Flag("check")
	if err != nil {
		return err
	}
	confirmed, err := q.Flag("confirm")
	if err != nil {
		return err
	}
	up := intake.Upload{Mode: delivery.Save, Confirmed: confirmed, Repairs: q["repairs"], Dates: delivery.DateOrder(q["dates"])}
	if _, said := q["dates"]; said && up.Dates != delivery.DayFirst && up.Dates != delivery.MonthFirst {
		return invalid("invalid_parameter", "dates")
	}
	if check {
		up.Mode = delivery.Check
	}
	id, err := a.TakeIn(w, r, q[behalfParam], up, func() (io.Reader, string, error) { return fileOf(r, q["filename"]) })
	if err != nil {
		return err
	}
	return a.accepted(w, r, id)
}

// TakeIn takes the file in that open finds in r, and returns the id of its delivery. It is
// for the bearer's centre; behalf is the number of the centre for which a processor
// delivers, or "". up says what to do with the file; who and the Idempotency-Key are read
// from r.
func (a *API) TakeIn(w http.ResponseWriter, r *http.Request, behalf string, up intake.Upload,
	open func() (io.Reader, string, error),
) (string, error) {
	where, err := centreFor(r, behalf)
	if err != nil {
		return "", err
	}
	up.Who, up.Centre, up.Via, up.ProcessorID = request.Who(r), where, audit.ViaAPI, request.Actor(r).ProcessorID()
	up.Who.CentreID = where.ID
	if up.Key, err = idempotencyKey(r); err != nil {
		return "", err
	}
	finish := a.o.Door.Begin(w, r)
	defer finish()
	id, err := a.o.Door.Take(r, where.ID, func() (string, error) {
		file, name, err := open()
		if err != nil {
			return "", err
		}
		up.Filename = name
		return a.o.Receiver.Receive(r.Context(), up, upload.Limit(file, a.o.Door.MaxBytes()))
	})
	switch {
	case apperr.KindOf(err) == apperr.TooMany:
		return "", &retryError{err, uploadWait}
	case err != nil:
		return "", interrupted(err)
	}
	return id, nil
}

// uploadWait is how long a script should wait that sends too many files at once.
const uploadWait = 10 * time.Second

// maxKey is how long an idempotency key is at most.
const maxKey = 255

// idempotencyKey returns the key by which r is recognised if it comes again, or ""
// if it has none.
func idempotencyKey(r *http.Request) (string, error) {
	const name = "Idempotency-Key"
	given := r.Header.Values(name)
	if len(given) == 0 {
		return "", nil
	}
	key := given[0]
	printable := strings.IndexFunc(key, func(c rune) bool { return c < ' ' || c > '~' }) < 0
	if len(given) > 1 || key == "" || len(key) > maxKey || !printable {
		return "", invalid("invalid_parameter", name)
	}
	return key, nil
}

// fileOf finds the file in r, and its name.
func fileOf(r *http.Request, filename string) (io.Reader, string, error) {
	kind := r.Header.Get("Content-Type")
	if kind == "" {
		kind = "application/octet-stream"
	}
	media, parameters, err := mediaOf(r, kind, "content_type")
	switch {
	case err != nil:
		return nil, "", err
	case media == multipartType:
		return partOf(r, parameters["boundary"], filename)
	}
	name := upload.Name(filename)
	if name == "" {
		return nil, "", invalid("filename_missing", "filename")
	}
	return r.Body, name, nil
}

// partOf finds the part "file" of a multipart body.
func partOf(r *http.Request, boundary, filename string) (io.Reader, string, error) {
	if boundary == "" {
		return nil, "", apperr.New(apperr.Invalid, "multipart_malformed")
	}
	parts := multipart.NewReader(r.Body, boundary)
	for {
		part, err := parts.NextPart()
		switch {
		case err == io.EOF: // wrapped, it would be a body that broke off
			return nil, "", invalid("file_missing", "file")
		case apperr.KindOf(err) == apperr.Timeout:
			return nil, "", upload.Broken(err)
		case err != nil:
			return nil, "", apperr.Wrap(apperr.Invalid, "multipart_malformed", errBody)
		case part.FormName() != "file" && upload.IsFile(part):
			return nil, "", upload.ErrSeveralFiles
		case part.FormName() != "file":
			continue
		}
		name := upload.Name(part.FileName())
		if name == "" {
			name = upload.Name(filename)
		}
		if name == "" {
			return nil, "", invalid("filename_missing", "filename")
		}
		return upload.OneFile(part, parts), name, nil
	}
}

// errBody replaces an error of the multipart reader, which repeats what it read.
var errBody = errors.New("the multipart body cannot be read")

// interrupted classifies the errors of a body that breaks off.
func interrupted(err error) error {
	if apperr.KindOf(err) != apperr.Internal {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || strings.HasPrefix(err.Error(), "multipart:") {
		return apperr.Wrap(apperr.Invalid, "upload_interrupted", errBody)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return apperr.New(apperr.TooLarge, "file_too_large")
	}
	return err
}
