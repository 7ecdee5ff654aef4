package deliveries

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/page"
	"sluis/internal/server/report"
	"sluis/web/templates"
	"sluis/web/text"
)

// printedRows is the number of records that are printed: about twenty sheets of
// paper.
const printedRows = 500

// ViewReport is GET /aanleveringen/{id}/fouten.
func (h *Handlers) ViewReport(v *page.Visit) error {
	d, err := h.o.Records.Delivery(v.Context(), v.Scope(), v.ID())
	if err != nil {
		return err
	}
	causes, err := h.o.Records.Causes(v.Context(), d)
	if err != nil {
		return err
	}
	filter, err := reportFilterOf(v, causes)
	if err != nil {
		return err
	}
	if err := h.o.Records.RecordReport(v.Context(), v.Who, d, "html"); err != nil {
		return err
	}
	p := h.reportProps(v, d, causes, filter)
	if filter.view == viewCauses || p.Expired != "" {
		var shown []delivery.Cause
		for _, c := range causes {
			if filter.matches(c) {
				shown = append(shown, c)
				p.Total += c.Count
			}
		}
		p.Causes = h.causeProps(v.T, d, shown, page.DeliveryPath(d.PublicID))
		return v.Render(http.StatusOK, templates.ReportPage(p))
	}
	if filter.view == viewPrint {
		filter.from = 0
	}
	query := filter.query(page.Size)
	if filter.view == viewPrint {
		query.Limit = printedRows
		if query.Sort == delivery.ByLine && !query.Desc {
			query.Sort = delivery.BySeverity // what was rejected comes first
		}
	}
	found, err := h.o.Records.Findings(v.Context(), d, query)
	if err != nil {
		return err
	}
	h.recordProps(v, d, filter, found, &p)
	if filter.view == viewPrint {
		p.Printed = v.T.Moment(h.o.Now())
		p.Delivery = h.deliveryProps(v, d, causes)
		return v.Render(http.StatusOK, templates.ReportPrintPage(p))
	}
	return v.Render(http.StatusOK, templates.ReportPage(p))
}

// recordProps adds the records of a page, and the links to the pages before and
// after it.
func (h *Handlers) recordProps(v *page.Visit, d delivery.Delivery, filter reportFilter, found delivery.FindingPage, p *templates.Report) {
	path := page.DeliveryPath(d.PublicID) + "/fouten"
	p.Total, p.Sorts = found.Total, filter.sorts(v.T, path)
	for _, f := range found.Findings {
		row := report.RowOf(v.T, d, f)
		p.Rows = append(p.Rows, templates.ReportRow{
			Line: row.Line, PatientNumber: row.PatientNumber, Column: row.Column, Code: row.Code, Message: row.Message,
			Source: row.Source, Severity: report.SeverityOnPage(f.Finding), Advice: row.Advice,
		})
	}
	if len(p.Rows) > 0 {
		p.From, p.To = filter.from+1, filter.from+len(p.Rows)
	}
	if filter.from > 0 {
		p.FirstHref = filter.with(viewRecords).link(path)
	}
	if next := filter.from + len(p.Rows); len(p.Rows) > 0 && next < found.Total {
		filter.from = next
		p.NextHref = filter.link(path)
	}
}

// reportProps makes the page without its rows and causes.
func (h *Handlers) reportProps(v *page.Visit, d delivery.Delivery, causes []delivery.Cause, filter reportFilter) templates.Report {
	t, path := v.T, page.DeliveryPath(d.PublicID)
	crumbs := append(crumbs(v), templates.Crumb{Text: t.T("crumb.delivery"), Href: path})
	p := templates.Report{
		Page: v.Page(crumbs...), Filename: title(t, d), Centre: h.centreLabel(v, d), Created: t.Moment(d.CreatedAt), DeliveryHref: path,
		View: filter.view, Counts: templates.Counts(shownCounts(d)), Warnings: d.Warnings, Filtered: filter.active(),
		CSVHref: path + "/fouten.csv", JSONHref: path + "/fouten.json", XLSXHref: path + "/fouten.xlsx",
		PrintHref: filter.with(viewPrint).link(path + "/fouten"),
		Advice:    report.Advise(t, d, causes), LikelyCause: likelyCause(t, d, causes), JudgeHref: judgeHref(v.Actor, d), Sort: filter.sort,
		Desc: filter.desc,
	}
	if v.Actor.May(account.Deliver) {
		p.NewHref = newHref(d)
	}
	if !d.ReportExpiredAt.IsZero() {
		p.Expired, p.View, p.CSVHref, p.JSONHref, p.XLSXHref, p.PrintHref = t.Moment(d.ReportExpiredAt), viewCauses, "", "", "", ""
		return p
	}
	for _, view := range []string{viewCauses, viewRecords} {
		p.Tabs = append(p.Tabs, templates.Tab{Key: view, Href: filter.with(view).link(path + "/fouten"), Current: view == filter.view})
	}
	filter.facets(t, d, causes, &p)
	if v.Actor.May(account.Deliver) && len(causes) > 0 {
		p.OwnFile = ownFile(t, d)
	}
	return p
}

// ownFile is what the browser needs to put the findings next to the rows of the
// user's own file, or nil if that file had no header to recognise it by.
func ownFile(t *text.Catalogue, d delivery.Delivery) *templates.OwnFile {
	number := d.Columns[delivery.FieldPatientNumber]
	names := []string{}
	for _, header := range d.Columns {
		if !placeOnly.MatchString(header) && !slices.Contains(names, header) {
			names = append(names, header)
		}
	}
	if number == "" || placeOnly.MatchString(number) {
		return nil
	}
	slices.Sort(names)
	texts := map[string]string{}
	for _, key := range t.Keys() {
		if word, ok := strings.CutPrefix(key, "own.js."); ok {
			texts[word] = t.T(key)
		}
	}
	return &templates.OwnFile{
		FindingsHref: page.DeliveryPath(d.PublicID) + "/fouten.json", Columns: asJSON(names), Number: number, Records: d.Counts.Read,
		Reviews: asJSON(patient.Reasons), Texts: asJSON(texts),
	}
}

// asJSON returns a list or map of text as an attribute of the page.
func asJSON(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}

// DownloadCSV is GET /aanleveringen/{id}/fouten.csv.
func (h *Handlers) DownloadCSV(v *page.Visit) error {
	return h.download(v, report.FormatCSV)
}

// DownloadJSON is GET /aanleveringen/{id}/fouten.json.
func (h *Handlers) DownloadJSON(v *page.Visit) error {
	return h.download(v, report.FormatJSON)
}

// DownloadXLSX is GET /aanleveringen/{id}/fouten.xlsx.
func (h *Handlers) DownloadXLSX(v *page.Visit) error {
	return h.download(v, report.FormatXLSX)
}

// download sends the report after it is in the access log that it is read.
func (h *Handlers) download(v *page.Visit, format string) error {
	d, err := h.o.Records.Delivery(v.Context(), v.Scope(), v.ID())
	if err != nil {
		return err
	}
	if err := h.o.Records.RecordReport(v.Context(), v.Who, d, format); err != nil {
		return err
	}
	return report.Send(v.Context(), v.W, h.o.Records, v.T, d, format)
}
