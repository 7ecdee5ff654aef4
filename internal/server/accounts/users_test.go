package accounts_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server/servertest"
)

const (
	newPassword = "paarse fiets op de dijk"
	why         = "op verzoek van het afdelingshoofd"
)

// idOf is the public id of an account of the site.
func idOf(t *testing.T, s *servertest.Site, name string) string {
	t.Helper()
	return servertest.Must(s.Store.UserByEmail(t.Context(), name+"@example.nl"))(t).PublicID
}

// linkIn returns the path of the one-time link on a page.
func linkIn(t *testing.T, page string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, "/uitnodiging/")
	if !ok {
		t.Fatalf("no link on the page\n%s", page)
	}
	token, _, _ := strings.Cut(rest, `"`)
	return "/uitnodiging/" + token
}

// event returns the newest event, which must have this type and code.
func event(t *testing.T, s *servertest.Site, kind audit.Type, code string) audit.Event {
	t.Helper()
	for _, ev := range s.Events() {
		if ev.Type == kind && ev.Code == code {
			return ev
		}
	}
	t.Errorf("no event %s %q", kind, code)
	return audit.Event{}
}

func invitation(email string, more ...string) url.Values {
	form := url.Values{"email": {email}, "naam": {"Fleur Bakker"}, "rol": {"uploader"}, "centrum": {"2809"}, "reden": {why}}
	for i := 0; i+1 < len(more); i += 2 {
		form[more[i]] = strings.Split(more[i+1], ",")
	}
	return form
}

// TestInvitation goes from the invitation to the first sign-in.
func TestInvitation(t *testing.T) {
	s := servertest.New(t)
	admin := s.SignedIn("admin")
	made := admin.Post("/gebruikers/nieuw", invitation(" Fleur@Example.nl "))
	if made.Status != http.StatusOK {
		t.Fatalf("%d\n%s", made.Status, made.Body)
	}
	link := linkIn(t, made.Body)
	if ev := event(t, s, audit.AccountChanged, "invited"); ev.Name != "admin@example.nl" || ev.ObjectID != idOf(t, s, "fleur") {
		t.Errorf("%+v", ev)
	}
	if again := admin.Get("/gebruikers/" + idOf(t, s, "fleur")); strings.Contains(again.Body, link) ||
		!strings.Contains(again.Body, "Uitgenodigd") ||
		!strings.Contains(again.Body, why) {
		t.Error("the account's page shows the link, or not the state and the reason")
	}

	guest := s.Browser()
	if a := guest.SignIn("fleur@example.nl", ""); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("signing in with an empty password: %d", a.Status)
	}
	if a := guest.Get(link); a.Status != http.StatusOK || !strings.Contains(a.Body, "fleur@example.nl") {
		t.Errorf("the link: %d\n%s", a.Status, a.Body)
	}
	if a := guest.Post(link, url.Values{"wachtwoord": {"kort"}}); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("a short password: %d", a.Status)
	}
	done := guest.Post(link, url.Values{"wachtwoord": {newPassword}})
	if page := guest.Follow(done); !strings.Contains(page.Body, "Uw wachtwoord is ingesteld") {
		t.Errorf("after the password: %s", page.Body)
	}
	if ev := event(t, s, audit.AccountChanged, "link_used"); ev.Name != "fleur@example.nl" || ev.UserID == 0 || ev.Address == "" {
		t.Errorf("%+v", ev)
	}
	for _, a := range []servertest.Answer{guest.Get(link), guest.Post(link, url.Values{"wachtwoord": {newPassword}})} {
		if a.Status != http.StatusNotFound || !strings.Contains(a.Body, "Deze link werkt niet meer") {
			t.Errorf("the link used again: %d", a.Status)
		}
	}
	if a := guest.SignIn("fleur@example.nl", newPassword); a.Status != http.StatusSeeOther {
		t.Errorf("sign in: %d", a.Status)
	}
	if page := admin.Get("/gebruikers?zoek=FLEUR&rol=uploader&staat=active&centrum=2809"); !strings.Contains(page.Body, "1 gebruiker<") ||
		strings.Contains(page.Body, "Nooit") {
		t.Errorf("the list does not find her, or not her sign-in\n%s", page.Body)
	}
}

