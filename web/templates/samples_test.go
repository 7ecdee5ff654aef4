package templates_test

import (
	"github.com/a-h/templ"

	"sluis/web/templates"
	"sluis/web/text"
)

// sample is a page as it could come from a handler.
type sample struct {
	name string
	page templ.Component
	// wrong is true for a page whose title must start with the word for an error.
	wrong bool
}

func frame(lang, current string, roles string) templates.Page {
	t := text.For(lang)
	p := templates.Page{
		T: t, Return: "/aanleveringen?groep=open", Demo: true,
		User:    &templates.User{Name: "aanleveraar@2809.voorbeeld.nl", Roles: roles, Centre: "Centrum 2809 Voorbeeldziekenhuis"},
		Session: &templates.Session{Idle: 1800, Life: 43200, Ends: "14:32"},
	}
	for _, n := range []struct{ key, href string }{
		{"nav.overview", "/"}, {"nav.deliveries", "/aanleveringen"}, {"nav.patients", "/patienten"}, {"nav.log", "/logboek"},
	} {
		p.Nav = append(p.Nav, templates.NavItem{Text: t.T(n.key), Href: n.href, Current: n.href == current})
	}
	return p
}

func crumbs(p templates.Page, hrefs ...string) templates.Page {
	for _, h := range hrefs {
		key := map[string]string{"/aanleveringen": "nav.deliveries", "/aanleveringen/1": "crumb.delivery", "/patienten": "nav.patients"}[h]
		p.Crumbs = append(p.Crumbs, templates.Crumb{Text: p.T.T(key), Href: h})
	}
	return p
}

func deliveryRows() []templates.DeliveryRow {
	row := func(file, status, mode string, read, stored, rejected, review int) templates.DeliveryRow {
		return templates.DeliveryRow{
			Href: "/aanleveringen/0197a3f2", Filename: file, Centre: "2809 Voorbeeldziekenhuis", Created: "20 augustus 2025 14:02",
			CreatedBy: "aanleveraar@2809.voorbeeld.nl", Status: status, Mode: mode, Read: read, Stored: stored, Rejected: rejected,
			Review: review,
		}
	}
	return []templates.DeliveryRow{
		row("pilot40.csv", "done", "save", 40, 36, 4, 0),
		row("een_heel_lange_bestandsnaam_van_de_afdeling_cardiologie_2025_kwartaal_3_definitief.csv", "processing", "save", 12000, 0, 0, 0),
		row("augustus.csv", "paused", "save", 500, 0, 0, 0),
		row("proef.csv", "checked", "check", 40, 36, 4, 0),
		row("met_bsn.csv", "refused", "save", 0, 0, 0, 0),
		row("juli.csv", "failed", "save", 10, 0, 0, 0),
		row("juni.csv", "cancelled", "check", 10, 0, 0, 0),
		row("mei.csv", "needs_confirmation", "save", 1234, 800, 434, 0),
		row("april.csv", "queued", "save", 0, 0, 0, 0),
	}
}

func causes() []templates.Cause {
	c := func(severity, source, code, column, message, advice string, n int, lines string, more int) templates.Cause {
		return templates.Cause{
			Severity: severity, Source: source, Code: code, Column: column, Message: message, Advice: advice, Count: n, Lines: lines,
			More: more,
			Href: "/aanleveringen/1/fouten?weergave=records&code=" + code,
		}
	}
	t := text.For(text.Dutch)
	return []templates.Cause{
		c("fatal", "ttp", "2101", "geboortedatum", "De geboortedatum is leeg", t.T("advice.2101"), 2, "7, 39", 0),
		c("fatal", "ttp", "2102", "geboortedatum", "De geboortedatum ligt in de toekomst", t.T("advice.2102"), 1, "27", 0),
		c("fatal", "ttp", "2111", "geslacht", "Het geslacht bevat een ongeldige waarde", t.T("advice.2111"), 1, "30", 0),
		c("review", "sluis", "CONFLICT_NUMBER", "patid", t.T("finding.CONFLICT_NUMBER"), t.T("advice.CONFLICT_NUMBER"), 1, "12", 0),
		c("warning", "ttp", "3101", "geboortedatum", "De geboortedatum ligt meer dan 110 jaar terug", t.T("advice.3101"), 60,
			"2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16", 46),
	}
}

func delivery(lang, status string) templates.Delivery {
	return templates.Delivery{
		Page: crumbs(frame(lang, "/aanleveringen", "Aanleveraar"), "/aanleveringen"), Filename: "pilot40.csv",
		Centre: "2809 Voorbeeldziekenhuis", Status: status, Kind: "identities", Mode: "save", Created: "20 augustus 2025 14:02",
		CreatedBy: "aanleveraar@2809.voorbeeld.nl", ReportHref: "/aanleveringen/1/fouten", CSVHref: "/aanleveringen/1/fouten.csv",
		JSONHref: "/aanleveringen/1/fouten.json", NewHref: "/aanleveringen/nieuw", RefreshHref: "/aanleveringen/1",
		EventsHref: "/aanleveringen/1/voortgang",
	}
}

