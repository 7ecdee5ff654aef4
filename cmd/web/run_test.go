package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sluis/internal/account"
)

// pilot is the pilot's file (seed 003, table 2).
func pilot(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/pilot40.csv")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// pilotRejects are the rows that the pilot refused, with the TTP's words.
var pilotRejects = []reportRow{
	{Line: 7, PatientNumber: "987654", Message: "De geboortedatum is leeg"},
	{Line: 27, PatientNumber: "8561234897", Message: "De geboortedatum ligt in de toekomst"},
	{Line: 30, PatientNumber: "666", Message: "Het geslacht bevat een ongeldige waarde"},
	{Line: 39, PatientNumber: "001", Message: "De geboortedatum is leeg"},
}

func wantPilotRejects(t *testing.T, rows []reportRow) {
	t.Helper()
	var got []reportRow
	for _, r := range rows {
		if r.Severity != "fatal" {
			continue
		}
		if r.Source != "ttp" {
			t.Errorf("line %d: source %q, want ttp", r.Line, r.Source)
		}
		if r.Advice == "" {
			t.Errorf("line %d has no advice", r.Line)
		}
		got = append(got, reportRow{Line: r.Line, PatientNumber: r.PatientNumber, Message: r.Message})
	}
	if !slices.Equal(got, pilotRejects) {
		t.Errorf("rejected rows:\n got %+v\nwant %+v", got, pilotRejects)
	}
}

// TestDemoPilot delivers the pilot's file with identities and with temporary pseudonyms,
// and again after a restart.
func TestDemoPilot(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	data := filepath.Join(t.TempDir(), "data")
	d := beginDemo(t, data)
	uploader := d.api(t, account.Uploader, "2809")

	first := uploader.deliver(t, "pilot40.csv", pilot(t), "")
	if want := (counts{Read: 40, Created: 36, Rejected: 4}); first.Status != "done" || first.Counts != want {
		t.Fatalf("first delivery: %s %+v, want done %+v", first.Status, first.Counts, want)
	}
	wantPilotRejects(t, uploader.report(t, first.ID))
	patients := uploader.patients(t)
	if len(patients) != 36 {
		t.Errorf("%d patients, want 36", len(patients))
	}
	for _, number := range []string{"0123", "tes", "h2", "123ABC"} {
		if !slices.ContainsFunc(patients, func(p listed) bool { return p.PatientNumber == number }) {
			t.Errorf("patient %s is not there", number)
		}
	}

	again := uploader.deliver(t, "pilot40.csv", pilot(t), "")
	if want := (counts{Read: 40, Unchanged: 36, Rejected: 4}); again.Counts != want || again.SameAs != first.ID {
		t.Errorf("again: %+v same as %q, want %+v same as %q", again.Counts, again.SameAs, want, first.ID)
	}
	checked := uploader.deliver(t, "pilot40.csv", pilot(t), "&check=true")
	want := counts{Read: 40, Unchanged: 36, Rejected: 4}
	if checked.Status != "checked" || checked.Counts != (counts{Read: 40, Pending: 40}) || checked.Planned == nil ||
		*checked.Planned != want {
		t.Errorf("only checked: %+v, want planned %+v", checked, want)
	}

	temporary := pseudonymised(t, data)
	other := uploader.deliver(t, "pseudoniemen.csv", temporary, "")
	if want := (counts{Read: 36, Unchanged: 36}); other.Kind != "temporary_pseudonyms" || other.Counts != want {
		t.Errorf("with temporary pseudonyms: %s %+v, want %+v", other.Kind, other.Counts, want)
	}

	asked := time.Now()
	if code := d.end(t); code != 0 {
		t.Errorf("exit code %d after a stop, want 0\n%s", code, d.err.String())
	}
	if took := time.Since(asked); took > shutdownTime {
		t.Errorf("stopping took %v", took)
	}
	restarted(t, d, patients, temporary)
}

// restarted starts a demonstration on the data of one that has ended, and checks that it
// has the same accounts, patients and keys.
func restarted(t *testing.T, before *demo, patients []listed, temporary []byte) {
	t.Helper()
	d := beginDemo(t, before.data)
	if !slices.Equal(d.Accounts, before.Accounts) || !slices.Equal(d.Tokens, before.Tokens) {
		t.Error("a restart made other accounts or tokens")
	}
	uploader := d.api(t, account.Uploader, "2809")
	if got := uploader.patients(t); !slices.Equal(got, patients) {
		t.Errorf("after a restart there are %d patients, before %d, or they differ", len(got), len(patients))
	}
	// The TTP has the same keys: identities lead to the patients that are there, and
	// temporary pseudonyms of before can still be resolved.
	if got := uploader.deliver(t, "pilot40.csv", pilot(t), ""); got.Counts != (counts{Read: 40, Unchanged: 36, Rejected: 4}) {
		t.Errorf("identities after a restart: %+v", got.Counts)
	}
	if got := uploader.deliver(t, "pseudoniemen.csv", temporary, ""); got.Counts != (counts{Read: 36, Unchanged: 36}) {
		t.Errorf("temporary pseudonyms after a restart: %+v", got.Counts)
	}
	if code := d.end(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, d.err.String())
	}
}