// TestInvitationFaults is each fault of the form, with nothing stored.
func TestInvitationFaults(t *testing.T) {
	s := servertest.New(t)
	admin := s.SignedIn("admin")
	for _, tc := range []struct {
		form   url.Values
		status int
		says   string
	}{
		{invitation("geen adres"), 422, "Vul een e-mailadres in"},
		{invitation("a@b.example", "naam", ""), 422, "Vul de naam van de persoon in"},
		{invitation("a@b.example", "reden", "zo"), 422, "Vul een reden in"},
		{invitation("a@b.example", "rol", ""), 422, "Kies ten minste één rol"},
		{invitation("a@b.example", "rol", "chef"), 403, "Deze rol kunt u niet geven"},
		{invitation("a@b.example", "rol", "uploader,admin"), 422, "twee accounts nodig"},
		{invitation("a@b.example", "rol", "admin,auditor", "centrum", ""), 422, "Toezicht gaat niet samen"},
		{invitation("a@b.example", "rol", "datamanager,auditor", "centrum", ""), 422, "Toezicht gaat niet samen"},
		{invitation("a@b.example", "centrum", ""), 422, "Kies het centrum"},
		{invitation("a@b.example", "centrum", "9999"), 422, "Kies het centrum"},
		{invitation("a@b.example", "rol", "admin"), 422, "Kies Geen centrum"},
		{invitation("UPLOADER@example.nl"), 409, "Er is al een account"},
	} {
		a := admin.Post("/gebruikers/nieuw", tc.form)
		if a.Status != tc.status || !strings.Contains(a.Body, tc.says) {
			t.Errorf("%v: %d, want %d and %q", tc.form, a.Status, tc.status, tc.says)
		}
	}
	if page := admin.Get("/gebruikers?zoek=b.example"); !strings.Contains(page.Body, "Geen gebruiker gevonden") {
		t.Error("a refused invitation left an account")
	}
}

// TestLinksEnd: a link lasts seven days, a newer one replaces it, and a block ends it.
func TestLinksEnd(t *testing.T) {
	s := servertest.New(t)
	admin := s.SignedIn("admin")
	path := "/gebruikers/" + idOf(t, s, "uploader")
	ask := func() string {
		t.Helper()
		return linkIn(t, admin.Post(path+"/link", url.Values{"reden-link": {why}}).Body)
	}
	opens := func(link string) bool { return s.Browser().Get(link).Status == http.StatusOK }
	first := ask()
	second := ask()
	if opens(first) || !opens(second) {
		t.Error("a newer link does not replace the one before")
	}
	if a := admin.Post(path+"/blokkeren", url.Values{"reden-blokkeren": {why}}); a.Status != http.StatusSeeOther {
		t.Fatalf("block: %d", a.Status)
	}
	if opens(second) {
		t.Error("the link of a blocked account opens")
	}
	if a := admin.Post(path+"/link", url.Values{"reden-link": {why}}); a.Status != http.StatusSeeOther ||
		!strings.Contains(admin.Follow(a).Body, "Hef eerst de blokkering op") {
		t.Errorf("a link for a blocked account: %d", a.Status)
	}
	admin.Post(path+"/deblokkeren", url.Values{"reden-deblokkeren": {why}})
	if opens(second) {
		t.Error("the link came back with the account")
	}
	third := ask()
	s.Clock.Advance(account.LinkLife - time.Minute)
	if !opens(third) {
		t.Error("the link ended early")
	}
	s.Clock.Advance(2 * time.Minute)
	if opens(third) {
		t.Error("the link does not end")
	}
}

// TestLinkIsUsedOnce: of four who use a link at once, one sets the password.
func TestLinkIsUsedOnce(t *testing.T) {
	s := servertest.New(t)
	link := "/uitnodiging/" + s.Invited("race@example.nl")
	var wait sync.WaitGroup
	codes := make(chan int, 4)
	for range cap(codes) {
		b := s.Browser()
		wait.Go(func() { codes <- b.Post(link, url.Values{"wachtwoord": {newPassword}}).Status })
	}
	wait.Wait()
	close(codes)
	used := 0
	for c := range codes {
		if c == http.StatusSeeOther {
			used++
		} else if c != http.StatusNotFound {
			t.Errorf("status %d", c)
		}
	}
	if used != 1 {
		t.Errorf("the link was used %d times", used)
	}
}

