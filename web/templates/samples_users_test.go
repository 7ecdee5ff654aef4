package templates_test

import (
	"strings"

	"sluis/web/templates"
	"sluis/web/templates/ui"
	"sluis/web/text"
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
		Factors: "1 passkey, authenticator-app", HasFactors: true,
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
	mine.Factors = templates.OwnFactors{
		Any: true, PasskeysWork: true, NewPasskeyHref: "/account/passkeys/nieuw", AppHref: "/account/app", AppMade: "20 augustus 2025 14:02",
		AppUsed: "20 augustus 2025 14:12", AppRemoveAction: "/account/app/verwijderen", RecoveryLeft: 9, RecoveryAction: "/account/herstelcodes",
		Passkeys: []templates.OwnPasskey{
			{ID: "1", Name: "Laptop van de afdeling met een heel lange naam zonder einde", Made: "20 augustus 2025 14:02",
				Used: "20 augustus 2025 14:12", RenameAction: "/account/passkeys/1/naam", RemoveAction: "/account/passkeys/1/verwijderen"},
			{ID: "2", Name: "Sleutel", Made: "20 augustus 2025 14:02", RenameAction: "/account/passkeys/2/naam",
				RemoveAction: "/account/passkeys/2/verwijderen"},
		},
	}
	wrongMine := mine
	wrongMine.Factors = templates.OwnFactors{AppHref: "/account/app", RecoveryAction: "/account/herstelcodes", Optional: true}
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

// faultsAt is a fault at each of these fields.
func faultsAt(t *text.Catalogue, fields ...string) []templates.FieldError {
	var faults []templates.FieldError
	for _, f := range fields {
		faults = append(faults, templates.FieldError{Field: f, Message: t.T("users.error.reason_short")})
	}
	return faults
}

func factors(lang string) []sample {
	p := frame(lang, "/account", "Aanleveraar")
	t := p.T
	out := templates.Page{T: t, Return: "/inloggen/factor"}
	bare := templates.Page{T: t, Return: "/inloggen", FactorOptional: true}
	all := templates.Ways{Passkey: true, Code: true, Recovery: true}
	ask := templates.Factor{
		Page: out, Ways: all, Email: "fleur-bakker-vandermeer@een-lang-ziekenhuis-zonder-einde.nl", Action: "/inloggen/factor",
		Options: "/inloggen/factor/opties",
	}
	wrong := ask
	wrong.Errors = []templates.FieldError{{Field: "bevestig-code", Message: t.T("factor.error.totp")}}
	wrongRecovery := ask
	wrongRecovery.Errors = []templates.FieldError{{Field: "bevestig-herstelcode", Message: t.T("factor.error.recovery")}}
	onlyPasskey := ask
	onlyPasskey.Ways = templates.Ways{Passkey: true, Recovery: true}
	onlyPasskey.Errors = []templates.FieldError{{Message: t.T("passkey.refused")}}
	none := ask
	none.Ways = templates.Ways{Passkey: true}
	confirm := templates.Factor{
		Page: p, Ways: all, Email: "jan@voorbeeld.nl", Confirm: true, Action: "/gebruikers/1/rollen", Options: "/bevestigen/opties",
		Back: "/gebruikers/1", Kept: []templates.Kept{{Name: "rol", Value: "uploader"}, {Name: "reden-rollen", Value: "Andere afdeling"}},
	}
	byPassword := confirm
	byPassword.Ways = templates.Ways{Password: true}
	byPassword.Errors = []templates.FieldError{{Field: "bevestig-wachtwoord", Message: t.T("account.error.old")}}
	set := templates.SetUpFactor{Page: out, Email: "jan@voorbeeld.nl", PasskeyAction: "/inloggen/instellen/passkey",
		Options: "/inloggen/instellen/opties", AppHref: "/inloggen/instellen/app"}
	setOnly := set
	setOnly.PasskeyOnly = true
	setOnly.Errors = []templates.FieldError{{Field: "naam", Message: t.T("passkey.error.name", "max", 60)}}
	setOwn, noPasskeys := set, set
	setOwn.Page, setOwn.Own, noPasskeys.PasskeyAction = p, true, ""
	app := templates.SetUpApp{Page: out, Email: "jan@voorbeeld.nl", Action: "/inloggen/instellen/app", Back: "/inloggen/instellen",
		Key: "ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567", QR: "M4 4h1v1h-1z", Size: 41}
	appWrong := app
	appWrong.Page, appWrong.Replaces = p, true
	appWrong.Errors = []templates.FieldError{{Field: "code", Message: t.T("factor.error.first_code")}}
	codes := templates.RecoveryCodes{Page: p, Email: "jan@voorbeeld.nl", Next: "/",
		Codes: []string{"ABCD-EFGH-JKMN", "ABCD-EFGH-JKMP", "ABCD-EFGH-JKMQ", "ABCD-EFGH-JKMR"}}
	return []sample{
		{name: "signin-passkey", page: templates.SignInPage(templates.SignIn{Page: bare, Next: "/", Passkey: true})},
		{name: "signin-passkey-refused", wrong: true, page: templates.SignInPage(templates.SignIn{Page: out, Next: "/", Passkey: true,
			Errors: []templates.FieldError{{Message: t.T("passkey.refused")}}})},
		{name: "factor", page: templates.FactorPage(ask)},
		{name: "factor-wrong", page: templates.FactorPage(wrong), wrong: true},
		{name: "factor-wrong-recovery", page: templates.FactorPage(wrongRecovery), wrong: true},
		{name: "factor-passkey", page: templates.FactorPage(onlyPasskey), wrong: true},
		{name: "factor-nothing-else", page: templates.FactorPage(none)},
		{name: "confirm", page: templates.FactorPage(confirm)},
		{name: "confirm-password", page: templates.FactorPage(byPassword), wrong: true},
		{name: "confirmed", page: templates.ConfirmedPage(templates.Confirmed{Page: p, Next: "/gebruikers/controle.csv"})},
		{name: "setup", page: templates.SetUpFactorPage(set)},
		{name: "setup-passkey-only", page: templates.SetUpFactorPage(setOnly), wrong: true},
		{name: "setup-own", page: templates.SetUpFactorPage(setOwn)},
		{name: "setup-no-passkeys", page: templates.SetUpFactorPage(noPasskeys)},
		{name: "setup-app", page: templates.SetUpAppPage(app)},
		{name: "setup-app-wrong", page: templates.SetUpAppPage(appWrong), wrong: true},
		{name: "recovery-codes", page: templates.RecoveryCodesPage(codes)},
	}
}

func centres(lang string) []sample {
	p := frame(lang, "/centra", "Beheerder")
	t := p.T
	kinds := []ui.Checkbox{{Value: "tijdelijk", Text: t.T("centres.kind.temporary"), Hint: t.T("centres.kind.temporary_hint"), Checked: true}}
	form := templates.CentreForm{Page: p, Number: "2809", Name: "Voorbeeldziekenhuis", Kinds: kinds, RegistryRows: "200.000", RegistryBrake: "30", Action: "/centra/2809", TokensHref: "/tokens?centrum=2809"}
	fresh := templates.CentreForm{Page: p, New: true, Kinds: kinds, RegistryRows: "200.000", RegistryBrake: "30", Action: "/centra/nieuw"}
	wrong := fresh
	for _, f := range []string{"nummer", "naam", "soort", "limiet", "rem", "nummersysteem", "contact", "contact-email", "contact-telefoon"} {
		wrong.Errors = append(wrong.Errors, templates.FieldError{Field: f, Message: t.T("centres.error.name")})
	}
	options := []templates.Option{{Text: t.T("word.all_centres"), Selected: true}, {Value: "2809", Text: "2809"}}
	tokens := templates.Tokens{Page: p, Centres: options, Filtered: true, Rows: []templates.TokenRow{
		{Name: "nachtelijke aanlevering", Role: "Aanleveraar", Centre: "2809 Voorbeeldziekenhuis", Made: "1 augustus 2025 14:02", By: "beheer@voorbeeld.nl", Ends: "20 augustus 2025 14:02", Used: "19 augustus 2025 14:02", State: "active", Soon: true, Bound: true, Href: "/tokens/1"},
		{Name: "oud", Role: "Datamanager", Made: "1 augustus 2024 14:02", State: "expired", Href: "/tokens/2"},
		{Name: "weg", Role: "Datamanager", Made: "1 augustus 2024 14:02", State: "revoked", Href: "/tokens/3"},
	}}
	ask := templates.TokenForm{Page: p, Roles: []ui.Radio{{Value: "uploader", Text: t.T("role.uploader"), Hint: t.T("tokens.hint.uploader")}}, Centres: options, Lives: []templates.Option{{Value: "30", Text: t.N("tokens.days", 30)}}}
	ask.AskCertificate = true
	askWrong := ask
	token := templates.Token{Page: p, Row: tokens.Rows[0], Addresses: "192.0.2.0/24 2001:db8::/32", Certificate: strings.Repeat("0a", 32), RevokeAction: "/tokens/1/intrekken"}
	tokenWrong, revoked := token, templates.Token{Page: p, Row: tokens.Rows[2], Revoked: "2 augustus 2025 14:02"}
	tokenWrong.Errors = faultsAt(t, "reden")
	for _, f := range []string{"naam", "rol", "centrum", "geldig", "adressen", "vingerafdruk", "reden"} {
		askWrong.Errors = append(askWrong.Errors, templates.FieldError{Field: f, Message: t.T("tokens.error.role")})
	}
	processors := templates.Processors{
		Page: p, MayAdd: true,
		Mandates: []templates.MandateRow{
			{Href: "/mandaten/1", Processor: "EPD-leverancier met een lange naam B.V.", Centre: "2809 Voorbeeldziekenhuis", From: "1-8-2025", State: "active", By: "beheer@voorbeeld.nl"},
			{Href: "/mandaten/2", Processor: "Bureau", Centre: "2810", From: "1-8-2024", Until: "31-7-2025", State: "expired"},
			{Href: "/mandaten/3", Processor: "Bureau", Centre: "2810", From: "1-8-2027", State: "planned"},
		},
		Rows: []templates.ProcessorRow{{Name: "EPD-leverancier met een lange naam B.V.", Contact: "J. Jansen", Email: "servicedesk@een-lange-leverancier-zonder-einde.nl", Phone: "030-1234567"}, {Name: "Bureau"}},
	}
	grant := templates.MandateForm{Page: p, Processors: options, Centres: options, From: "2025-08-01"}
	grantWrong := templates.MandateForm{Page: p, Processors: options, Centre: "2809 Voorbeeldziekenhuis", Errors: faultsAt(t, "verwerker", "van", "tot", "reden")}
	mandate := templates.Mandate{Page: p, Row: processors.Mandates[0], Reason: "Verwerkersovereenkomst 2025-14", Granted: "1 augustus 2025 14:02", WithdrawAction: "/mandaten/1/intrekken"}
	mandateWrong, withdrawn := mandate, mandate
	mandateWrong.Errors = faultsAt(t, "reden")
	withdrawn.WithdrawAction, withdrawn.Row.State, withdrawn.Withdrawn = "", "withdrawn", "2 augustus 2025 14:02"
	withdrawn.WithdrawnBy, withdrawn.WithdrawnReason = "beheer@voorbeeld.nl", "Opgezegd"
	review := templates.AccessReview{
		Page: p, Due: t.T("review.never"), Overdue: true, Accounts: 12, Blocked: 1, Tokens: 3, CSVHref: "/gebruikers/controle.csv",
		Roles:  []templates.RoleCount{{Role: t.T("role.uploader"), Count: 3}},
		Unused: []templates.UserRow{{Href: "/gebruikers/1", Name: "Jan", Roles: "Invoerder", Centre: "2809"}},
	}
	signed := review
	signed.Overdue, signed.Unused = false, nil
	signed.Done = []templates.ReviewRow{{When: "1 augustus 2025 14:02", By: "beheer@voorbeeld.nl", What: t.T("review.what", "accounts", 12, "blocked", 1, "tokens", 3), Remark: "Een account geblokkeerd"}}
	signed.Errors = []templates.FieldError{{Field: "gezien", Message: t.T("review.error.seen")}, {Field: "opmerking", Message: t.T("users.error.reason_short")}}
	return []sample{
		{name: "centres", page: templates.CentresPage(templates.Centres{Page: p, Rows: []templates.CentreRow{
			{Href: "/centra/2809", Number: "2809", Name: "Voorbeeldziekenhuis", Kinds: "Tijdelijke pseudoniemen, Persoonsgegevens", Brake: "30%", MaxRows: "200.000", Contact: "F. Bakker"},
			{Href: "/centra/2810", Number: "2810", Name: "Tweede", Brake: "30%", MaxRows: "500"},
		}})},
		{name: "maintenance", page: templates.MaintenancePage(templates.Maintenance{Page: p, Subjects: []templates.Option{{Value: "ttp", Text: t.T("maintenance.of.ttp"), Selected: true}, {Value: "sluis", Text: "Sluis"}}, Rows: []templates.MaintenanceRow{
			{What: t.T("maintenance.of.ttp"), From: "20 augustus 2025 20:00", Until: "20 augustus 2025 23:00", Note: "verhuizing van het rekencentrum", By: "beheer@voorbeeld.nl", Going: true, CancelHref: "/onderhoud/1/intrekken"},
			{What: "Sluis", From: "21 augustus 2025 20:00", Until: "21 augustus 2025 20:15", By: "datamanager@voorbeeld.nl", CancelHref: "/onderhoud/2/intrekken"},
		}})},
		{name: "maintenance-none", page: templates.MaintenancePage(templates.Maintenance{Page: p})},
		{name: "maintenance-wrong", wrong: true, page: templates.MaintenancePage(templates.Maintenance{Page: p, From: "2025-08-20T20:00", Until: "2025-08-20T19:00", Errors: faultsAt(t, "van", "tot", "toelichting")})},
		{name: "centres-none", page: templates.CentresPage(templates.Centres{Page: p})},
		{name: "centre", page: templates.CentrePage(form)},
		{name: "centre-new", page: templates.CentrePage(fresh)},
		{name: "centre-wrong", page: templates.CentrePage(wrong), wrong: true},
		{name: "processors", page: templates.ProcessorsPage(processors)},
		{name: "processors-none", page: templates.ProcessorsPage(templates.Processors{Page: p})},
		{name: "processor-new", page: templates.ProcessorFormPage(templates.ProcessorForm{Page: p})},
		{name: "processor-wrong", wrong: true, page: templates.ProcessorFormPage(templates.ProcessorForm{Page: p, Errors: faultsAt(t, "naam", "contact", "contact-email", "contact-telefoon", "reden")})},
		{name: "mandate-new", page: templates.MandateFormPage(grant)},
		{name: "mandate-wrong", wrong: true, page: templates.MandateFormPage(grantWrong)},
		{name: "mandate", page: templates.MandatePage(mandate)},
		{name: "mandate-wrong-reason", wrong: true, page: templates.MandatePage(mandateWrong)},
		{name: "mandate-withdrawn", page: templates.MandatePage(withdrawn)},
		{name: "on-behalf", page: templates.OnBehalfPage(templates.OnBehalf{Page: p, Centres: []templates.Option{{Value: "/aanleveringen/nieuw?namens=2809", Text: "2809 Voorbeeldziekenhuis"}}})},
		{name: "tokens", page: templates.TokensPage(tokens)},
		{name: "tokens-none", page: templates.TokensPage(templates.Tokens{Page: p})},
		{name: "token", page: templates.TokenPage(token)},
		{name: "token-reason", wrong: true, page: templates.TokenPage(tokenWrong)},
		{name: "token-revoked", page: templates.TokenPage(revoked)},
		{name: "token-new", page: templates.TokenFormPage(ask)},
		{name: "token-wrong", page: templates.TokenFormPage(askWrong), wrong: true},
		{name: "token-made", page: templates.TokenMadePage(templates.TokenMade{Page: p, Name: "nacht", Token: "sluis_x", Ends: "20 augustus 2026 14:02", Back: "/tokens"})},
		{name: "review", page: templates.AccessReviewPage(review)},
		{name: "review-wrong", page: templates.AccessReviewPage(signed), wrong: true},
	}
}
