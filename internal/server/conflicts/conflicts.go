// Package conflicts is the pages on which a data manager judges conflicts: the
// queue, and one conflict next to the patient that is registered.
//
// It shows what a judgement would do and passes it on; it applies nothing.
package conflicts

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/audit"
	"sluis/internal/patient"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/text"
)

// Desk lists conflicts and applies judgements.
type Desk interface {
	Conflicts(ctx context.Context, who audit.Who, scope account.Scope, q patient.ConflictQuery) (patient.ConflictPage, error)
	Conflict(ctx context.Context, who audit.Who, scope account.Scope, publicID string) (patient.Conflict, patient.Comparison, error)
	// JudgeConflict applies a judgement that was made upon what was seen;
	// apperr.Conflict "review_changed" and "review_closed", apperr.Invalid
	// "review_withheld".
	JudgeConflict(ctx context.Context, who audit.Who, scope account.Scope, publicID, seen string, j patient.Judgement) error
}

// Options is what the handlers need.
type Options struct {
	Desk          Desk
	BirthYearOnly bool
}

// Handlers are those of the pages about conflicts.
type Handlers struct{ o Options }

// New makes the handlers.
func New(o Options) *Handlers { return &Handlers{o} }

// queueFilter is the part of the queue that is shown. It goes along from conflict
// to conflict.
type queueFilter struct {
	reason           patient.Reason
	centre, delivery string
	centres          []templates.Option // the choices for the centre
}

// filterOf reads the filter of the address.
func filterOf(v *page.Visit) (queueFilter, error) {
	q := v.Query()
	f := queueFilter{reason: patient.Reason(q.Get("reden")), delivery: q.Get("aanlevering")}
	if f.reason != "" && !slices.Contains(patient.Reasons, f.reason) {
		return f, page.Unreadable("reden")
	}
	if f.delivery != "" && uuid.Validate(f.delivery) != nil {
		return f, page.Unreadable("aanlevering")
	}
	var err error
	f.centre, f.centres, err = v.CentreFilter()
	return f, err
}

func (f queueFilter) active() bool { return f.reason != "" || f.centre != "" || f.delivery != "" }

func (f queueFilter) link(path, after string) string {
	return page.Link(path, "reden", string(f.reason), page.CentreParam, f.centre, "aanlevering", f.delivery, page.CursorParam, after)
}

func (f queueFilter) query(after string, limit int) patient.ConflictQuery {
	return patient.ConflictQuery{Reason: f.reason, CentreNumber: f.centre, DeliveryID: f.delivery, After: after, Limit: limit}
}

func conflictPath(id string) string { return page.ConflictsPath + "/" + id }

// List is GET /beoordelen?reden=&centrum=&aanlevering=&na=.
func (h *Handlers) List(v *page.Visit) error {
	t, after := v.T, v.Query().Get(page.CursorParam)
	filter, err := filterOf(v)
	if err != nil {
		return err
	}
	found, err := h.o.Desk.Conflicts(v.Context(), v.Who, v.Scope(), filter.query(after, page.Size))
	if err != nil {
		return v.CursorError(err)
	}
	props := templates.Conflicts{
		Page: v.Page(v.Home()), Total: found.Total, DeliveryID: filter.delivery, Filtered: filter.active(), Centres: filter.centres,
	}
	props.Reasons = options(
		templates.Option{Text: t.T("conflicts.all_reasons")},
		string(filter.reason),
		func(add func(value, word string)) {
			for _, reason := range patient.Reasons {
				add(string(reason), t.T("finding."+string(reason)))
			}
		},
	)
	names := map[string]string{}
	for _, o := range props.Centres {
		names[o.Value] = o.Text
	}
	for _, c := range found.Conflicts {
		row := templates.ConflictRow{
			Href: filter.link(conflictPath(c.PublicID), ""), Opened: t.Moment(c.OpenedAt), Centre: names[c.CentreNumber],
			Reason: t.T("finding." + string(c.Reason)), Number: page.NumberWord(t, c.Delivered.Number), Further: c.Rows,
		}
		if c.Origin != nil {
			o := originProps(t, *c.Origin)
			row.Origin, row.Further = &o, max(0, c.Rows-1)
		}
		props.Rows = append(props.Rows, row)
	}
	if found.Next != "" {
		props.NextHref = filter.link(page.ConflictsPath, found.Next)
	}
	if after != "" {
		props.FirstHref = filter.link(page.ConflictsPath, "")
	}
	return v.Render(http.StatusOK, templates.ConflictsPage(props))
}