// TestChangesEndSessions: a change of role, a block and a new password sign the user out
// everywhere at once.
func TestChangesEndSessions(t *testing.T) {
	s := servertest.New(t)
	admin := s.SignedIn("admin")
	path := "/gebruikers/" + idOf(t, s, "uploader")
	for _, tc := range []struct {
		code string
		act  func() servertest.Answer
	}{
		{"roles", func() servertest.Answer {
			return admin.Post(path+"/rollen", url.Values{"rol": {"uploader", "clinician"}, "centrum": {"2809"}, "reden-rollen": {why}})
		}},
		{"disabled", func() servertest.Answer {
			return admin.Post(path+"/blokkeren", url.Values{"reden-blokkeren": {why}})
		}},
	} {
		user := s.SignedIn("uploader")
		if a := tc.act(); a.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d\n%s", tc.code, a.Status, a.Body)
		}
		if a := user.Get("/aanleveringen"); a.Status != http.StatusSeeOther {
			t.Errorf("after %s the old session still works: %d", tc.code, a.Status)
		}
		if ev := event(t, s, audit.AccountChanged, tc.code); ev.ObjectID != idOf(t, s, "uploader") {
			t.Errorf("%s: %+v", tc.code, ev)
		}
	}
	page := admin.Get(path)
	servertest.Contains(t, "the history", page.Body, why, "rollen gewijzigd", "Was: Aanleveraar 2809. Nu: Aanleveraar, Invoerder 2809.",
		"geblokkeerd")
	if a := s.Browser().SignIn("uploader@example.nl", servertest.Password); a.Status != http.StatusUnauthorized {
		t.Errorf("a blocked user signs in: %d", a.Status)
	}
	twice := admin.Post(path+"/blokkeren", url.Values{"reden-blokkeren": {why}})
	if page := admin.Follow(twice); !strings.Contains(page.Body, "Iemand anders was u voor") {
		t.Errorf("blocked twice: %s", page.Body)
	}
}

// TestNobodyChangesThemselves: not their roles, not their block, not their link.
func TestNobodyChangesThemselves(t *testing.T) {
	s := servertest.New(t)
	for _, name := range []string{"admin", "centreadmin"} {
		b := s.SignedIn(name)
		path := "/gebruikers/" + idOf(t, s, name)
		for act, form := range map[string]url.Values{
			"/rollen":    {"rol": {"uploader"}, "centrum": {"2809"}, "reden-rollen": {why}},
			"/blokkeren": {"reden-blokkeren": {why}},
			"/link":      {"reden-link": {why}},
		} {
			if a := b.Post(path+act, form); a.Status != http.StatusForbidden || !strings.Contains(a.Body, "eigen account") {
				t.Errorf("%s %s: %d", name, act, a.Status)
			}
			if ev := event(t, s, audit.AccessDenied, "own_account"); ev.Name != name+"@example.nl" {
				t.Errorf("%+v", ev)
			}
		}
		if page := b.Get(path); strings.Contains(page.Body, path+"/") || !strings.Contains(page.Body, "eigen account") {
			t.Errorf("%s is offered forms for the own account", name)
		}
	}
}

// TestLastAdministratorStays: two administrators who block each other at once leave one,
// and so do two who take each other's role.
func TestLastAdministratorStays(t *testing.T) {
	for act, form := range map[string]url.Values{
		"/blokkeren": {"reden-blokkeren": {why}},
		"/rollen":    {"rol": {"datamanager"}, "reden-rollen": {why}},
	} {
		t.Run(act, func(t *testing.T) {
			s := servertest.New(t)
			second := "/uitnodiging/" + linkToken(t, s.SignedIn("admin").Post("/gebruikers/nieuw",
				invitation("tweede@example.nl", "rol", "admin", "centrum", "")))
			s.Browser().Post(second, url.Values{"wachtwoord": {newPassword}})
			a, b := s.SignedIn("admin"), s.Browser()
			b.SignIn("tweede@example.nl", newPassword)
			pathA, pathB := "/gebruikers/"+idOf(t, s, "admin"), "/gebruikers/"+idOf(t, s, "tweede")
			var wait sync.WaitGroup
			wait.Go(func() { a.Post(pathB+act, form) })
			wait.Go(func() { b.Post(pathA+act, form) })
			wait.Wait()
			left := servertest.Must(s.Store.Administrators(t.Context()))(t)
			if len(left) != 1 {
				t.Fatalf("%d administrators are left", len(left))
			}
		})
	}
}

func linkToken(t *testing.T, a servertest.Answer) string {
	t.Helper()
	return strings.TrimPrefix(linkIn(t, a.Body), "/uitnodiging/")
}

