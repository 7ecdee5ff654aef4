package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"sluis/internal/apperr"
	"sluis/internal/patient"
	"sluis/internal/server/request"
	"sluis/web/templates"
	"sluis/web/text"
)

// reviewFilter is what of the queue is shown; it goes along from conflict to
// conflict.
type reviewFilter struct {
	reason           patient.Reason
	centre, delivery string
}

func reviewFilterOf(q url.Values) reviewFilter {
	f := reviewFilter{reason: patient.Reason(q.Get("reden")), centre: q.Get("centrum"), delivery: q.Get("aanlevering")}
	if !slices.Contains(patient.Reasons, f.reason) {
		f.reason = ""
	}
	return f
}

func (f reviewFilter) active() bool { return f != reviewFilter{} }

func (f reviewFilter) link(path, after string) string {
	return link(path, "reden", string(f.reason), "centrum", f.centre, "aanlevering", f.delivery, "na", after)
}

func (f reviewFilter) query(after string, limit int) patient.ConflictQuery {
	return patient.ConflictQuery{Reason: f.reason, CentreNumber: f.centre, DeliveryID: f.delivery, After: after, Limit: limit}
}

func reviewPath(id string) string { return "/beoordelen/" + id }

// listReviews is GET /beoordelen?reden=&centrum=&aanlevering=&na=.
func (s *Server) listReviews(w http.ResponseWriter, r *http.Request) error {
	q, t := r.URL.Query(), s.text(r)
	filter, after := reviewFilterOf(q), q.Get("na")
	found, err := s.Desk.Conflicts(r.Context(), request.Who(r), request.Actor(r).Scope(), filter.query(after, pageSize))
	if err != nil {
		return err
	}
	page := templates.Reviews{Page: s.base(r, s.home(r)), Total: found.Total, DeliveryID: filter.delivery, Filtered: filter.active()}
	if page.Centres, err = s.centreOptions(r, filter.centre); err != nil {
		return err
	}
	page.Reasons = options(templates.Option{Text: t.T("reviews.all_reasons")}, string(filter.reason), func(add func(value, word string)) {
		for _, reason := range patient.Reasons {
			add(string(reason), t.T("finding."+string(reason)))
		}
	})
	names := map[string]string{}
	for _, o := range page.Centres {
		names[o.Value] = o.Text
	}
	for _, c := range found.Conflicts {
		row := templates.ReviewRow{
			Href: filter.link(reviewPath(c.PublicID), ""), Opened: t.Moment(c.OpenedAt), Centre: names[c.CentreNumber],
			Reason: t.T("finding." + string(c.Reason)), Number: numberWord(t, c.Delivered.Number), Further: c.Rows,
		}
		if c.Origin != nil {
			o := originProps(t, *c.Origin)
			row.Origin, row.Further = &o, max(0, c.Rows-1)
		}
		page.Rows = append(page.Rows, row)
	}
	if found.Next != "" {
		page.NextHref = filter.link("/beoordelen", found.Next)
	}
	if after != "" {
		page.FirstHref = filter.link("/beoordelen", "")
	}
	return s.render(w, r, http.StatusOK, templates.ReviewsPage(page))
}

func originProps(t *text.Catalogue, o patient.Origin) templates.ReviewOrigin {
	name := o.Filename
	if o.DatasetID != "" {
		name = t.T("datasets.name", "id", o.DatasetID)
	}
	return templates.ReviewOrigin{Href: deliveryPath(o.DeliveryID), Filename: name, Line: o.Line}
}

// viewReview is GET /beoordelen/{id}.
func (s *Server) viewReview(w http.ResponseWriter, r *http.Request) error {
	page, err := s.reviewProps(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, templates.ReviewPage(page))
}

// judgeReview is POST /beoordelen/{id} with besluit, reden and gezien.
func (s *Server) judgeReview(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	t, form := s.text(r), r.PostForm
	j := patient.Judgement{Decision: patient.Decision(form.Get("besluit")), Why: strings.TrimSpace(form.Get("reden"))}
	var faults []templates.FieldError
	if !slices.Contains(patient.Decisions, j.Decision) {
		faults = append(faults, templates.FieldError{Field: "besluit", Message: t.T("review.error.decision")})
	}
	switch n := utf8.RuneCountInString(j.Why); {
	case n < patient.MinWhy:
		faults = append(faults, templates.FieldError{Field: "reden", Message: t.T("review.error.why_short")})
	case n > patient.MaxWhy:
		faults = append(faults, templates.FieldError{Field: "reden", Message: t.T("review.error.why_long")})
	}
	if len(faults) > 0 {
		return s.reviewAgain(w, r, j, faults)
	}
	err := s.Desk.JudgeConflict(r.Context(), request.Who(r), request.Actor(r).Scope(), chi.URLParam(r, "id"), form.Get("gezien"), j)
	switch apperr.KindOf(err) {
	case apperr.Conflict:
		request.LogFailure(s.Log, r, err)
		return s.reviewAgain(w, r, j, nil)
	case apperr.Invalid:
		return s.reviewAgain(w, r, j, []templates.FieldError{{Field: "besluit", Message: t.T("review.error.decision")}})
	}
	if err != nil {
		return err
	}
	return s.nextReview(w, r)
}

// reviewAgain shows a conflict as it is by now to whoever sent what was not
// stored. Where it is not as it was looked at any more that is what counts, and
// not a fault in the form.
func (s *Server) reviewAgain(w http.ResponseWriter, r *http.Request, j patient.Judgement, faults []templates.FieldError) error {
	page, err := s.reviewProps(r)
	if err != nil {
		return err
	}
	page.Why = j.Why
	seen := r.PostForm.Get("gezien")
	switch t := s.text(r); {
	case page.Closed != nil:
		page.Notice = t.T("error.review_closed.body")
	case page.Seen != seen && (seen != "" || len(faults) == 0):
		page.Notice = t.T("error.review_changed.body")
	default:
		page.Chosen, page.Errors = string(j.Decision), faults
		return s.render(w, r, http.StatusUnprocessableEntity, templates.ReviewPage(page))
	}
	return s.render(w, r, http.StatusConflict, templates.ReviewPage(page))
}

