package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/server/api"
	"sluis/internal/server/servertest"
)

// three delivers a file that is stored, one that is refused and one that is only checked.
// It returns their ids, the oldest first.
func three(t *testing.T, s *servertest.Site, d *described) []string {
	t.Helper()
	var ids []string
	for _, c := range []struct{ query, content string }{
		{"", servertest.Pilot(t)}, {"", "BSN;Patiëntnummer\n1;2\n"}, {"&check=true", servertest.Pilot(t)},
	} {
		sent := s.Call("uploader", "POST", "/api/v1/deliveries?filename=a.csv"+c.query, "text/csv", c.content)
		ids = append(ids, finished(t, s, d, "uploader", value[api.Accepted](t, sent).ID).ID)
	}
	return ids
}

// page asks for a page of deliveries, and returns their ids and the cursor of the next.
func page(t *testing.T, s *servertest.Site, d *described, query string) (ids []string, next string) {
	t.Helper()
	a := s.Call("uploader", "GET", "/api/v1/deliveries?"+query, "", "")
	d.fits("Deliveries", a)
	got := value[api.Deliveries](t, a)
	for _, v := range got.Deliveries {
		ids = append(ids, v.ID)
	}
	if got.Next != nil {
		next = *got.Next
	}
	return ids, next
}

func TestDeliveriesByStatusAndSince(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	ids := three(t, s, d)
	stored, refused, checked := ids[0], ids[1], ids[2]
	second := value[api.Delivery](t, s.Call("uploader", "GET", "/api/v1/deliveries/"+refused, "", "")).CreatedAt
	amsterdam := servertest.Must(time.LoadLocation("Europe/Amsterdam"))(t)
	today := time.Now().In(amsterdam)
	for query, want := range map[string][]string{
		"status=done":                                                             {stored},
		"status=refused,done":                                                     {refused, stored},
		"status=done&status=checked":                                              {checked, stored},
		"status=done,refused&status=checked":                                      {checked, refused, stored},
		"status=done,done,%20checked":                                             {checked, stored},
		"status=queued,processing,paused":                                         nil,
		"status=failed&status=cancelled":                                          nil,
		"status=done&centre=2809":                                                 {stored},
		"status=done&centre=2810":                                                 nil,
		"since=" + today.Format(time.DateOnly):                                    {checked, refused, stored},
		"since=" + today.AddDate(0, 0, 1).Format(time.DateOnly):                   nil,
		"since=2020-01-01T00:00:00Z&status=refused":                               {refused},
		"since=" + second.Format(time.RFC3339Nano):                                {checked, refused},
		"since=" + second.In(amsterdam).Format("2006-01-02T15:04:05.999-07:00"):   {checked, refused}, // the plus sign as it is typed
		"since=" + url.QueryEscape(second.In(amsterdam).Format(time.RFC3339Nano)): {checked, refused},
	} {
		if got, next := page(t, s, d, query); !slices.Equal(got, want) || next != "" {
			t.Errorf("%s: %q, want %q (next %q)", query, got, want, next)
		}
	}
}

func TestBadFiltersAreToldTheRight(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	for query, want := range map[string]string{
		"status=klaar": "done", "status=": "done", "status=done,": "done", "status=Done": "done", "status=" + servertest.Canary: "done",
		"since=": "2026-11-29T08:30:00+01:00", "since=yesterday": "een datum", "since=29-11-2026": "een datum",
		"since=2026-11-31": "een datum", "since=2026-11-29T08:30:00": "met tijdzone", "since=20261129": "een datum",
		"since=2026-11-29&since=2026-11-30": "één keer", "since=" + servertest.Canary: "een datum", "since=0000-01-01": "een datum",
		"since=9999-12-31T23:59:59-14:00": "een datum",
	} {
		a := s.Call("uploader", "GET", "/api/v1/deliveries?"+query, "", "")
		d.problem(query, a, 400, "invalid_parameter")
		name, _, _ := strings.Cut(query, "=")
		got := value[api.Problem](t, a)
		if got.Parameter != name || !strings.Contains(got.Detail, want) || (name == "status") != slices.Contains(got.Allowed, "done") {
			t.Errorf("%s: %s", query, a.Body)
		}
		if strings.Contains(a.Body+s.Log.String(), servertest.Canary) {
			t.Errorf("%s is repeated", query)
		}
	}
	d.problem("one letter", s.Call("uploader", "GET", "/api/v1/deliveries?stauts=done", "", ""), 400, "unknown_parameter")
}

