package page

import (
	"strings"

	"sluis/internal/account"
	"sluis/internal/patient"
	"sluis/web/templates"
	"sluis/web/text"
)

// navigation is the menu of an actor.
func navigation(t *text.Catalogue, a account.Actor, path string) []templates.NavItem {
	items := []templates.NavItem{{Text: t.T("nav.overview"), Href: home, Current: path == home}}
	for _, item := range []struct {
		permission account.Permission
		key, href  string
	}{
		{account.ViewPatients, "nav.patients", PatientsPath},
		{account.ViewDeliveries, "nav.deliveries", DeliveriesPath},
		{account.JudgeConflicts, "nav.conflicts", ConflictsPath},
		{account.ImportDatasets, "nav.datasets", "/datasets"},
		{account.RunConversion, "nav.existing", ConversionPath},
		{account.ViewProofs, "nav.proofs", ProofsPath},
		{account.ViewTTP, "nav.ttp", "/status/ttp"},
		{account.ViewLog, "nav.log", "/logboek"},
		{account.ViewLog, "nav.alarms", "/alarmen"},
		{account.ManageUsers, "nav.users", "/gebruikers"},
		{account.ManageCentres, "nav.centres", "/centra"},
		{account.GrantMandates, "nav.processors", "/verwerkers"},
		{account.ManageTokens, "nav.tokens", "/tokens"},
		{account.ManageProviders, "nav.providers", "/inlogdiensten"},
	} {
		if a.May(item.permission) {
			current := path == item.href || strings.HasPrefix(path, item.href+"/")
			if item.href == ConversionPath && strings.HasPrefix(path, ProofsPath) {
				current = false // those are an item of their own
			}
			items = append(items, templates.NavItem{Text: t.T(item.key), Href: item.href, Current: current})
		}
	}
	return items
}

// RoleWords is a list of roles in words.
func RoleWords(t *text.Catalogue, roles []account.Role) string {
	words := make([]string, len(roles))
	for i, role := range roles {
		words[i] = t.T("role." + string(role))
	}
	return strings.Join(words, ", ")
}

// CentreName is a centre by its number and name.
func CentreName(c account.Centre) string { return strings.TrimSpace(c.Number + " " + c.Name) }

// NumberWord is a patient number; one from the old table may have none yet.
func NumberWord(t *text.Catalogue, number string) string {
	if number == "" {
		return t.T("word.no_number")
	}
	return number
}

// SexWord is a sex in words; the catalogue has one for the unknown too.
func SexWord(t *text.Catalogue, sex patient.Sex) string {
	return t.T("sex." + string(sex))
}
