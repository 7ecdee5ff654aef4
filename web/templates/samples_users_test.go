package templates_test

import (
	"sluis/web/templates"
	"sluis/web/templates/ui"
)

func users(lang string) []sample {
	p := frame(lang, "/gebruikers", "Beheerder")
	t := p.T
	all := []templates.Option{{Text: t.T("word.all"), Selected: true}, {Value: "uploader", Text: t.T("role.uploader")}}
	list := templates.Users{
		Page: p, Roles: all, States: all, Centres: []templates.Option{{Text: t.T("word.all_centres"), Selected: true},
			{Value: "2809", Text: "2809 Voorbeeldziekenhuis"}},
		Total: 51, Filtered: true, MayReview: true, NextHref: "/gebruikers?na=1", FirstHref: "/gebruikers",
		Rows: []templates.UserRow{
			{Href: "/gebruikers/1", Name: "Fleur Bakker-van der Meer", Email: "fleur-bakker-vandermeer@een-lang-ziekenhuis-zonder-einde.nl",
				Roles: "Invoerder, Aanleveraar", Centre: "2809 Voorbeeldziekenhuis", SignIn: "20 augustus 2025 14:02", State: "active"},
			{Href: "/gebruikers/2", Name: "beheer@voorbeeld.nl", Email: "beheer@voorbeeld.nl", Roles: "Beheerder", State: "active",
				IsOwner: true},
			{Href: "/gebruikers/3", Name: "Jan", Email: "jan@voorbeeld.nl", Roles: "Invoerder", Centre: "2810", State: "invited"},
			{Href: "/gebruikers/4", Name: "Piet", Email: "piet@voorbeeld.nl", Roles: "Invoerder", Centre: "2810", State: "blocked"},
		},
	}
	empty := templates.Users{Page: p, Roles: all, States: all}
	choice := templates.RoleChoice{
		Roles: []ui.Checkbox{{Value: "clinician", Text: t.T("role.clinician"), Hint: t.T("role.hint.clinician"), Checked: true},
			{Value: "uploader", Text: t.T("role.uploader")}},
		Centres: []templates.Option{{Text: t.T("users.no_centre"), Selected: true}, {Value: "2809", Text: "2809"}},
	}
	wrong := templates.Invitation{Page: p, Email: "x", Choice: choice, Errors: []templates.FieldError{
		{Field: "email", Message: t.T("users.error.email")}, {Field: "naam", Message: t.T("users.error.name")},
		{Field: "rol", Message: t.T("users.error.roles_missing")}, {Field: "centrum", Message: t.T("users.error.centre_needed")},
		{Field: "reden", Message: t.T("users.error.reason_short")},
	}}
	one := templates.Account{
		Page: p, Email: "jan@voorbeeld.nl", Name: "Jan", Roles: "Invoerder", Centre: "2809 Voorbeeldziekenhuis", State: "active",
		Created: "1 augustus 2025 14:02", SignIn: "20 augustus 2025 14:02", Sessions: 2, LinkEnds: "27 augustus 2025 14:02",
		Path:   "/gebruikers/1",
		Choice: choice, Changes: []templates.AccountChange{
			{When: "2 augustus 2025 14:02", By: "beheer@voorbeeld.nl", What: t.T("audit.code.roles"), Reason: "Andere afdeling",
				Was: "Aanleveraar 2809", Now: "Invoerder 2809"},
			{When: "1 augustus 2025 14:02", By: "beheer@voorbeeld.nl", What: t.T("audit.code.disabled")},
		},
	}
	blocked, own, faulty := one, one, one
	blocked.State, blocked.LinkEnds, blocked.Changes = "blocked", "", nil
	own.Remark = t.T("user.own")
	faulty.State, faulty.Why = "invited", map[string]string{"reden-link": "x"}
	faulty.Errors = []templates.FieldError{{Field: "reden-link", Message: t.T("users.error.reason_short")}}
	stranger := templates.Page{T: t, Return: "/inloggen"}
	mine := templates.OwnAccount{
		Page: p, Email: "jan@voorbeeld.nl", Name: "Jan", Roles: "Invoerder", Centre: "2809",
		Sessions: []templates.OwnSession{
			{Browser: "Firefox, Windows", Address: "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", Started: "20 augustus 2025 14:02",
				Seen: "20 augustus 2025 14:12", Current: true, EndAction: "/account/sessies/1/beeindigen"},
			{Browser: t.T("account.sessions.unknown"), Started: "20 augustus 2025 13:02", Seen: "20 augustus 2025 14:12"},
		},
	}
	wrongMine := mine
	wrongMine.Errors = []templates.FieldError{{Field: "huidig", Message: t.T("account.error.old")},
		{Field: "nieuw", Message: t.T("account.error.same")}}
	return []sample{
		{name: "users", page: templates.UsersPage(list)},
		{name: "users-none", page: templates.UsersPage(empty)},
		{name: "invitation", page: templates.InvitationPage(templates.Invitation{Page: p, Choice: choice})},
		{name: "invitation-wrong", page: templates.InvitationPage(wrong), wrong: true},
		{name: "user", page: templates.UserPage(one)},
		{name: "user-blocked", page: templates.UserPage(blocked)},
		{name: "user-own", page: templates.UserPage(own)},
		{name: "user-wrong", page: templates.UserPage(faulty), wrong: true},
		{name: "link-invite", page: templates.OneTimeLinkPage(templates.OneTimeLink{Page: p, Email: "jan@voorbeeld.nl", Purpose: "invite",
			Link: "https://voorbeeld.nl/uitnodiging/sluis_x", Ends: "27 augustus 2025 14:02", Back: "/gebruikers/1"})},
		{name: "link-reset", page: templates.OneTimeLinkPage(templates.OneTimeLink{Page: p, Email: "jan@voorbeeld.nl", Purpose: "reset",
			Link: "https://voorbeeld.nl/uitnodiging/sluis_x", Ends: "27 augustus 2025 14:02", Back: "/gebruikers/1"})},
		{name: "password-invite", page: templates.SetPasswordPage(templates.SetPassword{Page: stranger, Purpose: "invite",
			Email: "jan@voorbeeld.nl", Action: "/uitnodiging/x"})},
		{name: "password-reset", page: templates.SetPasswordPage(templates.SetPassword{Page: stranger, Purpose: "reset",
			Email: "jan@voorbeeld.nl", Action: "/uitnodiging/x"})},
		{name: "password-first", wrong: true, page: templates.SetPasswordPage(templates.SetPassword{Page: stranger, Purpose: "first",
			Action: "/uitnodiging/x", Errors: []templates.FieldError{{Field: "email", Message: t.T("users.error.email")},
				{Field: "wachtwoord", Message: t.T("password.error.too_short", "min", 12)}}})},
		{name: "link-gone", page: templates.LinkGonePage(stranger)},
		{name: "own-account", page: templates.OwnAccountPage(mine)},
		{name: "own-account-wrong", page: templates.OwnAccountPage(wrongMine), wrong: true},
	}
}
