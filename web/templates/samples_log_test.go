package templates_test

import "sluis/web/templates"

// logbook are the pages of the access log but for the log itself.
func logbook(lang string) []sample {
	p := frame(lang, "/logboek", "Toezicht")
	t := p.T
	row := templates.LogRow{
		Href: "/logboek/2", When: "20 augustus 2025 14:02", Who: "aanleveraar@een-lang-ziekenhuis-zonder-einde.nl",
		Roles: "Aanleveraar", Centre: "2809", What: t.T("audit.patients_listed"), Result: "success", Address: "2001:db8:85a3::8a2e:370:7334",
		Via: t.T("via.web"), Count: 25, Object: t.T("object.delivery"), ObjectID: "0197a3f2-7c1e-7b3d-9a52-3f6f0c1d2e4b",
		Code: t.T("audit.code.csv"),
	}
	record := templates.LogRecord{
		Page: p, LogRow: row, Number: "2", Action: t.T("audit.action.R"), Type: "patients_listed", RawCode: "csv", Reason: "Andere afdeling",
		UserID: "3", Source: "sluis-1", RequestID: "abcdefghijklmnop", Proof: "whole", More: 23, UserHref: "/logboek?gebruiker=x",
		Patients: []templates.LogPatient{
			{Number: "700100", Centre: "2809", Action: t.T("audit.action.R")}, {Number: t.T("logrecord.gone"), Action: t.T("audit.action.R")},
		},
	}
	changed := templates.LogRecord{Page: p, LogRow: templates.LogRow{What: t.T("audit.sign_in"), Result: "minor"}, Number: "1", Proof: "changed"}
	alarm := templates.AlarmRow{
		Href: "/alarmen/1", What: t.T("alarm.mass_hour"), Cause: "invoerder@2809.voorbeeld.nl", When: "20 augustus 2025 14:02", State: "open",
	}
	closed := alarm
	closed.State, closed.What, closed.Cause = "closed", t.T("alarm.sign_ins"), "2001:db8:85a3::8a2e:370:7334"
	review := templates.LogReview{
		Page: p, Due: t.T("logreview.due", "when", "1 september 2025 14:02"), To: "2025-08-20T12:02:00Z",
		Period: t.T("logreview.period", "from", "1 augustus 2025 14:02", "to", "20 augustus 2025 14:02"),
		Groups: []templates.LogGroup{{Name: t.T("log.group.views"), Count: t.T("log.many", "n", 10_000), Href: "/logboek?groep=views"}},
		Alarms: []templates.AlarmRow{alarm}, Samples: []templates.LogRow{row},
		Done: []templates.ReviewRow{{When: "1 augustus 2025 14:02", By: "toezicht@voorbeeld.nl", Remark: "Niets gevonden",
			What: t.T("logreview.what", "from", "1 juli 2025 14:02", "to", "1 augustus 2025 14:02")}},
	}
	wrongReview := templates.LogReview{
		Page: p, Due: t.T("logreview.never"), Overdue: true, Period: review.Period, To: review.To, Remark: "x",
		Errors: []templates.FieldError{{Field: "gezien", Message: t.T("logreview.error.seen")},
			{Field: "opmerking", Message: t.T("users.error.reason_short")}},
	}
	centres := []templates.Option{{Text: t.T("disclosure.choose"), Selected: true}, {Value: "2809", Text: "2809 Voorbeeldziekenhuis"}}
	told := templates.Disclosure{
		Page: p, Centres: centres, Centre: "2809", Number: "700100", Asked: true, Found: true, Of: "2809 Voorbeeldziekenhuis",
		Made: "20 augustus 2025 14:02", More: true,
		Rows: []templates.DisclosedRow{
			{When: "20 augustus 2025 14:02", Who: row.Who, Role: "Invoerder", Organisation: "2809 Voorbeeldziekenhuis",
				What: t.T("disclosure.what.review_viewed")},
			{When: "20 augustus 2025 14:01", Organisation: t.T("disclosure.registry"), What: t.T("disclosure.what.patients_listed")},
		},
	}
	untold := told
	untold.Rows, untold.More = nil, false
	one := templates.Alarm{
		Page: p, AlarmRow: alarm, Number: "1", Explain: t.T("alarm.mass_hour.explain"), Count: "612", Limit: "500", Centre: "2810",
		First: "20 augustus 2025 13:58", Last: "20 augustus 2025 14:02", FirstHref: "/logboek/1", LastHref: "/logboek/2",
		LogHref: "/logboek?gebruiker=x", Action: "/alarmen/1",
	}
	wrongOne, done := one, one
	wrongOne.Errors = []templates.FieldError{{Field: "opmerking", Message: t.T("users.error.reason_short")}}
	done.AlarmRow, done.Action, done.LogHref, done.Centre = closed, "", "", ""
	done.ClosedBy, done.ClosedAt, done.Found = "toezicht@voorbeeld.nl", "20 augustus 2025 15:02", "Nagevraagd: een overdracht."
	return []sample{
		{name: "logrecord", page: templates.LogRecordPage(record)},
		{name: "logrecord-changed", page: templates.LogRecordPage(changed)},
		{name: "logreview", page: templates.LogReviewPage(review)},
		{name: "logreview-wrong", page: templates.LogReviewPage(wrongReview), wrong: true},
		{name: "disclosure-form", page: templates.DisclosurePage(templates.Disclosure{Page: p, Centres: centres})},
		{name: "disclosure-nobody", page: templates.DisclosurePage(templates.Disclosure{Page: p, Centres: centres, Number: "1", Asked: true})},
		{name: "disclosure-wrong", wrong: true, page: templates.DisclosurePage(templates.Disclosure{Page: p, Centres: centres,
			Errors: []templates.FieldError{{Field: "zorgaanbieder", Message: t.T("disclosure.centre_required")},
				{Field: "nummer", Message: t.T("form.number_required")}}})},
		{name: "disclosure", page: templates.DisclosurePage(told)},
		{name: "disclosure-empty", page: templates.DisclosurePage(untold)},
		{name: "alarms", page: templates.AlarmsPage(templates.Alarms{Page: p, States: centres, Filtered: true, FirstHref: "/alarmen",
			NextHref: "/alarmen?na=1", Rows: []templates.AlarmRow{alarm, closed}})},
		{name: "alarms-none", page: templates.AlarmsPage(templates.Alarms{Page: p, States: centres})},
		{name: "alarm", page: templates.AlarmPage(one)},
		{name: "alarm-wrong", page: templates.AlarmPage(wrongOne), wrong: true},
		{name: "alarm-closed", page: templates.AlarmPage(done)},
	}
}
