package ttptest

import (
	"strings"

	"pgregory.net/rapid"
)

// Spoils are the ways in which a TTP may answer badly. Each takes the items of
// an answer and the index of one of them, and returns the spoiled items. None of
// them moves a well-formed value to another well-formed row of a definitive answer:
// no client could notice that.
var Spoils = map[string]func(items []Item, at int) []Item{
	"none":    func(items []Item, _ int) []Item { return items },
	"shuffle": func(items []Item, at int) []Item { return append(items[at:], items[:at]...) },
	"drop":    func(items []Item, at int) []Item { return append(items[:at], items[at+1:]...) },
	"double":  func(items []Item, at int) []Item { return append(items, items[at]) },
	"double in place of another": func(items []Item, at int) []Item {
		items[(at+1)%len(items)] = items[at]
		return items
	},
	"invented ref":  set("ref", "invented"),
	"empty ref":     set("ref", ""),
	"ref no string": set("ref", 7),
	"extra item": func(items []Item, at int) []Item {
		return append(items, Item{"ref": "extra", "pseudonyms": items[at]["pseudonyms"]})
	},
	"nothing in it":   func(items []Item, at int) []Item { items[at] = Item{"ref": items[at]["ref"]}; return items },
	"no items":        func([]Item, int) []Item { return nil },
	"value empty":     value("value", ""),
	"value blank":     value("value", "  "),
	"value long":      value("value", strings.Repeat("x", 513)),
	"value control":   value("value", "abc\x00def"),
	"value number":    value("value", 12),
	"type not asked":  value("type", "BSN"),
	"type of another": value("type", "NGG"),
	"date not asked":  value("recordedOn", "2020-01-01"),
	"key version":     value("keyVersion", -1),
	"both at once": set("findings", []any{Item{
		"severity": "fatal", "code": "2101", "field": "birthDate", "message": "De geboortedatum is leeg",
	}}),
	"severity": set("findings", []any{Item{"severity": "note", "code": "1", "message": "?"}}),
}

// Plan says how a TTP spoils its answers, call by call. It is drawn beforehand,
// because the TTP answers in a goroutine of its own.
type Plan struct {
	calls  []step            // one for each call; after the last comes the first again
	sticky map[string]string // ref → the spoil of its item, the same in every call
	n      int
}

type step struct {
	name string
	at   int
}

// DrawPlan draws a plan of the spoils that names lists. Up to three of refs get an
// answer that is always bad.
func DrawPlan(t *rapid.T, names, refs []string) *Plan {
	p := &Plan{sticky: map[string]string{}}
	for range rapid.IntRange(1, 6).Draw(t, "steps") {
		s := step{name: "none", at: rapid.IntRange(0, 1<<10).Draw(t, "at")}
		if rapid.Bool().Draw(t, "spoilt") {
			s.name = rapid.SampledFrom(names).Draw(t, "how")
		}
		p.calls = append(p.calls, s)
	}
	for range rapid.IntRange(0, 3).Draw(t, "sticky") {
		p.sticky[rapid.SampledFrom(refs).Draw(t, "ref")] = rapid.SampledFrom(names).Draw(t, "how")
	}
	return p
}

// Spoil is a change for [TTP.Tamper]. It is not safe for concurrent use.
func (p *Plan) Spoil(items []Item) []Item {
	for i := range items {
		ref, _ := items[i]["ref"].(string)
		if how, ok := p.sticky[ref]; ok && i < len(items) {
			items = Spoils[how](items, i)
			break // the items may have moved
		}
	}
	s := p.calls[p.n%len(p.calls)]
	p.n++
	if len(items) == 0 {
		return items
	}
	return Spoils[s.name](items, s.at%len(items))
}

func set(key string, v any) func([]Item, int) []Item {
	return func(items []Item, at int) []Item {
		items[at][key] = v
		return items
	}
}

// value spoils the first pseudonym of an item that has one.
func value(key string, v any) func([]Item, int) []Item {
	return func(items []Item, at int) []Item {
		if ps, ok := items[at]["pseudonyms"].([]any); ok && len(ps) > 0 {
			ps[0].(Item)[key] = v
		}
		return items
	}
}
