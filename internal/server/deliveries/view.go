package deliveries

import (
	"slices"
	"time"

	"sluis/internal/account"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/page"
	"sluis/internal/server/report"
	"sluis/web/templates"
	"sluis/web/text"
)

// shownLines is how many line numbers of a cause a page names.
const shownLines = 20

// The steps of a delivery, by their keys in the catalogue.
const (
	stepUpload     = "upload"
	stepCheck      = "check"
	stepTemporary  = "temporary"
	stepDefinitive = "definitive"
	stepDecide     = "decide"
	stepStore      = "store"
)

// records estimates how many records so many chunks of d hold.
func records(d delivery.Delivery, chunks int) int { return d.Counts.Read * chunks / max(d.Chunks, 1) }

// currentStep returns the step that d is at, and how many records are done of how
// many.
func currentStep(d delivery.Delivery) (step string, done, total int) {
	switch d.State {
	case delivery.Receiving:
		return stepUpload, 0, 0
	case delivery.Received:
		return stepCheck, 0, 0
	case delivery.Feeding:
		return stepTemporary, 0, 0
	case delivery.Exchanging:
		if d.Kind == delivery.Identities && d.Prepared < d.Chunks {
			return stepTemporary, records(d, d.Prepared), d.Counts.Read
		}
		return stepDefinitive, records(d, d.Resolved), d.Counts.Read
	case delivery.Deciding:
		return stepDecide, 0, 0
	case delivery.Registering:
		return stepStore, records(d, d.Registered), d.Counts.Read
	}
	return "", 0, 0
}

// stepsOf returns the steps of d: each is done, current or to do.
func stepsOf(d delivery.Delivery) []templates.Step {
	keys := []string{stepUpload, stepCheck, stepTemporary, stepDefinitive, stepDecide, stepStore}
	current, _, _ := currentStep(d)
	at := slices.Index(keys, current)
	var steps []templates.Step
	for i, key := range keys {
		fetched := d.Kind == delivery.Dataset && (key == stepUpload || key == stepTemporary || key == stepDefinitive)
		read := d.Kind == delivery.Conversion && (key == stepUpload || key == stepCheck)
		if fetched || read || key == stepTemporary && d.Kind == delivery.Temporary || key == stepStore && d.Mode == delivery.Check &&
			d.State != delivery.Registering {
			continue
		}
		state := "todo"
		switch {
		case at < 0 || i < at:
			state = "done"
		case i == at:
			state = "current"
		}
		steps = append(steps, templates.Step{Key: key, State: state})
	}
	return steps
}

// left returns in words how long the work on d will still take, or "" if that is
// not known.
func left(t *text.Catalogue, d delivery.Delivery, now time.Time) string {
	switch d, known := d.TimeLeft(now); {
	case !known:
		return ""
	case d < time.Minute:
		return t.T("progress.left.moment")
	default:
		return t.T("progress.left.about", "duration", t.Duration(max(2*time.Minute, d.Truncate(time.Minute)+time.Minute)))
	}
}

// waitsInLine reports whether d may have to wait for another delivery of its
// centre.
func waitsInLine(d delivery.Delivery) bool {
	return d.State == delivery.Received || d.State == delivery.Deciding
}

// Rows are deliveries in a list.
func Rows(t *text.Catalogue, deliveries []delivery.Delivery) []templates.DeliveryRow {
	rows := make([]templates.DeliveryRow, 0, len(deliveries))
	for _, d := range deliveries {
		counts := shownCounts(d)
		rows = append(rows, templates.DeliveryRow{
			Href: page.DeliveryPath(d.PublicID), Filename: title(t, d), Denied: d.Paused == delivery.PauseDenied, Centre: d.CentreNumber,
			Created:   t.Moment(d.CreatedAt),
			CreatedBy: d.CreatedBy, Behalf: behalf(t, d), Status: string(d.Status()), Mode: string(d.Mode),
			Read: counts.Read, Stored: counts.Stored(), Rejected: counts.Rejected, Review: counts.Review, Repaired: repaired(t, d),
		})
	}
	return rows
}

