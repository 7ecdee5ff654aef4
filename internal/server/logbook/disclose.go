package logbook

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"sluis/internal/audit"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/text"
)

// maxDisclosed is how many acts a patient is told of at most.
const maxDisclosed = 10_000

// DiscloseForm is GET /logboek/inzage: for which patient.
func (h *Handlers) DiscloseForm(v *page.Visit) error {
	return h.showDisclosure(v, http.StatusOK, templates.Disclosure{})
}

func (h *Handlers) showDisclosure(v *page.Visit, status int, props templates.Disclosure) error {
	props.Page = v.Page(v.Home(), templates.Crumb{Text: v.T.T("log.title"), Href: logPath})
	var err error
	if props.Centres, err = v.CentreOptions(props.Centre); err != nil {
		return err
	}
	props.Centres[0].Text = v.T.T("disclosure.choose")
	return v.Render(status, templates.DisclosurePage(props))
}

// asked reads for which patient; of one hospital, for another's patient with this number is
// somebody else.
func (h *Handlers) asked(v *page.Visit) (props templates.Disclosure, err error) {
	form, err := v.Form()
	if err != nil {
		return props, err
	}
	props.Centre, props.Number = form.Get("zorgaanbieder"), strings.TrimSpace(form.Get("nummer"))
	options, err := v.CentreOptions(props.Centre)
	if err != nil {
		return props, err
	}
	known := slices.ContainsFunc(options, func(o templates.Option) bool { return o.Value == props.Centre })
	if props.Centre == "" || !known {
		props.Errors = append(props.Errors, templates.FieldError{Field: "zorgaanbieder", Message: v.T.T("disclosure.centre_required")})
	}
	if props.Number == "" {
		props.Errors = append(props.Errors, templates.FieldError{Field: "nummer", Message: v.T.T("form.number_required")})
	}
	return props, nil
}

// Disclose is POST /logboek/inzage with zorgaanbieder and nummer: what a patient is told who
// asks who saw their data (AVG article 15), to be printed.
func (h *Handlers) Disclose(v *page.Visit) error {
	props, err := h.asked(v)
	if err != nil {
		return err
	}
	if len(props.Errors) > 0 {
		return h.showDisclosure(v, http.StatusUnprocessableEntity, props)
	}
	names, err := v.CentreNames()
	if err != nil {
		return err
	}
	props.Asked, props.Of, props.Made = true, names[props.Centre], v.T.Moment(h.o.Now())
	props.Found, props.More, err = h.o.Log.DisclosePatient(v.Context(), v.Who, props.Centre, props.Number, "html", maxDisclosed,
		func(events []audit.Event) error {
			for _, ev := range events {
				props.Rows = append(props.Rows, disclosed(v.T, ev, names))
			}
			return nil
		})
	if err != nil {
		return err
	}
	return h.showDisclosure(v, http.StatusOK, props)
}

// disclosedHeader is the first line of the file.
var disclosedHeader = []string{"Wanneer", "Wie", "Rol", "Organisatie", "Wat er gebeurde"}

// DiscloseCSV is POST /logboek/inzage.csv: the same as a file.
func (h *Handlers) DiscloseCSV(v *page.Visit) error {
	props, err := h.asked(v)
	if err != nil {
		return err
	}
	if len(props.Errors) > 0 {
		return h.showDisclosure(v, http.StatusUnprocessableEntity, props)
	}
	names, err := v.CentreNames()
	if err != nil {
		return err
	}
	// No number is in the name of the file: that stays in the list of downloads.
	out := newFile(v.W, "inzage-"+h.o.Now().In(text.Location()).Format(time.DateOnly)+".csv", disclosedHeader)
	found, more, err := h.o.Log.DisclosePatient(v.Context(), v.Who, props.Centre, props.Number, "csv", maxDisclosed,
		func(events []audit.Event) error {
			for _, ev := range events {
				r := disclosed(v.T, ev, names)
				if err := out.line(r.When, r.Who, r.Role, r.Organisation, r.What); err != nil {
					return err
				}
			}
			return out.flush()
		})
	switch {
	case err != nil:
		return out.fail(err)
	case !found:
		props.Asked = true
		return h.showDisclosure(v, http.StatusOK, props)
	case more:
		err = out.line(v.T.T("disclosure.more"))
	}
	return out.finish(err)
}

// disclosed puts an event into words for the patient whom it is about.
func disclosed(t *text.Catalogue, ev audit.Event, names map[string]string) templates.DisclosedRow {
	row := templates.DisclosedRow{
		When: t.Moment(ev.At), Who: ev.Name, Role: roleWords(t, ev.Role), Organisation: names[ev.CentreNumber],
		What: t.T("audit." + string(ev.Type)),
	}
	if row.Organisation == "" {
		row.Organisation = t.T("disclosure.registry")
	}
	if key := "disclosure.what." + string(ev.Type); t.Has(key) {
		row.What = t.T(key)
	}
	return row
}
