package patients

import (
	"cmp"
	"net/http"
	"net/url"

	"sluis/internal/apperr"
	"sluis/internal/patient"
	"sluis/internal/server/entry"
	"sluis/internal/server/page"
	"sluis/internal/server/report"
	"sluis/web/templates"
	"sluis/web/text"
)

// inputs are the names of the form's inputs by the fields that findings name.
var inputs = map[string]string{
	entry.Number: "number", entry.Birth: "birth-date", entry.Sex: "sex",
	entry.Surname: "surname", entry.Prefix: "prefix", entry.Initials: "initials",
}

// EntryForm is GET /patienten/nieuw.
func (h *Handlers) EntryForm(v *page.Visit) error {
	return h.showForm(v, http.StatusOK, templates.PatientForm{})
}

// showForm shows the form, with the values and errors of an earlier try in p.
func (h *Handlers) showForm(v *page.Visit, status int, p templates.PatientForm) error {
	centre, err := v.Centre()
	if err != nil {
		return err
	}
	p.Page, p.Centre, p.BirthYear = v.Page(crumbs(v)...), page.CentreName(centre), h.o.BirthYearOnly
	return v.Render(status, templates.PatientFormPage(p))
}

// Submit is POST /patienten/nieuw. If the patient is not stored, the form is shown
// again as it was filled in, to the person who did so; nothing of it is kept.
func (h *Handlers) Submit(v *page.Visit) error {
	centre, err := v.Centre()
	if err != nil {
		return err
	}
	typed, err := v.Form()
	if err != nil {
		return err
	}
	t, values := v.T, formValues(typed)
	form := templates.PatientForm{Values: values}
	birth, fault := entry.ParseDate(values.BirthDay, values.BirthMonth, values.BirthYear)
	if fault != nil {
		form.Errors = faultErrors(t, []entry.Fault{*fault})
		return h.showForm(v, http.StatusUnprocessableEntity, form)
	}
	result, err := h.o.Entry.Submit(v.Context(), v.Who, centre, entry.Values{
		Number: values.Number, Birth: birth, Sex: values.Sex, Surname: values.Surname, Prefix: values.Prefix, Initials: values.Initials,
	})
	switch {
	case apperr.KindOf(err) == apperr.Unavailable:
		v.LogFailure(err)
		form.NotSaved = t.T("form.patient.ttp_down")
		return h.showForm(v, http.StatusServiceUnavailable, form)
	case apperr.IsStorage(err):
		v.LogFailure(err)
		form.NotSaved = t.T("form.patient.storage_down")
		return h.showForm(v, http.StatusServiceUnavailable, form)
	case err != nil:
		return err
	case !result.Stored():
		form.Errors = append(faultErrors(t, result.Faults), findingErrors(t, result.Findings, true)...)
		return h.showForm(v, http.StatusUnprocessableEntity, form)
	}
	return h.answer(v, result, values, birth)
}

// answer leads to the page of the result. An entry that waits for a data manager
// has no patient to lead to, so its result is the answer itself.
func (h *Handlers) answer(v *page.Visit, result entry.Result, values templates.PatientValues, b patient.Birth) error {
	t := v.T
	warnings := findingErrors(t, result.Findings, false)
	if result.Outcome == patient.Review {
		props := templates.PatientResult{
			Page: v.Page(crumbs(v)...), Outcome: string(result.Outcome), Number: result.Number,
			Birth: v.Birth(b), BirthYear: h.o.BirthYearOnly, Sex: page.SexWord(t, patient.Sex(values.Sex)),
			Centre: page.CentreName(*v.Actor.Centre), NewHref: newPath, Warnings: warnings,
			Reason: report.Message(t, patient.Finding{Source: patient.Sluis, Code: string(result.Reason)}, nil),
		}
		return v.Render(http.StatusOK, templates.PatientResultPage(props))
	}
	if len(warnings) > 0 {
		if err := v.Leave(warningsNote, warnings); err != nil {
			return err
		}
	}
	return v.Redirect(page.Link(page.PatientPath(result.PatientID)+"/klaar", "uitkomst", string(result.Outcome)))
}

// Result is GET /patienten/{id}/klaar?uitkomst=.
func (h *Handlers) Result(v *page.Visit) error {
	word, err := v.OneOf("uitkomst", string(patient.Created), string(patient.Updated), string(patient.Unchanged))
	if err != nil {
		return err
	}
	outcome := cmp.Or(patient.Outcome(word), patient.Unchanged)
	found, err := h.o.Records.Patient(v.Context(), v.Who, v.Scope(), v.ID())
	if err != nil {
		return err
	}
	t := v.T
	props := templates.PatientResult{
		Page: v.Page(crumbs(v)...), Outcome: string(outcome), Number: found.Number,
		Birth: v.Birth(found.Birth), BirthYear: h.o.BirthYearOnly, Sex: page.SexWord(t, found.Sex),
		Centre: v.CentreTitle(found.CentreNumber), Href: page.PatientPath(found.PublicID), NewHref: newPath,
	}
	v.Find(warningsNote, &props.Warnings)
	return v.Render(http.StatusOK, templates.PatientResultPage(props))
}

func formValues(f url.Values) templates.PatientValues {
	return templates.PatientValues{
		Number: f.Get("number"), BirthDay: f.Get("birth-day"), BirthMonth: f.Get("birth-month"), BirthYear: f.Get("birth-year"),
		Sex: f.Get("sex"), Surname: f.Get("surname"), Prefix: f.Get("prefix"), Initials: f.Get("initials"),
	}
}

// faultErrors shows Sluis's own faults at their inputs.
func faultErrors(t *text.Catalogue, faults []entry.Fault) []templates.FieldError {
	var out []templates.FieldError
	for _, f := range faults {
		out = append(out, templates.FieldError{Field: inputs[f.Field], Message: t.T("entry." + f.Code)})
	}
	return out
}

// findingErrors shows the fatal findings, or the others, at the inputs that they
// name. The TTP's words stay as they are.
func findingErrors(t *text.Catalogue, findings []patient.Finding, fatal bool) []templates.FieldError {
	var out []templates.FieldError
	for _, f := range findings {
		if (f.Severity == patient.Fatal) == fatal {
			out = append(out, templates.FieldError{
				Field: inputs[f.Field], Message: report.Message(t, f, nil), TTP: f.Source == patient.TTP, Advice: report.FormAdvice(t, f),
			})
		}
	}
	return out
}
