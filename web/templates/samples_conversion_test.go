package templates_test

import (
	"sluis/web/templates"
)

// conversions are the pages of the existing patients.
func conversions(lang string) []sample {
	page := frame(lang, "/migratie", "Beheerder, Datamanager")
	none := templates.Conversion{Page: page, Tasks: []templates.ConversionTask{{Key: "plan", State: "todo",
		Command: "web existing plan --as …"}}}
	wrong := conversion(page)
	wrong.Erasure.Errors = []templates.FieldError{{Field: "centra", Message: page.T.T("existing.error.centres")},
		{Field: "uitzonderingen", Message: page.T.T("existing.error.exceptions")}}
	wrong.Erasure.Centres, wrong.Erasure.Why = "98", "Gezien."
	done := conversion(page)
	done.Erasure.Done, done.Erasure.Action, done.Erasure.Refusals,
		done.Erasure.Begun = page.T.T("existing.erased", "when", "20 augustus 2025 14:02"), "", nil, true
	unclean := proof(page)
	unclean.Clean, unclean.Hits, unclean.MoreHits = false,
		[]templates.ProofHit{{File: "/var/lib/sluis/sluis-db", Offset: "12345", Kind: "surname", Coding: "UTF-8"}}, 3
	return []sample{
		{name: "existing-none", page: templates.ConversionPage(none)},
		{name: "existing", page: templates.ConversionPage(conversion(page))},
		{name: "existing-wrong", page: templates.ConversionPage(wrong), wrong: true},
		{name: "existing-done", page: templates.ConversionPage(done)},
		{name: "existing-rows", page: templates.ConversionRowsPage(conversionRows(page))},
		{name: "existing-rows-none", page: templates.ConversionRowsPage(templates.ConversionRows{Page: page, Run: "rehearsal",
			Kind: "review"})},
		{name: "proofs", page: templates.ProofsPage(templates.Proofs{Page: page,
			Rows: []templates.ProofRow{{Href: "/migratie/bewijzen/1", When: "20 augustus 2025 14:02", By: "datamanager@example.nl",
				Clean: true}, {Href: "/migratie/bewijzen/2", When: "20 augustus 2025 14:02", By: "datamanager@example.nl"}}})},
		{name: "proofs-none", page: templates.ProofsPage(templates.Proofs{Page: page})},
		{name: "proof", page: templates.ProofPage(proof(page))},
		{name: "proof-unclean", page: templates.ProofPage(unclean)},
	}
}

