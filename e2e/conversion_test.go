package e2e

import (
	"bytes"
	"database/sql"
	"errors"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestConversion converts a made-up old table through kills and an outage of the TTP, and
// compares the result with that of an undisturbed run. Then it erases the old table in
// both ways and proves that. SLUIS_TEST_EXISTING_ROWS and _KILLS make it larger.
func TestConversion(t *testing.T) {
	rows, kills := setting(t, "SLUIS_TEST_EXISTING_ROWS", 5000), setting(t, "SLUIS_TEST_EXISTING_KILLS", 8)
	seed := uint64(setting(t, "SLUIS_TEST_SEED", int(time.Now().Unix())))
	t.Logf("%d rows, %d kills, seed %d", rows, kills, seed)
	base := filepath.Join(t.TempDir(), "base")
	startDemo(t, base).stop(t)
	source := filepath.Join(t.TempDir(), "oud.db")
	planted := filepath.Join(t.TempDir(), "planted.txt")
	command(t, "existing", "sample", "--rows", strconv.Itoa(rows), "--db", source, "--canaries", planted, "--seed",
		strconv.FormatUint(seed%1000, 10))
	canaries := readPlanted(t, planted)

	calm, struck := newConversion(t, base, source, canaries), newConversion(t, base, source, canaries)
	before := struck.found(filepath.Dir(struck.source))
	t.Logf("canaries: %d planted, %d found in the source", len(canaries), before)
	if before != len(canaries) || before == 0 {
		t.Fatal("the scanner does not find what was planted")
	}

	calm.must(0, "plan", "--number", "patientnummer")
	began := time.Now()
	calm.must(exitAttention, "run", "--number", "patientnummer")
	whole := time.Since(began)
	t.Logf("undisturbed: %v, %.0f rows a second, at most %d MB", whole.Round(time.Millisecond), float64(rows)/whole.Seconds(),
		calm.peak>>10)
	struck.runUnderFire(rand.New(rand.NewPCG(seed, 9)), rows, kills, whole)
	calm.wantSame(struck)
	calm.must(0, "verify")
	struck.must(0, "verify")

	for _, c := range []*conversion{calm, struck} {
		c.must(exitAttention, "erase", "--way", "new") // rejected rows are in no exception
		c.must(0, "except", "--why", "Afgesproken met de centra.", "--out", c.t.TempDir())
	}
	calm.eraseByNewDatabase()
	struck.eraseInPlace()
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func readPlanted(t *testing.T, path string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range strings.Fields(string(raw)) {
		out["canary "+strconv.Itoa(len(out))] = name
	}
	return out
}

// exitAttention is the exit code if a person must act.
const exitAttention = 3

// conversion is one registry and its old table.
type conversion struct {
	t            *testing.T
	data, source string
	tmp, proofs  string
	scan         *scanner
	canaries     map[string]string
	out          bytes.Buffer // the output of all its commands
	pages        []*visitor
	peak         int64 // the most memory that a command took, in kB
}

func newConversion(t *testing.T, base, source string, canaries map[string]string) *conversion {
	t.Helper()
	c := &conversion{t: t, data: filepath.Join(t.TempDir(), "data"), tmp: t.TempDir(), proofs: filepath.Join(t.TempDir(), "proofs"),
		scan: newScanner(canaries), canaries: canaries}
	copyDir(t, base, c.data)
	c.source = filepath.Join(t.TempDir(), "oud.db")
	raw, err := os.ReadFile(source)
	if err == nil {
		err = os.WriteFile(c.source, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *conversion) args(step string, args ...string) []string {
	return append([]string{"existing", step, "--as", "datamanager@registratie.example", "--data", c.data, "--source", "sqlite:" + c.source},
		args...)
}

func (c *conversion) env() []string { return append(os.Environ(), "TMPDIR="+c.tmp) }

// web runs a step to its end.
func (c *conversion) web(step string, args ...string) (string, int) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), binary, c.args(step, args...)...)
	cmd.Env = c.env()
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		c.t.Fatal(err)
	}
	c.out.Write(out)
	c.peak = max(c.peak, peakOf(cmd))
	return string(out), cmd.ProcessState.ExitCode()
}

// must runs a step, which must end with this exit code, and returns its output.
func (c *conversion) must(code int, step string, args ...string) string {
	c.t.Helper()
	out, got := c.web(step, args...)
	if got != code {
		c.t.Fatalf("web existing %s %v: exit code %d, want %d\n%s", step, args, got, code, tail(out, 3000))
	}
	return out
}