// shownCounts returns the counts that a page shows: those planned while d waits
// for a person, otherwise those of what happened.
func shownCounts(d delivery.Delivery) patient.Counts {
	if d.State.Waiting() {
		return d.Planned
	}
	return d.Counts
}

// deliveryProps makes the page of a delivery, in any state.
func (h *Handlers) deliveryProps(v *page.Visit, d delivery.Delivery, causes []delivery.Cause) templates.Delivery {
	t, actor, path := v.T, v.Actor, page.DeliveryPath(d.PublicID)
	p := templates.Delivery{
		Page: v.Page(crumbs(v)...), Filename: title(t, d), Centre: h.centreLabel(v, d), ShowCentre: seesCentres(actor),
		Status: string(d.Status()), Kind: string(d.Kind), Mode: string(d.Mode), Created: t.Moment(d.CreatedAt), CreatedBy: d.CreatedBy,
		Finished: t.Moment(d.FinishedAt), Steps: stepsOf(d), Percent: d.Percent(), EventsHref: path + "/voortgang", RefreshHref: path,
		Counts: templates.Counts(shownCounts(d)), Warnings: d.Warnings, Causes: h.causeProps(t, d, causes, path),
		ReportHref: path + "/fouten", CSVHref: path + "/fouten.csv", JSONHref: path + "/fouten.json", XLSXHref: path + "/fouten.xlsx",
		FailCode: d.FailCode,
	}
	if !d.ReportExpiredAt.IsZero() {
		p.ReportExpired, p.ReportHref, p.CSVHref, p.JSONHref, p.XLSXHref = t.Moment(d.ReportExpiredAt), "", "", "", ""
	}
	if p.Flash != nil && p.Flash.Passing && atRest(d) {
		p.Flash = nil // the page itself tells how it ended
	}
	_, p.Done, p.Total = currentStep(d)
	p.Left, p.Storing = left(t, d, h.o.Now()), d.State == delivery.Registering
	if !d.FinishedAt.IsZero() {
		p.Duration = t.Duration(d.FinishedAt.Sub(d.CreatedAt))
	}
	for _, refusal := range d.Refusals {
		p.Refusals = append(p.Refusals, report.Refusal(t, refusal))
	}
	for _, note := range d.Notes {
		if note.Code == "COLUMN_EMPTY" && d.State == delivery.Confirm {
			continue // the page says it next to the brake
		}
		p.Notes = append(p.Notes, report.Note(t, note))
	}
	p.ColumnsHref = columnsHref(actor, d)
	if d.State.Waiting() {
		p.Expires = t.Moment(d.ExpiresAt)
	}
	if d.Paused != delivery.NotPaused {
		p.NextTry, p.TTPDenied, p.Pause = t.Moment(d.NextTryAt), d.Paused == delivery.PauseDenied, string(d.Paused)
	}
	if d.State == delivery.Confirm {
		p.LikelyCause, p.Share = likelyCause(t, d, causes), d.Planned.Rejected*100/max(1, d.Planned.Read)
	}
	if d.SameAs != "" {
		p.SameAs = h.sameFile(v, d.SameAs)
	}
	if decides(actor, d) {
		deliverActions(&p, d, path)
	}
	if !actor.May(account.Deliver) {
		p.NewHref = ""
	}
	p.JudgeHref = judgeHref(actor, d)
	if d.Paused != delivery.NotPaused && actor.May(account.DecideDelivery) {
		p.RetryAction = path + "/nu-proberen"
	}
	return p
}

// judgeHref is the page of d's conflicts, or "" if the actor may not judge them or
// there are none.
func judgeHref(a account.Actor, d delivery.Delivery) string {
	if d.Counts.Review == 0 || !a.May(account.JudgeConflicts) {
		return ""
	}
	return page.Link(page.ConflictsPath, "aanlevering", d.PublicID)
}

