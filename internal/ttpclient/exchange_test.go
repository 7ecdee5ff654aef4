package ttpclient_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sluis/internal/patient"
	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/ttptest"
)

func TestSplitsWhatIsTooMuch(t *testing.T) {
	ttp := ttptest.Start(t)
	c := ttp.Client(ttpclient.ScopeTemporary)
	got, err := c.Exchange(t.Context(), "k", call, rows(2500))
	wellAnswered(t, 2500, got, err)
	if n := ttp.Calls.Load(); n != 3 {
		t.Errorf("%d calls for 2,500 rows", n)
	}
	got, err = c.Exchange(t.Context(), "none", call, nil)
	wellAnswered(t, 0, got, err)
}

func TestTooLarge(t *testing.T) {
	for name, c := range map[string]struct {
		said        string
		first, then int64 // calls of the first exchange and of one after it
	}{
		// 64 rows get a 413. Then each half of 32 is asked 10 at a time.
		"says how many": {`,"maxItems":10`, 1 + 4 + 4, 7},
		// 64, 32 and 16 rows get a 413; then come eight calls of 8. The other halves
		// are not tried whole: they are known to be too much by then.
		"says nothing": {"", 3 + 8, 8},
	} {
		t.Run(name, func(t *testing.T) {
			ttp := ttptest.Start(t)
			client := ttp.Client(ttpclient.ScopeTemporary, func(o *ttpclient.Options) { o.MaxItems = 100 })
			ttp.BreakCalls(func(_ int, next http.Handler, w http.ResponseWriter, r *http.Request) {
				if len(asked(r)) > 10 {
					problem(w, http.StatusRequestEntityTooLarge, `{"code":"TOO_MANY_ITEMS"`+c.said+`}`)
					return
				}
				next.ServeHTTP(w, r)
			})
			got, err := client.Exchange(t.Context(), "k", call, rows(64))
			wellAnswered(t, 64, got, err)
			first := ttp.Calls.Load()
			got, err = client.Exchange(t.Context(), "k2", call, rows(64))
			wellAnswered(t, 64, got, err)
			if then := ttp.Calls.Load() - first; first != c.first || then != c.then {
				t.Errorf("%d calls, and %d after it was known; want %d and %d", first, then, c.first, c.then)
			}
		})
	}
}

func TestMalformedRowIsFound(t *testing.T) {
	ttp := ttptest.Start(t)
	c := ttp.Client(ttpclient.ScopeTemporary)
	bad := []string{"ref-3", "ref-77"}
	ttp.BreakCalls(func(_ int, next http.Handler, w http.ResponseWriter, r *http.Request) {
		if slices.ContainsFunc(asked(r), func(ref string) bool { return slices.Contains(bad, ref) }) {
			problem(w, http.StatusBadRequest, `{"code":"MALFORMED"}`)
			return
		}
		next.ServeHTTP(w, r)
	})
	got, err := c.Exchange(t.Context(), "k", call, rows(100))
	if err != nil || len(got) != 100 {
		t.Fatal(len(got), err)
	}
	want := patient.Finding{Severity: patient.Fatal, Source: patient.Sluis, Code: patient.CodeUnusable}
	for _, ref := range bad {
		if a := got[ref]; len(a.Pseudonyms) != 0 || len(a.Findings) != 1 || a.Findings[0] != want {
			t.Errorf("%s: %+v", ref, a)
		}
		delete(got, ref)
	}
	wellAnswered(t, 98, got, nil)
	if n := ttp.Calls.Load(); n > 40 {
		t.Errorf("%d calls to find two rows of a hundred", n)
	}
}

// TestNonsenseToAllIsAnOutage shows that a TTP that answers nonsense to every row is
// unavailable, and that its rows are not rejected.
func TestNonsenseToAllIsAnOutage(t *testing.T) {
	ttp := ttptest.Start(t)
	c := ttp.Client(ttpclient.ScopeTemporary)
	for name, body := range map[string]string{"malformed": `{"code":"MALFORMED"}`, "unusable": `{"items":[]}`} {
		before := ttp.Calls.Load()
		ttp.BreakCalls(func(_ int, _ http.Handler, w http.ResponseWriter, _ *http.Request) {
			code := http.StatusOK
			if name == "malformed" {
				code = http.StatusBadRequest
			}
			problem(w, code, body)
		})
		got, err := c.Exchange(t.Context(), name, call, rows(1000))
		if u := unavailable(t, err); u.Denied || got != nil {
			t.Errorf("%+v", u)
		}
		if n := ttp.Calls.Load() - before; n > 150 {
			t.Errorf("%s: %d calls", name, n)
		}
		got, err = c.Exchange(t.Context(), name+" few", call, rows(2))
		if err != nil || len(got) != 2 || got["ref-0"].Findings[0].Code != patient.CodeUnusable {
			t.Errorf("two rows: %v %v", got, err)
		}
	}
}

