package deliveries

import (
	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/delivery"
	"sluis/internal/server/page"
	"sluis/web/templates"
)

// behalfParam names the centre for which a processor delivers, in the address of the
// upload page and of its form.
const behalfParam = "namens"

// centreOf returns the centre for which the visitor delivers. A processor with several
// mandates must name one: apperr.Invalid "on_behalf_missing".
func centreOf(v *page.Visit) (account.Centre, error) {
	centre, code := v.Actor.DeliversFor(v.Query().Get(behalfParam))
	switch code {
	case "":
		v.Who.CentreID = centre.ID
		return centre, nil
	case account.CentreUnsaid:
		return centre, apperr.New(apperr.Invalid, code)
	}
	return centre, apperr.New(apperr.Forbidden, code)
}

// askCentre asks a processor for which of its centres it delivers.
func (h *Handlers) askCentre(v *page.Visit, status int) error {
	props := templates.OnBehalf{Page: v.Page(crumbs(v)...)}
	for _, c := range v.Actor.Processor.Centres {
		props.Centres = append(props.Centres, templates.Option{Value: page.Link(newPath, behalfParam, c.Number), Text: page.CentreName(c)})
	}
	return v.Render(status, templates.OnBehalfPage(props))
}

// behalfOf is the value of behalfParam for another file like d: its centre if a processor
// delivered d, otherwise "".
func behalfOf(d delivery.Delivery) string {
	if d.ProcessorID == 0 {
		return ""
	}
	return d.CentreNumber
}

// seesCentres reports whether the actor's lists have deliveries of several centres.
func seesCentres(a account.Actor) bool { return a.Scope().All() || a.Processor != nil }

// centreFilter returns the centre that the visitor chose in a list, and the choices. A
// processor chooses among those of which it has a mandate.
func centreFilter(v *page.Visit) (chosen string, options []templates.Option, err error) {
	if v.Actor.Processor == nil {
		return v.CentreFilter()
	}
	names := []string{}
	for _, c := range v.Actor.Processor.Centres {
		names = append(names, c.Number)
	}
	if chosen, err = v.OneOf(page.CentreParam, names...); err != nil {
		return "", nil, err
	}
	options = []templates.Option{{Text: v.T.T("word.all_centres"), Selected: chosen == ""}}
	for _, c := range v.Actor.Processor.Centres {
		options = append(options, templates.Option{Value: c.Number, Text: page.CentreName(c), Selected: c.Number == chosen})
	}
	return chosen, options, nil
}