// found returns how often a planted name is in a file of the folders.
func (c *conversion) found(folders ...string) int {
	c.t.Helper()
	hits, _, _ := c.scan.sweep(c.t, folders...)
	return c.distinct(hits)
}

var planted = regexp.MustCompile(`canary \d+`)

func (c *conversion) distinct(hits []string) int {
	names := map[string]bool{}
	for _, h := range hits {
		names[planted.FindString(h)] = true
	}
	return len(names)
}

// runUnderFire converts the old table while it kills the command at random moments. On the
// way the TTP is silent for a while. The pace of the run is limited, so that the kills are
// spread over it.
func (c *conversion) runUnderFire(random *rand.Rand, rows, kills int, whole time.Duration) {
	c.t.Helper()
	began := time.Now()
	slice := max(whole/time.Duration(kills), 600*time.Millisecond)
	rate := strconv.Itoa(max(1, int(float64(rows)/float64(kills)*1.8/slice.Seconds())))
	fault := func(faults ...string) {
		command(c.t, append([]string{"sandbox", "fault", "--data", c.data}, faults...)...)
	}
	hit := 0
	for n := range kills {
		if n == kills/4 {
			fault("down")
		}
		p := c.start("run", "--number", "patientnummer", "--rate", rate)
		if n == kills/4 {
			p.eventually(c.t, "word of the outage", func() bool { return strings.Contains(p.log(), "the TTP cannot be used now") })
			p.kill() // in the middle of the outage; the next run goes on by itself once the TTP answers
			c.out.WriteString(p.log())
			p = c.start("run", "--number", "patientnummer", "--rate", rate)
			p.eventually(c.t, "word of the outage", func() bool { return strings.Contains(p.log(), "the TTP cannot be used now") })
			fault()
			p.eventually(c.t, "word of its end", func() bool { return strings.Contains(p.log(), "the TTP answers again") })
		} else {
			time.Sleep(time.Duration(random.Int64N(int64(slice + 150*time.Millisecond))))
		}
		select {
		case <-p.ended:
		default:
			p.kill()
			hit++
		}
		c.out.WriteString(p.log())
		if hits := c.found(c.data, c.tmp); hits > 0 {
			c.t.Fatalf("after kill %d %d names are left behind", n, hits)
		}
		if strings.Contains(p.log(), "all of it is done already") {
			break
		}
	}
	if _, code := c.web("run", "--number", "patientnummer"); code != exitAttention && code != 0 {
		c.t.Fatalf("the last run: exit code %d\n%s", code, tail(c.out.String(), 2000))
	}
	c.t.Logf("%d kills and an outage, in %v", hit+1, time.Since(began).Round(time.Second))
	if hit < kills/2 {
		c.t.Errorf("only %d of %d kills hit a run at work", hit, kills)
	}
}

func (c *conversion) start(step string, args ...string) *program {
	c.t.Helper()
	return startProgram(c.t, []string{"TMPDIR=" + c.tmp}, c.args(step, args...)...)
}

