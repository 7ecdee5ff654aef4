package centres

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sluis/internal/account"
	"sluis/internal/apperr"
	"sluis/internal/server/page"
	"sluis/web/templates"
	"sluis/web/text"
)

const (
	processorsPath = "/verwerkers"
	mandatesPath   = "/mandaten"
)

func processorsCrumb(v *page.Visit) templates.Crumb {
	return templates.Crumb{Text: v.T.T("processors.title"), Href: processorsPath}
}

// ListProcessors is GET /verwerkers: who delivers on whose behalf.
func (h *Handlers) ListProcessors(v *page.Visit) error {
	t, now := v.T, h.o.Now()
	mandates, err := h.o.Store.Mandates(v.Context(), v.Who, v.Actor.PeopleScope())
	if err != nil {
		return err
	}
	processors, err := h.o.Store.Processors(v.Context())
	if err != nil {
		return err
	}
	props := templates.Processors{Page: v.Page(v.Home()), MayAdd: v.Actor.May(account.ManageCentres)}
	for _, m := range mandates {
		props.Mandates = append(props.Mandates, mandateRow(t, m, now))
	}
	for _, p := range processors {
		props.Rows = append(props.Rows, templates.ProcessorRow{
			Name: p.Name, Contact: p.ContactName, Email: p.ContactEmail, Phone: p.ContactPhone, Made: t.Moment(p.CreatedAt),
		})
	}
	return v.Render(http.StatusOK, templates.ProcessorsPage(props))
}

func mandateRow(t *text.Catalogue, m account.Mandate, now time.Time) templates.MandateRow {
	row := templates.MandateRow{
		Href: mandatesPath + "/" + m.PublicID, Processor: m.Processor.Name, Centre: page.CentreName(m.Centre), From: day(t, m.From),
		State: string(m.State(now)), By: m.GrantedBy,
	}
	if !m.Until.IsZero() {
		row.Until = day(t, m.Until.AddDate(0, 0, -1)) // people say the last day
	}
	return row
}

func day(t *text.Catalogue, at time.Time) string {
	at = at.In(text.Location())
	return t.ShortDate(at.Year(), int(at.Month()), at.Day())
}

// ProcessorForm is GET /verwerkers/nieuw.
func (h *Handlers) ProcessorForm(v *page.Visit) error {
	return h.showProcessorForm(v, http.StatusOK, templates.ProcessorForm{})
}

func (h *Handlers) showProcessorForm(v *page.Visit, status int, form templates.ProcessorForm) error {
	form.Page = v.Page(v.Home(), processorsCrumb(v))
	return v.Render(status, templates.ProcessorFormPage(form))
}

// AddProcessor is POST /verwerkers/nieuw with naam, contact, contact-email,
// contact-telefoon and reden.
func (h *Handlers) AddProcessor(v *page.Visit) error {
	posted, err := v.Form()
	if err != nil {
		return err
	}
	t, get := v.T, func(name string) string { return strings.TrimSpace(posted.Get(name)) }
	form := templates.ProcessorForm{
		Name: get("naam"), ContactName: get("contact"), ContactEmail: get("contact-email"), ContactPhone: get("contact-telefoon"),
		Why: get("reden"),
	}
	fault := func(wrong bool, field, key string) {
		if wrong {
			form.Errors = append(form.Errors, templates.FieldError{Field: field, Message: t.T(key)})
		}
	}
	long := func(s string, most int) bool { return utf8.RuneCountInString(s) > most }
	fault(form.Name == "" || long(form.Name, maxName), "naam", "centres.error.name")
	fault(long(form.ContactName, maxName), "contact", "centres.error.contact")
	fault(form.ContactEmail != "" && !page.IsEmail(form.ContactEmail), "contact-email", "users.error.email")
	fault(long(form.ContactPhone, maxPhone), "contact-telefoon", "centres.error.phone")
	form.Errors = append(form.Errors, page.CheckReason(t, "reden", form.Why)...)
	if len(form.Errors) > 0 {
		return h.showProcessorForm(v, http.StatusUnprocessableEntity, form)
	}
	_, err = h.o.Store.AddProcessor(v.Context(), v.Who, account.Processor{
		Name: form.Name, ContactName: form.ContactName, ContactEmail: form.ContactEmail, ContactPhone: form.ContactPhone,
	}, form.Why)
	if apperr.KindOf(err) == apperr.Conflict {
		form.Errors = []templates.FieldError{{Field: "naam", Message: t.T("processors.error.exists")}}
		return h.showProcessorForm(v, http.StatusConflict, form)
	} else if err != nil {
		return err
	}
	if err := v.Flash(t.T("processors.added", "name", form.Name), true); err != nil {
		return err
	}
	return v.Redirect(processorsPath)
}

// MandateForm is GET /mandaten/nieuw.
func (h *Handlers) MandateForm(v *page.Visit) error {
	return h.showMandateForm(v, http.StatusOK, templates.MandateForm{From: h.today().Format(time.DateOnly)}, "", "")
}

func (h *Handlers) showMandateForm(v *page.Visit, status int, form templates.MandateForm, processor, centre string) error {
	form.Page = v.Page(v.Home(), processorsCrumb(v))
	processors, err := h.o.Store.Processors(v.Context())
	if err != nil {
		return err
	}
	form.Processors = []templates.Option{{Text: v.T.T("mandates.choose"), Selected: processor == ""}}
	for _, p := range processors {
		form.Processors = append(form.Processors, templates.Option{Value: p.PublicID, Text: p.Name, Selected: p.PublicID == processor})
	}
	if v.Actor.PeopleScope().All() {
		if form.Centres, err = v.CentreOptions(centre); err != nil {
			return err
		}
		form.Centres[0].Text = v.T.T("mandates.choose")
	} else {
		form.Centre = page.CentreName(*v.Actor.Centre)
	}
	return v.Render(status, templates.MandateFormPage(form))
}

