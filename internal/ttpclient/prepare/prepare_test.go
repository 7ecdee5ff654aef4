package prepare_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluis/internal/identity"
	"sluis/internal/patient"
	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/prepare"
	"sluis/internal/ttpclient/ttptest"
)

func start(t *testing.T, change ...func(*ttpclient.Options)) (*ttptest.TTP, *prepare.Client) {
	t.Helper()
	ttp := ttptest.Start(t)
	return ttp, prepare.New(ttp.Client(ttpclient.ScopeTemporary, change...), ttptest.Domain, ttptest.Types)
}

func item(n int) identity.Item {
	p := ttptest.Person(n)
	return identity.Item{Ref: fmt.Sprintf("ref-%d", n), Identity: identity.New(identity.Fields{
		Surname: p["surname"], Initials: p["initials"], BirthDate: p["birthDate"], Sex: p["sex"],
	})}
}

func items(n int) []identity.Item {
	out := make([]identity.Item, n)
	for i := range out {
		out[i] = item(i)
	}
	return out
}

// values returns the values of ts by type.
func values(ts []patient.Temporary) map[string]string {
	out := map[string]string{}
	for _, t := range ts {
		out[t.Type] = t.Value
	}
	return out
}

func TestPrepare(t *testing.T) {
	ttp, c := start(t)
	asked := items(30)
	asked[4].Identity = identity.New(identity.Fields{Surname: "Qanary", Initials: "a", Sex: "m"})
	asked[5].Identity = identity.New(identity.Fields{Surname: "Qanary", Initials: "a", BirthDate: "1909-08-12", Sex: "v"})
	got, err := c.Prepare(t.Context(), "key", asked)
	if err != nil || len(got) != 30 {
		t.Fatal(len(got), err)
	}
	want := patient.Finding{
		Severity: patient.Fatal,
		Source:   patient.TTP,
		Code:     "2101",
		Field:    "birthDate",
		Message:  "De geboortedatum is leeg",
	}
	if a := got["ref-4"]; len(a.Temporaries) != 0 || len(a.Findings) != 1 || a.Findings[0] != want {
		t.Errorf("without a birth date: %+v", a)
	}
	if a := got["ref-5"]; len(a.Temporaries) != 2 || len(a.Findings) != 1 || a.Findings[0].Code != "3101" ||
		a.Findings[0].Severity != patient.Warning {
		t.Errorf("born in 1909: %+v", a)
	}
	a := got["ref-7"]
	if len(a.Temporaries) != 2 || time.Until(a.Temporaries[0].ExpiresAt) < 13*24*time.Hour {
		t.Fatalf("%+v", a)
	}
	truth := ttp.Definitives(ttp.Temporaries(ttptest.Person(7))...)[0]
	if d := ttp.Definitives(values(a.Temporaries))[0]; !maps.Equal(d, truth) {
		t.Error("the temporaries lead to another person")
	}
	again, err := c.Prepare(t.Context(), "key", asked)
	if err != nil || again["ref-7"].Temporaries[0] != a.Temporaries[0] {
		t.Errorf("the same key gave another answer (%v)", err)
	}
}

func TestPostcodes(t *testing.T) {
	ttp := ttptest.Start(t)
	c := prepare.New(ttp.Client(ttpclient.ScopeTemporary), ttptest.Domain, []string{"NGG", "PGG"})
	id := identity.New(identity.Fields{Surname: "Jansen", BirthDate: "2001-01-01", Sex: "m", Postcodes: []identity.Postcode{
		{Postcode: "1234AB", HouseNumber: "1", RecordedOn: "2020-01-01"}, {Postcode: "4321 BA", HouseNumber: "2", RecordedOn: "2022-02-02"},
	}})
	ts, fs, err := c.PrepareOne(t.Context(), id)
	if err != nil || len(fs) != 0 || len(ts) != 3 || ts[1].RecordedOn != "2020-01-01" || ts[2].RecordedOn != "2022-02-02" {
		t.Errorf("%+v %+v %v", ts, fs, err)
	}
}