// conversionQuestions are queries with the same results after two conversions of one table.
var conversionQuestions = map[string]string{
	"rows": `SELECT e.legacy_id || ' ' || e.line || ' ' || e.code || ' ' || COALESCE(w.patient_number || ' ' || w.outcome, 'nowhere') FROM existing_rows e
		LEFT JOIN delivery_rows w ON w.delivery_id = e.delivery_id AND w.line = e.line ORDER BY e.legacy_id`,
	"keys": `SELECT k.legacy_id || ' ' || c.number || ' ' || p.patient_number || ' ' || p.birth || ' ' || p.sex || ' ' || p.died_on || ' ' || p.version || ' ' || (p.unnumbered > 0)
		FROM legacy_keys k JOIN patients p ON p.id = k.patient_id JOIN centres c ON c.id = p.centre_id ORDER BY k.legacy_id`,
	"patients":   `SELECT c.number || ' ' || patient_number || ' ' || birth || ' ' || sex || ' ' || version FROM patients p JOIN centres c ON c.id = centre_id ORDER BY 1`,
	"pseudonyms": `SELECT k.legacy_id || ' ' || s.type || ' ' || s.domain || ' ' || s.key_version || ' ' || s.value FROM pseudonyms s JOIN legacy_keys k ON k.patient_id = s.patient_id ORDER BY 1`,
	"findings": `SELECT c.number || ' ' || f.line || ' ' || seq || ' ' || f.patient_number || ' ' || stage || ' ' || severity || ' ' || source || ' ' || code || ' ' || field || ' ' ||
		message || ' ' || partners FROM findings f JOIN deliveries d ON d.id = delivery_id JOIN centres c ON c.id = d.centre_id ORDER BY c.number, f.line, seq`,
	"reviews": `SELECT c.number || ' ' || r.patient_number || ' ' || r.line || ' ' || r.birth || ' ' || reason || ' ' || partners || ' ' || r.state || ' ' || r.legacy FROM reviews r
		JOIN centres c ON c.id = r.centre_id ORDER BY 1`,
	"counts": `SELECT c.number || ' ' || rows_read || ' ' || n_created || ' ' || n_updated || ' ' || n_unchanged || ' ' || n_rejected || ' ' || n_review || ' ' || warnings || ' ' || state
		FROM deliveries d JOIN centres c ON c.id = d.centre_id ORDER BY 1`,
	"left": `SELECT 'chunk' FROM chunks UNION ALL SELECT 'mark' FROM row_marks UNION ALL SELECT 'key' FROM deliveries WHERE wrapped_key IS NOT NULL`,
}

// wantSame compares two converted registries.
func (c *conversion) wantSame(o *conversion) {
	c.t.Helper()
	differences, lines := 0, 0
	for name, q := range conversionQuestions {
		a, b := c.ask(q), o.ask(q)
		lines += len(a)
		for i := range max(len(a), len(b)) {
			var x, y string
			if i < len(a) {
				x = a[i]
			}
			if i < len(b) {
				y = b[i]
			}
			if x != y {
				if differences++; differences <= 10 {
					c.t.Errorf("%s: undisturbed has %q, killed has %q", name, x, y)
				}
			}
		}
		if name == "left" && len(a)+len(b) > 0 {
			c.t.Errorf("left behind: %q %q", a, b)
		}
	}
	c.t.Logf("%d lines compared, %d differences", lines, differences)
}

func (c *conversion) ask(q string) []string {
	c.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.data, "sluis.db")+"?mode=ro")
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	out, err := column(c.t.Context(), db, q)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// approve lets two people approve the erasure on the console, and looks at its pages.
func (c *conversion) approve() {
	c.t.Helper()
	p := startDemo(c.t, c.data)
	defer p.stop(c.t)
	erasure := strings.Join(c.ask("SELECT public_id FROM existing_erasures"), "")
	for _, role := range []string{"datamanager", "admin"} {
		v := newVisitor(c.t, p.address).signIn(p.account(role, ""))
		c.pages = append(c.pages, v)
		for _, path := range []string{"/migratie", "/migratie/rijen?soort=rejected", "/migratie/rijen?soort=review"} {
			v.get(path)
		}
		path := "/migratie/" + erasure + "/goedkeuren"
		good := url.Values{"rol": {role}, "centra": {"2809 2810"}, "reden": {"Gecontroleerd."}, "uitzonderingen": {"gezien"}}
		for field, value := range map[string]string{"centra": "2811", "reden": "", "uitzonderingen": ""} {
			bad := url.Values{}
			for k, v := range good {
				bad[k] = v
			}
			bad.Set(field, value)
			if a := v.form(path, bad, false); a.status != 422 {
				c.t.Errorf("approval with %s %q as %s: %d, want 422", field, value, role, a.status)
			}
		}
		if a := v.form(path, good, false); a.status != 200 || !bytes.Contains(a.body, []byte("Uw goedkeuring is vastgelegd")) {
			c.t.Fatalf("approval as %s: %d", role, a.status)
		}
	}
	if n := len(c.ask("SELECT 'x' FROM existing_approvals")); n != 4 {
		c.t.Errorf("%d approvals, want two of each centre", n)
	}
	c.must(1, "run", "--again", "--as", "toezicht@registratie.example") // an auditor may not
}