func deliveries(lang string) []sample {
	with := func(status string, change func(*templates.Delivery)) templ.Component {
		d := delivery(lang, status)
		change(&d)
		return templates.DeliveryPage(d)
	}
	working := func(d *templates.Delivery) {
		d.Steps = []templates.Step{
			{Key: "upload", State: "done"}, {Key: "check", State: "done"}, {Key: "temporary", State: "current"},
			{Key: "definitive", State: "todo"}, {Key: "decide", State: "todo"}, {Key: "store", State: "todo"},
		}
		d.Percent, d.Done, d.Total, d.CancelAction = 34, 4000, 12000, "/aanleveringen/1/annuleren"
	}
	decided := func(d *templates.Delivery) {
		d.Counts = templates.Counts{Read: 40, Created: 30, Updated: 4, Unchanged: 2, Rejected: 4}
		d.Warnings, d.Causes, d.Expires = 9, causes()[:3], "27 augustus 2025 14:02"
		d.SaveAction, d.CancelAction = "/aanleveringen/1/opslaan", "/aanleveringen/1/annuleren"
	}
	return []sample{
		{name: "delivery-queued", page: with("queued", func(d *templates.Delivery) {
			d.Steps = []templates.Step{{Key: "upload", State: "done"}, {Key: "check", State: "current"}}
		})},
		{name: "delivery-processing", page: with("processing", working)},
		{name: "delivery-time-left", page: with("processing", func(d *templates.Delivery) {
			working(d)
			d.Left = "Nog ongeveer 3 minuten."
		})},
		{name: "delivery-in-line", page: with("queued", func(d *templates.Delivery) {
			working(d)
			d.Steps, d.Percent, d.Done, d.Total, d.Ahead = d.Steps[:0], 0, 0, 0, 2
		})},
		{name: "delivery-storing", page: with("processing", func(d *templates.Delivery) {
			working(d)
			d.Left, d.Storing, d.Percent = "Nog minder dan een minuut.", true, 81
		})},
		{name: "delivery-paused", page: with("paused", func(d *templates.Delivery) {
			working(d)
			d.NextTry, d.RetryAction = "20 augustus 2025 14:12", "/aanleveringen/1/nogmaals"
		})},
		{name: "delivery-denied", page: with("paused", func(d *templates.Delivery) {
			working(d)
			d.NextTry, d.RetryAction, d.TTPDenied, d.Pause = "20 augustus 2025 14:12", "/aanleveringen/1/nogmaals", true, "denied"
		})},
		{name: "delivery-checked", page: with("checked", func(d *templates.Delivery) { decided(d); d.Mode = "check" })},
		{name: "delivery-confirm", page: with("needs_confirmation", func(d *templates.Delivery) {
			decided(d)
			d.Counts = templates.Counts{Read: 40, Created: 20, Rejected: 19, Review: 1}
			d.Causes = causes()
			d.LikelyCause = d.T.T("likely.column_empty", "column", "geboortedatum")
		})},
		{name: "delivery-done", page: with("done", func(d *templates.Delivery) {
			d.Counts = templates.Counts{Read: 40, Created: 36, Rejected: 4}
			d.Warnings, d.Causes, d.Duration = 9, causes(), "10 seconden"
			d.Notes = []string{d.T.T("note.UNKNOWN_COLUMN_IGNORED", "columns", "5 (E)")}
		})},
		{name: "delivery-again", page: with("done", func(d *templates.Delivery) {
			d.Counts = templates.Counts{Read: 36, Unchanged: 36}
			d.SameAs = &templates.SameFile{Href: "/aanleveringen/0", Filename: "pilot40.csv", Created: "19 augustus 2025 09:00"}
		})},
		{name: "delivery-repaired", page: with("done", func(d *templates.Delivery) {
			d.Counts, d.Causes, d.NewHref = templates.Counts{Read: 40, Created: 36, Rejected: 4}, causes(),
				"/aanleveringen/nieuw?herstelt=1"
			first := templates.RepairSide{Href: "/aanleveringen/0", Filename: "eerst.csv", Created: "19 augustus 2025 09:00",
				Count: d.T.T("repair.count", "n", 3, "total", 4),
				What:  d.T.N("repair.rejected", 4), Open: []string{d.T.T("repair.line", "line", "39", "number", "001")}, More: 2}
			own := first
			own.More = 0
			d.Repair = templates.Repair{Original: &first, Own: &own, MendHref: d.NewHref, Later: []templates.RepairSide{
				{Href: "/aanleveringen/2", Filename: "herstel.csv", Created: "21 augustus 2025 09:00", Status: "done", LeftOut: 1},
				{Href: "/aanleveringen/3", Filename: "herstel-2.csv", Created: "22 augustus 2025 09:00", Status: "processing"},
			}}
		})},
		{name: "delivery-expired", page: with("done", func(d *templates.Delivery) {
			d.Counts, d.ReportExpired, d.ReportHref = templates.Counts{Read: 40, Created: 36, Rejected: 4}, "20 november 2025 03:10", ""
		})},
		{name: "delivery-refused", page: with("refused", func(d *templates.Delivery) {
			d.Kind = ""
			d.Refusals = []string{d.T.T("refusal.BSN_COLUMN", "column", "bsn"), d.T.T("refusal.MISSING_COLUMN", "column", "Geboortedatum")}
		})},
		{name: "delivery-not-allowed", page: with("refused", func(d *templates.Delivery) {
			d.Refusals = []string{d.T.T("refusal.IDENTITIES_NOT_ALLOWED")}
		})},
		{name: "delivery-failed", page: with("failed", func(d *templates.Delivery) { d.FailCode = "SEAL_LOST" })},
		{name: "delivery-failed-halfway", page: with("failed", func(d *templates.Delivery) {
			d.FailCode, d.Counts = "internal", templates.Counts{Read: 12000, Created: 7000, Rejected: 12, Pending: 4988}
		})},
		{name: "delivery-stopped", page: with("cancelled", func(d *templates.Delivery) {
			d.Counts = templates.Counts{Read: 12000, Created: 7000, Rejected: 12, Pending: 4988}
		})},
		{name: "delivery-cancelled", page: with("cancelled", func(*templates.Delivery) {})},
	}
}

