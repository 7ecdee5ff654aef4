package logbook

import (
	"bufio"
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"time"

	"sluis/internal/audit"
	"sluis/internal/server/page"
	"sluis/internal/server/report"
	"sluis/web/text"
)

// maxExported is how many events one file has at most: a spreadsheet still opens them.
const maxExported = 100_000

// patience is how long a piece of a file may take to reach the client.
const patience = time.Minute

// header is the first line of the export. It is Dutch in every language: scripts read it.
var header = []string{
	"Nummer", "Moment", "Soort", "Gebeurtenis", "Handeling", "Resultaat", "Gebruiker", "Gebruikersnummer", "Rollen", "Centrum",
	"Aantal patiënten", "Object", "Objectnummer", "Code", "Toelichting", "Reden", "Adres", "Ingang", "Systeem", "Verzoek",
}

// Export is GET /logboek.csv with the filter of the page: the same events as a file, newest
// first. The export is an event itself.
func (h *Handlers) Export(v *page.Visit) error {
	query, faults, err := logQuery(v)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return page.Unreadable(faults[0].Field)
	}
	if query.CentreNumber, _, err = v.CentreFilter(); err != nil {
		return err
	}
	dutch := text.For(text.Dutch)
	out := newFile(v.W, "logboek-"+h.o.Now().In(text.Location()).Format(time.DateOnly)+".csv", header)
	more, err := h.o.Log.ExportEvents(v.Context(), v.Who, query, maxExported, func(events []audit.Event) error {
		for _, ev := range events {
			if err := out.line(cells(dutch, ev)...); err != nil {
				return err
			}
		}
		return out.flush()
	})
	if err != nil {
		return out.fail(err)
	}
	if more {
		err = out.line(dutch.T("log.export_cut", "n", maxExported))
	}
	return out.finish(err)
}

// cells are an event as a line of the export.
func cells(t *text.Catalogue, ev audit.Event) []string {
	row := logRow(t, ev)
	user := ""
	if ev.UserID != 0 {
		user = strconv.FormatInt(ev.UserID, 10)
	}
	return []string{
		strconv.FormatInt(ev.ID, 10), ev.At.In(text.Location()).Format(time.RFC3339), string(ev.Type), row.What,
		t.T("audit.action." + string(ev.Action)), t.T("log.result." + row.Result), ev.Name, user, ev.Role, ev.CentreNumber,
		strconv.Itoa(ev.SubjectCount), row.Object, ev.ObjectID, ev.Code, row.Code, ev.Reason, ev.Address, string(ev.Via), ev.Source,
		ev.RequestID,
	}
}

// file is a CSV that is sent while it is read. Once its first bytes are out it can no longer
// become an error page: it then breaks off the connection, which every client takes for a
// failure.
type file struct {
	w       http.ResponseWriter
	name    string
	header  []string
	out     *csv.Writer
	buffer  *bufio.Writer
	started bool
}

func newFile(w http.ResponseWriter, name string, header []string) *file {
	return &file{w: w, name: name, header: header}
}

// start sends the headers and the first line.
func (f *file) start() error {
	if f.started {
		return nil
	}
	f.started = true
	h := f.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
	f.w.WriteHeader(http.StatusOK)
	f.buffer = bufio.NewWriter(f.w)
	if _, err := io.WriteString(f.buffer, "\ufeff"); err != nil { // tells Excel that the file is UTF-8
		return err
	}
	f.out = csv.NewWriter(f.buffer)
	f.out.Comma, f.out.UseCRLF = ';', true
	return f.out.Write(f.header)
}

// line adds a line. No cell of it is a formula.
func (f *file) line(cells ...string) error {
	if err := f.start(); err != nil {
		return err
	}
	for i := range cells {
		cells[i] = report.Cell(cells[i])
	}
	return f.out.Write(cells)
}

// flush sends what there is. The client has some time to take it.
func (f *file) flush() error {
	if err := f.start(); err != nil {
		return err
	}
	_ = http.NewResponseController(f.w).SetWriteDeadline(time.Now().Add(patience))
	f.out.Flush()
	return f.out.Error()
}

// fail returns err for an error page, or breaks off what was begun.
func (f *file) fail(err error) error {
	if f.started {
		panic(http.ErrAbortHandler)
	}
	return err
}

// finish sends the rest, unless err says that writing failed before.
func (f *file) finish(err error) error {
	if err == nil {
		err = f.flush()
	}
	if err == nil {
		err = f.buffer.Flush()
	}
	if err != nil {
		return f.fail(err)
	}
	return nil
}
