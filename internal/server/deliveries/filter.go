package deliveries

import (
	"cmp"
	"strconv"

	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/page"
	"sluis/internal/server/report"
	"sluis/web/templates"
	"sluis/web/text"
)

// The views of the report.
const (
	viewCauses  = "causes"
	viewRecords = "records"
	viewPrint   = "afdruk"
)

// sortWords are the columns that the records can be sorted by, as the address of
// the page names them, in the order of the page.
var sortWords = []struct {
	word, label string
	by          delivery.FindingSort
}{
	{"", "report.line", delivery.ByLine}, {"patientnummer", "field.patientNumber", delivery.ByNumber},
	{"kolom", "report.column_word", delivery.ByField},
	{
		"fout",
		"report.error",
		delivery.ByCode,
	}, {"ernst", "report.severity", delivery.BySeverity}, {"bron", "report.source", delivery.BySource},
}

// reportFilter is the part of a report that is shown, and its order. It is the
// query of the page, so it never holds an identity or a patient number.
type reportFilter struct {
	view, severity, field, code, source string
	sort                                string // a word of sortWords
	desc                                bool
	from                                int // findings before the first one shown
}

// descending is the value of richting that turns the order round.
const descending = "af"

// maxOffset is the furthest that anybody can page: more findings than a delivery has.
const maxOffset = 100_000_000

// reportFilterOf reads the filter of the address. A column or code that no finding of
// the delivery has cannot be chosen on the page.
func reportFilterOf(v *page.Visit, causes []delivery.Cause) (reportFilter, error) {
	var f reportFilter
	columns, codes, sorts := make([]string, len(causes)), make([]string, len(causes)), make([]string, len(sortWords))
	for i, c := range causes {
		columns[i], codes[i] = c.Field, c.Code
	}
	for i, s := range sortWords {
		sorts[i] = s.word
	}
	var way string
	for _, p := range []struct {
		name   string
		to     *string
		values []string
	}{
		{"weergave", &f.view, []string{viewCauses, viewRecords, viewPrint}},
		{"ernst", &f.severity, []string{string(patient.Fatal), report.Review, string(patient.Warning)}},
		{"bron", &f.source, []string{string(patient.TTP), string(patient.Sluis)}},
		{"kolom", &f.field, columns}, {"code", &f.code, codes},
		{"sorteer", &f.sort, sorts}, {"richting", &way, []string{descending}},
	} {
		var err error
		if *p.to, err = v.OneOf(p.name, p.values...); err != nil {
			return f, err
		}
	}
	var err error
	f.view, f.desc = cmp.Or(f.view, viewCauses), way == descending
	f.from, err = v.Number("vanaf", 0, maxOffset)
	return f, err
}

func (f reportFilter) active() bool { return f.severity+f.field+f.code+f.source != "" }

// link is the page of the report with this filter.
func (f reportFilter) link(path string) string {
	from, way := "", ""
	if f.from > 0 {
		from = strconv.Itoa(f.from)
	}
	if f.desc {
		way = descending
	}
	return page.Link(path, "weergave", f.view, "ernst", f.severity, "kolom", f.field, "code", f.code, "bron", f.source, "sorteer", f.sort,
		"richting", way, "vanaf", from)
}

func (f reportFilter) with(view string) reportFilter {
	f.view, f.from = view, 0
	return f
}

// but returns f without its choice of one facet.
func (f reportFilter) but(facet string) reportFilter {
	switch facet {
	case "ernst":
		f.severity = ""
	case "kolom":
		f.field = ""
	case "code":
		f.code = ""
	case "bron":
		f.source = ""
	}
	return f
}

func (f reportFilter) matches(c delivery.Cause) bool {
	return (f.severity == "" || f.severity == report.SeverityOnPage(c.Finding)) && (f.field == "" || f.field == c.Field) &&
		(f.code == "" || f.code == c.Code) &&
		(f.source == "" || f.source == string(c.Source))
}

// query returns the store's query for a page of records.
func (f reportFilter) query(limit int) delivery.FindingQuery {
	q := delivery.FindingQuery{Code: f.code, Field: f.field, Source: patient.Source(f.source), Desc: f.desc, Offset: f.from, Limit: limit}
	for _, s := range sortWords {
		if s.word == f.sort {
			q.Sort = s.by
		}
	}
	switch f.severity {
	case string(patient.Fatal):
		q.Severity = patient.Fatal
	case report.Review, string(patient.Warning):
		waits := f.severity == report.Review
		q.Severity, q.Review = patient.Warning, &waits
	}
	return q
}

// sorts returns links to the same records in another order. The link of the
// present order turns it round.
func (f reportFilter) sorts(t *text.Catalogue, path string) []templates.Sort {
	var out []templates.Sort
	for _, s := range sortWords {
		to, current := f, s.word == f.sort
		to.sort, to.desc, to.from = s.word, current && !f.desc, 0
		out = append(out, templates.Sort{Text: t.T(s.label), Href: to.link(path), Current: current, Desc: current && f.desc})
	}
	return out
}

// facets fills the choices of each filter. Each choice says how many findings it
// would leave, given the choices in the other filters.
func (f reportFilter) facets(t *text.Catalogue, d delivery.Delivery, causes []delivery.Cause, p *templates.Report) {
	choose := func(facet, chosen string, of func(delivery.Cause) (value, word string), order ...string) []templates.Option {
		others, counts, words, total := f.but(facet), map[string]int{}, map[string]string{}, 0
		for _, c := range causes {
			value, word := of(c)
			if _, met := words[value]; !met && value != "" {
				words[value], order = word, append(order, value)
			}
			if others.matches(c) {
				counts[value] += c.Count
				total += c.Count
			}
		}
		out := []templates.Option{{Text: t.T("report.choice", "word", t.T("word.all"), "n", total), Selected: chosen == ""}}
		seen := map[string]bool{}
		for _, value := range order {
			if seen[value] || words[value] == "" || counts[value] == 0 && value != chosen {
				continue
			}
			seen[value] = true
			out = append(out, templates.Option{Value: value, Text: t.T("report.choice", "word", words[value], "n", counts[value]),
				Selected: value == chosen})
		}
		return out
	}
	p.Severities = choose("ernst", f.severity, func(c delivery.Cause) (string, string) {
		s := report.SeverityOnPage(c.Finding)
		return s, t.T("severity." + s)
	}, string(patient.Fatal), report.Review, string(patient.Warning))
	p.Sources = choose("bron", f.source, func(c delivery.Cause) (string, string) {
		return string(c.Source),
			t.T("source." + string(c.Source))
	},
		string(patient.TTP), string(patient.Sluis))
	p.Columns = choose("kolom", f.field, func(c delivery.Cause) (string, string) { return c.Field, report.Column(t, d.Columns, c.Field) })
	p.Codes = choose("code", f.code, func(c delivery.Cause) (string, string) { return c.Code, report.Message(t, c.Finding, nil) })
}
