package deliveries

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake/columns"
	"sluis/internal/server/page"
	"sluis/internal/server/report"
	"sluis/web/templates"
	"sluis/web/text"
)

// columnForm is the choices of a user; it is empty on the first visit.
type columnForm struct {
	table, header *int
	columns       map[delivery.Field]int
	dates         delivery.DateOrder
	keep          bool
	faults        []templates.FieldError
}

// ViewColumns is GET /aanleveringen/{id}/kolommen?blad=&kop=.
func (h *Handlers) ViewColumns(v *page.Visit) error {
	f, q := columnForm{keep: true}, v.Query()
	for name, to := range map[string]**int{"blad": &f.table, "kop": &f.header} {
		if *to = place(q, name); *to == nil && q.Get(name) != "" {
			return page.Unreadable(name)
		}
	}
	return h.showColumns(v, http.StatusOK, f)
}

// place reads the number that was chosen, or returns nil.
func place(v url.Values, name string) *int {
	n, err := strconv.Atoi(v.Get(name))
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// AssignColumns is POST /aanleveringen/{id}/kolommen.
func (h *Handlers) AssignColumns(v *page.Visit) error {
	if _, err := v.Form(); err != nil {
		return err
	}
	id, scope := v.ID(), v.Scope()
	f := h.readColumnForm(v)
	view, err := h.o.Columns.Preview(v.Context(), scope, id, columns.Where{Table: f.table, Header: f.header})
	if err != nil {
		return h.columnsGone(v, err)
	}
	if view.AskDates && f.dates == "" && !slices.Contains([]string{"dmy", "mdy"}, v.R.PostForm.Get("volgorde")) {
		f.faults = append(f.faults, templates.FieldError{Field: "volgorde", Message: v.T.T("columns.dates_missing")})
	}
	if len(f.faults) == 0 {
		a := delivery.Assignment{Table: view.Table, Header: view.Header, Columns: f.columns, Dates: f.dates}
		wrong, err := h.o.Columns.Assign(v.Context(), v.Who, scope, id, a, f.keep)
		if err != nil {
			return h.columnsGone(v, err)
		}
		for _, remark := range wrong {
			f.faults = append(f.faults, templates.FieldError{Field: faultyField(view, f, remark), Message: report.Refusal(v.T, remark)})
		}
	}
	if len(f.faults) > 0 {
		return h.showColumns(v, http.StatusUnprocessableEntity, f)
	}
	h.awaitResult(v, scope, id)
	done := "columns.assigned"
	if view.OnlyDates {
		done = "columns.dates_chosen"
	}
	if err := v.FlashPassing(v.T.T(done), true); err != nil {
		return err
	}
	return v.Redirect(page.DeliveryPath(id))
}

// readColumnForm reads the choices. A value that was not offered counts as none.
func (h *Handlers) readColumnForm(v *page.Visit) columnForm {
	f := columnForm{
		table: place(v.R.PostForm, "blad"), header: place(v.R.PostForm, "kop"), columns: map[delivery.Field]int{},
		keep: v.R.PostForm.Get("onthouden") != "",
	}
	if order := delivery.DateOrder(v.R.PostForm.Get("volgorde")); order == delivery.DayFirst || order == delivery.MonthFirst {
		f.dates = order
	}
	for name := range v.R.PostForm {
		field, ours := strings.CutPrefix(name, "veld-")
		if column := place(v.R.PostForm, name); ours && column != nil && columns.Assignable(delivery.Field(field), h.o.Types) {
			f.columns[delivery.Field(field)] = *column
		}
	}
	return f
}

// faultyField returns the input that a remark is about, or "" if there is none.
func faultyField(view columns.Preview, f columnForm, remark delivery.Remark) string {
	column := remark.Args["column"]
	if remark.Code == "COLUMN_USED_TWICE" {
		for _, c := range view.Choices {
			if at, ok := f.columns[c.Field]; ok &&
				slices.ContainsFunc(view.Columns, func(x columns.Column) bool { return x.Index == at && x.Place == column }) {
				return "veld-" + string(c.Field)
			}
		}
	}
	for _, c := range view.Choices {
		if (remark.Code == "MISSING_COLUMN" || remark.Code == "NO_LINK_PSEUDONYM") && columns.Wanted(c.Field) == column {
			return "veld-" + string(c.Field)
		}
	}
	return ""
}

// columnsGone goes back to a delivery that no longer waits for its columns.
func (h *Handlers) columnsGone(v *page.Visit, err error) error {
	if apperr.KindOf(err) != apperr.Conflict {
		return err
	}
	if err := v.FlashConflict(err); err != nil {
		return err
	}
	return v.Redirect(page.DeliveryPath(v.ID()))
}

// showColumns shows the page, with the choices of an earlier try.
func (h *Handlers) showColumns(v *page.Visit, status int, f columnForm) error {
	id, scope, t := v.ID(), v.Scope(), v.T
	d, err := h.o.Records.ViewDelivery(v.Context(), v.Who, scope, id)
	if err != nil {
		return err
	}
	view, err := h.o.Columns.Preview(v.Context(), scope, id, columns.Where{Table: f.table, Header: f.header})
	if err != nil {
		return h.columnsGone(v, err)
	}
	path := page.DeliveryPath(id)
	crumbs := append(crumbs(v), templates.Crumb{Text: t.T("crumb.delivery"), Href: path})
	p := templates.Columns{
		Page: v.Page(crumbs...), Filename: title(t, d), Centre: h.centreLabel(v, d), Until: t.Moment(d.ExpiresAt), Href: path + "/kolommen",
		Back:  path,
		Sheet: strconv.Itoa(view.Table), Line: strconv.Itoa(view.Header), AskDates: view.AskDates, OnlyDates: view.OnlyDates,
		Dates:   string(f.dates),
		CanKeep: view.CanKeep, Keep: f.keep, Cancel: path + "/annuleren", Errors: f.faults,
	}
	for _, sheet := range view.Sheets {
		p.Sheets = append(p.Sheets, templates.Option{Value: strconv.Itoa(sheet.Table), Text: sheetName(t, sheet),
			Selected: sheet.Table == view.Table})
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
		p.Columns = append(p.Columns, templates.FileColumnShown{Index: strconv.Itoa(c.Index), Place: c.Place, Header: c.Header,
			Examples: c.Samples})
	}
	p.Fields = columnFields(t, view, f)
	return v.Render(status, templates.ColumnsPage(p))
}

func sheetName(t *text.Catalogue, s columns.Sheet) string {
	name := s.Name
	if name == "" {
		name = t.T("columns.sheet_unnamed", "n", s.Table+1)
	}
	if s.Hidden {
		return t.T("columns.sheet_hidden", "name", name)
	}
	return name
}

// columnFields returns the fields with the columns that can be chosen for each.
func columnFields(t *text.Catalogue, view columns.Preview, f columnForm) []templates.ColumnField {
	chosen := view.Chosen
	if f.columns != nil {
		chosen = f.columns
	}
	var out []templates.ColumnField
	for _, c := range view.Choices {
		field := templates.ColumnField{ID: "veld-" + string(c.Field), Name: columns.Wanted(c.Field), Required: requiredWord(t, c),
			State: "choose"}
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

func requiredWord(t *text.Catalogue, c columns.Choice) string {
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

// ForgetColumns is POST /aanleveringen/kolommen/vergeten.
func (h *Handlers) ForgetColumns(v *page.Visit) error {
	actor := v.Actor
	if actor.Centre == nil {
		return apperr.New(apperr.Forbidden, "centre_missing")
	}
	if err := h.o.Columns.Forget(v.Context(), v.Who, actor.Centre.ID); err != nil {
		return err
	}
	if err := v.Flash(v.T.T("columns.forgotten"), true); err != nil {
		return err
	}
	return v.Redirect(newPath)
}

// columnsHref is the page on which the columns of d are assigned, or "" if the
// actor may not.
func columnsHref(a account.Actor, d delivery.Delivery) string {
	if d.State == delivery.Mapping && a.May(account.Deliver) {
		return page.DeliveryPath(d.PublicID) + "/kolommen"
	}
	return ""
}
