package resolve_test

import (
	"errors"
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
	"sluis/internal/ttpsandbox"
)

// rows returns n rows of temporary pseudonyms, and their true definitive ones:
// ref → type → value.
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
	want := patient.Finding{
		Severity: patient.Fatal,
		Source:   patient.TTP,
		Code:     "2202",
		Field:    "NGGV",
		Message:  "Het tijdelijke pseudoniem is onbekend of beschadigd",
	}
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
	if _, err := c.Resolve(t.Context(), "key", []patient.Resolvable{{Ref: "1",
		Temporaries: []patient.Temporary{twice, twice}}}); err == nil {
		t.Error("a row with one type twice was asked")
	}
}

// TestNeverAWrongLink tests the property that matters most: whatever the TTP answers
// and however its calls fail, a row gets its own definitive pseudonyms or a fatal
// finding.
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
	faults, err := ttpsandbox.ParseFaults("500=10%,503=5%,429=5%,reset=10%,truncate=5%")
	if err != nil {
		t.Fatal(err)
	}
	ttp.Sandbox.SetFaults(faults)
	var cases, unusable, linked, outages int
	rapid.Check(t, func(rt *rapid.T) {
		asked := all[:rapid.IntRange(1, len(all)).Draw(rt, "rows")]
		refs := make([]string, len(asked))
		for i := range asked {
			refs[i] = asked[i].Ref
		}
		plan := ttptest.DrawPlan(rt, names, refs)
		ttp.Tamper(plan.Spoil)
		key := fmt.Sprint("case-", cases)
		got, err := c.Resolve(t.Context(), key, asked)
		for tries := 0; err != nil && tries < 50; tries++ { // the importer, too, asks again under the same key
			if _, down := errors.AsType[*patient.UnavailableError](err); !down {
				break
			}
			outages++
			got, err = c.Resolve(t.Context(), key, asked)
		}
		cases++
		if err != nil {
			rt.Fatalf("twelve rows at most: every one gets a verdict: %v", err)
		}
		if len(got) != len(asked) {
			rt.Fatalf("%d answers to %d rows", len(got), len(asked))
		}
		for _, ref := range refs {
			r, ok := got[ref]
			if !ok {
				rt.Fatalf("%s has no answer", ref)
			}
			links := linksOf(rt, ref, r, func(p patient.Pseudonym) bool {
				return p.Value == truth[ref][p.Type] && !sent[p.Value] && p.KeyVersion == 1 && p.Domain == ttptest.Domain
			})
			if linked += links; links == 0 {
				unusable++
			}
		}
	})
	t.Logf("%d cases, %d calls, %d outages: %d links, wrong links 0, lost rows 0, %d rows reported as unusable",
		cases, ttp.Calls.Load(), outages, linked, unusable)
	if linked == 0 || unusable == 0 {
		t.Error("the test saw only one kind of outcome")
	}
}

// linksOf returns the number of pseudonyms of a row, each of which must be right. A row
// without any must have a fatal finding.
func linksOf(rt *rapid.T, ref string, r patient.Resolved, right func(patient.Pseudonym) bool) int {
	if len(r.Pseudonyms) == 0 && (len(r.Findings) == 0 || r.Findings[0].Severity != patient.Fatal) {
		rt.Fatalf("%s: neither pseudonym nor fatal finding", ref)
	}
	for _, p := range r.Pseudonyms {
		if !right(p) {
			rt.Fatalf("%s is linked to somebody else's pseudonym", ref)
		}
	}
	return len(r.Pseudonyms)
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

// TestConvert converts a pseudonym to another domain and back, and tries to convert
// one that does not exist.
func TestConvert(t *testing.T) {
	ttp := ttptest.Start(t)
	c := resolve.New(ttp.Client(ttpclient.ScopeConvert), ttptest.Domain)
	_, truth := rows(ttp, 3)
	was := func(i int, typ string) patient.Pseudonym {
		return patient.Pseudonym{
			Type:       typ,
			Domain:     ttptest.Domain,
			KeyVersion: 1,
			Value:      truth[fmt.Sprint("ref-", i)][typ],
			ObservedOn: "2026-01-31",
		}
	}
	asked := []patient.DomainConversion{
		{Ref: "a", Pseudonym: was(0, "NGGV")},
		{Ref: "b", Pseudonym: was(1, "NGG")},
		{Ref: "c", Pseudonym: patient.Pseudonym{Type: "NGG", KeyVersion: 1, Value: "v1.NONSENSE"}},
	}
	there, err := c.Convert(t.Context(), "there", ttptest.Domain, ttptest.OtherDomain, asked)
	if err != nil || len(there) != 3 {
		t.Fatal(there, err)
	}
	if f := there["c"].Findings; len(f) != 1 || f[0].Severity != patient.Fatal || there["c"].Pseudonym.Value != "" {
		t.Errorf("nonsense became %+v", there["c"])
	}
	for _, item := range asked[:2] {
		p := there[item.Ref].Pseudonym
		if p.Domain != ttptest.OtherDomain || p.Type != item.Pseudonym.Type || p.Value == item.Pseudonym.Value ||
			p.ObservedOn != "2026-01-31" {
			t.Errorf("there: %+v", p)
		}
		back, err := c.Convert(t.Context(), "back"+item.Ref, ttptest.OtherDomain, ttptest.Domain,
			[]patient.DomainConversion{{Ref: "r", Pseudonym: p}})
		if err != nil || back["r"].Pseudonym.Value != item.Pseudonym.Value {
			t.Errorf("back: %+v %v", back, err)
		}
	}
	// In its own domain a pseudonym stays the same until the TTP turns its keys.
	for _, spoil := range []func(item ttptest.Item){
		func(item ttptest.Item) { item["value"] = truth["ref-2"]["NGGV"] },
		func(item ttptest.Item) { item["type"] = "NGG" },
		func(item ttptest.Item) { item["keyVersion"] = 0 },
		func(item ttptest.Item) { item["keyVersion"] = 2 }, // the same value under another key
	} {
		ttp.Tamper(func(items []ttptest.Item) []ttptest.Item { spoil(items[0]); return items })
		got, err := c.Convert(t.Context(), fmt.Sprint("spoilt", time.Now()), ttptest.Domain, ttptest.Domain,
			[]patient.DomainConversion{{Ref: "r", Pseudonym: was(0, "NGGV")}})
		if err != nil || len(got["r"].Findings) != 1 || got["r"].Findings[0].Code != patient.CodeUnusable {
			t.Errorf("%+v %v", got, err)
		}
	}
}