// TestLocalAdministrator manages clinicians and uploaders of the own centre, and sees
// nothing else.
func TestLocalAdministrator(t *testing.T) {
	s := servertest.New(t)
	b := s.SignedIn("centreadmin")
	list := b.Get("/gebruikers").Body
	servertest.Contains(t, "the list", list, "uploader@example.nl", "clinician@example.nl", "centreadmin@example.nl")
	for _, hidden := range []string{"other@example.nl", ">admin@example.nl<", "auditor@example.nl", "datamanager@example.nl", `name="centrum"`} {
		if strings.Contains(list, hidden) {
			t.Errorf("the list shows %s", hidden)
		}
	}
	if page := b.Get("/gebruikers?centrum=2810"); strings.Contains(page.Body, "other@example.nl") {
		t.Error("a filter shows another centre")
	}
	made := b.Post("/gebruikers/nieuw", invitation("nieuw@example.nl", "centrum", "2810"))
	link := linkIn(t, made.Body)
	if u := servertest.Must(s.Store.UserByEmail(t.Context(), "nieuw@example.nl"))(t); u.Centre == nil || u.Centre.Number != "2809" {
		t.Errorf("invited into %+v: the centre comes from the session", u.Centre)
	}
	if s.Browser().Get(link).Status != http.StatusOK {
		t.Error("the invitation does not open")
	}
	for _, role := range []string{"centreadmin", "admin", "auditor", "datamanager"} {
		if a := b.Post("/gebruikers/nieuw", invitation("x@example.nl", "rol", role)); a.Status != http.StatusForbidden {
			t.Errorf("invites a %s: %d", role, a.Status)
		}
		if a := b.Post("/gebruikers/"+idOf(t, s, "uploader")+"/rollen",
			url.Values{"rol": {role}, "reden-rollen": {why}}); a.Status != http.StatusForbidden {
			t.Errorf("makes somebody %s: %d", role, a.Status)
		}
	}
	event(t, s, audit.AccessDenied, "role_above")
	if a := b.Post("/gebruikers/"+idOf(t, s, "uploader")+"/blokkeren",
		url.Values{"reden-blokkeren": {why}}); a.Status != http.StatusSeeOther {
		t.Errorf("block of an uploader: %d", a.Status)
	}
	// Another local administrator of the centre is seen, not changed.
	admin := s.SignedIn("admin")
	admin.Post("/gebruikers/nieuw", invitation("collega@example.nl", "rol", "centreadmin"))
	peer := "/gebruikers/" + idOf(t, s, "collega")
	if a := b.Post(peer+"/blokkeren", url.Values{"reden-blokkeren": {why}}); a.Status != http.StatusForbidden {
		t.Errorf("block of a peer: %d", a.Status)
	}
	if page := b.Get(peer); page.Status != http.StatusOK || strings.Contains(page.Body, peer+"/") {
		t.Errorf("the page of a peer: %d", page.Status)
	}
	for _, act := range []string{"", "/rollen", "/blokkeren", "/deblokkeren", "/link"} {
		for _, name := range []string{"other", "admin", "auditor"} {
			path := "/gebruikers/" + idOf(t, s, name) + act
			got := b.Get(path)
			if act != "" {
				got = b.Post(path, url.Values{"rol": {"admin"}, "reden" + strings.Replace(act, "/", "-", 1): {why}})
			}
			if got.Status != http.StatusNotFound {
				t.Errorf("%s of %s: %d", act, name, got.Status)
			}
		}
	}
}

// TestUserPages: the list has pages, and the filter goes along.
func TestUserPages(t *testing.T) {
	s := servertest.New(t)
	centre := s.Centres["2810"]
	for i := range 60 {
		servertest.Must(s.Store.AddUser(t.Context(), audit.Who{Name: "test"}, account.User{
			Email: "rij" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + "@example.nl", PasswordHash: "x",
			Roles: []account.Role{account.Uploader, account.Clinician}, Centre: &centre,
		}))(t)
	}
	b := s.SignedIn("admin")
	first := b.Get("/gebruikers?zoek=rij&rol=clinician").Body
	_, rest, ok := strings.Cut(first, `href="/gebruikers?na=`)
	next, _, _ := strings.Cut(rest, `"`)
	second := b.Get("/gebruikers?na=" + strings.ReplaceAll(next, "&amp;", "&")).Body
	if !ok || strings.Count(first, "<tr ")-1 != 50 || strings.Count(second, "<tr ")-1 != 10 || !strings.Contains(second, "60 gebruikers") {
		t.Errorf("%d and %d rows", strings.Count(first, "<tr ")-1, strings.Count(second, "<tr ")-1)
	}
	if odd := b.Get("/gebruikers?zoek=%25"); !strings.Contains(odd.Body, "Geen gebruiker gevonden") {
		t.Error("a percent sign finds everybody")
	}
	for _, query := range []string{"rol=x", "staat=y"} {
		if odd := b.Get("/gebruikers?zoek=%25&" + query); odd.Status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, odd.Status)
		}
	}
}
