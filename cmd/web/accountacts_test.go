package main

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluis/internal/audit"
	"sluis/internal/store"
)

// accountEnv is the environment of a service that has two administrators, an
// uploader and a token.
func accountEnv(t *testing.T) (env []string, tokenID string) {
	t.Helper()
	env = environ(settingsIn(t.TempDir(), "127.0.0.1:0", "127.0.0.1:1"))
	for _, args := range []string{
		"migrate", "centre add --number 2809 --name Een --identities", "user add --email een@sluis.example --role admin",
		"user add --email twee@sluis.example --role admin --as een@sluis.example",
		"user add --email up@zh.example --role uploader --centre 2809 --as een@sluis.example",
		"token add --name nacht --role uploader --centre 2809 --as een@sluis.example",
	} {
		if r := command(t, env, "", strings.Fields(args)...); r.code != 0 {
			t.Fatalf("web %s: %s", args, r.err)
		}
	}
	r := command(t, env, "", "token", "list", "--as", "een@sluis.example")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if r.code != 0 || len(lines) != 2 {
		t.Fatalf("web token list: %d %s%s", r.code, r.out, r.err)
	}
	return env, strings.Fields(lines[1])[0]
}

// TestAccountCommands runs the commands one after the other and checks what each prints.
func TestAccountCommands(t *testing.T) {
	env, tokenID := accountEnv(t)
	const as = " --as een@sluis.example"
	for _, tc := range []struct {
		stdin, args string
		code        int
		says        string
	}{
		{"", "user list", 2, "--as"},
		{"", "user list --as up@zh.example", 1, "no administrator"},
		{"", "user list --as wie@sluis.example", 1, "no administrator"},
		{"", "user list" + as, 0, "up@zh.example       uploader  2809"},
		{"", "user list --centre 1" + as, 0, "EMAIL"},
		{"", "user disable een@sluis.example" + as, 1, "your own account"},
		{"", "user role een@sluis.example --role auditor" + as, 1, "your own account"},
		{"", "user disable niemand@zh.example" + as, 1, "see web user list"},
		{"", "user invite --email nieuw@zh.example --name Nel --role uploader --centre 2809 --reason begint-maandag" + as, 0,
			"/uitnodiging/sluis_"},
		{"", "user invite --email nieuw@zh.example --name Nel --role uploader --centre 2809 --reason begint-maandag" + as, 1,
			"there already"},
		{"", "user invite --email n@zh.example --name Nel --role uploader --centre 2809 --reason zo" + as, 1, "at least 5"},
		{"", "user invite --email n@zh.example --name Nel --role admin --role auditor --reason begint-maandag" + as, 1, "no other role"},
		{"", "user role up@zh.example --role datamanager --role auditor" + as, 1, "no other role"},
		{"", "user disable up@zh.example" + as, 0, "disabled, and signed out everywhere"},
		{"", "user disable up@zh.example" + as, 1, "already"},
		{"", "user enable up@zh.example" + as, 0, "can sign in again"},
		{"", "user enable up@zh.example" + as, 1, "not disabled"},
		{"", "user role up@zh.example --role clinician" + as, 1, "give --centre"},
		{"", "user role up@zh.example --role chef --centre 2809" + as, 1, "none of clinician"},
		{"", "user role UP@zh.example --role clinician --role uploader --centre 2809" + as, 0, "clinician,uploader, centre 2809"},
		{"", "user password up@zh.example" + as, 0, "password: "},
		{"kort\n", "user password up@zh.example --password-stdin" + as, 1, "at least 12"},
		{"een lang genoeg wachtwoord\n", "user password up@zh.example --password-stdin" + as, 0, "new password"},
		{"", "user disable twee@sluis.example" + as, 0, "disabled"},
		{"", "user list --as twee@sluis.example", 1, "no administrator"},
		{"", "token revoke nacht" + as, 1, "see web token list"},
		{"", "token revoke " + tokenID + as, 0, "revoked"},
		{"", "token revoke " + tokenID + as, 1, "revoked before"},
		{"", "token list --centre 2809" + as, 0, tokenID + "  nacht"},
		{"", "centre list" + as, 0, "2809    Een   yes         30%"},
	} {
		r := command(t, env, tc.stdin, strings.Fields(tc.args)...)
		if r.code != tc.code || !strings.Contains(r.out+r.err, tc.says) {
			t.Errorf("web %s: %d %q, want %d and %q", tc.args, r.code, r.out+r.err, tc.code, tc.says)
		}
		if tc.stdin != "" && strings.Contains(r.out+r.err, strings.TrimSpace(tc.stdin)) {
			t.Errorf("web %s repeats the password", tc.args)
		}
	}
}