func TestPrepareOne(t *testing.T) {
	ttp, c := start(t)
	one, _, err := c.PrepareOne(t.Context(), item(1).Identity)
	if err != nil || len(one) != 2 {
		t.Fatal(one, err)
	}
	two, _, err := c.PrepareOne(t.Context(), item(1).Identity)
	if err != nil || one[0].Value == two[0].Value {
		t.Errorf("two entries share a key (%v)", err)
	}
	ttp.BreakCalls(func(_ int, _ http.Handler, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
	})
	_, _, err = c.PrepareOne(t.Context(), item(1).Identity)
	if _, ok := errors.AsType[*patient.UnavailableError](err); !ok {
		t.Errorf("an outage gave %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err = c.PrepareOne(ctx, item(1).Identity); !errors.Is(err, context.Canceled) {
		t.Errorf("a user who left gave %v", err)
	}
}

// TestNeverAWrongLink tests the property that matters most: whatever the TTP answers,
// the temporary pseudonyms of a row lead to that person, or there are none.
func TestNeverAWrongLink(t *testing.T) {
	ttp, c := start(t)
	all := items(12)
	people := make([]map[string]string, len(all))
	for i := range people {
		people[i] = ttptest.Person(i)
	}
	truth := ttp.Definitives(ttp.Temporaries(people...)...)
	ttptest.Spoils["another row's values"] = func(items []ttptest.Item, at int) []ttptest.Item {
		items[(at+1)%len(items)]["pseudonyms"] = items[at]["pseudonyms"]
		return items
	}
	names := slices.Sorted(maps.Keys(ttptest.Spoils))
	var cases, unusable, linked int
	rapid.Check(t, func(rt *rapid.T) {
		asked := all[:rapid.IntRange(1, len(all)).Draw(rt, "rows")]
		refs := make([]string, len(asked))
		for i := range asked {
			refs[i] = asked[i].Ref
		}
		ttp.Tamper(ttptest.DrawPlan(rt, names, refs).Spoil)
		got, err := c.Prepare(t.Context(), fmt.Sprint("case-", cases), asked)
		cases++
		if err != nil || len(got) != len(asked) {
			rt.Fatalf("%d answers to %d rows, %v", len(got), len(asked), err)
		}
		for i, ref := range refs {
			a := got[ref]
			if len(a.Temporaries) == 0 {
				unusable++
				if len(a.Findings) == 0 || a.Findings[0].Severity != patient.Fatal {
					rt.Fatalf("%s: neither pseudonym nor fatal finding", ref)
				}
				continue
			}
			for typ, d := range ttp.Definitives(values(a.Temporaries))[0] {
				linked++
				if d != truth[i][typ] {
					rt.Fatalf("%s leads to somebody else", ref)
				}
			}
		}
	})
	t.Logf("%d cases with %d answers of the TTP: %d links, all right; %d rows without one", cases, ttp.Calls.Load(), linked, unusable)
	if linked == 0 || unusable == 0 {
		t.Error("the test saw only one kind of outcome")
	}
}

// TestEchoedFieldsAreMasked shows that a TTP that repeats in its messages what it was
// sent cannot bring that into a report.
func TestEchoedFieldsAreMasked(t *testing.T) {
	ttp, c := start(t)
	sent := identity.Fields{
		Surname: "Bos-Qanarynaam", Prefix: "vander", Initials: "qrst", BirthDate: "1987-06-05", Sex: "vrouwelijk",
		Postcodes: []identity.Postcode{{Postcode: "4321QX", HouseNumber: "98761", Suffix: "achterhuis", RecordedOn: "2019-07-08"}},
	}
	echoed := []string{
		"Bos-Qanarynaam", "bos", "QANARYNAAM", "Qånårynaam", "BOSQANARYNAAM", "qanarynaams", "vander", "qrst", "1987-06-05", "5-6-1987",
		"05/06/1987", "19870605", "vrouwelijk", "4321QX", "98761", "achterhuis", "2019-07-08",
	}
	for _, e := range echoed {
		ttp.BreakCalls(func(_ int, _ http.Handler, w http.ResponseWriter, r *http.Request) {
			var q struct{ Items []struct{ Ref string } }
			body, _ := io.ReadAll(r.Body)
			_ = json.Unmarshal(body, &q)
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"items": []any{map[string]any{"ref": q.Items[0].Ref, "findings": []any{
				map[string]any{"severity": "fatal", "code": "2999", "field": e, "message": "Onbekende waarde '" + e + "' in dit veld"},
			}}}})
		})
		_, fs, err := c.PrepareOne(t.Context(), identity.New(sent))
		if err != nil || len(fs) != 1 {
			t.Fatal(fs, err)
		}
		text := fs[0].Field + " " + fs[0].Message
		if strings.Contains(text, e) || !strings.Contains(text, "Onbekende waarde '") || !strings.HasSuffix(text, "' in dit veld") {
			t.Errorf("%s came back as %q", e, text)
		}
	}
}

