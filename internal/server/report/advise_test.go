package report_test

import (
	"strings"
	"testing"

	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/report"
	"sluis/web/text"
)

// The advice follows from the pattern of the errors.
func TestAdvise(t *testing.T) {
	cause := func(code, field string, n int) delivery.Cause {
		return delivery.Cause{Count: n, Finding: patient.Finding{Severity: patient.Fatal, Source: patient.TTP, Code: code, Field: field}}
	}
	warned := cause("3101", "birthDate", 50)
	warned.Severity = patient.Warning
	nl := text.For("nl")
	for name, c := range map[string]struct {
		read, rejected int
		causes         []delivery.Cause
		want           string
	}{
		"nothing rejected": {40, 0, []delivery.Cause{warned}, nl.T("report.none_rejected")},
		"the pilot": {40, 4, []delivery.Cause{cause("2101", "birthDate", 2), cause("2102", "birthDate", 1), cause("2111", "sex", 1),
			warned}, nl.T("report.advice_few")},
		"a wrong column": {100, 95, []delivery.Cause{cause("2101", "birthDate", 60), cause("2103", "birthDate", 35)},
			"in de kolom Geb. datum."},
		"one error": {1000, 60, []delivery.Cause{cause("2111", "sex", 50), cause("2101", "birthDate", 10)},
			"50 van de 60 zijn dezelfde fout"},
		"ran out": {1000, 60, []delivery.Cause{cause("2201", "", 50), cause("2101", "birthDate", 10)}, nl.T("report.advice_expired")},
		"many": {1000, 60, []delivery.Cause{cause("2111", "sex", 20), cause("2101", "birthDate", 20),
			cause("2121", "surname", 20)}, nl.T("report.advice_many")},
	} {
		given := d
		given.Counts = patient.Counts{Read: c.read, Rejected: c.rejected}
		got := report.Advise(nl, given, c.causes)
		if !strings.HasSuffix(got, c.want) && !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		waits := d
		waits.State, waits.Planned = delivery.Checked, given.Counts
		if report.Advise(nl, waits, c.causes) != got {
			t.Errorf("%s: a check is advised otherwise", name)
		}
	}
	if got := report.Advise(nl, delivery.Delivery{Counts: patient.Counts{Read: 40, Rejected: 4}},
		[]delivery.Cause{cause("2101", "birthDate", 4)}); !strings.HasPrefix(got, "4 records afgewezen, met 1 soort fout.") {
		t.Errorf("%q", got)
	}
}

// A code that is explained, or has an example, has advice too.
func TestExplainedCodesAreAdvised(t *testing.T) {
	nl, n := text.For("nl"), 0
	for _, key := range nl.Keys() {
		for _, prefix := range []string{"explain.", "right."} {
			if code, ok := strings.CutPrefix(key, prefix); ok {
				f := patient.Finding{Code: code}
				if report.Explain(nl, f)+report.Right(nl, f) == "" || report.Advice(nl, f) == "" {
					t.Errorf("%s has no advice", key)
				}
				n++
			}
		}
	}
	if f := (patient.Finding{Code: "never heard of"}); n < 20 || report.Explain(nl, f)+report.Right(nl, f) != "" {
		t.Error("a code that nobody knows is explained")
	}
}