func reports(lang string) []sample {
	r := templates.Report{
		Page: crumbs(frame(lang, "/aanleveringen", "Aanleveraar"), "/aanleveringen", "/aanleveringen/1"), Filename: "pilot40.csv",
		Centre: "2809 Voorbeeldziekenhuis", Created: "20 augustus 2025 14:02", DeliveryHref: "/aanleveringen/1", View: "causes",
		Counts: templates.Counts{Read: 40, Created: 36, Rejected: 4}, Warnings: 9, Causes: causes(),
		CSVHref: "/aanleveringen/1/fouten.csv", JSONHref: "/aanleveringen/1/fouten.json", NewHref: "/aanleveringen/nieuw",
		XLSXHref: "/aanleveringen/1/fouten.xlsx", PrintHref: "/aanleveringen/1/fouten?weergave=afdruk", Advice: "4 records afgewezen.",
		LikelyCause: "Kolom geboortedatum is leeg.",
		OwnFile: &templates.OwnFile{FindingsHref: "/aanleveringen/1/fouten.json", Columns: `["Geboortedatum"]`, Number: "Patiëntnummer",
			Records: 40, Reviews: "[]", Texts: "{}"},
		Tabs: []templates.Tab{
			{Key: "causes", Href: "/aanleveringen/1/fouten", Current: true, Count: 5},
			{Key: "records", Href: "/aanleveringen/1/fouten?weergave=records", Count: 65},
		},
	}
	records := r
	records.View, records.Total, records.NextHref, records.Filtered = "records", 65, "/aanleveringen/1/fouten?weergave=records&na=4", true
	records.Tabs = []templates.Tab{
		{Key: "causes", Href: "/aanleveringen/1/fouten", Count: 5},
		{Key: "records", Href: "/aanleveringen/1/fouten?weergave=records", Current: true, Count: 65},
	}
	options := []templates.Option{{Value: "", Text: r.T.T("word.all"), Selected: true}, {Value: "x", Text: "geboortedatum (4)"}}
	records.Severities, records.Columns, records.Codes, records.Sources = options, options, options, options
	records.From, records.To, records.Sort, records.Desc = 51, 55, "fout", true
	records.Sorts = []templates.Sort{{Text: "Regel", Href: "/aanleveringen/1/fouten"},
		{Text: "Fout", Href: "/aanleveringen/1/fouten?sorteer=fout", Current: true, Desc: true}}
	records.Causes = nil // as the handler leaves them in this view
	for i, c := range causes() {
		records.Rows = append(records.Rows, templates.ReportRow{
			Line: []int{7, 27, 30, 12, 2}[i], PatientNumber: []string{"987654", "8561234897", "666", "0123", "07052020"}[i],
			Column: c.Column, Code: c.Code, Message: c.Message, Source: c.Source, Severity: c.Severity, Advice: c.Advice,
		})
	}
	r.Severities, r.Columns, r.Codes, r.Sources = options, options, options, options
	empty := r
	empty.Causes, empty.Counts, empty.Warnings = nil, templates.Counts{Read: 36, Created: 36}, 0
	expired := r
	expired.Expired, expired.OwnFile, expired.Tabs, expired.CSVHref, expired.XLSXHref, expired.JSONHref,
		expired.PrintHref = "20 november 2025 03:10", nil, nil, "", "", "", ""
	printed := records
	printed.View, printed.Printed, printed.From, printed.To = "afdruk", "20 augustus 2025 15:00", 1, 5
	printed.Delivery = templates.Delivery{Page: r.Page, Status: "done", Counts: r.Counts, Warnings: 9, Causes: causes()}
	return []sample{
		{name: "report-expired", page: templates.ReportPage(expired)}, {name: "report-print", page: templates.ReportPrintPage(printed)},

		{name: "report-causes", page: templates.ReportPage(r)}, {name: "report-records", page: templates.ReportPage(records)},
		{name: "report-empty", page: templates.ReportPage(empty)},
	}
}

