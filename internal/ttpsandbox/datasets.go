package ttpsandbox

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// summary is a dataset as the list shows it. The folder has it in a file next to
// the file with the rows.
type summary struct {
	ID        string    `json:"id"`
	Centre    string    `json:"centre"`
	CreatedAt time.Time `json:"createdAt"`
	Rows      int       `json:"rows"`
	Types     []string  `json:"types"`
	State     string    `json:"state"`
}

type datasetRow struct {
	PatientNumber string      `json:"patientNumber"`
	BirthDate     string      `json:"birthDate"`
	Sex           string      `json:"sex"`
	Pseudonyms    []pseudonym `json:"pseudonyms"`
}

var datasetName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// AddDataset plays a hospital that sends its file to the TTP (the PVM technique). It
// reads a CSV with identities and makes its rows ready for the registry, with
// definitive pseudonyms, as a dataset of the centre. It writes nothing of the
// identities. It returns the number of rows in the dataset and of those that the
// TTP refused and that are left out.
func (s *Sandbox) AddDataset(ctx context.Context, centre string, in io.Reader, order Order) (id string, rows, refused int, err error) {
	if s.opt.DatasetFolder == "" || centre == "" {
		return "", 0, 0, errors.New("ttpsandbox: a dataset needs a folder and a centre")
	}
	m, types, err := s.fulfil(order)
	if err != nil {
		return "", 0, 0, err
	}
	t, err := openTable(in)
	if err != nil {
		return "", 0, 0, err
	}
	if err := os.MkdirAll(s.opt.DatasetFolder, 0o700); err != nil {
		return "", 0, 0, fmt.Errorf("ttpsandbox: making the datasets' folder: %w", err)
	}
	out, err := os.CreateTemp(s.opt.DatasetFolder, ".rows-*")
	if err != nil {
		return "", 0, 0, fmt.Errorf("ttpsandbox: writing a dataset: %w", err)
	}
	defer func() { _ = os.Remove(out.Name()) }()
	enc := json.NewEncoder(out)
	today := s.opt.Now()
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return "", rows, refused, errors.Join(err, out.Close())
		}
		var records []record
		if records, done, err = t.next(batch); err != nil {
			return "", rows, refused, errors.Join(err, out.Close())
		}
		for _, r := range records {
			row, ok, err := s.datasetRow(m, t, r, types, today)
			if err == nil && ok {
				rows++
				err = enc.Encode(row)
			} else if err == nil {
				refused++
			}
			if err != nil {
				return "", rows, refused, errors.Join(err, out.Close())
			}
		}
	}
	id = "ds-" + rand.Text()[:12]
	info, err := json.Marshal(summary{
		ID: id, Centre: centre, CreatedAt: today.UTC().Truncate(time.Second), Rows: rows, Types: types, State: "ready",
	})
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return "", rows, refused, err
	}
	// The rows first, so that the list never names a dataset without rows.
	if err := os.Rename(out.Name(), s.datasetFile(id, ".ndjson")); err != nil {
		return "", rows, refused, err
	}
	return id, rows, refused, replaceFile(s.datasetFile(id, ".json"), info)
}

func (s *Sandbox) datasetFile(id, ext string) string {
	return filepath.Join(s.opt.DatasetFolder, id+ext)
}

// datasetRow makes one row; ok is false if the TTP refuses it.
func (s *Sandbox) datasetRow(m *maker, t *table, r record, types []string, today time.Time) (row datasetRow, ok bool, err error) {
	a := s.answers(m, []identity{r.identity(t, strconv.Itoa(r.line))}, types, today)[0]
	if !usable(a.Findings) {
		return row, false, nil
	}
	newest := s.keyVersion()
	row = datasetRow{PatientNumber: r.field(t, number), BirthDate: isoDate(r.field(t, birthDate)), Sex: wireSex(r.field(t, sexColumn))}
	for _, p := range a.Pseudonyms {
		o, ok := m.keys.open(p.Value, m.recipient)
		if !ok {
			return row, false, errors.New("ttpsandbox: the sandbox cannot open its own pseudonym")
		}
		value, err := m.keys.definitive(m.domain, p.Type, newest, o.precursor)
		if err != nil {
			return row, false, err
		}
		row.Pseudonyms = append(row.Pseudonyms, pseudonym{Type: p.Type, Value: value, RecordedOn: p.RecordedOn, KeyVersion: newest})
	}
	return row, true, nil
}

// listDatasets serves GET /v1/datasets: the datasets that are in the folder now.
func (s *Sandbox) listDatasets(w http.ResponseWriter, r *http.Request) {
	if _, p := s.clientFor(r, ScopeDatasets); p != nil {
		p.write(w)
		return
	}
	list := []summary{}
	var names []string
	if s.opt.DatasetFolder != "" {
		names, _ = filepath.Glob(s.datasetFile("*", ".json")) // the pattern is good
	}
	slices.Sort(names)
	for _, name := range names {
		raw, err := os.ReadFile(name)
		var d summary
		if err == nil && json.Unmarshal(raw, &d) == nil {
			list = append(list, d)
		}
	}
	writeJSON(w, map[string]any{"datasets": list})
}

// dataset serves GET /v1/datasets/{id}: the rows, one a line.
func (s *Sandbox) dataset(w http.ResponseWriter, r *http.Request) {
	if _, p := s.clientFor(r, ScopeDatasets); p != nil {
		p.write(w)
		return
	}
	id := r.PathValue("id")
	var rows *os.File
	err := os.ErrNotExist
	if s.opt.DatasetFolder != "" && datasetName.MatchString(id) {
		rows, err = os.Open(s.datasetFile(id, ".ndjson"))
	}
	if err != nil {
		problem{Status: http.StatusNotFound, Code: "NOT_FOUND", Title: "There is no such dataset"}.write(w)
		return
	}
	defer func() { _ = rows.Close() }()
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.Copy(w, rows) // the caller is gone if this fails
}
