package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/patient"
	"sluis/internal/server/report"
	"sluis/internal/server/request"
	"sluis/web/templates"
	"sluis/web/text"
)

// Existing is the conversion of the existing patients, as far as pages have to do
// with it: commands do the work.
type Existing interface {
	conversion.GateStore
	ViewConversion(ctx context.Context, who audit.Who) error // the event of looking
	ViewOpenRows(ctx context.Context, who audit.Who, run conversion.Run, q conversion.OpenQuery) (conversion.OpenPage, error)
	// PauseRun lets a run stand still, or go on; apperr.Conflict "existing_not_running".
	PauseRun(ctx context.Context, who audit.Who, publicID string, pause bool) error
	// ConfirmConversion lets a delivery go on that the brake holds; apperr.Conflict
	// "delivery_not_waiting".
	ConfirmConversion(ctx context.Context, who audit.Who, deliveryID string) error
	// ApproveErasure is one person's word for centres; apperr.Invalid
	// "approval_centre", apperr.Conflict "approval_…".
	ApproveErasure(ctx context.Context, who audit.Who, publicID string, role account.Role, centres []string, why string) error
	Proofs(ctx context.Context, who audit.Who) ([]conversion.Report, error)
	Proof(ctx context.Context, who audit.Who, publicID string, export bool) (conversion.Report, error)
}

const (
	existingPath = "/migratie"
	proofsPath   = "/migratie/bewijzen"
)

// The runs of the page, by what they are.
var runKeys = map[delivery.Mode]string{delivery.Check: "rehearsal", delivery.Save: "conversion"}

// lively is how long after its last word a command counts as being at work.
const lively = 30 * time.Second

// viewExisting is GET /migratie.
func (s *Server) viewExisting(w http.ResponseWriter, r *http.Request) error {
	if err := s.Existing.ViewConversion(r.Context(), request.Who(r)); err != nil {
		return err
	}
	page, err := s.existingProps(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, templates.ConversionPage(page))
}

// existingState is all that the page tells of.
type existingState struct {
	plan      *conversion.Plan
	planned   conversion.Report
	rehearsal *conversion.Run
	gate      conversion.Gate
	proof     *conversion.Report
}

func (s *Server) existingState(ctx context.Context) (x existingState, err error) {
	if x.planned, err = s.latest(ctx, conversion.KindPlan, &x.plan); err != nil {
		return x, err
	}
	run, ok, err := s.Existing.LatestRun(ctx, delivery.Check)
	if err != nil {
		return x, err
	}
	if ok {
		x.rehearsal = &run
	}
	if x.gate, err = conversion.LoadGate(ctx, s.Existing, s.ProofKey, "", s.Now()); err != nil || x.gate.Run == nil {
		return x, err
	}
	proof, ok, err := s.Existing.LatestReport(ctx, conversion.KindProof, x.gate.Run.ID)
	if ok {
		x.proof = &proof
	}
	return x, err
}

// latest reads the last report of a kind into v, which stays nil without one.
func (s *Server) latest(ctx context.Context, kind conversion.Kind, v **conversion.Plan) (conversion.Report, error) {
	rep, ok, err := s.Existing.LatestReport(ctx, kind, 0)
	if err != nil || !ok {
		return rep, err
	}
	*v = &conversion.Plan{}
	if err := json.Unmarshal([]byte(rep.Document), *v); err != nil {
		return rep, errors.New("decode a plan: failed")
	}
	return rep, nil
}

func (s *Server) existingProps(r *http.Request) (templates.Conversion, error) {
	x, err := s.existingState(r.Context())
	if err != nil {
		return templates.Conversion{}, err
	}
	t, actor := s.text(r), request.Actor(r)
	page := templates.Conversion{Page: s.base(r, s.home(r)), RefreshHref: existingPath}
	if actor.May(account.ViewProofs) {
		page.ProofsHref = proofsPath
	}
	for _, run := range []*conversion.Run{x.rehearsal, x.gate.Run} {
		if run == nil {
			continue
		}
		page.Runs = append(page.Runs, s.runProps(t, *run))
		page.Moving = page.Moving || run.FinishedAt.IsZero() && s.Now().Sub(run.SeenAt) < lively
	}
	page.Tasks = s.existingTasks(t, x, page.ProofsHref)
	if e := x.gate.Erasure; e != nil {
		props := erasureProps(t, actor, x.gate)
		page.Erasure = &props
	}
	return page, nil
}