// TestAccountCommandsAreLogged looks for each act in the access log, with the person
// that --as names.
func TestAccountCommandsAreLogged(t *testing.T) {
	env, tokenID := accountEnv(t)
	for _, args := range []string{
		"user list", "centre list", "user disable up@zh.example", "user enable up@zh.example", "user role up@zh.example --role auditor",
		"user password up@zh.example", "token revoke " + tokenID,
	} {
		if r := command(t, env, "", strings.Fields(args+" --as een@sluis.example")...); r.code != 0 {
			t.Fatalf("web %s: %s", args, r.err)
		}
	}
	s := storeOf(t, env)
	page, err := s.Events(t.Context(), audit.Who{Name: "test"}, audit.Query{UserName: "een@sluis.example", Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, ev := range page.Events {
		if ev.UserID == 0 || ev.Role != "admin" || ev.Via != "cli" {
			t.Errorf("the event %s %s names %d %q %q", ev.Type, ev.Code, ev.UserID, ev.Role, ev.Via)
		}
		got[string(ev.Type)+" "+ev.ObjectType+" "+ev.Code]++
	}
	for _, want := range []string{
		"accounts_listed token ", "accounts_listed user ", "accounts_listed centre ", "account_changed user disabled",
		"account_changed user enabled",
		"account_changed user roles", "account_changed user password", "account_changed token revoked",
	} {
		if got[want] != 1 {
			t.Errorf("%d events %q, want 1", got[want], want)
		}
	}
}

// storeOf opens the database of an environment next to whatever uses it.
func storeOf(t *testing.T, env []string) *store.Store {
	t.Helper()
	var where string
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "SLUIS_DATABASE="); ok {
			where = v
		}
	}
	key, err := auditKey(env)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), where, store.Options{Now: time.Now, Beside: true, AuditKey: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestLastAdministrator lets two administrators disable each other at once: one of them
// must be left.
func TestLastAdministrator(t *testing.T) {
	env, _ := accountEnv(t)
	ended := make(chan int, 2)
	for _, args := range []string{"user disable een@sluis.example --as twee@sluis.example", "user disable twee@sluis.example --as een@sluis.example"} {
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
			defer cancel()
			var out, errOut output
			ended <- run(ctx, strings.Fields(args), env, strings.NewReader(""), &out, &errOut)
		}()
	}
	if a, b := <-ended, <-ended; a+b != 1 {
		t.Errorf("the commands ended with %d and %d, want one of them refused", a, b)
	}
	if left, err := storeOf(t, env).Administrators(t.Context()); err != nil || len(left) != 1 {
		t.Errorf("%d administrators are left: %v", len(left), err)
	}
}

// TestCommandsKeepTheSchema checks that a command refuses a database of another version,
// and does not migrate it: the service may be running on it.
func TestCommandsKeepTheSchema(t *testing.T) {
	dir := t.TempDir()
	env := environ(settingsIn(dir, "127.0.0.1:0", "127.0.0.1:1"))
	if r := command(t, env, "", "migrate"); r.code != 0 {
		t.Fatal(r.err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "sluis.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	version := func() (v int) {
		if err := db.QueryRowContext(t.Context(), "SELECT MAX(version_id) FROM goose_db_version").Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	newest := version()
	for _, tc := range []struct {
		statement string
		says      string
	}{
		{"DELETE FROM goose_db_version WHERE version_id = (SELECT MAX(version_id) FROM goose_db_version)", "older"},
		{"INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)", "newer"},
	} {
		if _, err := db.ExecContext(t.Context(), tc.statement); err != nil {
			t.Fatal(err)
		}
		before := version()
		r := command(t, env, "", "centre", "add", "--number", "1", "--name", "Een")
		if r.code != 1 || !strings.Contains(r.err, tc.says) {
			t.Errorf("%s: %d %q, want 1 and %q", tc.statement, r.code, r.err, tc.says)
		}
		if after := version(); after != before || before == newest {
			t.Errorf("the schema went from %d to %d", before, after)
		}
	}
}
