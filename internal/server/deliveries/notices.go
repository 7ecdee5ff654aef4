package deliveries

import (
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// notices are what those who deliver are told of announced maintenance.
func (h *Handlers) notices(v *page.Visit) ([]templates.Notice, error) {
	if h.o.Plan == nil {
		return nil, nil
	}
	plan, err := h.o.Plan(v.Context())
	if err != nil {
		return nil, err
	}
	now := h.o.Now()
	var out []templates.Notice
	for _, w := range plan.Shown(now) {
		out = append(out, templates.Notice{
			Going: w.Going(now), Note: w.Note,
			Text: v.T.T("maintenance.notice."+string(w.Of), "from", v.T.Moment(w.From), "until", v.T.Moment(w.Until)),
		})
	}
	return out, nil
}
