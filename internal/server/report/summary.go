package report

import (
	"cmp"

	"sluis/internal/delivery"
	"sluis/web/text"
)

// summary are the rows of the first sheet. A row that begins with an empty cell
// is a heading.
func summary(t *text.Catalogue, d delivery.Delivery, causes []delivery.Cause) [][]string {
	rows := [][]string{
		{"", t.T("service.name") + " – " + t.T("report.title")},
		{t.T("print.confidential")},
		{},
		{t.T("deliveries.file"), cmp.Or(d.Filename, d.DatasetID)},
		{t.T("word.centre"), d.CentreNumber},
		{t.T("deliveries.delivered"), t.Moment(d.CreatedAt)},
		{t.T("xlsx.by"), d.CreatedBy},
		{t.T("deliveries.status"), t.T("status." + string(d.Status()))},
		{},
		{"", t.T("outcomes.outcome"), t.T("outcomes.count")},
	}
	counts := d.Counts
	if d.State.Waiting() {
		counts = d.Planned
	}
	for _, o := range []struct {
		key string
		n   int
	}{
		{"created", counts.Created}, {"updated", counts.Updated}, {"unchanged", counts.Unchanged},
		{"review", counts.Review}, {"rejected", counts.Rejected}, {"pending", counts.Pending},
	} {
		rows = append(rows, []string{t.T("outcome." + o.key), t.Number(o.n)})
	}
	rows = append(rows, []string{t.T("outcomes.read"), t.Number(counts.Read)}, []string{t.T("xlsx.warnings"), t.Number(d.Warnings)}, nil,
		[]string{"", t.T("report.severity"), t.T("report.message"), t.T("report.source"), t.T("xlsx.code"), t.T("report.column"),
			t.T("outcomes.count"), t.T("causes.lines")})
	for _, c := range causes {
		lines := t.Lines(c.Lines)
		if more := c.Count - len(c.Lines); more > 0 && lines != "" {
			lines = t.T("report.more_lines", "lines", lines, "more", more)
		}
		rows = append(rows, []string{
			t.T("severity." + SeverityOnPage(c.Finding)), Message(t, c.Finding, nil), t.T("source." + string(c.Source)), c.Code,
			Column(t, d.Columns, c.Field), t.Number(c.Count), lines,
		})
	}
	return rows
}
