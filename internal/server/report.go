package server

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/report"
	"sluis/internal/server/request"
	"sluis/web/templates"
	"sluis/web/text"
)

// printedRows is how many records are printed: some twenty sheets of paper.
const printedRows = 500

// viewReport is GET /aanleveringen/{id}/fouten.
func (s *Server) viewReport(w http.ResponseWriter, r *http.Request) error {
	d, err := s.reported(r, "html")
	if err != nil {
		return err
	}
	causes, err := s.Records.Causes(r.Context(), d)
	if err != nil {
		return err
	}
	filter := reportFilterOf(r)
	p := s.reportProps(r, d, causes, filter)
	if filter.view == viewCauses || p.Expired != "" {
		var shown []delivery.Cause
		for _, c := range causes {
			if filter.matches(c) {
				shown = append(shown, c)
				p.Total += c.Count
			}
		}
		p.Causes = s.causeProps(s.text(r), d, shown, deliveryPath(d.PublicID))
		return s.render(w, r, http.StatusOK, templates.ReportPage(p))
	}
	if filter.view == viewPrint {
		filter.from = 0
	}
	query := filter.query(pageSize)
	if filter.view == viewPrint {
		query.Limit = printedRows
		if query.Sort == delivery.ByLine && !query.Desc {
			query.Sort = delivery.BySeverity // what was rejected comes first
		}
	}
	found, err := s.Records.Findings(r.Context(), d, query)
	if err != nil {
		return err
	}
	s.recordProps(r, d, filter, found, &p)
	if filter.view == viewPrint {
		p.Printed = s.text(r).Moment(s.Now())
		p.Delivery = s.deliveryProps(r, d, causes)
		return s.render(w, r, http.StatusOK, templates.ReportPrintPage(p))
	}
	return s.render(w, r, http.StatusOK, templates.ReportPage(p))
}

// recordProps are the records of a page, and the ways on from it.
func (s *Server) recordProps(r *http.Request, d delivery.Delivery, filter reportFilter, found delivery.FindingPage, p *templates.Report) {
	path := deliveryPath(d.PublicID) + "/fouten"
	p.Total, p.Sorts = found.Total, filter.sorts(s.text(r), path)
	for _, f := range found.Findings {
		row := report.RowOf(s.text(r), d, f)
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

// reportProps is all of the page but its rows and causes.
func (s *Server) reportProps(r *http.Request, d delivery.Delivery, causes []delivery.Cause, filter reportFilter) templates.Report {
	t, path := s.text(r), deliveryPath(d.PublicID)
	crumbs := append(s.deliveriesCrumbs(r), templates.Crumb{Text: t.T("crumb.delivery"), Href: path})
	p := templates.Report{
		Page: s.base(r, crumbs...), Filename: title(t, d), Centre: s.centreLabel(r, d), Created: t.Moment(d.CreatedAt), DeliveryHref: path,
		View: filter.view, Counts: templates.Counts(shownCounts(d)), Warnings: d.Warnings, Filtered: filter.active(),
		CSVHref: path + "/fouten.csv", JSONHref: path + "/fouten.json", XLSXHref: path + "/fouten.xlsx", PrintHref: filter.with(viewPrint).link(path + "/fouten"),
		Advice: report.Advise(t, d, causes), LikelyCause: likelyCause(t, d, causes), JudgeHref: judgeHref(request.Actor(r), d), Sort: filter.sort, Desc: filter.desc,
	}
	if request.Actor(r).May(account.Deliver) {
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
	if request.Actor(r).May(account.Deliver) && len(causes) > 0 {
		p.OwnFile = ownFile(t, d)
	}
	return p
}

// ownFile is what the browser needs to put the findings beside the rows of the
// user's own file: nil where the file had no header to know it by.
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
		FindingsHref: deliveryPath(d.PublicID) + "/fouten.json", Columns: asJSON(names), Number: number, Records: d.Counts.Read, Reviews: asJSON(patient.Reasons), Texts: asJSON(texts),
	}
}

// asJSON is for an attribute of the page: lists and maps of text do not fail.
func asJSON(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}

// downloadCSV is GET /aanleveringen/{id}/fouten.csv.
func (s *Server) downloadCSV(w http.ResponseWriter, r *http.Request) error {
	return s.download(w, r, report.FormatCSV)
}

// downloadJSON is GET /aanleveringen/{id}/fouten.json.
func (s *Server) downloadJSON(w http.ResponseWriter, r *http.Request) error {
	return s.download(w, r, report.FormatJSON)
}

// downloadXLSX is GET /aanleveringen/{id}/fouten.xlsx.
func (s *Server) downloadXLSX(w http.ResponseWriter, r *http.Request) error {
	return s.download(w, r, report.FormatXLSX)
}

func (s *Server) download(w http.ResponseWriter, r *http.Request, format string) error {
	d, err := s.reported(r, format)
	if err != nil {
		return err
	}
	return report.Send(r.Context(), w, s.Records, s.text(r), d, format)
}

// reported is the delivery of r, after the access log has it that its report is
// looked at.
func (s *Server) reported(r *http.Request, format string) (delivery.Delivery, error) {
	d, err := s.Records.Delivery(r.Context(), request.Actor(r).Scope(), chi.URLParam(r, "id"))
	if err != nil {
		return d, err
	}
	return d, s.Records.RecordReport(r.Context(), request.Who(r), d, format)
}