// eraseByNewDatabase erases in the recommended way: the old database is destroyed.
func (c *conversion) eraseByNewDatabase() {
	c.t.Helper()
	c.must(exitAttention, "erase", "--way", "new")
	c.must(exitAttention, "erase") // nobody approved it
	c.approve()
	if out := c.must(0, "erase"); !strings.Contains(out, "[ ] 1.") {
		c.t.Errorf("no checklist:\n%s", out)
	}
	out := c.must(0, "prove", "--out", c.proofs, "--canaries", c.plantedFile(), "--also", c.tmp)
	c.t.Logf("prove, new database:\n%s", out)
	c.must(exitAttention, "erase", "--destroyed") // the file is still there
	if err := os.RemoveAll(filepath.Dir(c.source)); err != nil {
		c.t.Fatal(err)
	}
	c.must(0, "erase", "--destroyed")
	c.clean("new database", c.data, c.tmp, c.proofs)
}

// eraseInPlace erases in the other way: only the columns with identities are erased.
func (c *conversion) eraseInPlace() {
	c.t.Helper()
	c.must(exitAttention, "erase", "--way", "inplace")
	c.approve()
	others := c.oldTableRows()
	out := c.must(0, "erase", "--out", c.proofs, "--canaries", c.plantedFile(), "--also", c.tmp)
	c.t.Logf("erase in place, with its proof:\n%s", out)
	c.clean("in place", c.data, c.tmp, c.proofs, filepath.Dir(c.source))
	if now := c.oldTableRows(); now != others {
		c.t.Errorf("of the source is left %s, want %s", now, others)
	}
	c.must(0, "erase") // says that it is done
}

// oldTableRows returns what the registry's other tables still find in the old table.
func (c *conversion) oldTableRows() string {
	c.t.Helper()
	db, err := sql.Open("sqlite", "file:"+c.source+"?mode=ro")
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	out, err := column(c.t.Context(), db, `SELECT COUNT(*) || ' ' || SUM(p.patid) || ' ' || SUM(p.version) || ' ' || COUNT(DISTINCT p.patientnummer) || ' ' || COUNT(p.geboortedatum)
		FROM behandeling b JOIN patient p ON p.patid = b.patid`)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Join(out, "")
}

func (c *conversion) plantedFile() string {
	c.t.Helper()
	// This file is in no folder that is searched.
	path := filepath.Join(c.t.TempDir(), "planted.txt")
	var names []string
	for _, n := range c.canaries {
		names = append(names, n)
	}
	if err := os.WriteFile(path, []byte(strings.Join(names, "\n")), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// clean checks that no planted name is in the files, in the output of the commands or on
// the pages.
func (c *conversion) clean(what string, folders ...string) {
	c.t.Helper()
	hits, files, size := c.scan.sweep(c.t, folders...)
	for _, h := range c.scan.find(c.out.Bytes()) {
		hits = append(hits, "a command's output: "+h)
	}
	pages := 0
	for _, v := range c.pages {
		pages += v.answers.Len()
		for _, h := range c.scan.find(v.answers.Bytes()) {
			hits = append(hits, "a page: "+h)
		}
	}
	for i, h := range hits {
		if i < 10 {
			c.t.Errorf("%s: %s", what, h)
		}
	}
	c.t.Logf("%s: %d canaries found after, in %d files of %d MB, %d kB of output and %d kB of pages", what, c.distinct(hits), files,
		size>>20, c.out.Len()>>10, pages>>10)
	if files < 5 || c.out.Len() < 1000 || pages < 10_000 {
		c.t.Errorf("%s: there is hardly anything to look at", what)
	}
	proofs, err := filepath.Glob(filepath.Join(c.proofs, "*"))
	if err != nil || len(proofs) < 2 {
		c.t.Fatalf("proofs: %v %v", proofs, err)
	}
	for _, path := range proofs {
		if strings.HasSuffix(path, ".json") {
			command(c.t, "existing", "check-proof", "--key", filepath.Join(c.data, "proof-key.pem.pub"), path)
			c.wantForged(path)
		}
	}
}

// wantForged changes one digit of a proof, which must then be refused.
func (c *conversion) wantForged(path string) {
	c.t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	forged := filepath.Join(c.t.TempDir(), "forged.json")
	if err := os.WriteFile(forged, bytes.Replace(raw, []byte(`"hits": 0`), []byte(`"hits": 1`), 1), 0o600); err != nil {
		c.t.Fatal(err)
	}
	out, err := exec.CommandContext(c.t.Context(), binary, "existing", "check-proof", "--key", filepath.Join(c.data, "proof-key.pem"),
		forged).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "NOT in order") {
		c.t.Errorf("a changed proof: %v\n%s", err, out)
	}
}