// today is the day that it is for the people who use Sluis.
func (h *Handlers) today() time.Time {
	y, m, d := h.o.Now().In(text.Location()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, text.Location())
}

// typedDay reads a day as a browser's date input sends it, or as people type it.
func typedDay(s string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, "2-1-2006"} {
		if at, err := time.ParseInLocation(layout, s, text.Location()); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// GrantMandate is POST /mandaten/nieuw with verwerker, centrum, van, tot and reden.
func (h *Handlers) GrantMandate(v *page.Visit) error {
	posted, err := v.Form()
	if err != nil {
		return err
	}
	get := func(name string) string { return strings.TrimSpace(posted.Get(name)) }
	form := templates.MandateForm{From: get("van"), Until: get("tot"), Why: get("reden")}
	m, faults, err := h.readMandate(v, posted, form)
	if err != nil {
		return err
	}
	processor, centre := posted.Get("verwerker"), posted.Get("centrum")
	if form.Errors = faults; len(faults) > 0 {
		return h.showMandateForm(v, http.StatusUnprocessableEntity, form, processor, centre)
	}
	_, err = h.o.Store.GrantMandate(v.Context(), v.Who, m)
	if apperr.KindOf(err) == apperr.Conflict {
		form.Errors = []templates.FieldError{{Field: "van", Message: v.T.T("mandates.error.exists")}}
		return h.showMandateForm(v, http.StatusConflict, form, processor, centre)
	} else if err != nil {
		return err
	}
	if err := v.Flash(v.T.T("mandates.granted", "name", m.Processor.Name, "centre", m.Centre.Number), true); err != nil {
		return err
	}
	return v.Redirect(processorsPath)
}

// readMandate reads the form of a mandate, and says what is wrong with it. Somebody who
// manages one centre grants for that only, whatever the form says.
func (h *Handlers) readMandate(v *page.Visit, posted url.Values, form templates.MandateForm) (
	m account.Mandate, faults []templates.FieldError, err error,
) {
	fault := func(wrong bool, field, key string) {
		if wrong {
			faults = append(faults, templates.FieldError{Field: field, Message: v.T.T(key)})
		}
	}
	m.Reason = form.Why
	processors, err := h.o.Store.Processors(v.Context())
	if err != nil {
		return m, nil, err
	}
	i := slices.IndexFunc(processors, func(p account.Processor) bool { return p.PublicID == posted.Get("verwerker") })
	if fault(i < 0, "verwerker", "mandates.error.processor"); i >= 0 {
		m.Processor = processors[i]
	}
	if !v.Actor.PeopleScope().All() {
		m.Centre = *v.Actor.Centre
	} else {
		m.Centre, err = h.o.Store.CentreByNumber(v.Context(), posted.Get("centrum"))
		unknown := apperr.KindOf(err) == apperr.NotFound
		if fault(unknown, "centrum", "mandates.error.centre"); err != nil && !unknown {
			return m, nil, err
		}
	}
	from, ok := typedDay(form.From)
	fault(!ok, "van", "mandates.error.from")
	// A mandate of a time that is past would make legitimate what was not.
	fault(ok && from.Before(h.today()), "van", "mandates.error.past")
	m.From = from
	if form.Until != "" {
		last, read := typedDay(form.Until)
		fault(!read, "tot", "mandates.error.until")
		fault(read && ok && last.Before(from), "tot", "form.period_reversed")
		m.Until = last.AddDate(0, 0, 1)
	}
	return m, append(faults, page.CheckReason(v.T, "reden", m.Reason)...), nil
}

// ViewMandate is GET /mandaten/{id}.
func (h *Handlers) ViewMandate(v *page.Visit) error { return h.showMandate(v, http.StatusOK, "", nil) }

func (h *Handlers) showMandate(v *page.Visit, status int, why string, faults []templates.FieldError) error {
	m, err := h.o.Store.Mandate(v.Context(), v.Who, v.Actor.PeopleScope(), v.ID())
	if err != nil {
		return err
	}
	t, now := v.T, h.o.Now()
	props := templates.Mandate{
		Page: v.Page(v.Home(), processorsCrumb(v)), Row: mandateRow(t, m, now), Reason: m.Reason, Granted: t.Moment(m.GrantedAt),
		Withdrawn: page.MomentOrNone(t, m.WithdrawnAt), WithdrawnBy: m.WithdrawnBy, WithdrawnReason: m.WithdrawnReason, Why: why,
		Errors: faults,
	}
	if state := m.State(now); state == account.Active || state == account.Planned {
		props.WithdrawAction = mandatesPath + "/" + m.PublicID + "/intrekken"
	}
	return v.Render(status, templates.MandatePage(props))
}

// WithdrawMandate is POST /mandaten/{id}/intrekken with reden.
func (h *Handlers) WithdrawMandate(v *page.Visit) error {
	posted, err := v.Form()
	if err != nil {
		return err
	}
	why := strings.TrimSpace(posted.Get("reden"))
	if faults := page.CheckReason(v.T, "reden", why); len(faults) > 0 {
		return h.showMandate(v, http.StatusUnprocessableEntity, why, faults)
	}
	err = h.o.Store.WithdrawMandate(v.Context(), v.Who, v.Actor.PeopleScope(), v.ID(), why)
	switch {
	case apperr.KindOf(err) == apperr.Conflict:
		err = v.FlashConflict(err)
	case err == nil:
		err = v.Flash(v.T.T("mandates.withdrawn"), true)
	}
	if err != nil {
		return err
	}
	return v.Redirect(mandatesPath + "/" + v.ID())
}
