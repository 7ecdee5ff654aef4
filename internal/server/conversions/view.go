// Package conversions is the pages about the conversion of the existing patients:
// its steps and runs, the rows that are no patient, the approval of the erasure,
// and the proofs of it.
//
// It shows and lets approve; the work itself is done by commands.
package conversions

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/page"
	"sluis/internal/server/report"
	"sluis/web/templates"
	"sluis/web/text"
)

// Conversion is the part of the conversion that pages show and act on. The work
// itself is done by commands.
type Conversion interface {
	conversion.GateStore
	ViewConversion(ctx context.Context, who audit.Who) error // the event of looking
	ViewOpenRows(ctx context.Context, who audit.Who, run conversion.Run, q conversion.OpenQuery) (conversion.OpenPage, error)
	// PauseRun pauses a run or lets it go on; apperr.Conflict "existing_not_running".
	PauseRun(ctx context.Context, who audit.Who, publicID string, pause bool) error
	// ConfirmConversion lets a delivery go on that the brake holds; apperr.Conflict
	// "delivery_not_waiting".
	ConfirmConversion(ctx context.Context, who audit.Who, deliveryID string) error
	// ApproveErasure is one person's approval for centres; apperr.Invalid
	// "approval_centre", apperr.Conflict "approval_…".
	ApproveErasure(ctx context.Context, who audit.Who, publicID string, role account.Role, centres []string, why string) error
	Proofs(ctx context.Context, who audit.Who) ([]conversion.Report, error)
	Proof(ctx context.Context, who audit.Who, publicID string, export bool) (conversion.Report, error)
}

// Options is what the handlers need.
type Options struct {
	Now        func() time.Time
	Conversion Conversion
	ProofKey   ed25519.PublicKey // of the registry's own signatures
}

// Handlers are those of the pages about the conversion.
type Handlers struct{ o Options }

// New makes the handlers.
func New(o Options) *Handlers { return &Handlers{o} }

// runKeys are the runs on the page, as the catalogue names them.
var runKeys = map[delivery.Mode]string{delivery.Check: "rehearsal", delivery.Save: "conversion"}

// lively is how long after its last sign a command still counts as running.
const lively = 30 * time.Second

// View is GET /migratie.
func (h *Handlers) View(v *page.Visit) error {
	if err := h.o.Conversion.ViewConversion(v.Context(), v.Who); err != nil {
		return err
	}
	props, err := h.load(v)
	if err != nil {
		return err
	}
	return v.Render(http.StatusOK, templates.ConversionPage(props))
}

// state is everything that the page shows.
type state struct {
	plan      *conversion.Plan
	planned   conversion.Report
	rehearsal *conversion.Run
	gate      conversion.Gate
	proof     *conversion.Report
}

func (h *Handlers) stateNow(ctx context.Context) (x state, err error) {
	if x.planned, err = h.latest(ctx, conversion.KindPlan, &x.plan); err != nil {
		return x, err
	}
	run, ok, err := h.o.Conversion.LatestRun(ctx, delivery.Check)
	if err != nil {
		return x, err
	}
	if ok {
		x.rehearsal = &run
	}
	if x.gate, err = conversion.LoadGate(ctx, h.o.Conversion, h.o.ProofKey, "", h.o.Now()); err != nil || x.gate.Run == nil {
		return x, err
	}
	proof, ok, err := h.o.Conversion.LatestReport(ctx, conversion.KindProof, x.gate.Run.ID)
	if ok {
		x.proof = &proof
	}
	return x, err
}

// latest reads the last report of a kind into v, which stays nil without one.
func (h *Handlers) latest(ctx context.Context, kind conversion.Kind, v **conversion.Plan) (conversion.Report, error) {
	rep, ok, err := h.o.Conversion.LatestReport(ctx, kind, 0)
	if err != nil || !ok {
		return rep, err
	}
	*v = &conversion.Plan{}
	if err := json.Unmarshal([]byte(rep.Document), *v); err != nil {
		return rep, errors.New("decode a plan: failed")
	}
	return rep, nil
}

func (h *Handlers) load(v *page.Visit) (templates.Conversion, error) {
	x, err := h.stateNow(v.Context())
	if err != nil {
		return templates.Conversion{}, err
	}
	t, actor := v.T, v.Actor
	props := templates.Conversion{Page: v.Page(v.Home()), RefreshHref: page.ConversionPath}
	if actor.May(account.ViewProofs) {
		props.ProofsHref = page.ProofsPath
	}
	for _, run := range []*conversion.Run{x.rehearsal, x.gate.Run} {
		if run == nil {
			continue
		}
		props.Runs = append(props.Runs, h.runProps(t, *run))
		props.Working = props.Working || run.FinishedAt.IsZero() && h.o.Now().Sub(run.SeenAt) < lively
	}
	props.Tasks = h.tasks(t, x, props.ProofsHref)
	if e := x.gate.Erasure; e != nil {
		erasure := erasureProps(t, actor, x.gate)
		props.Erasure = &erasure
	}
	return props, nil
}

