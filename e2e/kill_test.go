package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to look into the data folders afterwards
)

const (
	killRows   = 1500 // of each file
	leastKills = 25
	leastFiles = 5
)

// TestKillLoop kills the program again and again at random moments of its work
// and holds the result against that of a program that was left alone.
func TestKillLoop(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SLUIS_TEST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("seed %d (SLUIS_TEST_SEED repeats it)", seed)
	began := time.Now()
	k := &killer{t: t, random: rand.New(rand.NewPCG(seed, 1)), seed: seed, files: t.TempDir()}
	base := filepath.Join(t.TempDir(), "base")
	k.prepare(base)
	k.calm, k.struck = filepath.Join(t.TempDir(), "calm"), filepath.Join(t.TempDir(), "struck")
	copyDir(t, base, k.calm)
	copyDir(t, base, k.struck)

	for len(k.delivered) < leastFiles || k.kills < leastKills {
		if len(k.delivered) > 4*leastFiles {
			t.Fatalf("only %d kills in %d deliveries", k.kills, len(k.delivered))
		}
		k.deliverUnderFire(k.file(len(k.delivered)))
	}
	k.stopStruck()
	k.deliverCalmly()

	struck, calm := resultOf(t, k.struck), resultOf(t, k.calm)
	differences := compare(t, struck, calm)
	rows := len(struck["rows"])
	t.Logf("%d kills (%d during an upload, %d before the program answered, %d at work), %d deliveries, %d rows, %d patients, %d differences, %v",
		k.kills, k.duringUpload, k.beforeAnswer, k.kills-k.duringUpload-k.beforeAnswer, len(k.delivered), rows, len(struck["patients"]),
		differences, time.Since(began).Round(time.Second))
	if rows < leastFiles*killRows {
		t.Errorf("%d rows are stored, want %d at least", rows, leastFiles*killRows)
	}
	for _, outcome := range []string{"created", "updated", "unchanged", "rejected", "review"} {
		if !strings.Contains(strings.Join(struck["deliveries"], "\n"), outcome+"=") || strings.Contains(struck["deliveries"][0]+" ", " "+outcome+"=0 ") {
			t.Errorf("the first file has no row that is %s: it tests too little\n%s", outcome, struck["deliveries"][0])
		}
	}
}

// killer delivers files to a program that it kills.
type killer struct {
	t            *testing.T
	random       *rand.Rand
	seed         uint64
	files        string
	calm, struck string
	known        []person // stored before the first kill
	calmTime     time.Duration
	bootTime     time.Duration

	running                           *program // nil while it is dead
	uploader                          string   // API token
	delivered                         []string // ids, in the order of the files
	kills, duringUpload, beforeAnswer int
}

// prepare stores patients to collide with, and measures how long an undisturbed
// delivery takes.
func (k *killer) prepare(dir string) {
	p := startDemo(k.t, dir)
	k.uploader = p.token("uploader", "2809")
	k.known = people(k.random, "K", 200)
	var rows []string
	for _, q := range k.known {
		rows = append(rows, q.line())
	}
	in, out := filepath.Join(k.files, "known.csv"), filepath.Join(k.files, "known-pseudonyms.csv")
	writeRows(k.t, in, rows)
	command(k.t, "sandbox", "pseudonymise", "--data", dir, in, out)
	// With the year alone, so that a whole date changes something later.
	raw, err := os.ReadFile(out)
	if err != nil {
		k.t.Fatal(err)
	}
	text := strings.Replace(string(raw), "Geboortedatum", "Geboortejaar", 1)
	for _, q := range k.known {
		text = strings.Replace(text, q.birth.Format("2-1-2006"), q.birth.Format("2006"), 1)
	}
	if err := os.WriteFile(out, []byte(text), 0o600); err != nil {
		k.t.Fatal(err)
	}
	d := p.await(k.t, k.uploader, p.upload(k.t, k.uploader, out, "").ID)
	if d.Counts.Created != len(k.known) {
		k.t.Fatalf("prepare: %s %+v", d.Status, d.Counts)
	}
	p.stop(k.t)

	// The measure is taken on a copy, which nobody looks at again.
	measured := filepath.Join(k.t.TempDir(), "measured")
	copyDir(k.t, dir, measured)
	start := time.Now()
	p = startDemo(k.t, measured)
	k.bootTime = time.Since(start)
	start = time.Now()
	p.await(k.t, k.uploader, p.upload(k.t, k.uploader, k.file(0), "").ID)
	k.calmTime = time.Since(start)
	p.kill()
	k.t.Logf("undisturbed: boot %v, a delivery of %d rows %v", k.bootTime.Round(time.Millisecond), killRows, k.calmTime.Round(time.Millisecond))
}

