package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to look into the data folders afterwards
)

const (
	killRows   = 1200 // of each file
	leastKills = 110
)

// TestKillLoop kills the program again and again, in every state of every kind of
// delivery and at random moments. It compares the result with that of a program that
// was never killed.
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
	k := &killer{
		t:      t,
		random: rand.New(rand.NewPCG(seed, 1)),
		seed:   seed,
		files:  t.TempDir(),
		made:   map[int]string{},
		hits:   map[string]map[string]int{},
	}
	base := filepath.Join(t.TempDir(), "base")
	k.prepare(base)
	k.calm, k.struck = filepath.Join(t.TempDir(), "calm"), filepath.Join(t.TempDir(), "struck")
	copyDir(t, base, k.calm)
	copyDir(t, base, k.struck)

	for len(k.delivered) < len(kinds) || k.kills < leastKills {
		if len(k.delivered) > 8*len(kinds) {
			t.Fatalf("only %d kills in %d deliveries", k.kills, len(k.delivered))
		}
		k.deliverUnderFire()
	}
	k.stopStruck()
	k.deliverCalmly()

	struck, calm := resultOf(t, k.struck), resultOf(t, k.calm)
	differences := compare(t, struck, calm)
	rows := len(struck["rows"])
	t.Logf("%d kills, %d deliveries, %d rows, %d patients, %d differences, %v\n%s",
		k.kills, len(k.delivered), rows, len(struck["patients"]), differences, time.Since(began).Round(time.Second), k.table())
	if rows < len(kinds)*killRows {
		t.Errorf("%d rows are stored, want %d at least", rows, len(kinds)*killRows)
	}
	for _, outcome := range []string{"created", "updated", "unchanged", "rejected", "review"} {
		if !strings.Contains(struck["deliveries"][0], outcome+"=") || strings.Contains(struck["deliveries"][0]+" ", " "+outcome+"=0 ") {
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
	made         map[int]string // files, and ids of datasets, by number of the delivery
	calm, struck string         // data folders: of the program that is never killed, and of the other
	known        []person       // stored before the first kill
	calmTime     time.Duration
	bootTime     time.Duration

	running   *program // nil while it is dead
	uploader  string   // API token
	live      *sql.DB  // the database of the running program, opened to read
	delivered []string // ids, in the order of the files
	kills     int
	quiet     bool                      // the calm program is running
	hits      map[string]map[string]int // kills by kind and state
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
	// Store only the year of birth, so that a whole date changes something later.
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

	// Measure on a copy that is not used again.
	measured := filepath.Join(k.t.TempDir(), "measured")
	copyDir(k.t, dir, measured)
	start := time.Now()
	p = startDemo(k.t, measured)
	k.bootTime = time.Since(start)
	start = time.Now()
	p.await(k.t, k.uploader, p.upload(k.t, k.uploader, k.file(0, header), "").ID)
	k.calmTime = time.Since(start)
	p.kill()
	k.t.Logf("undisturbed: boot %v, a delivery of %d rows %v",
		k.bootTime.Round(time.Millisecond), killRows, k.calmTime.Round(time.Millisecond))
}

// file makes file n. It always has the same rows.
func (k *killer) file(n int, head string) string {
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
			rows = append(rows, p.row("gisteren", p.sex)) // rejected by Sluis itself
		case 13:
			rows = append(rows, fresh[r.IntN(i)].line()) // an earlier row again, or the person of a changed one
		case 17:
			p.number = fresh[r.IntN(i)].number // another person under an earlier number
			rows = append(rows, p.line())
		case 19:
			q := fresh[r.IntN(i)] // an earlier person under another number
			q.number = p.number
			rows = append(rows, q.line())
		case 21, 22:
			rows = append(rows, old.line()) // a stored person: updated the first time, then unchanged
		case 25:
			p.number = old.number // another person under a stored number
			rows = append(rows, p.line())
		case 27:
			old.number = p.number // a stored person under another number
			rows = append(rows, old.line())
		default:
			rows = append(rows, p.line())
		}
	}
	// A stored person that is drawn twice for one file makes duplicates of each other.
	// Some are drawn only once, and that is enough.
	path := filepath.Join(k.files, fmt.Sprintf("file-%d.csv", n))
	if err := os.WriteFile(path, []byte(head+"\r\n"+strings.Join(rows, "\r\n")+"\r\n"), 0o600); err != nil {
		k.t.Fatal(err)
	}
	return path
}