func originProps(t *text.Catalogue, o patient.Origin) templates.ConflictOrigin {
	name := o.Filename
	if o.DatasetID != "" {
		name = t.T("datasets.name", "id", o.DatasetID)
	}
	return templates.ConflictOrigin{Href: page.DeliveryPath(o.DeliveryID), Filename: name, Line: o.Line}
}

// View is GET /beoordelen/{id}.
func (h *Handlers) View(v *page.Visit) error {
	filter, err := filterOf(v)
	if err != nil {
		return err
	}
	props, err := h.load(v, filter)
	if err != nil {
		return err
	}
	return v.Render(http.StatusOK, templates.ConflictPage(props))
}

// Judge is POST /beoordelen/{id} with besluit, reden and gezien.
func (h *Handlers) Judge(v *page.Visit) error {
	filter, err := filterOf(v)
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	t := v.T
	j := patient.Judgement{Decision: patient.Decision(form.Get("besluit")), Why: strings.TrimSpace(form.Get("reden"))}
	var faults []templates.FieldError
	if !slices.Contains(patient.Decisions, j.Decision) {
		faults = append(faults, templates.FieldError{Field: "besluit", Message: t.T("conflict.error.decision")})
	}
	switch n := utf8.RuneCountInString(j.Why); {
	case n < patient.MinWhy:
		faults = append(faults, templates.FieldError{Field: "reden", Message: t.T("conflict.error.why_short")})
	case n > patient.MaxWhy:
		faults = append(faults, templates.FieldError{Field: "reden", Message: t.T("conflict.error.why_long")})
	}
	if len(faults) > 0 {
		return h.showAgain(v, filter, j, faults)
	}
	err = h.o.Desk.JudgeConflict(v.Context(), v.Who, v.Scope(), v.ID(), form.Get("gezien"), j)
	switch apperr.KindOf(err) {
	case apperr.Conflict:
		v.LogFailure(err)
		return h.showAgain(v, filter, j, nil)
	case apperr.Invalid:
		return h.showAgain(v, filter, j, []templates.FieldError{{Field: "besluit", Message: t.T("conflict.error.decision")}})
	}
	if err != nil {
		return err
	}
	return h.next(v, filter)
}

// showAgain shows a conflict as it is now to somebody who sent a judgement that
// was not stored. If it changed since they looked, the page says so, and not that
// the form has a fault.
func (h *Handlers) showAgain(v *page.Visit, filter queueFilter, j patient.Judgement, faults []templates.FieldError) error {
	props, err := h.load(v, filter)
	if err != nil {
		return err
	}
	props.Why = j.Why
	seen := v.R.PostForm.Get("gezien")
	switch t := v.T; {
	case props.Closed != nil:
		props.Notice = t.T("error.review_closed.body")
	case props.Seen != seen && (seen != "" || len(faults) == 0):
		props.Notice = t.T("error.review_changed.body")
	default:
		props.Chosen, props.Errors = string(j.Decision), faults
		return v.Render(http.StatusUnprocessableEntity, templates.ConflictPage(props))
	}
	return v.Render(http.StatusConflict, templates.ConflictPage(props))
}

// next leads to the oldest conflict after this one, or else the oldest before it,
// or else the empty queue. It keeps the filter as long as that finds any.
func (h *Handlers) next(v *page.Visit, filter queueFilter) error {
	t := v.T
	for _, try := range []struct {
		filter queueFilter
		after  string
	}{{filter, v.ID()}, {filter, ""}, {queueFilter{}, ""}} {
		found, err := h.o.Desk.Conflicts(v.Context(), v.Who, v.Scope(), try.filter.query(try.after, 1))
		if err != nil {
			return err
		}
		if len(found.Conflicts) > 0 {
			if err := v.Flash(t.N("conflicts.saved", found.Total), true); err != nil {
				return err
			}
			return v.Redirect(try.filter.link(conflictPath(found.Conflicts[0].PublicID), ""))
		}
	}
	if err := v.Flash(t.T("conflicts.saved_last"), true); err != nil {
		return err
	}
	return v.Redirect(page.ConflictsPath)
}

