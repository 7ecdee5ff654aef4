package report

import (
	"encoding/json"
	"io"
)

// JSON writes {"delivery": id, "rows": […]} a row at a time.
type JSON struct {
	w     io.Writer
	first bool
}

// NewJSON starts a report of the delivery with this id.
func NewJSON(w io.Writer, deliveryID string) (*JSON, error) {
	id, err := json.Marshal(deliveryID)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(w, `{"delivery":`+string(id)+`,"rows":[`)
	return &JSON{w: w, first: true}, err
}

// Write adds a row.
func (j *JSON) Write(r Row) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	separator := ",\n"
	if j.first {
		separator, j.first = "\n", false
	}
	_, err = io.WriteString(j.w, separator+string(line))
	return err
}

// Close ends the report. Without it the file is not JSON, so that a report that
// broke off cannot pass for a whole one.
func (j *JSON) Close() error {
	_, err := io.WriteString(j.w, "]}\n")
	return err
}