func patientRows() []templates.PatientRow {
	return []templates.PatientRow{
		{Href: "/patienten/a", Number: "0123", Birth: "1-1-2001", Sex: "Man", Changed: "20 augustus 2025 14:02", Centre: "2809"},
		{Href: "/patienten/b", Number: "123ABC", Birth: "12-8-1909", Sex: "Vrouw", Changed: "20 augustus 2025 14:02", Centre: "2809"},
		{Href: "/patienten/c", Number: "tes", Sex: "Onbekend", Changed: "20 augustus 2025 14:02", Centre: "2809"},
	}
}

func patients(lang string) []sample {
	page := frame(lang, "/patienten", "Invoerder")
	list := templates.Patients{Page: page, Rows: patientRows(), From: 1, To: 25, Total: 36, NextHref: "/patienten?na=c", MayEnter: true}
	none := templates.Patients{Page: page, Searched: true, Number: "0124", MayEnter: true}
	empty := templates.Patients{Page: page, MayEnter: true, ShowCentre: true}
	invalid := templates.Patients{Page: page, Rows: patientRows(), Total: 36, ShowCentre: true, BirthYear: true,
		Errors: []templates.FieldError{
			{Field: "number", Message: page.T.T("form.number_required")},
		}}
	detail := templates.Patient{
		Page: crumbs(page, "/patienten"), Number: "0123", Birth: "1 januari 2001", Sex: "Man", Centre: "2809 Voorbeeldziekenhuis",
		Version: 2,
		Created: "19 augustus 2025 09:00", Changed: "20 augustus 2025 14:02",
		Pseudonyms: []templates.PseudonymRow{
			{Type: "NGGV", Domain: "qrns", KeyVersion: 1, Observed: "20 augustus 2025"}, {Type: "NGG", Domain: "qrns", KeyVersion: 1},
		},
		History: []templates.HistoryRow{{When: "20 augustus 2025 14:02", Who: "aanleveraar@2809.voorbeeld.nl", What: "Patiënt bijgewerkt"}},
	}
	return []sample{
		{name: "patients", page: templates.PatientsPage(list)}, {name: "patients-none", page: templates.PatientsPage(none)},
		{name: "patients-empty", page: templates.PatientsPage(empty)},
		{name: "patients-invalid", page: templates.PatientsPage(invalid), wrong: true},
		{name: "patient", page: templates.PatientPage(detail)},
	}
}

func entries(lang string) []sample {
	page := crumbs(frame(lang, "/patienten", "Invoerder"), "/patienten")
	form := templates.PatientForm{Page: page, Centre: "2809 Voorbeeldziekenhuis"}
	filled := form
	filled.Values = templates.PatientValues{
		BirthDay: "1", BirthMonth: "5", BirthYear: "2899", Sex: "m", Surname: "Jansen", Prefix: "", Initials: "A",
	}
	filled.Errors = []templates.FieldError{
		{Field: "number", Message: page.T.T("entry.number_missing")},
		{Field: "birth-date", Message: "De geboortedatum ligt in de toekomst", TTP: true, Advice: page.T.T("advice.2102")},
	}
	down := form
	down.BirthYear, down.NotSaved = true, page.T.T("form.patient.ttp_down")
	out := []sample{
		{name: "form", page: templates.PatientFormPage(form)}, {name: "form-errors", page: templates.PatientFormPage(filled), wrong: true},
		{name: "form-down", page: templates.PatientFormPage(down), wrong: true},
	}
	for _, outcome := range []string{"created", "updated", "unchanged", "review"} {
		r := templates.PatientResult{
			Page: page, Outcome: outcome, Number: "0123", Birth: "1 januari 2001", Sex: "Man", Centre: "2809 Voorbeeldziekenhuis",
			NewHref: "/patienten/nieuw", Href: "/patienten/a",
		}
		if outcome == "review" {
			r.Reason, r.Href = page.T.T("finding.CONFLICT_NUMBER"), ""
		}
		if outcome == "created" {
			r.Warnings = []templates.FieldError{{Message: "De geboortedatum ligt meer dan 110 jaar terug", TTP: true,
				Advice: page.T.T("advice.3101")}}
		}
		out = append(out, sample{name: "result-" + outcome, page: templates.PatientResultPage(r)})
	}
	return out
}

