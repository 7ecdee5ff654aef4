package templates_test

import (
	"sluis/web/templates"
	"sluis/web/templates/ui"
)

// providerSignOut is where a session at a provider ends.
const providerSignOut = "https://sso.example.nl/uit"

func providers(lang string) []sample {
	p := frame(lang, "/inlogdiensten", "Beheerder")
	t := p.T
	roles := []templates.Option{{Text: t.T("provider.no_role")}, {Value: "clinician", Text: t.T("role.clinician"), Selected: true}}
	form := templates.ProviderForm{
		Page: p, Name: "Voorbeeldziekenhuis", Issuer: "https://een-lang-ziekenhuis-zonder-einde.nl/realms/ziekenhuis",
		ClientID: "sluis", SecretFile: "ziekenhuis-2809", Domains: "voorbeeld.nl", Methods: "mfa", Owner: "2809 Voorbeeldziekenhuis",
		Making: "direct", Makings: []ui.Radio{
			{Value: "uitnodiging", Text: t.T("provider.making.invite"), Hint: t.T("provider.making.invite_hint")},
			{Value: "direct", Text: t.T("provider.making.direct"), Hint: t.T("provider.making.direct_hint")}},
		States: []ui.Checkbox{{Value: "ja", Text: t.T("provider.enabled"), Hint: t.T("provider.enabled_hint"), Checked: true}},
		Lines: []templates.RoleLine{{Number: "1", Claim: "groups", Value: "sluis-invoer", Role: "clinician", Roles: roles},
			{Number: "2", Roles: roles}},
		Action: "/inlogdiensten/1", CheckAction: "/inlogdiensten/1/controleren",
		RedirectURL: "https://sluis.example.nl/inloggen/via/01920000-0000-7000-8000-000000000000/terug",
		LogoutURL:   "https://sluis.example.nl/inloggen/via/01920000-0000-7000-8000-000000000000/afmelden",
		AfterURL:    "https://sluis.example.nl/inloggen",
	}
	fresh, right, bad, faulty := form, form, form, form
	fresh.New, fresh.NoFolder, fresh.Owner, fresh.CheckAction = true, true, "", ""
	fresh.Centres = []templates.Option{{Text: t.T("providers.registry"), Selected: true}, {Value: "2809", Text: "2809"}}
	right.Found = &templates.ProviderFound{Algorithms: "RS256, ES256", Keys: "2", ResponseIssuer: t.T("word.yes"), SignOut: t.T("word.yes"),
		BackChannel: t.T("word.no")}
	bad.Wrong, bad.Published = t.T("provider.wrong.issuer_other"), "https://SSO.example.nl/"
	faulty.Errors = []templates.FieldError{{Field: "naam", Message: t.T("provider.error.name")},
		{Field: "claim-1", Message: t.T("provider.error.line")}, {Field: "rol-1", Message: t.T("provider.error.role")},
		{Field: "reden", Message: t.T("users.error.reason_short")}}
	return []sample{
		{name: "providers-none", page: templates.ProvidersPage(templates.Providers{Page: p})},
		{name: "providers", page: templates.ProvidersPage(templates.Providers{Page: p, Rows: []templates.ProviderRow{
			{Href: "/inlogdiensten/1", Name: "Voorbeeldziekenhuis", Issuer: form.Issuer, Owner: form.Owner, Roles: "Invoerder", State: "on"},
			{Href: "/inlogdiensten/2", Name: "Registratie", Issuer: "https://sso.example.nl", Owner: t.T("providers.registry"), State: "off"}}})},
		{name: "provider-new", page: templates.ProviderPage(fresh)},
		{name: "provider", page: templates.ProviderPage(form)},
		{name: "provider-right", page: templates.ProviderPage(right)},
		{name: "provider-bad", page: templates.ProviderPage(bad)},
		{name: "provider-wrong", page: templates.ProviderPage(faulty), wrong: true},
	}
}
