package conversion_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/web/text"
)

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// good is a gate that lets an erasure through: two centres, approved by two people
// each, verified yesterday, one rejected row that is in the exception.
func good() conversion.Gate {
	approval := func(centre string, role account.Role, user int64) conversion.Approval {
		return conversion.Approval{Centre: centre, Role: role, UserID: user, UserName: fmt.Sprint("user ", user), Why: "gezien", At: now}
	}
	run := &conversion.Run{ID: 1, PublicID: "run", Mode: delivery.Save, Centres: []conversion.CentreRun{
		{CentreNumber: "2809", Delivery: &delivery.Delivery{State: delivery.Done}},
		{CentreNumber: "2810", Delivery: &delivery.Delivery{State: delivery.Done}},
	}}
	return conversion.Gate{
		Now: now, Way: conversion.InPlace, Mapping: conversion.DefaultMapping(), Rows: 40, Run: run, CheckedAt: now.Add(-24 * time.Hour),
		CheckRun: 1, Check: &conversion.Check{Rows: 40, Stored: 39, Rejected: 1},
		Open:      []conversion.Open{{OldKey: "7", Outcome: patient.Rejected}},
		Exception: &conversion.Exception{Run: "run", Rows: []conversion.Exempt{{OldKey: "7", Outcome: patient.Rejected}}},
		Erasure: &conversion.Erasure{Way: conversion.InPlace, Approvals: []conversion.Approval{
			approval("2809", account.DataManager, 1), approval("2809", account.Admin, 2), approval("2810", account.DataManager, 3),
			approval("2810", account.Admin, 2),
		}},
	}
}

// TestErasureIsRefused is the table of every case in which nothing may be erased.
// With -v it prints it, in the words that an operator reads.
func TestErasureIsRefused(t *testing.T) {
	if got := good().Refusals(); len(got) != 0 {
		t.Fatalf("the good case is refused: %+v", got)
	}
	t.Logf("%-44s allowed", "all is in order")
	for _, c := range []struct {
		what   string
		change func(g *conversion.Gate)
		want   []string
	}{
		{"nothing was converted", func(g *conversion.Gate) { g.Run = nil }, []string{"NO_RUN"}},
		{"there was a rehearsal alone", func(g *conversion.Gate) { g.Run.Mode = delivery.Check }, []string{"NO_RUN"}},
		{"a centre is not read", func(g *conversion.Gate) { g.Run.Centres[1].Delivery = nil }, []string{"RUN_OPEN"}},
		{"a centre is being stored", func(g *conversion.Gate) { g.Run.Centres[1].Delivery.State = delivery.Registering },
			[]string{"RUN_OPEN"}},
		{"a centre waits at the brake", func(g *conversion.Gate) { g.Run.Centres[1].Delivery.State = delivery.Confirm },
			[]string{"RUN_OPEN"}},
		{"a centre failed", func(g *conversion.Gate) { g.Run.Centres[1].Delivery.State = delivery.Failed }, []string{"RUN_OPEN"}},
		{"it was never verified", func(g *conversion.Gate) { g.Check = nil }, []string{"NOT_VERIFIED"}},
		{"another conversion was verified", func(g *conversion.Gate) { g.CheckRun = 2 }, []string{"NOT_VERIFIED"}},
		{"the verification found a fault", func(g *conversion.Gate) { g.Check.Add(conversion.Problem{OldKey: "8", Code: "DISPLAY_OTHER"}) },
			[]string{"CHECK_UNCLEAN"}},
		{"the verification found a centre that is open", func(g *conversion.Gate) { g.Check.Unfinished = 1 }, []string{"CHECK_UNCLEAN"}},
		{"the verification is eight days old", func(g *conversion.Gate) { g.CheckedAt = now.Add(-8 * 24 * time.Hour) },
			[]string{"CHECK_OLD"}},
		{"a row came since", func(g *conversion.Gate) { g.Rows = 41 }, []string{"SOURCE_CHANGED"}},
		{"a rejected row is in no exception", func(g *conversion.Gate) { g.Exception = nil }, []string{"ROWS_REJECTED"}},
		{"another rejected row came since", func(g *conversion.Gate) {
			g.Open = append(g.Open, conversion.Open{OldKey: "8", Outcome: patient.Rejected})
		}, []string{"ROWS_REJECTED"}},
		{"a row waits to be judged", func(g *conversion.Gate) {
			g.Open = append(g.Open, conversion.Open{OldKey: "8", Outcome: patient.Review})
		}, []string{"ROWS_REVIEW"}},
		{"the excepted row was rejected, and waits now", func(g *conversion.Gate) { g.Open[0].Outcome = patient.Review },
			[]string{"ROWS_REVIEW"}},
		{"the exception is not as it was signed", func(g *conversion.Gate) { g.Forged, g.Exception = true, nil },
			[]string{"EXCEPTION_FORGED", "ROWS_REJECTED"}},
		{"the exception is of another conversion", func(g *conversion.Gate) { g.Exception.Run = "other" },
			[]string{"EXCEPTION_OTHER", "ROWS_REJECTED"}},
		{"the source is a query", func(g *conversion.Gate) { g.Mapping.Table, g.Mapping.Query = "", "SELECT 1" },
			[]string{"SOURCE_IS_QUERY"}},
		{"a trigger could copy the names", func(g *conversion.Gate) { g.Triggers = []string{"audit"} }, []string{"SOURCE_TRIGGERS"}},
		{"the administrator has not approved a centre", func(g *conversion.Gate) { g.Erasure.Approvals = g.Erasure.Approvals[:3] },
			[]string{"APPROVAL_MISSING"}},
		{"nobody has approved", func(g *conversion.Gate) { g.Erasure.Approvals = nil }, slices.Repeat([]string{"APPROVAL_MISSING"}, 4)},
		{"the data manager was blocked since", func(g *conversion.Gate) { g.Erasure.Approvals[0].Lapsed = true },
			[]string{"APPROVAL_LAPSED"}},
		{"one person approved in both roles", func(g *conversion.Gate) { g.Erasure.Approvals[1].UserID = 1 }, []string{"ONE_PERSON"}},
		{"two data managers approved", func(g *conversion.Gate) { g.Erasure.Approvals[1].Role = account.DataManager },
			[]string{"APPROVAL_MISSING"}},
	} {
		g := good()
		c.change(&g)
		var codes, words []string
		for _, r := range g.Refusals() {
			codes = append(codes, r.Code)
			var args []any
			for k, v := range r.Args {
				args = append(args, k, v)
			}
			words = append(words, text.For(text.English).T("existing.refusal."+r.Code, args...))
		}
		if !slices.Equal(codes, c.want) {
			t.Errorf("%s: %v, want %v", c.what, codes, c.want)
		}
		for _, w := range words {
			if strings.HasPrefix(w, "existing.refusal.") || strings.Contains(w, "{") {
				t.Errorf("%s has no words: %s", c.what, w)
			}
		}
		t.Logf("%-44s refused: %s", c.what, words[0])
	}
	// With a new database a trigger or a query is the owner's affair.
	g := good()
	g.Way, g.Triggers = conversion.NewDatabase, []string{"audit"}
	if got := g.Refusals(); len(got) != 0 {
		t.Errorf("a new database: %+v", got)
	}
}