// deliverUnderFire delivers the next file until it is done, through as many kills as
// it takes. The first time a kind comes, it kills once in each of the kind's states;
// otherwise at random moments.
func (k *killer) deliverUnderFire() {
	n := len(k.delivered)
	kind := kinds[n%len(kinds)]
	var aims []string
	if n < len(kinds) {
		aims = slices.Clone(kind.states)
	}
	id := ""
	for attempt := 0; ; attempt++ {
		if attempt > 80 {
			k.t.Fatalf("delivery %d (%s) does not end: %d kills", n, kind.name, k.kills)
		}
		aim := ""
		// The moment lies in half the time that a whole delivery takes. So every file
		// is hit a few times, and every step of the work by some kill. A machine that has
		// become busier since the calm delivery was timed gets more time after a while.
		slower := int64(1 + attempt/10)
		deadline := time.Now().Add(time.Duration(k.random.Int64N(slower * int64(k.calmTime) / 2)))
		if len(aims) > 0 {
			aim, aims, deadline = aims[0], aims[1:], time.Now().Add(workTime)
		}
		if k.running == nil {
			limit := deadline.Add(time.Duration(k.random.Int64N(slower * int64(k.bootTime) * 3 / 2)))
			if deadline = limit; !k.boot(limit) {
				k.hit(kind.name, "starting")
				continue
			}
		}
		if id == "" {
			if id = k.unknownDelivery(); id == "" {
				if id = kind.send(k, n, aim, deadline); id == "" {
					k.hit(kind.name, "receiving")
					continue
				}
			}
		}
		state, done := k.finished(kind, id, aim, deadline)
		if done {
			k.delivered = append(k.delivered, id)
			return
		}
		k.hit(kind.name, state)
	}
}

// kill ends the program as a power cut would.
func (k *killer) kill() {
	if k.live != nil {
		_ = k.live.Close()
		k.live = nil
	}
	k.running.kill()
	k.running = nil
	k.kills++
}

func (k *killer) hit(kind, state string) {
	if k.hits[kind] == nil {
		k.hits[kind] = map[string]int{}
	}
	k.hits[kind][state]++
}

// table returns a table of the kills by kind and state.
func (k *killer) table() string {
	states := []string{"starting", "receiving", "received", "mapping", "exchanging", "deciding", "checked", "confirm", "registering",
		"done"}
	var b strings.Builder
	fmt.Fprintf(&b, "%-28s", "kills")
	for _, s := range states {
		fmt.Fprintf(&b, " %11s", s)
	}
	for _, kind := range kinds {
		fmt.Fprintf(&b, "\n%-28s", kind.name)
		for _, s := range states {
			fmt.Fprintf(&b, " %11d", k.hits[kind.name][s])
		}
	}
	return b.String()
}