// TestCursorsBelongToTheirList: a cursor goes on in the list that it came from. Anything
// else is 400, and says so.
func TestCursorsBelongToTheirList(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	ids := three(t, s, d)
	const filter = "limit=1&status=checked,refused,done&since=2020-01-01"
	first, next := page(t, s, d, filter)
	second, last := page(t, s, d, "after="+next+"&status=done,checked&status=refused&since=2020-01-01T00:00:00%2B01:00&limit=2")
	if got := slices.Concat(first, second); !slices.Equal(got, []string{ids[2], ids[1], ids[0]}) || last != "" {
		t.Fatalf("pages: %q, next %q", got, last)
	}
	whole, plain := page(t, s, d, "limit=1")
	if len(whole) != 1 || plain != ids[2] {
		t.Errorf("%q: the cursor of a whole list is %q", whole, plain)
	}
	patients := s.Call("datamanager", "GET", "/api/v1/patients?limit=1&centre=2809", "", "")
	ofCentre := *value[api.Patients](t, patients).Next
	if a := s.Call("datamanager", "GET", "/api/v1/patients?limit=1&centre=2809&after="+ofCentre, "", ""); a.Status != 200 {
		t.Errorf("the next patients: %d %s", a.Status, a.Body)
	}
	for _, c := range []struct{ who, path string }{
		{"uploader", "/deliveries?after=" + next},
		{"uploader", "/deliveries?after=" + next + "&status=done"},
		{"uploader", "/deliveries?after=" + plain + "&status=done"},
		{"uploader", "/deliveries?after=" + plain[:20]},
		{"uploader", "/deliveries?after=" + plain + "x"},
		{"uploader", "/deliveries?after=" + strings.Replace(plain, "0", "1", 1)},
		{"uploader", "/deliveries?after=" + servertest.Canary},
		{"uploader", "/deliveries?after=.&status=done"},
		{"other", "/deliveries?after=" + plain},
		{"uploader", "/patients?after=" + plain},
		{"uploader", "/patients?after=" + servertest.Canary},
		{"datamanager", "/patients?after=" + ofCentre},
		{"datamanager", "/patients?centre=2810&after=" + ofCentre},
		{"datamanager", "/patients?centre=2809&after=" + ofCentre[:30] + ofCentre[31:]},
	} {
		a := s.Call(c.who, "GET", "/api/v1"+c.path, "", "")
		d.problem(c.path, a, 400, "bad_cursor")
		if got := value[api.Problem](t, a); got.Parameter != "after" || !strings.Contains(got.Detail, "next van de vorige pagina") {
			t.Errorf("%s: %s", c.path, a.Body)
		}
		if strings.Contains(a.Body+s.Log.String(), servertest.Canary) {
			t.Errorf("%s is repeated", c.path)
		}
	}
}

// TestALimitIsKept: a page has as many patients as were asked for, up to 500.
func TestALimitIsKept(t *testing.T) {
	s, d := servertest.New(t), describe(t)
	rows := servertest.EntryHeader
	for i := range 300 {
		rows += fmt.Sprintf("2809;1-1-1960;m;n%d;Naam%c%c;;A\n", i, 'a'+rune(i%26), 'a'+rune(i/26))
	}
	sent := s.Call("uploader", "POST", "/api/v1/deliveries?filename=a.csv", "text/csv", rows)
	if v := finished(t, s, d, "uploader", value[api.Accepted](t, sent).ID); v.Counts.Created != 300 {
		t.Fatalf("%+v", v)
	}
	for limit, want := range map[int]int{299: 299, 500: 300} {
		got := value[api.Patients](t, s.Call("uploader", "GET", fmt.Sprint("/api/v1/patients?limit=", limit), "", ""))
		if len(got.Patients) != want || (got.Next == nil) != (want == 300) {
			t.Errorf("limit %d: %d patients", limit, len(got.Patients))
		}
	}
}