func fileKinds(t *text.Catalogue) []templates.FileKind {
	column := func(header, field, example string) templates.FileColumn {
		return templates.FileColumn{Header: header, Required: t.T("word.yes"), Explain: t.T("column." + field), Example: example,
			Also: "patid, patiëntnr"}
	}
	return []templates.FileKind{
		{Key: "identities", Examples: []templates.Option{{Value: "/aanleveringen/voorbeeld/persoonsgegevens.csv", Text: "CSV"}},
			Columns: []templates.FileColumn{
				column("Patiëntnummer", "patientNumber", "0123"), column("Geboortedatum", "birthDate", "27-3-1961"),
				column("Geslacht", "sex", "v"), column("Achternaam", "surname", "Voorbeeld"), column("Voorletters", "initials", "A.B."),
			}},
		{Key: "temporary_pseudonyms", Columns: []templates.FileColumn{
			column("Patiëntnummer", "patientNumber", "0123"), column("Pseudoniem NGGV", "pseudonym", "hV3kP0m2Qz7xT9cR4bN8wL1yD6sF5gJ"),
		}},
	}
}

func others(lang string) []sample {
	out := frame(lang, "", "")
	out.User = nil
	page := frame(lang, "/aanleveringen", "Aanleveraar, Invoerder")
	up := templates.Upload{
		Page: crumbs(page, "/aanleveringen"), Action: "/aanleveringen", Centre: "2809 Voorbeeldziekenhuis", Kinds: fileKinds(page.T),
		MaxMegabytes: 100, MaxRows: 250000,
	}
	bad := up
	bad.Repair = &templates.UploadRepair{ID: "1", Href: "/aanleveringen/1", Filename: "pilot40.csv", Created: "20 augustus 2025 14:02",
		LeftOut: page.T.N("repair.rejected", 4), Chosen: true}
	bad.Errors = []templates.FieldError{
		{Field: "mode", Message: page.T.T("upload.mode_missing")}, {Field: "file", Message: page.T.T("upload.file_missing")},
	}
	tabs := func(current string) []templates.Tab {
		var tabs []templates.Tab
		for _, key := range []string{"open", "closed", "to_mend"} {
			t := templates.Tab{Key: key, Href: "/aanleveringen?groep=" + key, Current: key == current}
			if key == "to_mend" {
				t.Count = 2
			}
			tabs = append(tabs, t)
		}
		return tabs
	}
	centres := []templates.Option{{Text: page.T.T("word.all_centres"), Selected: true}, {Value: "2809", Text: "2809 Voorbeeldziekenhuis"}}
	flashed := page
	flashed.Flash = &templates.Flash{Text: page.T.T("flash.cancelled"), Success: true}
	dm := frame(lang, "/aanleveringen", "Datamanager")
	dm.User.Centre = ""
	log := templates.Log{
		Page: frame(lang, "/logboek", "Toezicht"), Types: centres, Centres: centres, NextHref: "/logboek?voor=9", Filtered: true,
		Rows: []templates.LogRow{
			{Href: "/logboek/2", When: "20 augustus 2025 14:02", Who: "aanleveraar@2809.voorbeeld.nl", Roles: "Aanleveraar", Centre: "2809",
				What:   page.T.T("audit.patients_listed"),
				Result: "success", Address: "192.0.2.10", Via: "scherm", Count: 25},
			{Href: "/logboek/1", When: "20 augustus 2025 14:01", Who: "token nachtelijke levering", Roles: "Aanleveraar", Centre: "2810",
				What:   page.T.T("audit.delivery_refused"),
				Object: "aanlevering", ObjectID: "0197a3f2-7c1e-7b3d-9a52-3f6f0c1d2e4b", Result: "minor",
				Code: page.T.T("audit.code.IDENTITIES_NOT_ALLOWED"), Address: "2001:db8:85a3::8a2e:370:7334", Via: "API"},
		},
	}
	log.Hospitals, log.Groups, log.Results = centres, centres, centres
	log.Found, log.CSVHref, log.MayReview = page.T.T("log.found_many", "n", 10_000), "/logboek.csv?soort=sign_in", true
	log.Alarms, log.ReviewDue = 1, page.T.T("logreview.due", "when", "1 september 2025 14:02")
	lookedAt := log
	lookedAt.ForPatient, lookedAt.Number, lookedAt.NextHref, lookedAt.NextBefore = true, "700100", "", "9"
	wrongLog := templates.Log{Page: log.Page, Types: centres, Groups: centres, Results: centres, Centres: centres, Hospitals: centres, From: "gisteren", Filtered: true,
		Errors: []templates.FieldError{{Field: "van", Message: page.T.T("form.date_unreadable")}}}
	home := templates.Overview{
		Page: frame(lang, "/", "Aanleveraar"), MayDeliver: true, MayEnter: true, ShowPatients: true, ShowDeliveries: true, ToMend: 2,
		Deliveries: deliveryRows()[:4], Patients: patientRows(),
	}
	return []sample{
		{name: "signin", page: templates.SignInPage(templates.SignIn{Page: out, Next: "/"})},
		{name: "signin-wrong", wrong: true, page: templates.SignInPage(templates.SignIn{Page: out, Email: "a@b.nl",
			Errors: []templates.FieldError{
				{Field: templates.Credentials, Message: out.T.T("signin.wrong")},
			}})},
		{name: "signin-via", page: templates.SignInPage(templates.SignIn{Page: out, Next: "/", Providers: []templates.ProviderButton{
			{Name: "Voorbeeldziekenhuis met een lange naam", Href: "/inloggen/via/1"}, {Name: "De registratie", Href: "/inloggen/via/2"}}})},
		{name: "signin-via-find", wrong: true, page: templates.SignInPage(templates.SignIn{Page: out, Next: "/", FindProvider: true,
			FindEmail: "a@b.nl", Errors: []templates.FieldError{{Field: "via-email", Message: out.T.T("signin.provider_unknown")}}})},
		{name: "signin-via-refused", wrong: true, page: templates.SignInPage(templates.SignIn{Page: out, Next: "/",
			Errors: []templates.FieldError{{Message: out.T.T("signon.error.unreachable", "name", "Voorbeeldziekenhuis", "reference", "abc")}}})},
		{name: "signed-out", page: templates.SignedOutPage(templates.SignedOut{Page: out, Name: "Voorbeeldziekenhuis",
			Href: providerSignOut})},
		{name: "signin-expired", page: templates.SignInPage(templates.SignIn{Page: out, Expired: true})},
		{name: "overview", page: templates.OverviewPage(home)},
		{name: "overview-new", page: templates.OverviewPage(templates.Overview{Page: frame(lang, "/", "Aanleveraar"), MayDeliver: true,
			ShowDeliveries: true, ShowPatients: true})},
		{name: "overview-part", page: templates.OverviewPage(templates.Overview{Page: frame(lang, "/", "Invoerder"), MayEnter: true,
			ShowPatients: true, ShowDeliveries: true, DeliveriesFailed: true, PatientsFail: true})},
		{name: "overview-datamanager", page: templates.OverviewPage(templates.Overview{Page: frame(lang, "/", "Datamanager"), ToJudge: 2,
			ShowDeliveries: true, ShowCentre: true})},
		{name: "overview-auditor", page: templates.OverviewPage(templates.Overview{Page: frame(lang, "/", "Toezicht"), ShowLog: true,
			ShowDuties: true, Alarms: 2, LogOverdue: true, LogReviewDue: page.T.T("logreview.overdue", "when", "1 augustus 2025 14:02")})},
		{name: "upload", page: templates.UploadPage(up)},
		{name: "upload-wrong", page: templates.UploadPage(bad), wrong: true},
		{name: "deliveries", page: templates.DeliveriesPage(templates.Deliveries{Page: flashed, Tabs: tabs("closed"), Rows: deliveryRows(),
			MayDeliver: true, NextHref: "/aanleveringen?groep=closed&na=x"})},
		{name: "deliveries-all", page: templates.DeliveriesPage(templates.Deliveries{Page: dm, Tabs: tabs("open"), Rows: deliveryRows(),
			ShowCentre: true, Centres: centres, FirstHref: "/aanleveringen"})},
		{name: "deliveries-empty", page: templates.DeliveriesPage(templates.Deliveries{Page: page, Tabs: tabs("open"), MayDeliver: true})},
		{name: "log", page: templates.LogPage(log)},
		{name: "log-patient", page: templates.LogPage(lookedAt)},
		{name: "ttp-unused", page: templates.TTPStatusPage(templates.TTPStatus{Page: page, State: "unused", At: "20 augustus 2025 14:02",
			RefreshHref: "/status/ttp"})},
		{name: "ttp-denied", page: templates.TTPStatusPage(ttp(page))},
		{name: "datasets-none", page: templates.DatasetsPage(templates.Datasets{Page: page})},
		{name: "datasets", page: templates.DatasetsPage(datasets(page))},
		{name: "conflicts-none", page: templates.ConflictsPage(templates.Conflicts{Page: page})},
		{name: "conflicts-none-found", page: templates.ConflictsPage(templates.Conflicts{Page: page, Filtered: true, DeliveryID: "1"})},
		{name: "conflicts", page: templates.ConflictsPage(conflicts(page))},
		{name: "conflict", page: templates.ConflictPage(conflict(page))},
		{name: "conflict-wrong", page: templates.ConflictPage(wrongConflict(page)), wrong: true},
		{name: "conflict-new", page: templates.ConflictPage(newConflict(page))},
		{name: "conflict-closed", page: templates.ConflictPage(closedConflict(page))},
		{name: "log-wrong", page: templates.LogPage(wrongLog), wrong: true},
		{name: "error-404", page: templates.ErrorPage(templates.Error{Page: page, Status: 404, Code: "not_found",
			Reference: "0197a3f2-7c1e"})},
		{name: "error-query", page: templates.ErrorPage(templates.Error{
			Page: page, Status: 400, Code: "unknown_parameter", Reference: "0197a3f2-7c1e", Query: true, Parameter: "format",
			Known: []string{"soort", "gebruiker", "centrum", "van", "tot", "voor"}, PlainHref: "/logboek",
		})},
		{name: "error-500", page: templates.ErrorPage(templates.Error{Page: out, Status: 500, Code: "never_heard_of",
			Reference: "0197a3f2-7c1e"})},
	}
}