// title is the name of a delivery on screen: that of its file, or the dataset that
// it was fetched from.
func title(t *text.Catalogue, d delivery.Delivery) string {
	if d.Kind == delivery.Dataset {
		return t.T("datasets.name", "id", d.DatasetID)
	}
	return d.Filename
}

// deliverActions adds what somebody who may deliver can do now.
func deliverActions(p *templates.Delivery, d delivery.Delivery, path string) {
	p.NewHref = newHref(d)
	if d.State.Waiting() && d.Planned.Stored()+d.Planned.Review > 0 {
		p.SaveAction = path + "/opslaan"
	}
	if !d.State.Final() {
		p.CancelAction = path + "/annuleren"
		if d.State == delivery.Registering {
			p.CancelAction = page.Link(p.CancelAction, storingParam, storingYes)
		}
	}
}

// sameFile is the earlier delivery of the same file, or nil if that can no longer
// be seen.
func (h *Handlers) sameFile(v *page.Visit, id string) *templates.SameFile {
	d, err := h.o.Records.Delivery(v.Context(), v.Scope(), id)
	if err != nil {
		return nil
	}
	return &templates.SameFile{Href: page.DeliveryPath(id), Filename: title(v.T, d), Created: v.T.Moment(d.CreatedAt)}
}

// causeProps shows the causes of rejections and warnings, with links to their
// records.
func (h *Handlers) causeProps(t *text.Catalogue, d delivery.Delivery, causes []delivery.Cause, path string) []templates.Cause {
	out := make([]templates.Cause, 0, len(causes))
	for _, c := range causes {
		lines := c.Lines[:min(len(c.Lines), shownLines)]
		out = append(out, templates.Cause{
			Severity: report.SeverityOnPage(c.Finding), Source: string(c.Source), Code: c.Code,
			Column: report.Column(t, d.Columns, c.Field), Message: report.Message(t, c.Finding, nil), Advice: report.Advice(t, c.Finding),
			Explain: report.Explain(t, c.Finding), Right: report.Right(t, c.Finding),
			Count: c.Count, Lines: t.Lines(lines), More: max(0, c.Count-len(lines)),
			Href: page.Link(path+"/fouten", "weergave", viewRecords, "code", c.Code, "kolom", c.Field),
		})
		if !d.ReportExpiredAt.IsZero() {
			out[len(out)-1].Lines, out[len(out)-1].More, out[len(out)-1].Href = "", 0, ""
		}
	}
	return out
}

// manyRows is the smallest number of rows from which a conclusion about a whole
// column is drawn.
const manyRows = 10

// likelyCause names the column that is probably wrong: it is empty in many rows,
// or every row is rejected for it. Example: the hospital's export left out the
// birth dates, so that all 200 rows are rejected. It returns "" if no column
// stands out.
func likelyCause(t *text.Catalogue, d delivery.Delivery, causes []delivery.Cause) string {
	for _, n := range d.Notes {
		if n.Code == "COLUMN_EMPTY" {
			return t.T("likely.column_share", "column", n.Args["column"], "percent", n.Args["percent"])
		}
	}
	read := shownCounts(d).Read
	for _, c := range causes {
		if c.Severity == patient.Fatal && c.Field != "" && read >= manyRows && c.Count >= read {
			return t.T("likely.column_empty", "column", report.Column(t, d.Columns, c.Field))
		}
	}
	return ""
}

// centreLabel names the centre of d, and the processor that delivered on its behalf.
func (h *Handlers) centreLabel(v *page.Visit, d delivery.Delivery) string {
	label := v.T.T("word.centre_numbered", "number", v.CentreTitle(d.CentreNumber))
	if d.Processor != "" {
		label += " · " + behalf(v.T, d)
	}
	return label
}

// behalf says who delivered d on behalf of which centre, or "" if the centre did itself.
func behalf(t *text.Catalogue, d delivery.Delivery) string {
	if d.Processor == "" {
		return ""
	}
	return t.T("delivery.behalf", "processor", d.Processor, "centre", d.CentreNumber)
}
