package conversions

import (
	"slices"
	"strconv"
	"time"

	"sluis/internal/account"
	"sluis/internal/conversion"
	"sluis/internal/delivery"
	"sluis/internal/server/page"
	"sluis/internal/server/report"
	"sluis/web/templates"
	"sluis/web/text"
)

// The states of a task.
const (
	taskTodo      = "todo"
	taskBusy      = "busy"
	taskDone      = "done"
	taskAttention = "attention"
	taskBlocked   = "blocked"
)

// tasks returns the steps of the conversion, each with its state.
func (h *Handlers) tasks(t *text.Catalogue, x state, proofs string) []templates.ConversionTask {
	tasks := []templates.ConversionTask{
		planTask(t, x), rehearsalTask(t, x), rehearsedTask(t, x), conversionTask(t, x), h.checkTask(t, x), erasureTask(t, x),
		proofTask(t, x, proofs),
	}
	// A step that was not begun waits for the step before it.
	for i := 1; i < len(tasks); i++ {
		if tasks[i].State == taskTodo && tasks[i-1].State != taskDone && tasks[i-1].State != taskAttention {
			tasks[i].State, tasks[i].Command = taskBlocked, ""
		}
	}
	return tasks
}

func planTask(t *text.Catalogue, x state) templates.ConversionTask {
	task := templates.ConversionTask{Key: "plan", State: taskTodo, Command: "web existing plan --as …"}
	if x.plan == nil {
		return task
	}
	task.Lines = append(task.Lines, t.T("existing.planned", "when", t.Moment(x.planned.MadeAt), "who", x.planned.MadeBy, "rows",
		x.plan.Rows, "source", x.plan.Table))
	if task.State = taskDone; x.plan.StrayRows > 0 {
		task.State, task.Command = taskAttention, ""
		task.Lines = append(task.Lines, t.N("existing.strays", x.plan.StrayRows))
	}
	for _, code := range x.plan.Blockers() {
		task.State, task.Command = taskAttention, "web existing plan --as …"
		task.Lines = append(task.Lines, t.T("existing.blocker."+code))
	}
	for _, n := range x.plan.Notes {
		task.Lines = append(task.Lines, report.Note(t, n))
	}
	if x.plan.RowsPerSecond > 0 {
		took := time.Duration(float64(x.plan.Rows)/x.plan.RowsPerSecond) * time.Second
		task.Lines = append(task.Lines, t.T("existing.estimate", "time", t.Duration(max(took, time.Second)), "probe", x.plan.Probe))
	}
	return task
}

func rehearsalTask(t *text.Catalogue, x state) templates.ConversionTask {
	task := templates.ConversionTask{Key: "rehearsal", State: taskTodo, Command: "web existing run --rehearse --rows 100 --as …"}
	switch r := x.rehearsal; {
	case r == nil:
	case r.FinishedAt.IsZero():
		task.State = taskBusy
	default:
		task.State = taskDone
		task.Lines = append(task.Lines, t.T("existing.rehearsed", "when", t.Moment(r.FinishedAt), "rows", r.Counts().Read))
	}
	return task
}

// rehearsedTask is the step in which a person looks at the result of the
// rehearsal.
func rehearsedTask(t *text.Catalogue, x state) templates.ConversionTask {
	task := templates.ConversionTask{Key: "rehearsed", State: taskTodo}
	if x.rehearsal == nil || x.rehearsal.FinishedAt.IsZero() {
		return task
	}
	n := x.rehearsal.Counts()
	task.Lines = append(task.Lines,
		t.T("existing.would", "stored", n.Stored(), "rejected", n.Rejected+x.rehearsal.Strays, "review", n.Review))
	task.State = taskDone
	if n.Rejected+n.Review+x.rehearsal.Strays > 0 {
		task.State = taskAttention
		task.Links = append(task.Links, templates.Link{Text: t.T("existing.look"),
			Href: page.Link(page.ConversionPath+"/rijen", "van", "rehearsal", "soort", "rejected")})
	}
	return task
}

func conversionTask(t *text.Catalogue, x state) templates.ConversionTask {
	task := templates.ConversionTask{Key: "conversion", State: taskTodo, Command: "web existing run --as …"}
	r := x.gate.Run
	if r == nil {
		return task
	}
	n := r.Counts()
	done := 0
	for _, c := range r.Centres {
		if c.Whole(delivery.Save) {
			done++
		}
	}
	task.Lines = append(task.Lines, t.T("existing.converted", "done", done, "centres", len(r.Centres), "stored", n.Stored(), "rejected",
		n.Rejected+r.Strays, "review", n.Review))
	switch {
	case !r.Whole():
		task.State = taskBusy
	case n.Rejected+n.Review+r.Strays > 0:
		task.State, task.Command = taskAttention, ""
	default:
		task.State = taskDone
	}
	return task
}

func (h *Handlers) checkTask(t *text.Catalogue, x state) templates.ConversionTask {
	task := templates.ConversionTask{Key: "check", State: taskTodo, Command: "web existing verify --as …"}
	c := x.gate.Check
	if c == nil {
		return task
	}
	task.Lines = append(task.Lines, t.T("existing.checked", "when", t.Moment(x.gate.CheckedAt), "source", c.Rows, "stored", c.Stored,
		"rejected", c.Rejected, "review", c.Review, "sampled", c.Sampled))
	for _, f := range c.Faults {
		line := t.Number(f.Count) + " " + t.T("existing.fault."+f.Code)
		if f.Field != "" && t.Has("field."+f.Field) {
			line += " (" + t.T("field."+f.Field) + ")"
		}
		task.Lines = append(task.Lines, line)
	}
	if task.State = taskDone; !c.Clean() || h.o.Now().Sub(x.gate.CheckedAt) > conversion.CheckLife {
		task.State = taskAttention
	}
	return task
}

