package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// manual is the page that an operator reads.
const manual = "../docs/operations.md"

// service is the real service, started as the manual says, with a TTP of its own.
type service struct {
	*program
	t        *testing.T
	etc, lib string // in the place of /etc/sluis and /var/lib/sluis
	keys     string // in the place of /var/lib/sluis-keys
	env      []string
	roots    *x509.CertPool
	commands string // that make the schema and the first accounts
	printed  string // their output
}

// TestServe follows docs/operations.md: keys, environment, first accounts, start.
// Then it delivers the pilot's file, over TLS, to a registry that keeps only birth
// years.
func TestServe(t *testing.T) {
	s := prepareService(t)
	s.wantNoSandbox()
	s.start()
	token := tokenIn(s.printed)

	d := s.await(t, token, s.upload(t, token, pilotFile, "").ID)
	if want := (counts{Read: 40, Created: 36, Rejected: 4}); d.Status != "done" || d.Counts != want {
		t.Errorf("pilot: %s %+v, want done %+v", d.Status, d.Counts, want)
	}
	again := s.await(t, token, s.upload(t, token, pilotFile, "").ID)
	if want := (counts{Read: 40, Unchanged: 36, Rejected: 4}); again.Counts != want || again.SameAs != d.ID {
		t.Errorf("pilot again: %+v, want %+v", again.Counts, want)
	}
	s.wantYears(token)
	s.wantWordsOfTheTTP(token, d.ID)
	s.wantSecureCookie()
	canary := s.oversize(token)
	s.stop(t)
	s.wantNoDates(canary)
}

// tokenIn returns the token that a command printed.
func tokenIn(printed string) string { return regexp.MustCompile(`(?m)^sluis_\S+$`).FindString(printed) }

