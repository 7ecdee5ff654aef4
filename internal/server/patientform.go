package server

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"sluis/internal/apperr"
	"sluis/internal/patient"
	"sluis/internal/server/entry"
	"sluis/internal/server/report"
	"sluis/internal/server/request"
	"sluis/web/templates"
	"sluis/web/text"
)

// inputs are the names of the form's inputs by the fields that findings name.
var inputs = map[string]string{
	entry.Number: "number", entry.Birth: "birth-date", entry.Sex: "sex",
	entry.Surname: "surname", entry.Prefix: "prefix", entry.Initials: "initials",
}

// patientForm is GET /patienten/nieuw.
func (s *Server) patientForm(w http.ResponseWriter, r *http.Request) error {
	return s.showPatientForm(w, r, http.StatusOK, templates.PatientForm{})
}

// showPatientForm shows the form, with what p holds of a try before.
func (s *Server) showPatientForm(w http.ResponseWriter, r *http.Request, status int, p templates.PatientForm) error {
	centre := request.Actor(r).Centre
	if centre == nil {
		return apperr.New(apperr.Forbidden, "centre_missing")
	}
	p.Page, p.Centre, p.BirthYear = s.base(r, s.patientsCrumbs(r)...), centreName(*centre), s.BirthYearOnly
	return s.render(w, r, status, templates.PatientFormPage(p))
}

// enterPatient is POST /patienten/nieuw. What is not stored is shown again as it
// was filled in, to the person who did so, and is kept nowhere.
func (s *Server) enterPatient(w http.ResponseWriter, r *http.Request) error {
	centre := request.Actor(r).Centre
	if centre == nil {
		return apperr.New(apperr.Forbidden, "centre_missing")
	}
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	t, values := s.text(r), formValues(r)
	form := templates.PatientForm{Values: values}
	birth, fault := entry.ParseDate(values.BirthDay, values.BirthMonth, values.BirthYear)
	if fault != nil {
		form.Errors = faultErrors(t, []entry.Fault{*fault})
		return s.showPatientForm(w, r, http.StatusUnprocessableEntity, form)
	}
	result, err := s.entry.Enter(r.Context(), request.Who(r), *centre, entry.Values{
		Number: values.Number, Birth: birth, Sex: values.Sex, Surname: values.Surname, Prefix: values.Prefix, Initials: values.Initials,
	})
	switch {
	case apperr.KindOf(err) == apperr.Unavailable:
		request.LogFailure(s.Log, r, err)
		form.NotSaved = t.T("form.patient.ttp_down")
		return s.showPatientForm(w, r, http.StatusServiceUnavailable, form)
	case err != nil:
		return err
	case !result.Stored():
		form.Errors = append(faultErrors(t, result.Faults), findingErrors(t, result.Findings, true)...)
		return s.showPatientForm(w, r, http.StatusUnprocessableEntity, form)
	}
	return s.entered(w, r, result, values, birth)
}

// entered leads to the result. One that waits for a data manager has no patient
// of its own to lead to, so it is the answer itself.
func (s *Server) entered(w http.ResponseWriter, r *http.Request, result entry.Result, values templates.PatientValues, b patient.Birth) error {
	t := s.text(r)
	warnings := findingErrors(t, result.Findings, false)
	if result.Outcome == patient.Review {
		page := templates.PatientResult{
			Page: s.base(r, s.patientsCrumbs(r)...), Outcome: string(result.Outcome), Number: values.Number,
			Birth: birth(t, b, s.BirthYearOnly), BirthYear: s.BirthYearOnly, Sex: sexWord(t, patient.Sex(values.Sex)),
			Centre: centreName(*request.Actor(r).Centre), NewHref: "/patienten/nieuw", Warnings: warnings,
			Reason: report.Message(t, patient.Finding{Source: patient.Sluis, Code: string(result.Reason)}, nil),
		}
		return s.render(w, r, http.StatusOK, templates.PatientResultPage(page))
	}
	if len(warnings) > 0 {
		if err := s.leave(r, warningsKey, warnings); err != nil {
			return err
		}
	}
	return redirect(w, r, link("/patienten/"+result.PatientID+"/klaar", "uitkomst", string(result.Outcome)))
}

// patientResult is GET /patienten/{id}/klaar?uitkomst=.
func (s *Server) patientResult(w http.ResponseWriter, r *http.Request) error {
	found, err := s.Records.Patient(r.Context(), request.Who(r), request.Actor(r).Scope(), chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	outcome := patient.Outcome(r.URL.Query().Get("uitkomst"))
	if outcome != patient.Created && outcome != patient.Updated {
		outcome = patient.Unchanged
	}
	t := s.text(r)
	page := templates.PatientResult{
		Page: s.base(r, s.patientsCrumbs(r)...), Outcome: string(outcome), Number: found.Number,
		Birth: birth(t, found.Birth, s.BirthYearOnly), BirthYear: s.BirthYearOnly, Sex: sexWord(t, found.Sex),
		Centre: s.centreTitle(r, found.CentreNumber), Href: "/patienten/" + found.PublicID, NewHref: "/patienten/nieuw",
	}
	s.find(r, warningsKey, &page.Warnings)
	return s.render(w, r, http.StatusOK, templates.PatientResultPage(page))
}

func formValues(r *http.Request) templates.PatientValues {
	f := r.PostForm
	return templates.PatientValues{
		Number: f.Get("number"), BirthDay: f.Get("birth-day"), BirthMonth: f.Get("birth-month"), BirthYear: f.Get("birth-year"),
		Sex: f.Get("sex"), Surname: f.Get("surname"), Prefix: f.Get("prefix"), Initials: f.Get("initials"),
	}
}

// faultErrors are our own faults at their inputs.
func faultErrors(t *text.Catalogue, faults []entry.Fault) []templates.FieldError {
	var out []templates.FieldError
	for _, f := range faults {
		out = append(out, templates.FieldError{Field: inputs[f.Field], Message: t.T("entry." + f.Code)})
	}
	return out
}

// findingErrors are the fatal or the other findings, at the inputs they name;
// the TTP's word for word.
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
