package ttpclient

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"
	"unicode/utf8"

	"sluis/internal/apperr"
	"sluis/internal/patient"
	"sluis/internal/ttphealth"
)

const (
	// maxLine is the longest line of a dataset, in bytes.
	maxLine = 64 << 10
	// maxDatasets is the largest number of datasets that a list may name.
	maxDatasets = 10_000
)

// datasetID matches the id of a dataset. It is strict, for an id becomes part of
// an address.
var datasetID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Datasets returns the datasets that the TTP has for us, without the entries that
// no registry could use. The error is a [*patient.UnavailableError] if the TTP
// cannot be used now.
func (c *Client) Datasets(ctx context.Context) ([]DatasetSummary, error) {
	var body datasetsBody
	err := c.send(ctx, request{
		kind: ttphealth.Datasets, method: http.MethodGet, path: datasetsPath, accept: "application/json", person: true,
		read: func(_ context.Context, resp *http.Response) error {
			text, err := c.whole(resp)
			if err != nil {
				return err
			}
			body = datasetsBody{}
			if json.Unmarshal(text, &body) != nil || len(body.Datasets) > maxDatasets {
				return &fault{verdict: tryAgain, status: resp.StatusCode, what: "the list of datasets cannot be read"}
			}
			return nil
		},
	})
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	out := body.Datasets[:0]
	seen := map[string]bool{}
	for _, d := range body.Datasets {
		if !datasetID.MatchString(d.ID) || seen[d.ID] || d.Centre == "" || utf8.RuneCountInString(d.Centre) > 20 || d.Rows < 0 {
			c.log.Warn("ttp lists a dataset that cannot be used")
			continue
		}
		seen[d.ID] = true
		out = append(out, d)
	}
	return out, nil
}

// DatasetRows calls each for every row of a dataset; number counts from 1. If the
// stream breaks off, the error is a [*patient.UnavailableError] and the caller must
// drop the rows that each has received. Any other error comes from each, or is
// [patient.ErrDatasetMalformed] or apperr.NotFound "dataset_gone".
func (c *Client) DatasetRows(ctx context.Context, id string, each func(number int, row DatasetRow) error) error {
	if !datasetID.MatchString(id) {
		return apperr.New(apperr.NotFound, "dataset_gone")
	}
	// A dataset may take longer than a call. Only the wait for its next line is bounded.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(c.opt.PerTry, func() { cancel(context.DeadlineExceeded) })
	defer stalled.Stop()
	var own error
	err := c.send(ctx, request{
		unbounded: true,
		kind:      ttphealth.Datasets, method: http.MethodGet, path: datasetsPath + "/" + url.PathEscape(id),
		accept: "application/x-ndjson", attempts: 1,
		read: func(_ context.Context, resp *http.Response) error {
			if !isNDJSON(resp.Header) {
				return &fault{verdict: tryAgain, status: resp.StatusCode, what: "the dataset is no NDJSON"}
			}
			own = lines(resp.Body, func(number int, row DatasetRow) error {
				stalled.Reset(c.opt.PerTry)
				return each(number, row)
			})
			if f, ok := errors.AsType[*fault](own); ok {
				own = nil
				return f
			}
			return nil
		},
	})
	f, isFault := errors.AsType[*fault](err)
	switch {
	case own != nil:
		return own
	case isFault && f.verdict == gone:
		return apperr.New(apperr.NotFound, "dataset_gone")
	case err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return &patient.UnavailableError{Err: errors.New("the dataset stopped coming")}
	case err != nil:
		return unavailable(ctx, err)
	}
	return nil
}

// lines calls each for every line of an NDJSON body. The text of a line that is no
// row is not repeated in its error.
func lines(body io.Reader, each func(number int, row DatasetRow) error) error {
	r := bufio.NewReaderSize(body, maxLine)
	for number := 1; ; {
		line, err := r.ReadSlice('\n')
		last := errors.Is(err, io.EOF)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return patient.ErrDatasetMalformed
		case err != nil && !last:
			return networkFault(err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			var row DatasetRow
			if json.Unmarshal(line, &row) != nil {
				if last {
					return &fault{verdict: tryAgain, what: "the dataset was cut off"}
				}
				return patient.ErrDatasetMalformed
			}
			if err := each(number, row); err != nil {
				return err
			}
			number++
		}
		if last {
			return nil
		}
	}
}

func isNDJSON(h http.Header) bool {
	mt := mediaType(h)
	return mt == "application/x-ndjson" || mt == "application/ndjson" || mt == "application/jsonl"
}