func conversion(page templates.Page) templates.Conversion {
	counts := templates.Counts{Read: 1200, Created: 1100, Updated: 10, Unchanged: 20, Rejected: 40, Review: 30}
	run := templates.ConversionRun{
		Key: "conversion", Table: "SQL Server patient", Started: "20 augustus 2025 14:02", By: "datamanager@example.nl", Fed: 1200,
		Total: 2400, Percent: 50, Strays: 2,
		Counts: counts, Notices: []string{page.T.T("existing.waits.ttp", "when", "20 augustus 2025 14:03")},
		PauseAction:  "/migratie/1/pauzeren",
		Paused:       page.T.T("existing.paused", "who", "beheerder@example.nl", "when", "20 augustus 2025 14:02"),
		ResumeAction: "/migratie/1/hervatten",
		Centres: []templates.ConversionCentre{
			{Centre: "2809 Voorbeeldziekenhuis met een lange naam", State: "done", Fed: 1200, Total: 1200, Counts: counts},
			{Centre: "2810", State: "needs_confirmation", Fed: 1200, Total: 1200, Counts: counts, Confirm: "/migratie/2/doorgaan"},
			{Centre: "2811", State: "waiting", Total: 1200},
		},
		RejectedHref: "/migratie/rijen?soort=rejected&van=conversion", ReviewHref: "/migratie/rijen?soort=review&van=conversion",
	}
	rehearsal := run
	rehearsal.Key, rehearsal.Finished, rehearsal.Paused, rehearsal.Notices, rehearsal.PauseAction, rehearsal.ResumeAction = "rehearsal",
		"20 augustus 2025 14:02", "", nil, "", ""
	return templates.Conversion{
		Page: page, Working: true, RefreshHref: "/migratie", ProofsHref: "/migratie/bewijzen",
		Runs: []templates.ConversionRun{rehearsal, run},
		Tasks: []templates.ConversionTask{
			{Key: "plan", State: "done", Lines: []string{page.T.T("existing.planned", "when", "20 augustus 2025 14:02", "who",
				"datamanager@example.nl", "rows", 2400, "source", "SQL Server patient")}},
			{Key: "rehearsal", State: "done"},
			{Key: "rehearsed", State: "attention", Links: []templates.Link{{Text: page.T.T("existing.look"), Href: "/migratie/rijen"}}},
			{Key: "conversion", State: "busy", Command: "web existing run --as …"},
			{Key: "check", State: "todo", Command: "web existing verify --as …"},
			{Key: "erasure", State: "attention", Links: []templates.Link{{Text: page.T.T("existing.to_approval"), Href: "#wissen"}}},
			{Key: "proof", State: "blocked"},
		},
		Erasure: &templates.ConversionErasure{
			Way: "new", Asked: page.T.T("existing.asked", "who", "datamanager@example.nl", "when", "20 augustus 2025 14:02"),
			Exceptions: 42, Action: "/migratie/3/goedkeuren",
			Refusals: []string{page.T.T("existing.refusal.CHECK_OLD")},
			Approvals: []templates.ConversionApproval{{Centre: "2809 Voorbeeldziekenhuis",
				DataManager: page.T.T("existing.approval", "who", "datamanager@example.nl", "when", "20 augustus 2025 14:02")},
				{Centre: "2810"}},
			Roles: []templates.Option{{Value: "datamanager", Text: page.T.T("role.datamanager")},
				{Value: "admin", Text: page.T.T("role.admin")}}, Role: "admin",
		},
	}
}

func conversionRows(page templates.Page) templates.ConversionRows {
	return templates.ConversionRows{
		Page: page, Run: "conversion", Kind: "rejected", Total: 2, NextHref: "/migratie/rijen?na=9", FirstHref: "/migratie/rijen",
		JudgeHref: "/beoordelen",
		Tabs: []templates.Tab{{Key: "rejected", Href: "/migratie/rijen?soort=rejected", Current: true},
			{Key: "review", Href: "/migratie/rijen?soort=review"}},
		Centres: []templates.Option{{Text: page.T.T("word.all_centres"), Selected: true}},
		Rows: []templates.ConversionRow{
			{Key: "6", Centre: "2809", Number: "987654", Column: page.T.T("field.birthDate"), Message: "De geboortedatum is leeg",
				TTP: true, Code: "2101", Advice: page.T.T("advice.2101")},
			{Key: "9", Column: page.T.T("field.centre"), Message: page.T.T("finding.CENTRE_UNKNOWN"), Code: "CENTRE_UNKNOWN"},
		},
	}
}

func proof(page templates.Page) templates.Proof {
	return templates.Proof{
		Page: page, Clean: true, Verdict: page.T.T("proof.verdict.clean"),
		Facts:  []templates.Fact{{Label: page.T.T("proof.registry"), Value: "Voorbeeldregistratie"}},
		Before: page.T.T("proof.before_all", "hits", 1234),
		Files: []templates.ProofFile{{Name: "/var/lib/sluis/sluis-db", Bytes: "1.234.567", Chance: 2},
			{Name: "/var/lib/sluis/sluis-db-wal", Error: page.T.T("proof.error.file_unreadable")}},
		Unreached: []string{page.T.T("existing.unreached.FREE_BLOCKS")},
		Approvals: []templates.ProofApproval{{Centre: "2809", Role: page.T.T("role.admin"), User: "beheerder@example.nl",
			When: "20 augustus 2025 14:02", Why: "Gecontroleerd."}},
		PublicKey: "AAAAC3NzaC1lZDI1NTE5AAAAI", Signature: "c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl",
		ExportHref: "/migratie/bewijzen/1/bewijs.json",
	}
}