// load makes the page of a conflict as it is now.
func (h *Handlers) load(v *page.Visit, filter queueFilter) (templates.Conflict, error) {
	id := v.ID()
	c, now, err := h.o.Desk.Conflict(v.Context(), v.Who, v.Scope(), id)
	if err != nil {
		return templates.Conflict{}, err
	}
	t := v.T
	crumbs := []templates.Crumb{v.Home(), {Text: t.T("crumb.conflicts"), Href: filter.link(page.ConflictsPath, "")}}
	props := templates.Conflict{
		Page: v.Page(crumbs...), Number: page.NumberWord(t, c.Delivered.Number),
		Centre: t.T("word.centre_numbered", "number", v.CentreTitle(c.CentreNumber)),
		Opened: t.Moment(c.OpenedAt), Reason: t.T("finding." + string(c.Reason)), Rows: c.Rows, Deliveries: c.Deliveries,
		Entered: c.Origin == nil,
		Action:  filter.link(conflictPath(id), ""), Seen: now.Seen,
	}
	if len(c.Partners) > 0 {
		props.Partners = t.Lines(c.Partners)
	}
	for _, o := range c.Origins {
		props.Origins = append(props.Origins, originProps(t, o))
	}
	if j := c.Judgement; j != nil {
		props.Closed = &templates.ConflictClosed{Decision: string(j.Decision), By: j.By, At: t.Moment(j.At), Why: j.Why}
		return props, nil
	}
	props.Sides = h.sides(v, c, now)
	if now.Existing != nil {
		props.ExistingHref = page.PatientPath(now.Existing.PublicID)
	}
	props.Remarks = remarks(t, c, now)
	props.Choices, props.Withheld = choices(t, c, now)
	return props, nil
}

// sides compares what was delivered with what is registered, line by line.
func (h *Handlers) sides(v *page.Visit, c patient.Conflict, now patient.Comparison) []templates.ConflictSide {
	t := v.T
	field := "field.birthDate"
	if h.o.BirthYearOnly {
		field = "field.birthYear"
	}
	sides := []templates.ConflictSide{
		{Label: t.T("field.patientNumber"), Delivered: page.NumberWord(t, c.Delivered.Number)},
		{Label: t.T(field), Delivered: v.Birth(c.Delivered.Birth)},
		{Label: t.T("field.sex"), Delivered: page.SexWord(t, c.Delivered.Sex)},
		{Label: t.T("conflict.link"), Delivered: t.T("conflict.present")},
		{Label: t.T("patients.changed"), Delivered: t.Moment(c.OpenedAt)},
	}
	p := now.Existing
	if p == nil {
		return sides
	}
	for i, existing := range []string{
		page.NumberWord(t, p.Number), v.Birth(p.Birth), page.SexWord(t, p.Sex), t.T("conflict.present"),
		t.T("conflict.version", "when", t.Moment(p.UpdatedAt), "version", p.Version),
	} {
		sides[i].Existing, sides[i].Verdict = existing, "same"
		if existing != sides[i].Delivered {
			sides[i].Verdict = "differs"
		}
	}
	sides[3].Verdict, sides[4].Verdict = string(now.Link), ""
	return sides
}

func remarks(t *text.Catalogue, c patient.Conflict, now patient.Comparison) []string {
	var out []string
	if now.Existing == nil {
		out = append(out, t.T("conflict.remark.none"))
	}
	if now.Own != nil {
		out = append(out, t.T("conflict.remark.own", "number", c.Delivered.Number))
	}
	if now.Withheld[patient.UseDelivered] == patient.SeveralOwners {
		out = append(out, t.T("conflict.remark.several"))
	}
	if now.Elsewhere {
		out = append(out, t.T("conflict.remark.elsewhere"))
	}
	return out
}

// choices returns the decisions that are offered, and why the others are not.
func choices(t *text.Catalogue, c patient.Conflict, now patient.Comparison) (offered []templates.ConflictChoice, withheld []string) {
	for _, d := range patient.Decisions {
		if !now.Offers(d) {
			withheld = append(withheld, t.T("withheld."+string(d)+"."+string(now.Withheld[d])))
			continue
		}
		hint := "decision.hint." + string(d)
		if d == patient.UseDelivered {
			switch {
			case now.Existing == nil:
				hint += ".new"
			case now.Existing.Number == c.Delivered.Number:
				hint += ".number"
			default:
				hint += ".pseudonym"
			}
		}
		offered = append(offered, templates.ConflictChoice{Value: string(d), Text: t.T("decision." + string(d)), Hint: t.T(hint)})
	}
	return offered, withheld
}

// options returns the choices of a filter, each once, all of them first.
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
