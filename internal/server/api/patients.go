package api

import (
	"net/http"

	"sluis/internal/account"
	"sluis/internal/patient"
	"sluis/internal/server/entry"
	"sluis/internal/server/request"
	"sluis/internal/server/search"
	"sluis/internal/value"
	"sluis/web/text"
)

// ListPatients is GET /patients.
func (a *API) ListPatients(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	limit, err := q.limit()
	if err != nil {
		return err
	}
	only := filterOf("centre", q["centre"])
	after, err := only.after(q["after"])
	if err != nil {
		return err
	}
	actor := request.Actor(r)
	page, err := a.o.Records.Patients(r.Context(), request.Who(r), actor.Scope(), patient.Query{
		CentreNumber: q["centre"], After: after, Limit: limit,
	})
	if err != nil {
		return cursorError(err, after)
	}
	return writeJSON(w, http.StatusOK, Patients{Patients: a.listed(page.Patients, actor), Next: only.next(page.Next)})
}

// The fields of a search.
const (
	SearchNumber = entry.Number
	SearchCentre = "centre"
)

// SearchPatients is POST /patients/search: it lists the patients with exactly this number,
// one of each centre at most. It is a POST because a number must not be in a URL.
func (a *API) SearchPatients(w http.ResponseWriter, r *http.Request) error {
	fields, err := objectOf(r)
	if err != nil {
		return err
	}
	if _, fault := value.Number(fields[SearchNumber]); fault != "" {
		return invalid("invalid_parameter", SearchNumber)
	}
	actor := request.Actor(r)
	page, err := search.ByNumber(r.Context(), a.o.Records, request.Who(r), actor.Scope(), patient.Query{
		Number: fields[SearchNumber], CentreNumber: fields[SearchCentre], Limit: maxLimit,
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, Patients{Patients: a.listed(page.Patients, actor)})
}

// listed returns the display sets of patients, as an actor may see them.
func (a *API) listed(found []patient.Listed, actor account.Actor) []Patient {
	out := []Patient{}
	for _, p := range found {
		out = append(out, patientOf(p, a.o.BirthYearOnly, showCentre(actor)))
	}
	return out
}

// GetPatient is GET /patients/{id}.
func (a *API) GetPatient(w http.ResponseWriter, r *http.Request) error {
	actor := request.Actor(r)
	p, err := a.o.Records.Patient(r.Context(), request.Who(r), actor.Scope(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, patientOf(p.Listed, a.o.BirthYearOnly, showCentre(actor)))
}

// PostPatient is POST /patients.
func (a *API) PostPatient(w http.ResponseWriter, r *http.Request) error {
	where, err := centre(r)
	if err != nil {
		return err
	}
	fields, err := objectOf(r)
	if err != nil {
		return err
	}
	birth, fault := entry.ParseISODate(fields[entry.Birth])
	if fault != nil {
		rejected(w, r, entry.Result{Faults: []entry.Fault{*fault}})
		return nil
	}
	result, err := a.o.Entry.Submit(r.Context(), request.Who(r), where, entry.Values{
		Number: fields[entry.Number], Birth: birth, Sex: fields[entry.Sex],
		Surname: fields[entry.Surname], Prefix: fields[entry.Prefix], Initials: fields[entry.Initials],
	})
	if err != nil {
		return err
	}
	if !result.Stored() {
		rejected(w, r, result)
		return nil
	}
	out := Entered{ID: result.PatientID, Outcome: result.Outcome, Reason: result.Reason, Findings: findings(Words(r), result)}
	status := http.StatusOK
	if result.Outcome == patient.Created {
		status = http.StatusCreated
		w.Header().Set("Location", Prefix+"/patients/"+result.PatientID)
	}
	if result.Outcome == patient.Review {
		out.ID = "" // the patient it collides with is another one
	}
	return writeJSON(w, status, out)
}

// rejected answers that nothing was stored, and why.
func rejected(w http.ResponseWriter, r *http.Request, result entry.Result) {
	t := Words(r)
	p := InWords(t, http.StatusUnprocessableEntity, "patient_rejected")
	p.Findings = findings(t, result)
	writeProblem(w, r, t, p)
}

func findings(t *text.Catalogue, result entry.Result) []*Finding {
	out := []*Finding{}
	for _, f := range result.Faults {
		message := f.Code
		if key := "entry." + f.Code; t.Has(key) {
			message = t.T(key)
		}
		out = append(out, &Finding{
			Code: f.Code, Field: f.Field, Severity: string(patient.Fatal), Source: string(patient.Sluis), Message: message,
		})
	}
	for _, f := range result.Findings {
		out = append(out, findingOf(t, f))
	}
	return out
}