// runProps is a run by its centres.
func (s *Server) runProps(t *text.Catalogue, run conversion.Run) templates.ConversionRun {
	key := runKeys[run.Mode]
	out := templates.ConversionRun{
		Key: key, Table: run.Table, Started: t.Moment(run.StartedAt), By: run.StartedBy, Finished: t.Moment(run.FinishedAt), Fed: run.Fed(), Total: run.Total,
		Percent: min(100, run.Fed()*100/max(1, run.Total)), Strays: run.Strays, Counts: templates.Counts(run.Counts()),
	}
	path := existingPath + "/" + run.PublicID
	switch {
	case !run.FinishedAt.IsZero():
	case !run.PausedAt.IsZero():
		out.Paused, out.ResumeAction = t.T("existing.paused", "who", run.PausedBy, "when", t.Moment(run.PausedAt)), path+"/hervatten"
	default:
		out.PauseAction = path + "/pauzeren"
		if s.Now().Sub(run.SeenAt) > lively {
			out.Notices = append(out.Notices, t.T("existing.silent", "when", t.Moment(run.SeenAt)))
		}
		if run.WaitsFor != conversion.WaitsNot {
			out.Notices = append(out.Notices, t.T("existing.waits."+string(run.WaitsFor), "when", t.Moment(run.NextTryAt)))
		}
	}
	for _, c := range run.Centres {
		row := templates.ConversionCentre{Centre: c.CentreNumber, Fed: c.Fed, Total: c.Total, State: "waiting", Counts: templates.Counts(c.Counts(run.Mode))}
		if c.CentreName != "" {
			row.Centre += " " + c.CentreName
		}
		if c.Delivery != nil {
			row.State = string(c.Delivery.Status())
			if c.Delivery.State == delivery.Confirm {
				row.Confirm = existingPath + "/" + c.Delivery.PublicID + "/doorgaan"
				row.Counts = templates.Counts(c.Delivery.Planned)
			}
		}
		out.Centres = append(out.Centres, row)
	}
	if out.Counts.Rejected+run.Strays > 0 {
		out.RejectedHref = link(existingPath+"/rijen", "van", key, "soort", "rejected")
	}
	if out.Counts.Review > 0 {
		out.ReviewHref = link(existingPath+"/rijen", "van", key, "soort", "review")
	}
	return out
}

// rowKinds are the two lists of rows that are no patient.
var rowKinds = map[string]patient.Outcome{"rejected": patient.Rejected, "review": patient.Review}

// listExistingRows is GET /migratie/rijen?van=&soort=&centrum=&na=.
func (s *Server) listExistingRows(w http.ResponseWriter, r *http.Request) error {
	q, t := r.URL.Query(), s.text(r)
	kind, mode := q.Get("soort"), delivery.Save
	outcome, known := rowKinds[kind]
	if !known {
		kind, outcome = "rejected", patient.Rejected
	}
	if q.Get("van") == runKeys[delivery.Check] {
		mode = delivery.Check
	}
	run, ok, err := s.Existing.LatestRun(r.Context(), mode)
	if err != nil {
		return err
	}
	page := templates.ConversionRows{
		Page: s.base(r, s.home(r), templates.Crumb{Text: t.T("existing.title"), Href: existingPath}), Run: runKeys[mode], Kind: kind,
		Filtered: q.Get("centrum") != "",
	}
	if page.Centres, err = s.centreOptions(r, q.Get("centrum")); err != nil {
		return err
	}
	for _, k := range []string{"rejected", "review"} {
		page.Tabs = append(page.Tabs, templates.Tab{Key: k, Href: link(existingPath+"/rijen", "van", runKeys[mode], "soort", k), Current: k == kind})
	}
	if ok {
		found, err := s.Existing.ViewOpenRows(r.Context(), request.Who(r), run, conversion.OpenQuery{Outcome: outcome, CentreNumber: q.Get("centrum"), After: q.Get("na"), Limit: pageSize})
		if err != nil {
			return err
		}
		here := func(after string) string {
			return link(existingPath+"/rijen", "van", runKeys[mode], "soort", kind, "centrum", q.Get("centrum"), "na", after)
		}
		s.fillRows(t, &page, found)
		if found.Next != "" {
			page.NextHref = here(found.Next)
		}
		if q.Get("na") != "" {
			page.FirstHref = here("")
		}
	}
	if kind == "review" && mode == delivery.Save && request.Actor(r).May(account.JudgeReviews) {
		page.JudgeHref = link("/beoordelen", "centrum", q.Get("centrum"))
	}
	return s.render(w, r, http.StatusOK, templates.ConversionRowsPage(page))
}

func (s *Server) fillRows(t *text.Catalogue, page *templates.ConversionRows, found conversion.OpenPage) {
	page.Total = found.Total
	for _, o := range found.Rows {
		page.Rows = append(page.Rows, templates.ConversionRow{
			Key: o.OldKey, Centre: o.CentreNumber, Number: o.PatientNumber, Column: report.Column(t, nil, o.Finding.Field),
			Message: report.Message(t, o.Finding, nil), TTP: o.Finding.Source == patient.TTP, Code: o.Finding.Code, Advice: report.Advice(t, o.Finding),
		})
	}
}
