package server

import (
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/report"
	"sluis/internal/server/request"
	"sluis/web/templates"
)

// The two views of the report.
const (
	viewCauses  = "causes"
	viewRecords = "records"
)

// reportFilter is what of a report is shown; it is the query of its page.
type reportFilter struct {
	view, severity, field, code, source string
	after                               int64
}

func reportFilterOf(r *http.Request) reportFilter {
	q := r.URL.Query()
	f := reportFilter{view: q.Get("weergave"), severity: q.Get("ernst"), field: q.Get("kolom"), code: q.Get("code"), source: q.Get("bron")}
	if f.view != viewRecords {
		f.view = viewCauses
	}
	if f.severity != string(patient.Fatal) && f.severity != string(patient.Warning) {
		f.severity = ""
	}
	if f.source != string(patient.TTP) && f.source != string(patient.Sluis) {
		f.source = ""
	}
	if n, err := strconv.ParseInt(q.Get("na"), 10, 64); err == nil && n > 0 {
		f.after = n
	}
	return f
}

func (f reportFilter) active() bool { return f.severity+f.field+f.code+f.source != "" }

// link is the page of the report with this filter.
func (f reportFilter) link(path string) string {
	after := ""
	if f.after > 0 {
		after = strconv.FormatInt(f.after, 10)
	}
	return link(path, "weergave", f.view, "ernst", f.severity, "kolom", f.field, "code", f.code, "bron", f.source, "na", after)
}

func (f reportFilter) with(view string) reportFilter {
	f.view, f.after = view, 0
	return f
}

func (f reportFilter) matches(c delivery.Cause) bool {
	return (f.severity == "" || f.severity == string(c.Severity)) && (f.field == "" || f.field == c.Field) && (f.code == "" || f.code == c.Code) &&
		(f.source == "" || f.source == string(c.Source))
}

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
	filter, path := reportFilterOf(r), deliveryPath(d.PublicID)
	p := s.reportProps(r, d, causes, filter)
	if filter.view == viewCauses {
		var shown []delivery.Cause
		for _, c := range causes {
			if filter.matches(c) {
				shown = append(shown, c)
				p.Total += c.Count
			}
		}
		p.Causes = s.causeProps(s.text(r), d, shown, path)
		return s.render(w, r, http.StatusOK, templates.ReportPage(p))
	}
	found, err := s.Records.Findings(r.Context(), d, delivery.FindingQuery{
		Severity: patient.Severity(filter.severity), Code: filter.code, Field: filter.field, Source: patient.Source(filter.source),
		After: filter.after, Limit: pageSize,
	})
	if err != nil {
		return err
	}
	p.Total = found.Total
	for _, f := range found.Findings {
		row := report.RowOf(s.text(r), d, f)
		p.Rows = append(p.Rows, templates.ReportRow{
			Line: row.Line, PatientNumber: row.PatientNumber, Column: row.Column, Code: row.Code, Message: row.Message,
			Source: row.Source, Severity: report.SeverityOnPage(f.Finding), Advice: row.Advice,
		})
	}
	if filter.after > 0 {
		p.FirstHref = filter.with(viewRecords).link(path + "/fouten")
	}
	if found.Next > 0 {
		filter.after = found.Next
		p.NextHref = filter.link(path + "/fouten")
	}
	return s.render(w, r, http.StatusOK, templates.ReportPage(p))
}

// reportProps is all of the page but its rows and causes.
func (s *Server) reportProps(r *http.Request, d delivery.Delivery, causes []delivery.Cause, filter reportFilter) templates.Report {
	t, path := s.text(r), deliveryPath(d.PublicID)
	crumbs := append(s.deliveriesCrumbs(r), templates.Crumb{Text: t.T("crumb.delivery"), Href: path})
	p := templates.Report{
		Page: s.base(r, crumbs...), Filename: d.Filename, Centre: s.centreLabel(r, d), Created: t.Moment(d.CreatedAt), DeliveryHref: path,
		View: filter.view, Counts: templates.Counts(shownCounts(d)), Warnings: d.Warnings, Filtered: filter.active(),
		CSVHref: path + "/fouten.csv", JSONHref: path + "/fouten.json",
	}
	for _, view := range []string{viewCauses, viewRecords} {
		p.Tabs = append(p.Tabs, templates.Tab{Key: view, Href: filter.with(view).link(path + "/fouten"), Current: view == filter.view})
	}
	p.JudgeHref = judgeHref(request.Actor(r), d)
	if request.Actor(r).May(account.Deliver) {
		p.NewHref = "/aanleveringen/nieuw"
	}
	for _, c := range causes {
		if report.SeverityOnPage(c.Finding) == string(patient.Fatal) {
			p.Kinds++
		}
	}
	all := templates.Option{Text: t.T("word.all")}
	p.Severities = options(all, filter.severity, func(add func(value, word string)) {
		for _, severity := range []patient.Severity{patient.Fatal, patient.Warning} {
			add(string(severity), t.T("severity."+string(severity)))
		}
	})
	p.Sources = options(all, filter.source, func(add func(value, word string)) {
		for _, source := range []patient.Source{patient.TTP, patient.Sluis} {
			add(string(source), t.T("source."+string(source)))
		}
	})
	p.Columns = options(all, filter.field, func(add func(value, word string)) {
		for _, c := range causes {
			add(c.Field, report.Column(t, d.Columns, c.Field))
		}
	})
	p.Codes = options(all, filter.code, func(add func(value, word string)) {
		for _, c := range causes {
			add(c.Code, report.Message(t, c.Finding, nil))
		}
	})
	return p
}

// options are the choices of a filter, each once, all of them first.
func options(all templates.Option, chosen string, each func(add func(value, word string))) []templates.Option {
	out, seen := []templates.Option{all}, map[string]bool{"": true}
	out[0].Selected = chosen == ""
	each(func(value, word string) {
		if !seen[value] {
			seen[value] = true
			out = append(out, templates.Option{Value: value, Text: word, Selected: value == chosen})
		}
	})
	return out
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
