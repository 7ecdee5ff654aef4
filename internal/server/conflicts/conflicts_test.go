package conflicts_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/server/servertest"
)

// conflicted delivers patient 1, and then rows that collide with it: one with
// another person, and the person under number 2.
func conflicted(t *testing.T, s *servertest.Site) (uploader, manager *servertest.Browser, delivery string) {
	t.Helper()
	uploader = s.SignedIn("uploader")
	uploader.Upload("save", "eerst.csv", servertest.EntryHeader+"2809;1-4-1970;v;1;Jansen;;A\n")
	sent := uploader.Upload("save", "dan.csv",
		servertest.EntryHeader+"2809;31-12-1980;m;1;Bakker;;B\n2809;1-4-1970;v;2;Jansen;;A\n2809;2-2-1972;v;3;Smit;;C\n")
	return uploader, s.SignedIn("datamanager"), sent.Location()
}

// queue returns the paths of the conflicts on a page of the queue.
func queue(page string) []string {
	var out []string
	for _, part := range strings.Split(page, `href="/beoordelen/`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		out = append(out, "/beoordelen/"+strings.ReplaceAll(id, "&amp;", "&"))
	}
	return out
}

func seen(page string) string {
	_, rest, _ := strings.Cut(page, `name="gezien" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func decide(page, decision, why string) url.Values {
	return url.Values{"gezien": {seen(page)}, "besluit": {decision}, "reden": {why}}
}

// lacks returns the words that a page does not have.
func lacks(page string, words ...string) []string {
	var out []string
	for _, w := range words {
		if !strings.Contains(page, w) {
			out = append(out, w)
		}
	}
	return out
}

// TestJudging goes through the queue to its end, and looks at what the centre
// sees then.
func TestJudging(t *testing.T) {
	s := servertest.New(t)
	uploader, dm, delivery := conflicted(t, s)
	var list, first, second string // the queue's page, and the addresses of its two conflicts
	t.Run("ways to the queue", func(t *testing.T) {
		if missing := lacks(dm.Get("/").Body, "2 records wachten op uw beoordeling", `href="/beoordelen"`); missing != nil {
			t.Errorf("the overview lacks %q", missing)
		}
		own := dm.Get(delivery).Body
		if missing := lacks(own, `href="/beoordelen?aanlevering=`+strings.TrimPrefix(delivery, "/aanleveringen/")); missing != nil {
			t.Errorf("the delivery lacks %q", missing)
		}
		if strings.Contains(uploader.Get(delivery).Body, "/beoordelen") {
			t.Error("an uploader is led to the judging")
		}
	})
	t.Run("the queue and its filters", func(t *testing.T) {
		list = dm.Get("/beoordelen").Body
		if missing := lacks(list, "2 records wachten", "dan.csv, regel 2", "2809 Ziekenhuis 2809",
			"bekend bij een andere persoon"); missing != nil || len(queue(list)) != 2 {
			t.Fatalf("the queue lacks %q\n%s", missing, list)
		}
		first, second = queue(list)[0], strings.Split(queue(list)[1], "?")[0]
		if filtered := queue(dm.Get("/beoordelen?reden=CONFLICT_PSEUDONYM").Body); len(filtered) != 1 ||
			!strings.HasPrefix(filtered[0], second) {
			t.Errorf("filtered: %q", filtered)
		}
		if none := dm.Get("/beoordelen?centrum=2810").Body; len(queue(none)) != 0 ||
			lacks(none, "Niets te beoordelen met deze filters", "Filters wissen") != nil {
			t.Errorf("of another centre: %s", none)
		}
	})
	t.Run("one conflict", func(t *testing.T) {
		page := dm.Get(first).Body
		if missing := lacks(page, "31-12-1980", "1-4-1970", "verschilt", "Koppelpseudoniem", "Bestaande houden", "Aangeleverde gebruiken",
			"Terug naar centrum",
			"Beide bewaren kan niet: een patiëntnummer hoort bij één patiënt", "Noem hier geen namen"); missing != nil {
			t.Errorf("the conflict lacks %q\n%s", missing, page)
		}
		if strings.Contains(page, `value="keep_both"`) {
			t.Error("both can be kept of one number")
		}
	})
	t.Run("faulty judgements", func(t *testing.T) {
		page := dm.Get(first).Body
		for name, c := range map[string]struct {
			form url.Values
			want []string
		}{
			"nothing": {url.Values{"gezien": {seen(page)}},
				[]string{`href="#besluit"`, `href="#reden"`, "Kies wat er", "ten minste 3 tekens", "<title>Fout:"}},
			"no choice": {decide(page, "", "Nagevraagd bij het centrum."), []string{`href="#besluit"`, "Nagevraagd bij het centrum."}},
			"withheld":  {decide(page, "keep_both", "Tweeling."), []string{`href="#besluit"`, "Tweeling."}},
			"too long":  {decide(page, "return", strings.Repeat("é", 501)), []string{"hoogstens 500 tekens", `value="return" checked`}},
		} {
			if got := dm.Post(first, c.form); got.Status != http.StatusUnprocessableEntity || lacks(got.Body, c.want...) != nil {
				t.Errorf("%s: %d lacks %q", name, got.Status, lacks(got.Body, c.want...))
			}
		}
	})
	t.Run("one judgement after the other", func(t *testing.T) {
		next := dm.Post(first, decide(dm.Get(first).Body, "keep_existing", "Centrum bevestigt: verkeerd nummer."))
		if !strings.HasPrefix(next.Location(), second) {
			t.Fatalf("goes on to %q, of %q", next.Location(), queue(list))
		}
		page := dm.Follow(next).Body
		if missing := lacks(page, "Opgeslagen. Nog 1 te beoordelen.", "bekend onder een ander patiëntnummer",
			`value="keep_both"`); missing != nil {
			t.Errorf("the next one lacks %q", missing)
		}
		last := dm.Post(next.Location(), decide(page, "keep_both", "Een tweeling."))
		if end := dm.Follow(last).Body; last.Location() != "/beoordelen" ||
			lacks(end, "Opgeslagen. Er is niets meer te beoordelen.", "Niets te beoordelen.") != nil {
			t.Errorf("at the end: %q\n%s", last.Location(), end)
		}
	})
	t.Run("what the centre sees", func(t *testing.T) {
		report := uploader.Get(delivery + "/fouten.csv").Body
		if missing := lacks(report, "JUDGED_KEPT", "de bestaande gegevens zijn gehouden"); missing != nil ||
			strings.Contains(report, "verkeerd nummer") || strings.Contains(report, "CONFLICT_") {
			t.Errorf("the centre's report lacks %q\n%s", missing, report)
		}
		if missing := lacks(uploader.Get(delivery).Body, "2 van 3 records opgeslagen, 1 afgewezen"); missing != nil {
			t.Errorf("the delivery lacks %q", missing)
		}
		if missing := lacks(uploader.Get("/patienten").Body, ">1<", ">2<", ">3<"); missing != nil {
			t.Errorf("patients that are not there: %q", missing)
		}
	})
	t.Run("the access log", func(t *testing.T) {
		judged := 0
		for _, e := range s.Events() {
			if e.Type == audit.ConflictJudged && e.SubjectCount == 1 && e.UserID != 0 {
				judged++
			}
		}
		if judged != 2 {
			t.Errorf("%d judgements in the access log, want 2", judged)
		}
	})
}

