package server

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/server/report"
	"sluis/internal/server/request"
	"sluis/web/templates"
	"sluis/web/text"
)

// columnForm is what a user chose; nothing yet where it is new.
type columnForm struct {
	table, header *int
	columns       map[delivery.Field]int
	dates         delivery.DateOrder
	keep          bool
	faults        []templates.FieldError
}

// viewColumns is GET /aanleveringen/{id}/kolommen?blad=&kop=.
func (s *Server) viewColumns(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	return s.showColumns(w, r, http.StatusOK, columnForm{table: place(q, "blad"), header: place(q, "kop"), keep: true})
}

// place reads a number that was chosen; nil where none was.
func place(v url.Values, name string) *int {
	n, err := strconv.Atoi(v.Get(name))
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// assignColumns is POST /aanleveringen/{id}/kolommen.
func (s *Server) assignColumns(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return apperr.Wrap(apperr.Invalid, "form_malformed", err)
	}
	id, scope := chi.URLParam(r, "id"), request.Actor(r).Scope()
	f := s.readColumnForm(r)
	view, err := s.Columns.Preview(r.Context(), scope, id, intake.Where{Table: f.table, Header: f.header})
	if err != nil {
		return s.columnsGone(w, r, err)
	}
	if view.AskDates && f.dates == "" && !slices.Contains([]string{"dmy", "mdy"}, r.PostForm.Get("volgorde")) {
		f.faults = append(f.faults, templates.FieldError{Field: "volgorde", Message: s.text(r).T("columns.dates_missing")})
	}
	if len(f.faults) == 0 {
		a := delivery.Assignment{Table: view.Table, Header: view.Header, Columns: f.columns, Dates: f.dates}
		wrong, err := s.Columns.Assign(r.Context(), request.Who(r), scope, id, a, f.keep)
		if err != nil {
			return s.columnsGone(w, r, err)
		}
		for _, remark := range wrong {
			f.faults = append(f.faults, templates.FieldError{Field: faultyField(view, f, remark), Message: report.Refusal(s.text(r), remark)})
		}
	}
	if len(f.faults) > 0 {
		return s.showColumns(w, r, http.StatusUnprocessableEntity, f)
	}
	s.awaitResult(r, scope, id)
	if err := s.leave(r, flashKey, templates.Flash{Text: s.text(r).T("columns.assigned"), Success: true, Passing: true}); err != nil {
		return err
	}
	return redirect(w, r, deliveryPath(id))
}

// readColumnForm reads what was chosen. What is no choice counts as none.
func (s *Server) readColumnForm(r *http.Request) columnForm {
	f := columnForm{
		table: place(r.PostForm, "blad"), header: place(r.PostForm, "kop"), columns: map[delivery.Field]int{},
		keep: r.PostForm.Get("onthouden") != "",
	}
	if order := delivery.DateOrder(r.PostForm.Get("volgorde")); order == delivery.DayFirst || order == delivery.MonthFirst {
		f.dates = order
	}
	for name := range r.PostForm {
		field, ours := strings.CutPrefix(name, "veld-")
		if column := place(r.PostForm, name); ours && column != nil && intake.Assignable(delivery.Field(field), s.Types) {
			f.columns[delivery.Field(field)] = *column
		}
	}
	return f
}

// faultyField is the input that a remark is about, as far as there is one.
func faultyField(view intake.Preview, f columnForm, remark delivery.Remark) string {
	column := remark.Args["column"]
	if remark.Code == "COLUMN_USED_TWICE" {
		for _, c := range view.Choices {
			if at, ok := f.columns[c.Field]; ok && slices.ContainsFunc(view.Columns, func(x intake.Column) bool { return x.Index == at && x.Place == column }) {
				return "veld-" + string(c.Field)
			}
		}
	}
	for _, c := range view.Choices {
		if (remark.Code == "MISSING_COLUMN" || remark.Code == "NO_LINK_PSEUDONYM") && intake.Wanted(c.Field) == column {
			return "veld-" + string(c.Field)
		}
	}
	return ""
}

// columnsGone goes back to a delivery that no longer waits for its columns.
func (s *Server) columnsGone(w http.ResponseWriter, r *http.Request, err error) error {
	if apperr.KindOf(err) != apperr.Conflict {
		return err
	}
	request.LogFailure(s.Log, r, err)
	if err := s.flash(r, s.text(r).T("error."+apperr.CodeOf(err)+".body"), false); err != nil {
		return err
	}
	return redirect(w, r, deliveryPath(chi.URLParam(r, "id")))
}