// boot starts the program on its data. If the program does not answer before the
// deadline, boot kills it and returns false.
func (k *killer) boot(deadline time.Time) bool {
	k.running = startProgram(k.t, nil, "demo", "--addr", "127.0.0.1:0", "--data", k.struck)
	for time.Now().Before(deadline) {
		if _, rest, ok := strings.Cut(k.running.log(), "Sluis, demonstratie: "); ok {
			if address, _, whole := strings.Cut(rest, "\n"); whole {
				k.running.address = strings.TrimSpace(address)
				k.running.readDemo(k.t, k.struck)
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

// state returns the state of the newest delivery in the database of the running
// program.
func (k *killer) state() string {
	if k.live == nil {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(k.struck, "sluis.db")+"?mode=ro&_pragma=busy_timeout(2000)")
		if err != nil {
			k.t.Fatal(err)
		}
		k.live = db
	}
	var state string
	if err := k.live.QueryRowContext(k.t.Context(), "SELECT state FROM deliveries ORDER BY id DESC LIMIT 1").Scan(&state); err != nil {
		return ""
	}
	return state
}

// unknownDelivery returns the id of a delivery that was stored although the program
// was killed before it could answer.
func (k *killer) unknownDelivery() string {
	var page struct{ Deliveries []delivery }
	if err := json.Unmarshal(k.running.get(k.t, k.uploader, "/api/v1/deliveries?limit=100"), &page); err != nil {
		k.t.Fatal(err)
	}
	// One delivery was there before the first kill.
	if extra := len(page.Deliveries) - 1 - len(k.delivered); extra > 1 || extra < 0 {
		k.t.Fatalf("there are %d deliveries that nobody knows of", extra)
	} else if extra == 0 {
		return ""
	}
	return page.Deliveries[0].ID
}

// finished follows a delivery that the program acknowledged, and does what a person
// must do for it to go on. It returns true if the delivery is done. Before that it
// kills the program in the state aim, or at the deadline if aim is empty, and returns
// the state.
func (k *killer) finished(kind kind, id, aim string, deadline time.Time) (state string, done bool) {
	asked := false
	again := time.NewTicker(200 * time.Microsecond)
	defer again.Stop()
	for looked := (time.Time{}); ; <-again.C {
		state = k.state()
		if state == aim && aim != "" || time.Now().After(deadline) {
			k.kill()
			return state, false
		}
		if time.Since(looked) < 5*time.Millisecond {
			continue
		}
		looked = time.Now()
		d := k.running.delivery(k.t, k.uploader, id) // fails the test if the delivery is lost
		switch {
		case d.Status == "done":
			return d.Status, true
		case d.Status == "queued" || d.Status == "processing" || asked && d.Status == kind.waits:
		case kind.answer != nil && d.Status == kind.waits && slices.Contains([]string{"checked", "confirm", "mapping"}, aim):
			k.kill() // while it waits for a person
			return aim, false
		case kind.answer != nil && d.Status == kind.waits && !asked:
			asked = true
			go func(p *program) { _ = kind.answer(k, p, id) }(k.running) // if a kill breaks it off, it comes again after the restart
		default:
			k.t.Fatalf("delivery %s (%s) is %s: %+v\n%s", id, kind.name, d.Status, d.Reasons, tail(k.running.log(), 4000))
		}
	}
}

func (k *killer) stopStruck() {
	if k.live != nil {
		_ = k.live.Close()
		k.live = nil
	}
	if k.running != nil {
		k.running.stop(k.t)
	}
}

// deliverCalmly delivers the same files to the program that is never killed.
func (k *killer) deliverCalmly() {
	k.running, k.quiet = startDemo(k.t, k.calm), true
	for n := range k.delivered {
		kind := kinds[n%len(kinds)]
		id := kind.send(k, n, "", time.Now().Add(workTime))
		d := k.running.await(k.t, k.uploader, id)
		if kind.answer != nil && d.Status == kind.waits {
			if err := kind.answer(k, k.running, id); err != nil {
				k.t.Fatal(err)
			}
			d = k.running.await(k.t, k.uploader, id)
		}
		if d.Status != "done" {
			k.t.Fatalf("undisturbed delivery %d (%s): %s %+v", n, kind.name, d.Status, d.Reasons)
		}
	}
	k.running.stop(k.t)
}

// questions are the queries whose results must be the same in two registries. They
// leave out moments and random ids.
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

// resultOf returns the results of questions, from the database of a program that has
// stopped.
func resultOf(t *testing.T, dir string) map[string][]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "sluis.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return resultsIn(t, db)
}

func resultsIn(t *testing.T, db *sql.DB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for name, q := range questions {
		var err error
		if out[name], err = column(t.Context(), db, q); err != nil {
			t.Fatalf("%s: %v", name, err)
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

// compare returns the number of lines in which two registries differ.
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