// passwordIn returns the password that a command printed for an account.
func passwordIn(t *testing.T, printed, email string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)user ` + regexp.QuoteMeta(email) + ` added\npassword: (\S+)`).FindStringSubmatch(printed)
	if m == nil {
		t.Fatalf("no password for %s was printed", email)
	}
	return m[1]
}

// prepareService does everything that the manual says must be done before the start.
// settings are instead of the manual's.
func prepareService(t *testing.T, settings ...string) *service {
	t.Helper()
	s := &service{t: t, etc: t.TempDir(), lib: t.TempDir(), keys: t.TempDir()}
	s.makeCertificates()
	const prepareSecret, resolveSecret = "a secret of the care provider", "a secret of the registry"
	ttp := startProgram(t, []string{"SLUIS_SANDBOX_PREPARE_SECRET=" + prepareSecret, "SLUIS_SANDBOX_RESOLVE_SECRET=" + resolveSecret},
		"sandbox", "serve", "--addr", "127.0.0.1:0", "--data", t.TempDir(),
		"--tls-cert", filepath.Join(s.etc, "tls.crt"), "--tls-key", filepath.Join(s.etc, "tls.key"))
	ttp.waitForAddress(t, "TTP sandbox: ")

	raw, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	address := unusedAddress(t)
	text := string(raw)
	for example, here := range map[string]string{
		"/etc/sluis": s.etc, "/var/lib/sluis/": s.lib + "/", "/var/lib/sluis-keys/": s.keys + "/",
		"0.0.0.0:8443": address, "https://sluis.example.nl": "https://" + address,
		"https://auth.ttp.example.nl": "https://" + ttp.address, "https://api.ttp.example.nl": "https://" + ttp.address,
	} {
		if !strings.Contains(text, example) {
			t.Fatalf("%s no longer has %s, which this test replaces by its own", manual, example)
		}
		text = strings.ReplaceAll(text, example, here)
	}
	_, section, found := strings.Cut(text, "## Starting the real service")
	if !found {
		t.Fatalf("%s does not say how to start the real service", manual)
	}
	shell := fenced(section, "sh")
	env := fenced(section, "env")
	if len(shell) < 3 || len(env) != 1 {
		t.Fatalf("%s: %d blocks of shell and %d of environment, want 3 and 1 at least", manual, len(shell), len(env))
	}
	s.shell(shell[0], "PREPARE_SECRET="+prepareSecret, "RESOLVE_SECRET="+resolveSecret)
	// The TTP of this test is the sandbox, and browsers make no passkeys for an address without a name.
	s.env = append(strings.Split(strings.TrimSpace(env[0]), "\n"), "SLUIS_TTP_SANDBOX=true", "SLUIS_SECOND_FACTOR=any")
	s.env, s.commands = s.with(settings...).env, shell[1]
	s.printed = s.shell(s.commands, s.env...)
	if !slices.ContainsFunc(shell[2:], func(block string) bool { return strings.TrimSpace(block) == "web serve" }) {
		t.Errorf("%s does not start the service by web serve: %q", manual, shell[2:])
	}
	return s
}

// fenced returns the blocks of code in a language.
func fenced(text, language string) []string {
	var out []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// shell runs commands of the manual; web in them is the built program.
func (s *service) shell(script string, env ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "sh", "-euc", script)
	cmd.Env = append(append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH")), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("the manual's commands fail: %v\n%s\n%s", err, script, out)
	}
	return string(out)
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// wantNoSandbox starts the service with the sandbox as its TTP but without the setting
// that allows that. It must refuse and name the setting.
func (s *service) wantNoSandbox() {
	s.t.Helper()
	env := slices.DeleteFunc(slices.Clone(s.env), func(line string) bool { return strings.HasPrefix(line, "SLUIS_TTP_SANDBOX=") })
	cmd := exec.CommandContext(s.t.Context(), binary, "serve")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "SLUIS_TTP_SANDBOX") {
		s.t.Errorf("serve takes the sandbox for a TTP (%v):\n%s", err, out)
	}
}

// start starts the service, with a limit of one megabyte for a file.
func (s *service) start() {
	s.t.Helper()
	s.program = startProgram(s.t, append(s.env, "SLUIS_MAX_FILE_MB=1"), "serve")
	for _, line := range s.env {
		if base, ok := strings.CutPrefix(line, "SLUIS_BASE_URL="); ok {
			s.address = base
		}
	}
	s.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}}
	s.waitForHealth(s.t)
}

// makeCertificates writes the certificates of an authority and of this machine to the
// files that the manual's settings name.
func (s *service) makeCertificates() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(
			1,
		), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, key.Public(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(
			2,
		), Subject: pkix.Name{CommonName: "this machine"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{
			net.IPv4(127, 0, 0, 1),
		}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, leaf, authority, leafKey.Public(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"ttp-ca.crt": {
			Type: "CERTIFICATE", Bytes: root}, "tls.crt": {Type: "CERTIFICATE", Bytes: cert},
		"tls.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(s.etc, name), pem.EncodeToMemory(block), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(root)
	if err != nil {
		s.t.Fatal(err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(parsed)
}

// wantYears checks that the API shows years of birth and no dates.
func (s *service) wantYears(token string) {
	s.t.Helper()
	var page struct{ Patients []map[string]any }
	if err := json.Unmarshal(s.get(s.t, token, "/api/v1/patients?limit=200"), &page); err != nil {
		s.t.Fatal(err)
	}
	if len(page.Patients) != 36 {
		s.t.Errorf("%d patients, want 36", len(page.Patients))
	}
	for _, p := range page.Patients {
		year, ok := p["birthYear"].(float64)
		if _, date := p["birthDate"]; date || !ok || year < 1900 || year > 2030 {
			s.t.Errorf("patient %v: birthYear %v, birthDate %v", p["patientNumber"], p["birthYear"], p["birthDate"])
		}
	}
}

func (s *service) wantWordsOfTheTTP(token, id string) {
	s.t.Helper()
	var report struct {
		Rows []struct {
			Line            int
			Message, Source string
		}
	}
	if err := json.Unmarshal(s.get(s.t, token, "/api/v1/deliveries/"+id+"/report"), &report); err != nil {
		s.t.Fatal(err)
	}
	want := map[int]string{
		7: "De geboortedatum is leeg", 27: "De geboortedatum ligt in de toekomst",
		30: "Het geslacht bevat een ongeldige waarde", 39: "De geboortedatum is leeg",
	}
	for _, r := range report.Rows {
		if message, ok := want[r.Line]; ok && r.Message == message && r.Source == "ttp" {
			delete(want, r.Line)
		}
	}
	if len(want) > 0 {
		s.t.Errorf("the report lacks %v: %+v", want, report.Rows)
	}
}

// wantSecureCookie signs in with the page, over TLS, and enters a patient.
func (s *service) wantSecureCookie() {
	s.t.Helper()
	password := passwordIn(s.t, s.printed, "invoerder@ziekenhuis.example")
	v := newVisitor(s.t, s.address)
	v.client.Transport = s.client.Transport
	form := url.Values{"email": {"invoerder@ziekenhuis.example"}, "password": {password}}
	a, err := v.try(outgoing{
		method: http.MethodPost, path: "/inloggen", kind: "application/x-www-form-urlencoded", body: strings.NewReader(form.Encode()),
	})
	if err != nil || a.status != http.StatusSeeOther {
		s.t.Fatalf("sign in: %d %v", a.status, err)
	}
	if to := a.header.Get("Location"); to != "/inloggen/instellen" {
		s.t.Fatalf("after the password comes %q", to)
	}
	if got, err := v.try(outgoing{method: http.MethodGet, path: "/patienten"}); err != nil || got.status != http.StatusSeeOther {
		s.t.Errorf("a password alone opens a page: %d, %v", got.status, err)
	}
	a = v.setUpApp()
	cookies := (&http.Response{Header: a.header}).Cookies()
	if len(cookies) == 0 {
		s.t.Error("signing in sets no cookie")
	}
	for _, c := range cookies {
		path, site := "/", http.SameSiteLaxMode
		if c.Name == "__Secure-sluis-bekend" { // of a browser that signed in before: only the sign-in page gets it
			path, site = "/inloggen", http.SameSiteStrictMode
		} else if !strings.HasPrefix(c.Name, "__Host-") {
			s.t.Errorf("cookie %s has no prefix that ties it to this host", c.Name)
		}
		if !c.Secure || !c.HttpOnly || c.Path != path || c.Domain != "" || c.SameSite != site {
			s.t.Errorf("cookie %s: secure %v, http only %v, path %q, domain %q, same site %v",
				c.Name, c.Secure, c.HttpOnly, c.Path, c.Domain, c.SameSite)
		}
	}
	page := v.get("/patienten/nieuw")
	if got := page.header.Get("Strict-Transport-Security"); !strings.HasPrefix(got, "max-age=") {
		s.t.Errorf("Strict-Transport-Security: %q", got)
	}
	if !bytes.Contains(page.body, []byte("Demonstratie")) {
		s.t.Error("a rehearsal with the sandbox does not say that it is one")
	}
	got := v.form("/patienten/nieuw", url.Values{
		"number": {
			"ingevoerd-1"}, "birth-day": {"23"}, "birth-month": {"7"}, "birth-year": {"1943"}, "sex": {"v"}, "surname": {"Testnaam"},
		"initials": {"T"},
	}, false)
	if got.status != http.StatusOK || !bytes.Contains(got.body, []byte("ingevoerd-1")) ||
		bytes.Contains(got.body, []byte("23")) && bytes.Contains(got.body, []byte("juli 1943")) {
		s.t.Errorf("entering a patient: %d", got.status)
	}
	// The same port serves no page over plain HTTP.
	if a, err := http.Get(strings.Replace(s.address, "https:", "http:", 1) + "/inloggen"); err == nil {
		defer a.Body.Close()
		if a.StatusCode == http.StatusOK {
			s.t.Error("the service answers without TLS")
		}
	}
}

// oversize sends a file that is too large, and returns the name that was in it.
func (s *service) oversize(token string) string {
	s.t.Helper()
	c := canaries{mathrand.New(mathrand.NewPCG(uint64(time.Now().UnixNano()), 3)), map[string]string{}}
	name := c.name("oversize")
	a := s.tooLarge(token, name)
	if a.status != http.StatusRequestEntityTooLarge || bytes.Contains(a.body, []byte(name)) {
		s.t.Errorf("a file that is too large: %d %s", a.status, a.body)
	}
	return name
}

// tooLarge sends a file of three megabytes with a name in it.
func (s *service) tooLarge(token, name string) answer {
	s.t.Helper()
	body := io.MultiReader(strings.NewReader(header+"\n"), &repeated{what: []byte("2809;1-1-1970;m;1;" + name + ";;A\n"), left: 3 << 20})
	return s.post(s.t, token, "/api/v1/deliveries?filename=groot.csv", "text/csv", body)
}

// wantNoDates checks that a registry of years has no date of birth anywhere.
func (s *service) wantNoDates(canary string) {
	s.t.Helper()
	raw, err := os.ReadFile(pilotFile)
	if err != nil {
		s.t.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(raw))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		s.t.Fatal(err)
	}
	look := map[string]string{"oversize": canary, "the entered date": "1943-07-23", "the entered date, Dutch": "23-7-1943"}
	years := map[string]bool{"1943": true}
	for _, row := range rows[1:] {
		d, err := time.Parse("2-1-2006", row[1])
		if err != nil {
			continue
		}
		years[d.Format("2006")] = true
		for _, layout := range []string{"2006-01-02", "2-1-2006", "02-01-2006", "20060102", "2/1/2006", "02/01/2006"} {
			look[row[1]+" as "+layout] = d.Format(layout)
		}
	}
	if len(look) < 100 {
		s.t.Fatalf("only %d dates to look for", len(look))
	}
	scan := newScanner(look)
	hits, files, size := scan.sweep(s.t, s.lib, s.etc, s.keys)
	for _, h := range scan.find([]byte(s.log())) {
		hits = append(hits, "the log: "+h)
	}
	for _, h := range hits {
		s.t.Errorf("a whole date of birth is kept: %s", h)
	}
	s.t.Logf("no date of birth in %d files of %d kB", files, size>>10)
	s.wantKept(years)
}

// wantKept checks that the years themselves are kept: otherwise the sweep for dates
// looked at the wrong files.
func (s *service) wantKept(years map[string]bool) {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.lib, "sluis.db")+"?mode=ro")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	births, err := column(context.WithoutCancel(s.t.Context()), db, "SELECT birth FROM patients")
	if err != nil {
		s.t.Fatal(err)
	}
	if len(births) != 37 {
		s.t.Errorf("%d patients are stored, want 36 and the entered one", len(births))
	}
	for _, b := range births {
		if len(b) != 4 || !years[b] {
			s.t.Errorf("a birth is stored as %q", b)
		}
	}
}