// samples are all pages in all their states.
func samples(lang string) []sample {
	var all []sample
	for _, part := range [][]sample{others(lang), deliveries(lang), reports(lang), patients(lang), entries(lang), conversions(lang), users(lang), centres(lang),
		logbook(lang), factors(lang), providers(lang)} {
		all = append(all, part...)
	}
	return all
}

func ttp(page templates.Page) templates.TTPStatus {
	call := templates.TTPCall{
		Key: "temporary", LastOK: "20 augustus 2025 14:01", LastBad: "20 augustus 2025 13:01", Count: 1234, Bad: 12, Share: "1,0%",
		P50: "87 ms", P95: "264 ms",
		Chart: templates.TTPChart{From: "19 augustus 2025 14:02", To: "20 augustus 2025 14:02", Points: make([]templates.TTPPoint, 96)},
		Hours: []templates.TTPHour{{When: "20 augustus 2025 14:00", Count: 12, Bad: 1, P50: "87 ms", P95: "264 ms"},
			{When: "20 augustus 2025 13:00", Count: 1, Bad: 1}},
	}
	for i := range call.Chart.Points {
		if i%10 > 1 {
			call.Chart.Points[i] = templates.TTPPoint{P50: 80, P95: 200 + float64(i), Bad: float64(i%3) / 10}
		}
	}
	return templates.TTPStatus{
		Page: page, State: "denied", At: "20 augustus 2025 14:02", RefreshHref: "/status/ttp",
		Calls:   []templates.TTPCall{{Key: "token", Share: "0,0%"}, call},
		Prepare: 500, Resolve: 1, Paused: 2, Denied: 1, NextTry: "20 augustus 2025 14:05", Expiring: 1, ExpiresAt: "21 augustus 2025 09:00",
		Expiries: []templates.TTPExpiry{
			{What: "client_certificate", At: "22 augustus 2025 00:00", Days: 1, Level: "error"},
			{What: "prepare_secret", At: "1 september 2025 00:00", Days: 12, Level: "warning"},
			{What: "resolve_secret"},
		},
		Renewal: &templates.TTPRenewal{State: "running", When: "20 augustus 2025 13:00", Total: 72000, Looked: 36000, Added: 35990,
			Refused: 10},
		Helpdesk: []string{"Sluis, TTP status", "temporary: 1234 calls in 24 h, 12 failed"},
	}
}