func erasureTask(t *text.Catalogue, x state) templates.ConversionTask {
	task := templates.ConversionTask{Key: "erasure", State: taskTodo, Command: "web existing erase --way new --as …"}
	e := x.gate.Erasure
	if e == nil {
		if x.gate.Run != nil && x.gate.Check != nil {
			for _, why := range x.gate.Refusals() {
				task.State = taskAttention
				task.Lines = append(task.Lines, refusal(t, why))
			}
			if len(x.gate.Open) > 0 {
				task.Lines = append(task.Lines, t.T("existing.except"))
			}
		}
		return task
	}
	task.Command = "web existing erase --as …"
	switch {
	case !e.ErasedAt.IsZero():
		task.State = taskDone
		task.Lines = append(task.Lines, t.T("existing.erased", "when", t.Moment(e.ErasedAt)))
	default:
		task.State = taskAttention
		task.Lines = append(task.Lines, t.N("existing.approved", len(e.Approvals), "needed", 2*len(x.gate.Run.Centres)))
		task.Links = append(task.Links, templates.Link{Text: t.T("existing.to_approval"), Href: "#wissen"})
	}
	return task
}

func proofTask(t *text.Catalogue, x state, proofs string) templates.ConversionTask {
	task := templates.ConversionTask{Key: "proof", State: taskTodo, Command: "web existing prove --as …"}
	if x.proof == nil {
		return task
	}
	if task.State = taskDone; !x.proof.Clean {
		task.State = taskAttention
	}
	task.Lines = append(task.Lines, t.T("existing.proved", "when", t.Moment(x.proof.MadeAt)))
	if proofs != "" {
		task.Links = append(task.Links, templates.Link{Text: t.T("existing.see_proofs"), Href: proofs})
	}
	return task
}

// refusal is why nothing may be erased, in words.
func refusal(t *text.Catalogue, r conversion.Refusal) string {
	var args []any
	for name, value := range r.Args {
		if name == "role" {
			value = t.T("role." + value)
		}
		if n, err := strconv.Atoi(value); err == nil && name != "centre" {
			args = append(args, name, n)
			continue
		}
		args = append(args, name, value)
	}
	return t.T("existing.refusal."+r.Code, args...)
}

// toldByTable are the refusals that the table of approvals shows already.
var toldByTable = []string{"APPROVAL_MISSING", "APPROVAL_LAPSED"}

// erasureProps shows the erasure that was asked for, with the form for somebody
// who may approve it.
func erasureProps(t *text.Catalogue, actor account.Actor, g conversion.Gate) templates.ConversionErasure {
	e := *g.Erasure
	out := templates.ConversionErasure{
		Way: string(e.Way), Asked: t.T("existing.asked", "who", e.AskedBy, "when", t.Moment(e.AskedAt)), Begun: !e.StartedAt.IsZero(),
		Exceptions: len(g.Open),
	}
	if !e.ErasedAt.IsZero() {
		out.Done = t.T("existing.erased", "when", t.Moment(e.ErasedAt))
	}
	for _, r := range g.Refusals() {
		if !slices.Contains(toldByTable, r.Code) {
			out.Refusals = append(out.Refusals, refusal(t, r))
		}
	}
	for _, c := range g.Run.Centres {
		row := templates.ConversionApproval{Centre: c.CentreNumber}
		if c.CentreName != "" {
			row.Centre += " " + c.CentreName
		}
		for _, a := range e.Approvals {
			if a.Centre != c.CentreNumber {
				continue
			}
			word := t.T("existing.approval", "who", a.UserName, "when", t.Moment(a.At))
			if a.Lapsed {
				word = t.T("existing.approval_lapsed", "who", a.UserName)
			}
			if a.Role == account.DataManager {
				row.DataManager = word
			} else {
				row.Admin = word
			}
		}
		out.Approvals = append(out.Approvals, row)
	}
	if !out.Begun && out.Done == "" && actor.May(account.ApproveErasure) {
		out.Action = page.ConversionPath + "/" + e.PublicID + "/goedkeuren"
		offerRoles(t, actor, g, &out)
	}
	return out
}

// wanted reports whether a centre still waits for the approval of a role.
func wanted(g conversion.Gate, role account.Role) bool {
	for _, c := range g.Run.Centres {
		given := slices.ContainsFunc(g.Erasure.Approvals,
			func(a conversion.Approval) bool { return a.Centre == c.CentreNumber && a.Role == role && !a.Lapsed })
		if !given {
			return true
		}
	}
	return false
}

// offerRoles offers a person who has both roles the choice of the one in which
// they approve.
func offerRoles(t *text.Catalogue, actor account.Actor, g conversion.Gate, out *templates.ConversionErasure) {
	open := false
	for _, role := range conversion.ApprovingRoles {
		if actor.Is(role) {
			open = open || wanted(g, role)
			out.Role = string(role)
			out.Roles = append(out.Roles, templates.Option{Value: string(role), Text: t.T("role." + string(role))})
		}
	}
	if !open { // this person has said all there is to say
		out.Given = t.T("existing.given")
	}
	if len(out.Roles) == 1 {
		out.Roles = nil
	}
}