// file makes file n: the same rows whenever it is asked for.
func (k *killer) file(n int) string {
	r := rand.New(rand.NewPCG(k.seed, uint64(100+n)))
	fresh := people(r, fmt.Sprintf("F%d-", n), killRows)
	rows := make([]string, 0, killRows)
	for i, p := range fresh {
		old := k.known[r.IntN(len(k.known))]
		switch i % 30 {
		case 3:
			rows = append(rows, p.row("", p.sex)) // no date
		case 7:
			rows = append(rows, p.row(p.birth.Format("2-1-2006"), "x")) // no sex
		case 9:
			rows = append(rows, p.row("1-1-2099", p.sex)) // in the future
		case 11:
			rows = append(rows, p.row("gisteren", p.sex)) // Sluis's own check
		case 13:
			rows = append(rows, fresh[r.IntN(i)].line()) // a row again, or another row's number
		case 17:
			p.number = fresh[r.IntN(i)].number // a number with another person
			rows = append(rows, p.line())
		case 19:
			q := fresh[r.IntN(i)] // a person under another number
			q.number = p.number
			rows = append(rows, q.line())
		case 21, 22:
			rows = append(rows, old.line()) // stored: updated the first time, unchanged after
		case 25:
			p.number = old.number // a stored number with another person
			rows = append(rows, p.line())
		case 27:
			old.number = p.number // a stored person under another number
			rows = append(rows, old.line())
		default:
			rows = append(rows, p.line())
		}
	}
	// Where the stored persons come twice in one file they would all be duplicates
	// of each other; some are left alone by the draw, and that is enough.
	path := filepath.Join(k.files, fmt.Sprintf("file-%d.csv", n))
	writeRows(k.t, path, rows)
	return path
}

// deliverUnderFire brings one file to its end, through as many kills as it takes.
func (k *killer) deliverUnderFire(path string) {
	id := ""
	for attempt := 0; ; attempt++ {
		if attempt > 60 {
			k.t.Fatalf("delivery %d does not end: %d kills", len(k.delivered), k.kills)
		}
		// Half the time that the whole takes: so every file is hit some times,
		// and each step of the work by some kill.
		deadline := time.Now().Add(time.Duration(k.random.Int64N(int64(k.calmTime) / 2)))
		if k.running == nil {
			deadline = deadline.Add(time.Duration(k.random.Int64N(int64(k.bootTime) * 3 / 2)))
			if !k.boot(deadline) {
				k.beforeAnswer++
				continue
			}
		}
		if id == "" {
			if id = k.unknownDelivery(); id == "" {
				if id = k.upload(path, deadline); id == "" {
					k.duringUpload++
					continue
				}
			}
		}
		if k.finished(id, deadline) {
			k.delivered = append(k.delivered, id)
			return
		}
	}
}

// kill ends the program as a power cut would.
func (k *killer) kill() {
	k.running.kill()
	k.running = nil
	k.kills++
}

// boot starts the program on its data, and kills it where it does not answer
// before the deadline.
func (k *killer) boot(deadline time.Time) bool {
	k.running = startProgram(k.t, nil, "demo", "--addr", "127.0.0.1:0", "--data", k.struck)
	for time.Now().Before(deadline) {
		if _, rest, ok := strings.Cut(k.running.log(), "Sluis, demonstratie: "); ok {
			if address, _, whole := strings.Cut(rest, "\n"); whole {
				k.running.address = strings.TrimSpace(address)
				return true
			}
		}
		select {
		case <-k.running.ended:
			k.t.Fatalf("the program did not start again:\n%s", k.running.log())
		case <-time.After(2 * time.Millisecond):
		}
	}
	k.kill()
	return false
}

// unknownDelivery finds an upload that was safe before its answer came through.
func (k *killer) unknownDelivery() string {
	var page struct{ Deliveries []delivery }
	if err := json.Unmarshal(k.running.get(k.t, k.uploader, "/api/v1/deliveries?limit=50"), &page); err != nil {
		k.t.Fatal(err)
	}
	// One was there before the first kill.
	if extra := len(page.Deliveries) - 1 - len(k.delivered); extra > 1 || extra < 0 {
		k.t.Fatalf("there are %d deliveries that nobody knows of", extra)
	} else if extra == 0 {
		return ""
	}
	return page.Deliveries[0].ID
}

// upload sends a file slowly; it gives "" where the program died before it said
// that the file was safe.
func (k *killer) upload(path string, deadline time.Time) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		k.t.Fatal(err)
	}
	ctx, cancel := context.WithDeadline(k.t.Context(), deadline)
	defer cancel()
	a, err := k.running.try(ctx, http.MethodPost, k.uploader, "/api/v1/deliveries?filename="+filepath.Base(path), "text/csv", &slow{raw})
	if err != nil {
		k.kill()
		return ""
	}
	var d delivery
	if err := json.Unmarshal(a.body, &d); err != nil || a.status != http.StatusAccepted {
		k.t.Fatalf("upload: %d %v\n%s", a.status, err, a.body)
	}
	return d.ID
}

// slow gives its bytes a piece at a time.
type slow struct{ rest []byte }

