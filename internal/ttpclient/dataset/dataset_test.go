package dataset_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluis/internal/apperr"
	"sluis/internal/patient"
	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/dataset"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/ttpsandbox"
)

func start(t *testing.T, change ...func(*ttpclient.Options)) (*ttptest.TTP, *dataset.Client) {
	ttp := ttptest.Start(t)
	return ttp, dataset.New(ttp.Client(ttpclient.ScopeDatasets, change...), ttptest.Domain)
}

func TestDatasets(t *testing.T) {
	ttp, c := start(t)
	if list, err := c.Datasets(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("of none: %v %v", list, err)
	}
	var csv strings.Builder
	csv.WriteString("Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Voorletters\n")
	for i := range 1500 {
		p := ttptest.Person(i)
		fmt.Fprintf(&csv, "%04d;%s;%s;%s;%s\n", i, p["birthDate"], p["sex"], p["surname"], p["initials"])
	}
	id, _, _, err := ttp.Sandbox.AddDataset(t.Context(), "2809", strings.NewReader(csv.String()), ttpsandbox.Order{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.Datasets(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != id || list[0].Centre != "2809" || list[0].Rows != 1500 || !list[0].Ready ||
		list[0].CreatedAt.IsZero() {
		t.Fatalf("%+v %v", list, err)
	}
	truth := ttp.Definitives(ttp.Temporaries(ttptest.Person(7))...)[0]
	n := 0
	err = c.Rows(t.Context(), id, func(number int, r patient.DatasetRow) error {
		if n++; number != n {
			t.Fatalf("row %d is called %d", n, number)
		}
		if n == 8 {
			p := r.Pseudonyms[0]
			if r.Number != "0007" || p.Value != truth["NGGV"] || p.KeyVersion != 1 || p.Domain != ttptest.Domain {
				t.Errorf("row = %+v", r)
			}
		}
		return nil
	})
	if err != nil || n != 1500 {
		t.Errorf("%d rows, %v", n, err)
	}
	t.Run("an error of the reader", func(t *testing.T) {
		own := errors.New("mine")
		if err := c.Rows(t.Context(), id, func(int, patient.DatasetRow) error { return own }); !errors.Is(err, own) {
			t.Errorf("%v", err)
		}
	})
	t.Run("no such dataset", func(t *testing.T) {
		for _, id := range []string{"nothing", "../keys", ""} {
			if err := c.Rows(t.Context(), id, nil); apperr.KindOf(err) != apperr.NotFound {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}

// TestBadAnswers shows that a dataset that breaks off may be asked again, and that
// one that is whole and wrong may not. Neither error repeats a piece of the dataset.
func TestBadAnswers(t *testing.T) {
	ttp, c := start(t, func(o *ttpclient.Options) { o.Attempts, o.PerTry = 1, 300*time.Millisecond })
	const row = `{"patientNumber":"1","birthDate":"2001-01-01","sex":"m","pseudonyms":[]}` + "\n"
	down := func(err error) bool { _, ok := errors.AsType[*patient.UnavailableError](err); return ok }
	malformed := func(err error) bool { return errors.Is(err, patient.ErrDatasetMalformed) }
	for name, x := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   func(error) bool
	}{
		"a page": {func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>Qanarynaam")) }, down},
		"503":    {func(w http.ResponseWriter) { w.WriteHeader(503) }, down},
		"gone": {
			func(w http.ResponseWriter) { w.WriteHeader(410) }, func(err error) bool { return apperr.KindOf(err) == apperr.NotFound },
		},
		"no JSON":         {func(w http.ResponseWriter) { _, _ = w.Write([]byte(row + "Qanarynaam\n" + row)) }, malformed},
		"wrong types":     {func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"patientNumber":["Qanarynaam"]}` + "\n")) }, malformed},
		"an endless line": {func(w http.ResponseWriter) { _, _ = w.Write([]byte(row + strings.Repeat("x", 1<<17))) }, malformed},
		"cut in a line":   {func(w http.ResponseWriter) { _, _ = w.Write([]byte(row + row[:20])) }, down},
		"broken off": {func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(row))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, down},
	} {
		t.Run(name, func(t *testing.T) {
			ttp.BreakCalls(func(_ int, _ http.Handler, w http.ResponseWriter, _ *http.Request) {
				if name != "a page" {
					w.Header().Set("Content-Type", "application/x-ndjson")
				}
				x.answer(w)
			})
			err := c.Rows(t.Context(), "set", func(int, patient.DatasetRow) error { return nil })
			if !x.want(err) || strings.Contains(fmt.Sprint(err), "Qanarynaam") {
				t.Errorf("%v", err)
			}
		})
	}
	ttp.BreakCalls(func(_ int, _ http.Handler, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = w.Write([]byte(row))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	if err := c.Rows(t.Context(), "set", func(int, patient.DatasetRow) error { return nil }); !down(err) {
		t.Errorf("one that stops coming: %v", err)
	}
	for body, n := range map[string]int{
		`{"datasets":[{"id":"a","centre":"1","rows":1,"state":"ready"},{"id":"a","centre":"1","rows":1},` +
			`{"id":"../b","centre":"1"},{"id":"c","centre":""},{"id":"d","centre":"1","rows":-1}]}`: 1,
		`{"datasets":null}`: 0,
	} {
		ttp.BreakCalls(func(_ int, _ http.Handler, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(body))
		})
		if list, err := c.Datasets(t.Context()); err != nil || len(list) != n {
			t.Errorf("%s: %+v %v", body, list, err)
		}
	}
}