// pseudonymised returns the pilot's file with temporary pseudonyms of the demonstration's
// TTP in place of the identities.
func pseudonymised(t *testing.T, data string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.csv")
	r := command(t, nil, "", "sandbox", "pseudonymise", "--data", data, "../../testdata/pilot40.csv", out)
	if r.code != 0 {
		t.Fatalf("pseudonymise: %d %s", r.code, r.err)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "Jansen") || strings.Contains(string(raw), "Mulder") {
		t.Fatal("the file with temporary pseudonyms has names")
	}
	refused, err := os.ReadFile(strings.TrimSuffix(out, ".csv") + ".afgewezen.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range pilotRejects {
		if !strings.Contains(string(refused), want.Message) {
			t.Errorf("the refused rows lack %q:\n%s", want.Message, refused)
		}
	}
	return raw
}

// TestDemoTemporaryFirst delivers the pilot's file with temporary pseudonyms only. The
// rows that the TTP refused are not in that file.
func TestDemoTemporaryFirst(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	d := beginDemo(t, data)
	uploader := d.api(t, account.Uploader, "2809")
	got := uploader.deliver(t, "pseudoniemen.csv", pseudonymised(t, data), "")
	if got.Counts != (counts{Read: 36, Created: 36}) {
		t.Errorf("temporary pseudonyms: %+v", got.Counts)
	}
	if got := uploader.deliver(t, "pilot40.csv", pilot(t), ""); got.Counts != (counts{Read: 40, Unchanged: 36, Rejected: 4}) {
		t.Errorf("the same people by their names: %+v", got.Counts)
	}
	// Another centre, which may not deliver names, is told so and sees none of this.
	other := d.api(t, account.Uploader, "2810")
	refused := other.deliver(t, "pilot40.csv", pilot(t), "")
	if refused.Status != "refused" || len(refused.Reasons) == 0 ||
		refused.Reasons[len(refused.Reasons)-1].Code != "IDENTITIES_NOT_ALLOWED" {
		t.Errorf("names from centre 2810: %s %+v", refused.Status, refused.Reasons)
	}
	if n := len(other.patients(t)); n != 0 {
		t.Errorf("centre 2810 sees %d patients of another", n)
	}
	if status := other.call(t, "GET", "/deliveries/"+got.ID, "", nil, nil); status != http.StatusNotFound {
		t.Errorf("another centre's delivery: %d, want 404", status)
	}
}

func TestDemoRefuses(t *testing.T) {
	for _, tc := range []struct{ addr, says string }{
		{"0.0.0.0:1", "127.0.0.1"},
		{"[::]:8080", "127.0.0.1"},
		{":8080", "127.0.0.1"},
		{"192.0.2.1:8080", "127.0.0.1"},
		{"example.org:80", "127.0.0.1"},
		{"8080", "host:port"},
	} {
		data := filepath.Join(t.TempDir(), "data")
		r := command(t, nil, "", "demo", "--addr", tc.addr, "--data", data)
		if r.code != 1 || !strings.Contains(r.err, tc.says) {
			t.Errorf("demo --addr %s: %d %q, want 1 and %q", tc.addr, r.code, r.err, tc.says)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("demo --addr %s made its folder", tc.addr)
		}
	}
}

// TestDemoTwice starts a second demonstration on the same data: it must be refused.
func TestDemoTwice(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	d := beginDemo(t, data)
	r := command(t, nil, "", "demo", "--addr", "127.0.0.1:0", "--data", data)
	if r.code != 1 || !strings.Contains(r.err, "another process") {
		t.Errorf("second demo on the same data: %d %q", r.code, r.err)
	}
	d.api(t, account.Uploader, "2809").patients(t) // still answers
	taken := strings.TrimPrefix(d.Address, "http://")
	r = command(t, nil, "", "demo", "--addr", taken, "--data", filepath.Join(t.TempDir(), "other"))
	if r.code != 1 || !strings.Contains(r.err, "--addr") {
		t.Errorf("demo on a taken port: %d %q", r.code, r.err)
	}
}

func TestCommandLine(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--help"}, 0, "demo"},
		{[]string{"demo", "--help"}, 0, "--addr"},
		{[]string{"bogus"}, 2, "bogus"},
		{nil, 2, "expected one of"},
		{[]string{"demo", "--nonsense"}, 2, "nonsense"},
		{[]string{"sandbox", "pseudonymise", "--data", t.TempDir(), "a.csv", "b.csv"}, 1, "there is no TTP"},
		{[]string{"sandbox", "serve", "--addr", "0.0.0.0:1"}, 2, "--prepare"},
	} {
		r := command(t, nil, "", tc.args...)
		if r.code != tc.code || !strings.Contains(r.out+r.err, tc.says) {
			t.Errorf("web %v: %d, want %d and %q\nout: %s\nerr: %s", tc.args, r.code, tc.code, tc.says, r.out, r.err)
		}
	}
}