func (s *slow) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	time.Sleep(time.Millisecond)
	n := copy(p[:min(len(p), 4096)], s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// finished waits for a delivery that was acknowledged, and kills the program
// where it is not done before the deadline.
func (k *killer) finished(id string, deadline time.Time) bool {
	for {
		d := k.running.delivery(k.t, k.uploader, id) // fails where it is lost
		switch d.Status {
		case "done":
			return true
		case "queued", "processing":
		default:
			k.t.Fatalf("delivery %s is %s: %+v\n%s", id, d.Status, d.Reasons, tail(k.running.log(), 4000))
		}
		if time.Now().After(deadline) {
			k.kill()
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (k *killer) stopStruck() {
	if k.running != nil {
		k.running.stop(k.t)
	}
}

// deliverCalmly gives the same files to the program that is left alone.
func (k *killer) deliverCalmly() {
	p := startDemo(k.t, k.calm)
	for n := range k.delivered {
		if d := p.await(k.t, k.uploader, p.upload(k.t, k.uploader, k.file(n), "").ID); d.Status != "done" {
			k.t.Fatalf("undisturbed delivery %d: %s", n, d.Status)
		}
	}
	p.stop(k.t)
}

// questions are what two registries must agree on. What names a moment or a
// random id is left out.
var questions = map[string]string{
	"deliveries": `SELECT 'read=' || rows_read || ' created=' || n_created || ' updated=' || n_updated || ' unchanged=' || n_unchanged ||
		' rejected=' || n_rejected || ' review=' || n_review || ' warnings=' || warnings || ' ' || state || ' ' || kind || ' ' || fail_code
		FROM deliveries WHERE state <> 'receiving' AND filename <> 'known-pseudonyms.csv' ORDER BY id`,
	"rows": `SELECT filename || ' ' || line || ' ' || r.patient_number || ' ' || outcome FROM delivery_rows r JOIN deliveries d ON d.id = delivery_id
		WHERE state <> 'receiving' ORDER BY d.id, line`,
	"findings": `SELECT filename || ' ' || line || ' ' || seq || ' ' || f.patient_number || ' ' || stage || ' ' || severity || ' ' || source || ' ' || code ||
		' ' || field || ' ' || message || ' ' || partners FROM findings f JOIN deliveries d ON d.id = delivery_id ORDER BY d.id, line, seq`,
	"patients": `SELECT c.number || ' ' || patient_number || ' ' || birth || ' ' || sex || ' ' || version FROM patients p JOIN centres c ON c.id = centre_id
		ORDER BY c.number, patient_number`,
	"pseudonyms": `SELECT patient_number || ' ' || type || ' ' || domain || ' ' || key_version || ' ' || value FROM pseudonyms s JOIN patients p
		ON p.id = s.patient_id ORDER BY patient_number, type, domain, key_version, value`,
	"reviews": `SELECT r.patient_number || ' ' || r.line || ' ' || r.birth || ' ' || r.sex || ' ' || reason || ' ' || partners || ' ' || r.state || ' ' ||
		COALESCE(p.patient_number, '') FROM reviews r LEFT JOIN patients p ON p.id = r.patient_id ORDER BY r.id`,
	"review rows": `SELECT r.patient_number || ' ' || d.filename || ' ' || x.line FROM review_rows x JOIN reviews r ON r.id = x.review_id
		JOIN deliveries d ON d.id = x.delivery_id ORDER BY x.review_id, x.delivery_id, x.line`,
	"log": `SELECT e.type || ' ' || s.action || ' ' || p.patient_number FROM audit_subjects s JOIN audit_events e ON e.id = s.event_id
		JOIN patients p ON p.id = s.patient_id WHERE e.type LIKE 'delivery%' ORDER BY 1`,
	"left": `SELECT 'chunk of delivery ' || delivery_id FROM chunks UNION ALL SELECT 'mark of delivery ' || delivery_id FROM row_marks
		UNION ALL SELECT 'block of delivery ' || delivery_id FROM upload_blocks b JOIN deliveries d ON d.id = b.delivery_id WHERE d.state <> 'receiving'
		UNION ALL SELECT 'key of delivery ' || id FROM deliveries WHERE state <> 'receiving' AND (key_id <> '' OR wrapped_key IS NOT NULL)`,
}

// resultOf reads what a registry holds, from the database of a program that has
// stopped.
func resultOf(t *testing.T, dir string) map[string][]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "sluis.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string][]string{}
	for name, q := range questions {
		if out[name], err = column(t.Context(), db, q); err != nil {
			t.Fatalf("%s of %s: %v", name, dir, err)
		}
	}
	return out
}

func column(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// compare tells how many lines two registries do not have in common.
func compare(t *testing.T, a, b map[string][]string) int {
	t.Helper()
	total := 0
	for name := range questions {
		n := 0
		for i := range max(len(a[name]), len(b[name])) {
			var x, y string
			if i < len(a[name]) {
				x = a[name][i]
			}
			if i < len(b[name]) {
				y = b[name][i]
			}
			if x == y {
				continue
			}
			if n++; n <= 5 {
				t.Errorf("%s: killed has %q, undisturbed has %q", name, x, y)
			}
		}
		total += n
	}
	if left := a["left"]; len(left) > 0 {
		t.Errorf("the end of a delivery left %d things behind: %q", len(left), left[0])
	}
	return total
}