func datasets(page templates.Page) templates.Datasets {
	return templates.Datasets{Page: page, Rows: []templates.DatasetRow{
		{ID: "ds-K3J2", Centre: "2809 Voorbeeldziekenhuis", Known: true, Ready: true, Created: "20 augustus 2025 14:02", Rows: 36,
			Types: "NGGV, NGG", Action: "/datasets/ds-K3J2/importeren"},
		{ID: "ds-X9", Centre: "2810", Known: true, Ready: true, Created: "20 augustus 2025 14:02", Rows: 1200, Types: "NGGV",
			Href: "/aanleveringen/1", Under: true},
		{ID: "ds-Y1", Centre: "4711", Ready: true, Created: "20 augustus 2025 14:02", Rows: 1},
		{ID: "ds-Z0", Centre: "2809 Voorbeeldziekenhuis", Known: true, Created: "20 augustus 2025 14:02"},
	}}
}

func conflicts(page templates.Page) templates.Conflicts {
	return templates.Conflicts{
		Page: page, Total: 51, Filtered: true,
		Reasons: []templates.Option{{Text: page.T.T("conflicts.all_reasons")},
			{Value: "CONFLICT_NUMBER", Text: page.T.T("finding.CONFLICT_NUMBER"), Selected: true}},
		Centres: []templates.Option{{Text: page.T.T("word.all_centres"), Selected: true},
			{Value: "2809", Text: "2809 Voorbeeldziekenhuis"}},
		Rows: []templates.ConflictRow{
			{Href: "/beoordelen/1", Opened: "20 augustus 2025 14:02", Centre: "2809 Voorbeeldziekenhuis",
				Reason: page.T.T("finding.CONFLICT_NUMBER"), Number: "0123",
				Origin: &templates.ConflictOrigin{Filename: "een-erg-lange-bestandsnaam-zonder-spaties-van-het-tweede-kwartaal-2025.csv",
					Line: 1234, Href: "/aanleveringen/1"}, Further: 2},
			{Href: "/beoordelen/2", Opened: "20 augustus 2025 14:02", Centre: "2810", Reason: page.T.T("finding.CONFLICT_PSEUDONYM"),
				Number: "123ABC"},
		},
		NextHref: "/beoordelen?na=2", FirstHref: "/beoordelen",
	}
}