// TestJudgedMeanwhile: a patient that changes while somebody looks, and two data
// managers at one conflict.
func TestJudgedMeanwhile(t *testing.T) {
	s := servertest.New(t)
	_, dm, _ := conflicted(t, s)
	path := queue(dm.Get("/beoordelen").Body)[0]
	page := dm.Get(path).Body
	// The other conflict is settled under this one: number 2 and its person go over 1.
	other := queue(dm.Get("/beoordelen").Body)[1]
	dm.Post(other, decide(dm.Get(other).Body, "use_delivered", "Nieuw nummer."))
	got := dm.Post(path, decide(page, "keep_existing", "Het was goed zo."))
	if got.Status != http.StatusConflict || lacks(got.Body, "gewijzigd terwijl u keek", "Het was goed zo.", "er is nog niets geregistreerd",
		`value="use_delivered"`) != nil || strings.Contains(got.Body, " checked") {
		t.Errorf("changed meanwhile: %d\n%s", got.Status, got.Body)
	}
	if seen(got.Body) == seen(page) {
		t.Error("the page shows what it showed before")
	}
	if done := dm.Post(path, decide(got.Body, "return", "Graag nakijken.")); done.Status != http.StatusSeeOther {
		t.Fatalf("judged: %d\n%s", done.Status, done.Body)
	}
	late := dm.Post(path, decide(got.Body, "use_delivered", "Te laat."))
	if late.Status != http.StatusConflict ||
		lacks(late.Body, "Iemand anders was u voor", "Terug naar centrum", "Graag nakijken.", "datamanager@example.nl") != nil ||
		strings.Contains(late.Body, "<form method=\"post\" action=\"/beoordelen") {
		t.Errorf("too late: %d\n%s", late.Status, late.Body)
	}
	if closed := dm.Get(path); closed.Status != http.StatusOK || lacks(closed.Body, "Graag nakijken.", "Naar de lijst te beoordelen") != nil {
		t.Errorf("closed: %d\n%s", closed.Status, closed.Body)
	}
}

// TestJudgingIsForDataManagers: nobody else, and no id that is not there.
func TestJudgingIsForDataManagers(t *testing.T) {
	s := servertest.New(t)
	_, dm, _ := conflicted(t, s)
	path := queue(dm.Get("/beoordelen").Body)[0]
	form := decide(dm.Get(path).Body, "return", "Graag nakijken.")
	for name, a := range servertest.Accounts {
		if a.Role == account.DataManager {
			continue
		}
		b := s.SignedIn(name)
		for _, got := range []servertest.Answer{b.Get("/beoordelen"), b.Get(path), b.Post(path, form)} {
			if got.Status != http.StatusForbidden {
				t.Errorf("%s: %d", name, got.Status)
			}
		}
	}
	for _, id := range []string{"01920000-0000-7000-8000-000000000000", "x", strings.TrimPrefix(path, "/beoordelen/") + "0"} {
		for _, got := range []servertest.Answer{dm.Get("/beoordelen/" + id), dm.Post("/beoordelen/"+id, form)} {
			if got.Status != http.StatusNotFound {
				t.Errorf("%s: %d", id, got.Status)
			}
		}
	}
	if n := len(queue(dm.Get("/beoordelen").Body)); n != 2 {
		t.Errorf("%d wait, want 2", n)
	}
}
