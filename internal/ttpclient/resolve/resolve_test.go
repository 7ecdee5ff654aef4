package resolve_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluis/internal/patient"
	"sluis/internal/ttpclient"
	"sluis/internal/ttpclient/resolve"
	"sluis/internal/ttpclient/ttptest"
)

// rows makes n rows of temporaries, and the truth about them: ref → type → value.
func rows(ttp *ttptest.TTP, n int) ([]patient.Resolvable, map[string]map[string]string) {
	people := make([]map[string]string, n)
	for i := range people {
		people[i] = ttptest.Person(i)
	}
	temporaries := ttp.Temporaries(people...)
	truth := map[string]map[string]string{}
	out := make([]patient.Resolvable, n)
	definitives := ttp.Definitives(temporaries...)
	for i := range out {
		out[i].Ref = fmt.Sprintf("ref-%d", i)
		truth[out[i].Ref] = definitives[i]
		for _, typ := range ttptest.Types {
			out[i].Temporaries = append(out[i].Temporaries, patient.Temporary{Type: typ, Value: temporaries[i][typ]})
		}
	}
	return out, truth
}

func TestResolve(t *testing.T) {
	ttp := ttptest.Start(t)
	c := resolve.New(ttp.Client(ttpclient.ScopeDefinitive), ttptest.Domain)
	asked, truth := rows(ttp, 40)
	asked[3].Temporaries[0].Value = "damaged"
	got, err := c.Resolve(t.Context(), "key", asked)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 40 || ttp.Calls.Load() != 1 {
		t.Errorf("%d answers in %d calls", len(got), ttp.Calls.Load())
	}
	bad := got["ref-3"]
	want := patient.Finding{Severity: patient.Fatal, Source: patient.TTP, Code: "2202", Field: "NGGV", Message: "Het tijdelijke pseudoniem is onbekend of beschadigd"}
	if len(bad.Pseudonyms) != 0 || len(bad.Findings) != 1 || bad.Findings[0] != want {
		t.Errorf("damaged row: %+v", bad)
	}
	delete(got, "ref-3")
	for ref, r := range got {
		if len(r.Pseudonyms) != 2 || len(r.Findings) != 0 {
			t.Fatalf("%s: %+v", ref, r)
		}
		for _, p := range r.Pseudonyms {
			if p.Value != truth[ref][p.Type] || p.Domain != ttptest.Domain || p.KeyVersion != 1 {
				t.Errorf("%s: %+v", ref, p)
			}
		}
	}
	if _, err := c.Resolve(t.Context(), "key", []patient.Resolvable{{Ref: "1"}}); err == nil {
		t.Error("a row without temporaries was asked")
	}
	twice := asked[0].Temporaries[0]
	if _, err := c.Resolve(t.Context(), "key", []patient.Resolvable{{Ref: "1", Temporaries: []patient.Temporary{twice, twice}}}); err == nil {
		t.Error("a row with one type twice was asked")
	}
}

// The property of the whole: whatever the TTP answers, a row gets its own
// definitive pseudonyms, or none.
func TestNeverAWrongLink(t *testing.T) {
	ttp := ttptest.Start(t)
	c := resolve.New(ttp.Client(ttpclient.ScopeDefinitive), ttptest.Domain)
	all, truth := rows(ttp, 12)
	sent := map[string]bool{}
	for _, r := range all {
		for _, v := range r.Temporaries {
			sent[v.Value] = true
		}
	}
	ttptest.Spoils["a temporary in place"] = func(items []ttptest.Item, at int) []ttptest.Item {
		if ps, ok := items[at]["pseudonyms"].([]any); ok && len(ps) > 0 {
			ps[0].(ttptest.Item)["value"] = all[0].Temporaries[0].Value
		}
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
		plan := ttptest.DrawPlan(rt, names, refs)
		ttp.Tamper(plan.Spoil)
		got, err := c.Resolve(t.Context(), fmt.Sprint("case-", cases), asked)
		cases++
		if err != nil {
			rt.Fatalf("twelve rows at most: every one gets a verdict: %v", err)
		}
		if len(got) != len(asked) {
			rt.Fatalf("%d answers to %d rows", len(got), len(asked))
		}
		for _, ref := range refs {
			r, ok := got[ref]
			switch {
			case !ok:
				rt.Fatalf("%s has no answer", ref)
			case len(r.Pseudonyms) == 0 && (len(r.Findings) == 0 || r.Findings[0].Severity != patient.Fatal):
				rt.Fatalf("%s: neither pseudonym nor fatal finding", ref)
			case len(r.Pseudonyms) == 0:
				unusable++
			}
			for _, p := range r.Pseudonyms {
				linked++
				if p.Value != truth[ref][p.Type] || sent[p.Value] || p.KeyVersion != 1 || p.Domain != ttptest.Domain {
					rt.Fatalf("%s is linked to somebody else's pseudonym", ref)
				}
			}
		}
	})
	t.Logf("%d cases with %d answers of the TTP: %d links, all right; %d rows without one", cases, ttp.Calls.Load(), linked, unusable)
	if linked == 0 || unusable == 0 {
		t.Error("the test saw only one kind of outcome")
	}
}

func TestNothingOfARowInErrorsAndLogs(t *testing.T) {
	ttp := ttptest.Start(t)
	c := resolve.New(ttp.Client(ttpclient.ScopeDefinitive, func(o *ttpclient.Options) { o.PerTry = 5 * time.Second }), ttptest.Domain)
	asked, _ := rows(ttp, 3)
	for how, change := range ttptest.Echoes {
		ttp.Break(change)
		_, err := c.Resolve(t.Context(), how, asked)
		for _, r := range asked {
			for _, v := range r.Temporaries {
				if strings.Contains(fmt.Sprint(err)+ttp.Log.String(), v.Value) {
					t.Errorf("%s: a temporary pseudonym got out", how)
				}
			}
		}
	}
}