// nextReview goes on to the oldest conflict after this one, then to the oldest
// before it, then to the empty queue; with the filter as long as it finds any.
func (s *Server) nextReview(w http.ResponseWriter, r *http.Request) error {
	t := s.text(r)
	filter := reviewFilterOf(r.URL.Query())
	for _, try := range []struct {
		filter reviewFilter
		after  string
	}{{filter, chi.URLParam(r, "id")}, {filter, ""}, {reviewFilter{}, ""}} {
		found, err := s.Desk.Conflicts(r.Context(), request.Who(r), request.Actor(r).Scope(), try.filter.query(try.after, 1))
		if err != nil {
			return err
		}
		if len(found.Conflicts) > 0 {
			if err := s.flash(r, t.N("reviews.saved", found.Total), true); err != nil {
				return err
			}
			return redirect(w, r, try.filter.link(reviewPath(found.Conflicts[0].PublicID), ""))
		}
	}
	if err := s.flash(r, t.T("reviews.saved_last"), true); err != nil {
		return err
	}
	return redirect(w, r, "/beoordelen")
}

// reviewProps is the page of a conflict as it is now.
func (s *Server) reviewProps(r *http.Request) (templates.Review, error) {
	id := chi.URLParam(r, "id")
	c, now, err := s.Desk.Conflict(r.Context(), request.Who(r), request.Actor(r).Scope(), id)
	if err != nil {
		return templates.Review{}, err
	}
	t, filter := s.text(r), reviewFilterOf(r.URL.Query())
	crumbs := []templates.Crumb{s.home(r), {Text: t.T("crumb.reviews"), Href: filter.link("/beoordelen", "")}}
	page := templates.Review{
		Page: s.base(r, crumbs...), Number: numberWord(t, c.Delivered.Number), Centre: t.T("word.centre_numbered", "number", s.centreTitle(r, c.CentreNumber)),
		Opened: t.Moment(c.OpenedAt), Reason: t.T("finding." + string(c.Reason)), Rows: c.Rows, Deliveries: c.Deliveries, Entered: c.Origin == nil,
		Action: filter.link(reviewPath(id), ""), Seen: now.Seen,
	}
	if len(c.Partners) > 0 {
		page.Partners = t.Lines(c.Partners)
	}
	for _, o := range c.Origins {
		page.Origins = append(page.Origins, originProps(t, o))
	}
	if j := c.Judgement; j != nil {
		page.Closed = &templates.ReviewClosed{Decision: string(j.Decision), By: j.By, At: t.Moment(j.At), Why: j.Why}
		return page, nil
	}
	page.Sides = s.reviewSides(t, c, now)
	if now.Existing != nil {
		page.ExistingHref = "/patienten/" + now.Existing.PublicID
	}
	page.Remarks = reviewRemarks(t, c, now)
	page.Choices, page.Withheld = reviewChoices(t, c, now)
	return page, nil
}

// reviewSides holds what was delivered against what is registered, line by line.
func (s *Server) reviewSides(t *text.Catalogue, c patient.Conflict, now patient.Comparison) []templates.ReviewSide {
	field := "field.birthDate"
	if s.BirthYearOnly {
		field = "field.birthYear"
	}
	sides := []templates.ReviewSide{
		{Label: t.T("field.patientNumber"), Delivered: numberWord(t, c.Delivered.Number)},
		{Label: t.T(field), Delivered: birth(t, c.Delivered.Birth, s.BirthYearOnly)},
		{Label: t.T("field.sex"), Delivered: sexWord(t, c.Delivered.Sex)},
		{Label: t.T("review.link"), Delivered: t.T("review.present")},
		{Label: t.T("patients.changed"), Delivered: t.Moment(c.OpenedAt)},
	}
	p := now.Existing
	if p == nil {
		return sides
	}
	for i, existing := range []string{
		numberWord(t, p.Number), birth(t, p.Birth, s.BirthYearOnly), sexWord(t, p.Sex), t.T("review.present"), t.T("review.version", "when", t.Moment(p.UpdatedAt), "version", p.Version),
	} {
		sides[i].Existing, sides[i].Verdict = existing, "same"
		if existing != sides[i].Delivered {
			sides[i].Verdict = "differs"
		}
	}
	sides[3].Verdict, sides[4].Verdict = string(now.Link), ""
	return sides
}

func reviewRemarks(t *text.Catalogue, c patient.Conflict, now patient.Comparison) []string {
	var out []string
	if now.Existing == nil {
		out = append(out, t.T("review.remark.none"))
	}
	if now.Own != nil {
		out = append(out, t.T("review.remark.own", "number", c.Delivered.Number))
	}
	if now.Withheld[patient.UseDelivered] == patient.SeveralOwners {
		out = append(out, t.T("review.remark.several"))
	}
	if now.Elsewhere {
		out = append(out, t.T("review.remark.elsewhere"))
	}
	return out
}

// reviewChoices are the decisions that are offered, and why the others are not.
func reviewChoices(t *text.Catalogue, c patient.Conflict, now patient.Comparison) (offered []templates.ReviewChoice, withheld []string) {
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
		offered = append(offered, templates.ReviewChoice{Value: string(d), Text: t.T("decision." + string(d)), Hint: t.T(hint)})
	}
	return offered, withheld
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
