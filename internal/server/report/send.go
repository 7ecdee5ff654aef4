package report

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"time"

	"sluis/internal/delivery"
	"sluis/web/text"
)

// The formats.
const (
	FormatCSV  = "csv"
	FormatJSON = "json"
)

// patience is how long one page of a report may take to reach the client.
const patience = time.Minute

// writer is either format.
type writer interface {
	Write(Row) error
	Close() error
}

// Send streams a report as a download. Once its first bytes are out it can no
// longer become an error page: it then breaks off the connection, which every
// client takes for a failure.
func Send(ctx context.Context, w http.ResponseWriter, src Source, t *text.Catalogue, d delivery.Delivery, format string) error {
	// The first page decides whether there is a report at all.
	if _, err := src.Findings(ctx, d, delivery.FindingQuery{Limit: 1}); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s"`, Filename(d, format)))
	h.Set("Content-Type", "application/json")
	if format == FormatCSV {
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	}
	w.WriteHeader(http.StatusOK)
	if err := stream(ctx, w, src, t, d, format); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

func stream(ctx context.Context, w http.ResponseWriter, src Source, t *text.Catalogue, d delivery.Delivery, format string) error {
	buffered := bufio.NewWriter(w)
	var out writer
	var err error
	if format == FormatCSV {
		out, err = NewCSV(buffered)
	} else {
		out, err = NewJSON(buffered, d.PublicID)
	}
	if err != nil {
		return err
	}
	rc, n := http.NewResponseController(w), 0
	err = Each(ctx, src, t, d, delivery.FindingQuery{}, func(r Row) error {
		if n++; n%pageSize == 1 {
			_ = rc.SetWriteDeadline(time.Now().Add(patience))
		}
		return out.Write(r)
	})
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}