func conflict(page templates.Page) templates.Conflict {
	return templates.Conflict{
		Page: page, Number: "0123", Centre: "Centrum 2809 Voorbeeldziekenhuis", Opened: "20 augustus 2025 14:02",
		Reason: page.T.T("finding.CONFLICT_NUMBER"),
		Origins: []templates.ConflictOrigin{{Href: "/aanleveringen/1", Filename: "pilot.csv", Line: 1234},
			{Href: "/aanleveringen/2", Filename: "nog-eens.csv", Line: 2}},
		Rows: 24, Deliveries: 2, Partners: "7, 39",
		Sides: []templates.ConflictSide{
			{Label: page.T.T("field.patientNumber"), Delivered: "0123", Existing: "0123", Verdict: "same"},
			{Label: page.T.T("field.birthDate"), Delivered: "31-12-1980", Existing: "1-4-1970", Verdict: "differs"},
			{Label: page.T.T("field.sex"), Delivered: page.T.T("sex.m"), Existing: page.T.T("sex.v"), Verdict: "differs"},
			{Label: page.T.T("conflict.link"), Delivered: page.T.T("conflict.present"), Existing: page.T.T("conflict.present"),
				Verdict: "unknown"},
			{Label: page.T.T("patients.changed"), Delivered: "20 augustus 2025 14:02", Existing: "19 augustus 2025 14:02"},
		},
		ExistingHref: "/patienten/1", Remarks: []string{page.T.T("conflict.remark.elsewhere")}, Action: "/beoordelen/1", Seen: "1f",
		Choices: []templates.ConflictChoice{
			{Value: "keep_existing", Text: page.T.T("decision.keep_existing"), Hint: page.T.T("decision.hint.keep_existing")},
			{Value: "use_delivered", Text: page.T.T("decision.use_delivered"), Hint: page.T.T("decision.hint.use_delivered.number")},
			{Value: "return", Text: page.T.T("decision.return"), Hint: page.T.T("decision.hint.return")},
		},
		Withheld: []string{page.T.T("withheld.keep_both.one_number")},
	}
}

func wrongConflict(page templates.Page) templates.Conflict {
	p := conflict(page)
	p.Chosen, p.Why = "return", "x"
	p.Errors = []templates.FieldError{{Field: "besluit", Message: page.T.T("conflict.error.decision")},
		{Field: "reden", Message: page.T.T("conflict.error.why_short")}}
	return p
}

func newConflict(page templates.Page) templates.Conflict {
	p := conflict(page)
	p.Notice, p.ExistingHref, p.Origins, p.Rows, p.Deliveries, p.Entered = page.T.T("error.review_changed.body"), "", nil, 0, 0, true
	for i := range p.Sides {
		p.Sides[i].Existing, p.Sides[i].Verdict = "", ""
	}
	return p
}

func closedConflict(page templates.Page) templates.Conflict {
	p := conflict(page)
	p.Notice = page.T.T("error.review_closed.body")
	p.Closed = &templates.ConflictClosed{Decision: "keep_both", By: "datamanager@example.nl", At: "20 augustus 2025 15:02",
		Why: "Een tweeling."}
	return p
}
