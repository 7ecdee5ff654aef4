package report

import (
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/web/text"
)

// What makes a pattern: as many rejected rows, and as large a share of them, that
// one repair at the source is less work than a repair of each.
const (
	manyRows    = 10
	columnShare = 90 // percent of the rows read
	causeShare  = 50 // percent of the rows rejected
)

// Advise says what is wrong as a whole and how to go about it, by the pattern of
// the errors: a column that is wrong everywhere, pseudonyms that ran out, one
// error over and over, or a few rows to mend one by one.
func Advise(t *text.Catalogue, d delivery.Delivery, causes []delivery.Cause) string {
	counts := d.Counts
	if d.State.Waiting() {
		counts = d.Planned
	}
	if counts.Rejected == 0 {
		return t.T("report.none_rejected")
	}
	var worst delivery.Cause
	kinds, expired, byField := 0, 0, map[string]int{}
	for _, c := range causes {
		if c.Severity != patient.Fatal {
			continue
		}
		kinds++
		if c.Count > worst.Count {
			worst = c
		}
		if c.Code == "2201" || c.Code == "EXPIRED_DURING_OUTAGE" {
			expired += c.Count
		}
		byField[c.Field] += c.Count
	}
	head := t.T("report.advice", "records", t.N("report.records", counts.Rejected), "kinds", t.N("report.kinds", kinds))
	many := counts.Rejected >= manyRows
	switch {
	case expired*100 >= counts.Rejected*causeShare && expired > 0:
		return head + " " + t.T("report.advice_expired")
	case many && worst.Field != "" && byField[worst.Field]*100 >= counts.Read*columnShare:
		return head + " " + t.T("report.advice_column", "column", Column(t, d.Columns, worst.Field))
	case many && worst.Count*100 >= counts.Rejected*causeShare:
		return head + " " + t.T("report.advice_same", "n", worst.Count, "total", counts.Rejected)
	case many:
		return head + " " + t.T("report.advice_many")
	}
	return head + " " + t.T("report.advice_few")
}

// Explain says in our words what a code means, next to the words of the TTP, or ""
// if those are clear enough.
func Explain(t *text.Catalogue, f patient.Finding) string { return lookup(t, "explain."+f.Code) }

// Right is an example of a right value, or "" if the value is not the fault.
func Right(t *text.Catalogue, f patient.Finding) string { return lookup(t, "right."+f.Code) }

func lookup(t *text.Catalogue, key string) string {
	if t.Has(key) {
		return t.T(key)
	}
	return ""
}
