package server_test

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluis/internal/server"
	"sluis/internal/server/servertest"
)

// TestOtherWebsitesChangeNothing sends every unsafe request that there is as another
// website makes a browser send it, by the account that may do it.
func TestOtherWebsitesChangeNothing(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	host := strings.TrimPrefix(s.URL, "http://")
	from := map[string][]string{
		"another site":             {"Sec-Fetch-Site", "cross-site"},
		"a site of the same owner": {"Sec-Fetch-Site", "same-site"},
		"an older browser":         {"Origin", "https://evil.example"},
		"a sandboxed frame":        {"Origin", "null"},
		"another port":             {"Origin", "http://127.0.0.1:1"},
		"another scheme":           {"Origin", "ftp://" + host + ".evil.example"},
		"both":                     {"Sec-Fetch-Site", "cross-site", "Origin", "http://" + host},
		"a form of another site":   {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"},
	}
	browsers := map[string]*servertest.Browser{}
	cells := 0
	before := digest(t, s)
	for _, route := range s.Server.Routes() {
		if route.Method == http.MethodGet {
			continue
		}
		name := anyoneWho(t, route)
		if browsers[name] == nil {
			browsers[name] = s.SignedIn(name)
			before = digest(t, s)
		}
		for what, headers := range from {
			cells++
			if name != "" && (route.Door == server.API || route.Door == server.FHIR) {
				headers = append(headers, "Authorization", "Bearer "+s.Tokens[name])
			}
			a := browsers[name].Do(route.Method, pathOf(s, route, ids), "application/x-www-form-urlencoded", strings.NewReader("reden=x"), headers...)
			if a.Status != http.StatusForbidden {
				t.Errorf("%s %s from %s: %d", route.Method, route.Pattern, what, a.Status)
			}
		}
	}
	if after := digest(t, s); after != before {
		t.Error("something was changed")
	}
	t.Logf("%d cells", cells)
}

// TestReadingChangesNothing asks for every page and call that is read, as everyone, and
// compares the database before and after: links and pictures on other websites can make a
// browser do that.
func TestReadingChangesNothing(t *testing.T) {
	s := servertest.New(t)
	ids := s.OwnObjects()
	browsers := map[string]*servertest.Browser{}
	for _, name := range everyone {
		browsers[name] = s.SignedIn(name)
	}
	for name := range s.Tokens { // the first use of a token is noted
		s.Call(name, "GET", "/api/v1/me", "", "")
	}
	before := digest(t, s)
	for _, name := range everyone {
		for _, route := range s.Server.Routes() {
			if route.Method == http.MethodGet {
				request(t, s, browsers[name], name, route, ids)
			}
		}
	}
	if after := digest(t, s); after != before {
		t.Errorf("reading has changed the database:\n%s\n%s", before, after)
	}
}

// ownWrites are the tables in which Sluis notes what happened, also when something is only
// read.
var ownWrites = []string{"audit", "session", "sign_in_tries", "ttp_", "sqlite_", "goose", "sequences", "health_checks", "sign_on_flows"}

// digest returns a line for each table of the registry with a hash of its content.
func digest(t *testing.T, s *servertest.Site) string {
	t.Helper()
	db := servertest.Must(sql.Open("sqlite", "file:"+s.Database+"?mode=ro&_pragma=busy_timeout(5000)"))(t)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, table := range tables {
		if startsWithAny(table, ownWrites) {
			continue
		}
		fmt.Fprintf(&out, "%s %x\n", table, contentOf(t, db, table))
	}
	return out.String()
}

func startsWithAny(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// contentOf returns a hash of all rows of a table.
func contentOf(t *testing.T, db *sql.DB, table string) []byte {
	t.Helper()
	rows := servertest.Must(db.QueryContext(t.Context(), "SELECT * FROM "+table+" ORDER BY 1"))(t)
	defer rows.Close()
	columns := servertest.Must(rows.Columns())(t)
	h := sha256.New()
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%v\n", values)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return h.Sum(nil)[:6]
}

// TestTextIsData sends what would be SQL, a pattern or a template if it were not data to
// every input that searches. It finds nothing, and says so.
func TestTextIsData(t *testing.T) {
	s := servertest.New(t)
	s.OwnObjects()
	uploader, admin, auditor := s.SignedIn("uploader"), s.SignedIn("admin"), s.SignedIn("auditor")
	before := digest(t, s)
	for _, text := range []string{
		"' OR '1'='1", `" OR "1"="1`, "1; DROP TABLE patients; --", "%", "_", "523534' --", "523534%", "*", "\\", "?", "@p1", "$1", "[0-9]%",
		"') UNION SELECT 1 --", "{{.}}", "${7*7}", "\x00", "523534\x00",
	} {
		if a := uploader.Post("/patienten", url.Values{"number": {text}}); a.Status == http.StatusSeeOther || a.Status >= 500 {
			t.Errorf("a search for %q: %d", text, a.Status)
		}
		if a := admin.Get("/gebruikers?zoek=" + url.QueryEscape(text)); a.Status >= 500 ||
			strings.Trim(text, "\x00") != "" && strings.Contains(a.Body, "uploader@example.nl") {
			t.Errorf("users like %q: %d", text, a.Status)
		}
		if a := auditor.Get("/logboek?gebruiker=" + url.QueryEscape(text)); a.Status >= 500 || strings.Contains(a.Body, ">uploader@example.nl<") {
			t.Errorf("the log of %q: %d", text, a.Status)
		}
		if a := auditor.Post("/logboek", url.Values{"nummer": {text}}); a.Status >= 500 {
			t.Errorf("who looked at %q: %d", text, a.Status)
		}
		if a := s.Browser().SignIn(text, text); a.Status >= 500 || a.Status == http.StatusSeeOther {
			t.Errorf("signing in as %q: %d", text, a.Status)
		}
	}
	if after := digest(t, s); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
}