func TestSignature(t *testing.T) {
	path := conversion.KeyFile(filepath.Join(t.TempDir(), "keyring.json"))
	key, err := conversion.SigningKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := conversion.SigningKey(path); err != nil || !again.Equal(key) {
		t.Fatalf("read again: %v", err)
	}
	for _, p := range []string{path, path + ".pub"} {
		if public, err := conversion.PublicKey(p); err != nil || !public.Equal(conversion.Public(key)) {
			t.Errorf("%s: %v", p, err)
		}
	}
	signed, err := conversion.Sign(key, conversion.Exception{Run: "<run & co>", Rows: []conversion.Exempt{{OldKey: "7"}}})
	if err != nil {
		t.Fatal(err)
	}
	// As a person keeps it: written over lines, and read back.
	raw, err := json.MarshalIndent(signed, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	read, err := conversion.ReadSigned(raw)
	if err != nil {
		t.Fatal(err)
	}
	var x conversion.Exception
	if err := read.Open(conversion.Public(key), &x); err != nil || x.Run != "<run & co>" || len(x.Rows) != 1 {
		t.Errorf("opened: %+v (%v)", x, err)
	}
	other, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Open(other, nil); !errors.Is(err, conversion.ErrForged) {
		t.Errorf("by another key: %v", err)
	}
	read.Document = json.RawMessage(strings.Replace(string(read.Document), `"7"`, `"8"`, 1))
	if err := read.Open(conversion.Public(key), nil); !errors.Is(err, conversion.ErrForged) {
		t.Errorf("changed: %v", err)
	}
	if _, err := conversion.ReadSigned([]byte("{}")); err == nil {
		t.Error("an empty document is taken")
	}
}

func TestMapping(t *testing.T) {
	read := func(s string) (conversion.Mapping, error) { return conversion.ReadMapping(strings.NewReader(s)) }
	m, err := read(`{"table": "dbo.patient", "number": "ziekenhuisnummer", "centres": {"17": "2809"}, "erase": ["geboortedatum"]}`)
	if err != nil {
		t.Fatal(err)
	}
	if numbered, known := m.Numbered(); !numbered || !known || m.Surname != "achternaam" || m.CentreOf("17") != "2809" ||
		m.CentreOf("2810") != "2810" {
		t.Errorf("mapping = %+v", m)
	}
	if got := m.Erased(); !slices.Equal(got, []string{"achternaam", "tussenvoegsel", "voorletters", "email", "geboortedatum"}) {
		t.Errorf("erased = %v", got)
	}
	if m, err = read(`{"query": "SELECT * FROM p", "number": ""}`); err != nil || m.Table != "" {
		t.Errorf("a query: %+v (%v)", m, err)
	}
	if numbered, known := m.Numbered(); numbered || !known {
		t.Error("no number is not known to be none")
	}
	if _, known := conversion.DefaultMapping().Numbered(); known {
		t.Error("the default mapping knows which")
	}
	for what, s := range map[string]string{
		"no JSON": `table: patient`, "a typing error": `{"surnam": "x"}`, "two sources": `{"table": "a", "query": "b"}`,
		"no key": `{"key": ""}`,
		"a BSN":  `{"number": "BSN"}`, "a BSN, hidden": `{"number": "patient_bsn"}`, "to erase and to keep": `{"erase": ["patid"]}`,
		"a name that is none": `{"surname": "a\u0000b"}`,
	} {
		if _, err := read(s); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	if m, err := read(`{"number": "bsntje"}`); err != nil {
		t.Errorf("bsntje is no BSN: %+v %v", m, err)
	}
}
