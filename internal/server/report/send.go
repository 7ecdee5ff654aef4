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
	FormatXLSX = "xlsx"
)

// Formats lists them.
var Formats = []string{FormatJSON, FormatCSV, FormatXLSX}

// contentTypes are the formats as a header names them.
var contentTypes = map[string]string{
	FormatJSON: "application/json", FormatCSV: "text/csv; charset=utf-8; header=present", FormatXLSX: XLSXType,
}

// patience is how long one page of a report may take to reach the client.
const patience = time.Minute

// writer is any of the formats.
type writer interface {
	Write(Row) error
	Close() error
}

// Send streams a report as a download. Once its first bytes are out it can no
// longer become an error page: it then breaks off the connection, which every
// client takes for a failure. A report that expired is apperr.Gone.
func Send(ctx context.Context, w http.ResponseWriter, src Source, t *text.Catalogue, d delivery.Delivery, format string) error {
	// The first page decides whether there is a report at all.
	first, err := src.Findings(ctx, d, delivery.FindingQuery{Limit: 1})
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(w)
	start := func() (writer, error) { return NewJSON(buffered, d.PublicID) }
	switch format {
	case FormatCSV:
		start = func() (writer, error) { return NewCSV(buffered) }
	case FormatXLSX:
		causes, err := src.Causes(ctx, d)
		if err != nil {
			return err
		}
		start = func() (writer, error) { return NewXLSX(buffered, t, d, causes, first.Total) }
	}
	h := w.Header()
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s"`, Filename(d, format)))
	h.Set("Content-Type", contentTypes[format])
	w.WriteHeader(http.StatusOK)
	if err := stream(ctx, w, src, t, d, start); err != nil {
		panic(http.ErrAbortHandler)
	}
	if err := buffered.Flush(); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

func stream(ctx context.Context, w http.ResponseWriter, src Source, t *text.Catalogue, d delivery.Delivery,
	start func() (writer, error)) error {
	out, err := start()
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
	return out.Close()
}