// TestKeys shows that rows with an unusable answer are asked once more under another
// key, and that a repeated exchange uses the same keys again.
func TestKeys(t *testing.T) {
	ttp := ttptest.Start(t)
	c := ttp.Client(ttpclient.ScopeTemporary)
	var keys []string
	spoil := func(until int) {
		keys = nil
		ttp.BreakCalls(func(n int, next http.Handler, w http.ResponseWriter, r *http.Request) {
			keys = append(keys, r.Header.Get("Idempotency-Key"))
			if n <= until {
				problem(w, http.StatusOK, `{"items":[]}`)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	spoil(2)
	got, err := c.Exchange(t.Context(), "k", call, rows(4))
	wellAnswered(t, 4, got, err)
	first := slices.Clone(keys)
	if len(first) != 4 || len(slices.Compact(slices.Sorted(slices.Values(first)))) != 4 {
		t.Errorf("whole, whole again, two halves: keys %v", first)
	}
	spoil(2)
	again, err := c.Exchange(t.Context(), "k", call, rows(4))
	wellAnswered(t, 4, again, err)
	if !slices.Equal(first, keys) || fmt.Sprint(got) != fmt.Sprint(again) {
		t.Errorf("repeated with keys %v, before %v", keys, first)
	}
	// The same refs with other content under a key that the TTP remembers.
	ttp.Break(nil)
	got, err = c.Exchange(t.Context(), "k3", call, rows(4))
	wellAnswered(t, 4, got, err)
	changed := rows(4)
	changed[0].Person.Surname = "Anders"
	got, err = c.Exchange(t.Context(), "k3", call, changed)
	wellAnswered(t, 4, got, err)
}

func TestRefsOfTheCaller(t *testing.T) {
	ttp := ttptest.Start(t)
	c := ttp.Client(ttpclient.ScopeTemporary)
	for name, change := range map[string]func([]ttpclient.Row){
		"doubled": func(r []ttpclient.Row) { r[1].Ref = r[0].Ref },
		"empty":   func(r []ttpclient.Row) { r[1].Ref = "" },
	} {
		r := rows(2)
		change(r)
		if _, err := c.Exchange(t.Context(), "k", call, r); err == nil || ttp.Calls.Load() != 0 {
			t.Errorf("%s refs were sent", name)
		}
	}
}

func TestFindings(t *testing.T) {
	type m = map[string]any
	for name, c := range map[string]struct {
		given m
		want  patient.Finding // zero: the answer is unusable
	}{
		"the TTP's words": {
			m{"severity": "fatal", "code": "2101", "field": "birthDate", "message": "De geboortedatum is leeg"},
			patient.Finding{Severity: "fatal", Source: "ttp", Code: "2101", Field: "birthDate", Message: "De geboortedatum is leeg"},
		},
		"unknown words": {
			m{"severity": "fatal", "code": "2900", "field": "sex", "message": "Nieuwe regel 12: \u00e9\u00e9n fout"},
			patient.Finding{Severity: "fatal", Source: "ttp", Code: "2900", Field: "sex", Message: "Nieuwe regel 12: één fout"},
		},
		"control characters": {
			m{"severity": "fatal", "code": "2900", "field": "a\x00b", "message": "een\x1b[2Jtwee"},
			patient.Finding{Severity: "fatal", Source: "ttp", Code: "2900", Message: "een [2Jtwee"},
		},
		"too long": {
			m{"severity": "fatal", "code": "2900", "field": "x", "message": strings.Repeat("é", 400)},
			patient.Finding{Severity: "fatal", Source: "ttp", Code: "2900", Field: "x", Message: strings.Repeat("é", 300) + "…"},
		},
		"year as a code": {
			m{"severity": "fatal", "code": "1930", "field": "x", "message": "onbekend"},
			patient.Finding{Severity: "fatal", Source: "ttp", Code: "1930", Field: "x", Message: "onbekend"},
		},
		"code of words":    {m{"severity": "fatal", "code": "geen code", "message": "x"}, patient.Finding{}},
		"unknown severity": {m{"severity": "erg", "code": "1", "message": "x"}, patient.Finding{}},
		"only a warning":   {m{"severity": "warning", "code": "3101", "message": "x"}, patient.Finding{}},
	} {
		t.Run(name, func(t *testing.T) {
			ttp := ttptest.Start(t)
			ttp.Tamper(func(items []ttptest.Item) []ttptest.Item {
				return []ttptest.Item{{"ref": items[0]["ref"], "findings": []any{c.given}}}
			})
			got, err := ttp.Client(ttpclient.ScopeTemporary).Exchange(t.Context(), "k", call, rows(1))
			want := c.want
			if want == (patient.Finding{}) {
				want = patient.Finding{Severity: patient.Fatal, Source: patient.Sluis, Code: patient.CodeUnusable}
			}
			if a := got["ref-0"]; err != nil || len(a.Pseudonyms) != 0 || len(a.Findings) != 1 || a.Findings[0] != want {
				t.Errorf("got %+v, %v; want %+v", a, err, want)
			}
		})
	}
}

func TestRowsCannotBePrinted(t *testing.T) {
	var log ttptest.Buffer
	row := rows(1)[0]
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "row", row, "person", row.Person)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "row", row, "person", row.Person)
	text := log.String() + fmt.Sprintf("%v %+v %#v %s %v %+v", row, row, row, row, row.Person, []ttpclient.Row{row})
	if strings.Contains(text, row.Person.Surname) || !strings.Contains(text, "[row]") {
		t.Errorf("printed: %s", text)
	}
}