// showColumns shows the page, with what the user chose before.
func (s *Server) showColumns(w http.ResponseWriter, r *http.Request, status int, f columnForm) error {
	id, scope, t := chi.URLParam(r, "id"), request.Actor(r).Scope(), s.text(r)
	d, err := s.Records.ViewDelivery(r.Context(), request.Who(r), scope, id)
	if err != nil {
		return err
	}
	view, err := s.Columns.Preview(r.Context(), scope, id, intake.Where{Table: f.table, Header: f.header})
	if err != nil {
		return s.columnsGone(w, r, err)
	}
	path := deliveryPath(id)
	crumbs := append(s.deliveriesCrumbs(r), templates.Crumb{Text: t.T("crumb.delivery"), Href: path})
	p := templates.Columns{
		Page: s.base(r, crumbs...), Filename: title(t, d), Centre: s.centreLabel(r, d), Until: t.Moment(d.ExpiresAt), Href: path + "/kolommen", Back: path,
		Sheet: strconv.Itoa(view.Table), Line: strconv.Itoa(view.Header), AskDates: view.AskDates, Dates: string(f.dates),
		CanKeep: view.CanKeep, Keep: f.keep, Cancel: path + "/annuleren", Errors: f.faults,
	}
	for _, sheet := range view.Sheets {
		p.Sheets = append(p.Sheets, templates.Option{Value: strconv.Itoa(sheet.Table), Text: sheetName(t, sheet), Selected: sheet.Table == view.Table})
	}
	for _, line := range view.Lines {
		words := strings.Join(slices.DeleteFunc(slices.Clone(line.Text), func(c string) bool { return c == "" }), " · ")
		p.Lines = append(p.Lines, templates.Option{
			Value: strconv.Itoa(line.No), Text: t.T("columns.header_line", "n", line.No, "text", words), Selected: line.No == view.Header,
		})
	}
	if len(p.Lines) > 0 {
		p.Lines = append(p.Lines, templates.Option{Value: "0", Text: t.T("columns.header_none"), Selected: view.Header == 0})
	}
	for _, c := range view.Columns {
		p.Columns = append(p.Columns, templates.FileColumnShown{Index: strconv.Itoa(c.Index), Place: c.Place, Header: c.Header, Examples: c.Samples})
	}
	p.Fields = columnFields(t, view, f)
	return s.render(w, r, status, templates.ColumnsPage(p))
}

func sheetName(t *text.Catalogue, s intake.Sheet) string {
	name := s.Name
	if name == "" {
		name = t.T("columns.sheet_unnamed", "n", s.Table+1)
	}
	if s.Hidden {
		return t.T("columns.sheet_hidden", "name", name)
	}
	return name
}

// columnFields are the fields with the columns that can be chosen for them.
func columnFields(t *text.Catalogue, view intake.Preview, f columnForm) []templates.ColumnField {
	chosen := view.Chosen
	if f.columns != nil {
		chosen = f.columns
	}
	var out []templates.ColumnField
	for _, c := range view.Choices {
		field := templates.ColumnField{ID: "veld-" + string(c.Field), Name: intake.Wanted(c.Field), Required: requiredWord(t, c), State: "choose"}
		at, has := chosen[c.Field]
		field.Options = append(field.Options, templates.Option{Text: t.T("columns.not_in_file"), Selected: !has})
		for _, column := range view.Columns {
			o := templates.Option{Value: strconv.Itoa(column.Index), Text: column.Place, Selected: has && column.Index == at}
			if column.Header != "" {
				o.Text = t.T("columns.option", "place", column.Place, "header", column.Header)
			}
			if o.Selected {
				field.Examples = column.Samples
			}
			field.Options = append(field.Options, o)
		}
		if proposed, ok := view.Chosen[c.Field]; has && ok && proposed == at {
			field.State = "guess"
			if view.Sure[c.Field] {
				field.State = "sure"
			}
		}
		out = append(out, field)
	}
	return out
}

func requiredWord(t *text.Catalogue, c intake.Choice) string {
	switch {
	case !c.Required:
		return ""
	case c.Kind == delivery.Identities:
		return t.T("columns.required_identities")
	case c.Kind == delivery.Temporary:
		return t.T("columns.required_temporary")
	}
	return t.T("columns.required")
}

// forgetColumns is POST /aanleveringen/kolommen/vergeten.
func (s *Server) forgetColumns(w http.ResponseWriter, r *http.Request) error {
	actor := request.Actor(r)
	if actor.Centre == nil {
		return apperr.New(apperr.Forbidden, "centre_missing")
	}
	if err := s.Columns.Forget(r.Context(), request.Who(r), actor.Centre.ID); err != nil {
		return err
	}
	if err := s.flash(r, s.text(r).T("columns.forgotten"), true); err != nil {
		return err
	}
	return redirect(w, r, "/aanleveringen/nieuw")
}

// columnsHref is where the columns of d are assigned, for who may do that.
func columnsHref(a account.Actor, d delivery.Delivery) string {
	if d.State == delivery.Mapping && a.May(account.Deliver) {
		return deliveryPath(d.PublicID) + "/kolommen"
	}
	return ""
}