// TestOthersNamesAreMasked shows that a message about one row does not bring the person
// of another row of the call into its report, whether in its text, its field or its code.
func TestOthersNamesAreMasked(t *testing.T) {
	ttp, c := start(t)
	asked := items(300)
	asked[299].Identity = identity.New(identity.Fields{Surname: "Qanarynaam-Post", Initials: "q", BirthDate: "1987-06-05", Sex: "v"})
	ttp.Tamper(func(answered []ttptest.Item) []ttptest.Item {
		for _, item := range answered {
			if item["ref"] != "ref-0" {
				continue
			}
			delete(item, "pseudonyms")
			item["findings"] = []any{
				map[string]any{"severity": "fatal", "code": "E_POSTCODE", "field": "Qanarynaam",
					"message": "Lijkt op qanarynaam, 5-6-1987"},
			}
			if len(answered) > 1 { // a name as a code is unusable; alone the row is answered without it
				item["findings"] = append(item["findings"].([]any),
					map[string]any{"severity": "warning", "code": "QANARYNAAM", "message": "x"})
			}
		}
		return answered
	})
	got, err := c.Prepare(t.Context(), "k", asked)
	if err != nil || len(got) != 300 {
		t.Fatal(len(got), err)
	}
	a := got["ref-0"]
	if len(a.Findings) != 1 || a.Findings[0].Code != "E_POSTCODE" || a.Findings[0].Field != "" ||
		a.Findings[0].Message != "Lijkt op […], […]" {
		t.Errorf("%+v", a.Findings)
	}
	for ref, a := range got {
		if ref != "ref-0" && len(a.Temporaries) == 0 {
			t.Errorf("%s has no pseudonyms: %+v", ref, a.Findings)
		}
	}
}

// TestNothingOfARowInErrorsAndLogs shows that no error text and no log line, of client
// or sandbox, holds a value that was sent.
func TestNothingOfARowInErrorsAndLogs(t *testing.T) {
	ttp, c := start(t, func(o *ttpclient.Options) { o.PerTry = 5 * time.Second })
	asked := items(3)
	asked[0].Identity = identity.New(identity.Fields{Surname: "Qanarynaam", Initials: "q", BirthDate: "1987-06-05", Sex: "q"})
	var texts strings.Builder
	say := func(a map[string]patient.Prepared, err error) { fmt.Fprintf(&texts, "%+v %v %+v\n", a, err, err) }
	say(c.Prepare(t.Context(), "well", asked))
	for how, change := range ttptest.Echoes {
		ttp.Break(change)
		say(c.Prepare(t.Context(), how, asked))
	}
	out := strings.ToLower(texts.String() + ttp.Log.String())
	if !strings.Contains(out, "ttp call failed") || !strings.Contains(out, "not available") {
		t.Fatal("the test looks at nothing")
	}
	for _, s := range []string{"qanarynaam", "1987-06-05", strings.ToLower(ttptest.Person(1)["surname"])} {
		if strings.Contains(out, s) {
			t.Errorf("%q got out", s)
		}
	}
}