// runProps shows a run, centre by centre.
func (h *Handlers) runProps(t *text.Catalogue, run conversion.Run) templates.ConversionRun {
	key := runKeys[run.Mode]
	out := templates.ConversionRun{
		Key: key, Table: run.Table, Started: t.Moment(run.StartedAt), By: run.StartedBy, Finished: t.Moment(run.FinishedAt), Fed: run.Fed(),
		Total:   run.Total,
		Percent: min(100, run.Fed()*100/max(1, run.Total)), Strays: run.Strays, Counts: templates.Counts(run.Counts()),
	}
	path := page.ConversionPath + "/" + run.PublicID
	switch {
	case !run.FinishedAt.IsZero():
	case !run.PausedAt.IsZero():
		out.Paused, out.ResumeAction = t.T("existing.paused", "who", run.PausedBy, "when", t.Moment(run.PausedAt)), path+"/hervatten"
	default:
		out.PauseAction = path + "/pauzeren"
		if h.o.Now().Sub(run.SeenAt) > lively {
			out.Notices = append(out.Notices, t.T("existing.silent", "when", t.Moment(run.SeenAt)))
		}
		if run.WaitsFor != conversion.WaitsNot {
			out.Notices = append(out.Notices, t.T("existing.waits."+string(run.WaitsFor), "when", t.Moment(run.NextTryAt)))
		}
	}
	for _, c := range run.Centres {
		row := templates.ConversionCentre{Centre: c.CentreNumber, Fed: c.Fed, Total: c.Total, State: "waiting",
			Counts: templates.Counts(c.Counts(run.Mode))}
		if c.CentreName != "" {
			row.Centre += " " + c.CentreName
		}
		if c.Delivery != nil {
			row.State = string(c.Delivery.Status())
			if c.Delivery.State == delivery.Confirm {
				row.Confirm = page.ConversionPath + "/" + c.Delivery.PublicID + "/doorgaan"
				row.Counts = templates.Counts(c.Delivery.Planned)
			}
		}
		out.Centres = append(out.Centres, row)
	}
	if out.Counts.Rejected+run.Strays > 0 {
		out.RejectedHref = page.Link(page.ConversionPath+"/rijen", "van", key, "soort", "rejected")
	}
	if out.Counts.Review > 0 {
		out.ReviewHref = page.Link(page.ConversionPath+"/rijen", "van", key, "soort", "review")
	}
	return out
}

// rowKinds are the two lists of rows that did not become a patient, by their outcome.
var rowKinds = []string{string(patient.Rejected), string(patient.Review)}

// rowsAsked returns the list that the address asks for, and the run.
func rowsAsked(v *page.Visit) (kind string, mode delivery.Mode, err error) {
	if kind, err = v.OneOf("soort", rowKinds...); err != nil {
		return "", "", err
	}
	run, err := v.OneOf("van", runKeys[delivery.Check], runKeys[delivery.Save])
	if err != nil {
		return "", "", err
	}
	mode = delivery.Save
	if run == runKeys[delivery.Check] {
		mode = delivery.Check
	}
	return cmp.Or(kind, string(patient.Rejected)), mode, nil
}

// ListRows is GET /migratie/rijen?van=&soort=&centrum=&na=.
func (h *Handlers) ListRows(v *page.Visit) error {
	t, after := v.T, v.Query().Get(page.CursorParam)
	kind, mode, err := rowsAsked(v)
	if err != nil {
		return err
	}
	centre, centres, err := v.CentreFilter()
	if err != nil {
		return err
	}
	run, ok, err := h.o.Conversion.LatestRun(v.Context(), mode)
	if err != nil {
		return err
	}
	props := templates.ConversionRows{
		Page: v.Page(v.Home(), templates.Crumb{Text: t.T("existing.title"), Href: page.ConversionPath}), Run: runKeys[mode], Kind: kind,
		Filtered: centre != "", Centres: centres,
	}
	for _, k := range rowKinds {
		props.Tabs = append(
			props.Tabs,
			templates.Tab{Key: k, Href: page.Link(page.ConversionPath+"/rijen", "van", runKeys[mode], "soort", k),
				Current: k == kind},
		)
	}
	if ok {
		found, err := h.o.Conversion.ViewOpenRows(v.Context(), v.Who, run,
			conversion.OpenQuery{Outcome: patient.Outcome(kind), CentreNumber: centre, After: after, Limit: page.Size})
		if err != nil {
			return v.CursorError(err)
		}
		here := func(after string) string {
			return page.Link(page.ConversionPath+"/rijen", "van", runKeys[mode], "soort", kind, page.CentreParam, centre,
				page.CursorParam, after)
		}
		h.fillRows(t, &props, found)
		if found.Next != "" {
			props.NextHref = here(found.Next)
		}
		if after != "" {
			props.FirstHref = here("")
		}
	}
	if kind == string(patient.Review) && mode == delivery.Save && v.Actor.May(account.JudgeConflicts) {
		props.JudgeHref = page.Link(page.ConflictsPath, page.CentreParam, centre)
	}
	return v.Render(http.StatusOK, templates.ConversionRowsPage(props))
}

func (h *Handlers) fillRows(t *text.Catalogue, props *templates.ConversionRows, found conversion.OpenPage) {
	props.Total = found.Total
	for _, o := range found.Rows {
		props.Rows = append(props.Rows, templates.ConversionRow{
			Key: o.OldKey, Centre: o.CentreNumber, Number: o.PatientNumber, Column: report.Column(t, nil, o.Finding.Field),
			Message: report.Message(t, o.Finding, nil), TTP: o.Finding.Source == patient.TTP, Code: o.Finding.Code,
			Advice: report.Advice(t, o.Finding),
		})
	}
}
