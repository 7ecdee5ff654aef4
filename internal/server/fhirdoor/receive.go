package fhirdoor

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/importer/intake/fhir"
	"sluis/internal/server/api"
	"sluis/internal/server/request"
)

const (
	filename  = "fhir.json" // of every delivery by this door
	pollEvery = 20 * time.Millisecond
)

// Post is POST /fhir: a Bundle, or one Patient.
func (d *Door) Post(w http.ResponseWriter, r *http.Request) error {
	return d.post(w, r, func(o fhir.Outline) error {
		if o.Bundle && bundleTypes[o.Type] == "" {
			return apperr.New(apperr.Invalid, "fhir_bundle_type")
		}
		return nil
	})
}

// PostPatient is POST /fhir/Patient.
func (d *Door) PostPatient(w http.ResponseWriter, r *http.Request) error {
	return d.post(w, r, func(o fhir.Outline) error {
		if o.Bundle {
			return apperr.New(apperr.Invalid, "fhir_resource_type")
		}
		return nil
	})
}

func (d *Door) post(w http.ResponseWriter, r *http.Request, allow func(fhir.Outline) error) error {
	confirmed, behalf, err := parameters(r)
	if err != nil {
		return err
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != mediaType && media != "application/json" {
		return apperr.New(apperr.UnsupportedType, "content_type_fhir")
	}
	var text *body
	defer func() {
		if text != nil {
			text.close()
		}
	}()
	id, err := d.o.API.TakeIn(w, r, behalf, intake.Upload{Mode: delivery.Save, Confirmed: confirmed}, func() (io.Reader, string, error) {
		text = newBody(r.Body, allow)
		return text, filename, nil
	})
	if err != nil {
		return err
	}
	if !async(r) && !text.outline.Many { // so many would not be done in time
		d.await(r, id)
	}
	seen, err := d.o.Records.ViewDelivery(r.Context(), request.Who(r), request.Actor(r).Scope(), id)
	if err != nil {
		return err
	}
	return d.answer(w, r, seen, text.outline)
}

// parameters reads the query of r. The general parameters of FHIR that ask for no
// other answer than ours are allowed.
func parameters(r *http.Request) (confirmed bool, behalf string, err error) {
	q, err := api.Query(r, "confirm", "onBehalfOf", "_format", "_pretty")
	if err != nil {
		return false, "", err
	}
	switch strings.ReplaceAll(q["_format"], " ", "+") { // a plus sign in a query is a space
	case "", "json", "application/json", mediaType:
	default:
		return false, "", apperr.New(apperr.UnsupportedType, "fhir_format")
	}
	confirmed, err = q.Flag("confirm")
	return confirmed, q["onBehalfOf"], err
}

// async reports whether the sender does not want to wait.
func async(r *http.Request) bool {
	for _, value := range r.Header.Values("Prefer") {
		for p := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(p), "respond-async") {
				return true
			}
		}
	}
	return false
}

// await waits a short while for the outcome of a delivery.
func (d *Door) await(r *http.Request, id string) {
	if d.o.BusyWait <= 0 {
		return
	}
	deadline, tick := time.NewTimer(d.o.BusyWait), time.NewTicker(pollEvery)
	defer deadline.Stop()
	defer tick.Stop()
	for {
		now, err := d.o.Records.Delivery(r.Context(), request.Actor(r).Scope(), id)
		if err != nil || !now.State.Working() || now.Paused != delivery.NotPaused && now.NextTryAt.After(d.o.Now()) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// body is a request's body that is outlined while it is read. Its end is an error if
// it is not a resource that is taken, so that no delivery comes of it.
type body struct {
	r       io.Reader
	copy    *io.PipeWriter
	done    chan struct{}
	outline fhir.Outline
	err     error
}

func newBody(r io.Reader, allow func(fhir.Outline) error) *body {
	out, in := io.Pipe()
	b := &body{r: r, copy: in, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		outline, err := fhir.ReadOutline(out)
		switch {
		case errors.Is(err, fhir.ErrNotTaken):
			err = apperr.New(apperr.Invalid, "fhir_resource_type")
		case err != nil:
			err = apperr.New(apperr.Invalid, "fhir_malformed")
		default:
			err = allow(outline)
		}
		b.outline, b.err = outline, err
		_ = out.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // further writes fail
	}()
	return b
}

// Read reads the body, and lets it be outlined.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if n > 0 {
		if _, broken := b.copy.Write(p[:n]); broken != nil {
			<-b.done
			return 0, b.err
		}
	}
	if err == io.EOF { // wrapped, it is a body that broke off
		_ = b.copy.Close()
		<-b.done
		if b.err != nil {
			return 0, b.err
		}
	}
	return n, err
}

// close ends the outlining of a body that was not read to its end.
func (b *body) close() {
	_ = b.copy.CloseWithError(io.ErrUnexpectedEOF)
	<-b.done
}

// seconds is a header's value of a duration.
func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
