package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// canaries makes up a surname of ten letters for each place where an identity can
// come in. If one comes out somewhere, it shows where it went in.
type canaries struct {
	random *rand.Rand
	byName map[string]string
}

func (c *canaries) name(place string) string {
	if have, ok := c.byName[place]; ok {
		return have
	}
	letters := make([]byte, 10)
	for i := range letters {
		letters[i] = byte('a' + c.random.IntN(26))
	}
	letters[0] -= 'a' - 'A'
	c.byName[place] = string(letters)
	return c.byName[place]
}

// sieve is the state of the canary sweep.
type sieve struct {
	*canaries
	t       *testing.T
	data    string // the program's data folder
	tmp     string // the program's TMPDIR
	p       *program
	logs    strings.Builder // output of the programs that have ended
	backups int
	figures string     // where a monitor reads
	scripts []*visitor // all visitors, with the answers that they got
	api     *visitor
	web     *visitor
	ids     []string // deliveries
	number  int
	status  map[string]int // answers of the API, by status
}

// TestCanarySweep brings made-up names in through every door, in every way that
// goes right or wrong. Then it looks for them in everything that comes out or stays
// behind.
func TestCanarySweep(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	s := &sieve{
		canaries: &canaries{
			rand.New(rand.NewPCG(seed, 2)),
			map[string]string{},
		}, t: t, data: filepath.Join(t.TempDir(), "data"), tmp: t.TempDir(),
		status: map[string]int{},
	}
	s.start()
	for _, part := range []struct {
		name string
		do   func()
	}{
		{"good deliveries", s.goodDeliveries},
		{"refused files", s.refusedFiles},
		{"odd requests", s.oddRequests},
		{"entries on the page", s.entriesOnPage},
		{"entries by the API", s.entriesByAPI},
		{"FHIR door", s.fhirDoor},
		{"signing in", s.signIns},
		{"broken uploads", s.brokenUploads},
		{"datasets and postcodes", s.datasetsAndPostcodes},
		{"every format", s.formats},
		{"judging conflicts", s.judging},
		{"repairs", s.repairing},
		{"existing patients", s.convertOldTable},
		{"reading everything", s.readEverything},
	} {
		began := time.Now()
		part.do()
		t.Logf("%s: %v", part.name, time.Since(began).Round(time.Millisecond))
	}
	s.sweep("while the program runs", 0)
	s.killInTheMiddle()
	s.readEverything()
	s.p.stop(t)
	s.sweep("after the program ended", 0)
	t.Logf("%d canaries, %d deliveries, API answers by status: %v", len(s.byName), len(s.ids), s.status)
	for _, status := range []int{200, 201, 202, 400, 401, 404, 413, 415, 422} {
		if s.status[fmt.Sprint(status)] == 0 {
			t.Errorf("no request was answered %d: the sweep covers less than it should", status)
		}
	}
}

// start starts the program with a TMPDIR of its own.
func (s *sieve) start() {
	s.t.Helper()
	if s.p != nil {
		s.logs.WriteString(s.p.log())
	}
	s.figures = unusedAddress(s.t)
	s.p = startProgram(s.t, []string{"TMPDIR=" + s.tmp}, "demo", "--addr", "127.0.0.1:0", "--data", s.data, "--metrics", s.figures)
	s.p.waitForAddress(s.t, "Sluis, demonstratie: ")
	raw, err := os.ReadFile(filepath.Join(s.data, "demo.json"))
	if err == nil {
		err = json.Unmarshal(raw, &s.p.demo)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.api = s.visitor()
	s.web = s.visitor().signIn(s.p.account("uploader", "2809"))
}

func (s *sieve) visitor() *visitor {
	v := newVisitor(s.t, s.p.address)
	s.scripts = append(s.scripts, v)
	return v
}

// newNumber makes a patient number. It is no canary, for patient numbers are kept.
func (s *sieve) newNumber() string {
	s.number++
	return fmt.Sprintf("N%05d", s.number)
}

// post sends a body to the API as the uploader of 2809.
func (s *sieve) post(path, kind string, body io.Reader) answer {
	s.t.Helper()
	return s.send("uploader", outgoing{method: http.MethodPost, path: path, kind: kind, body: body})
}

func (s *sieve) send(role string, a outgoing) answer {
	s.t.Helper()
	if a.header == nil {
		a.header = map[string]string{}
	}
	if a.header["Authorization"] == "" {
		a.header["Authorization"] = "Bearer " + s.p.token(role, "2809")
	}
	got := s.api.do(a)
	s.status[fmt.Sprint(got.status)]++
	return got
}

// deliver sends a file to the API, waits until its delivery rests and checks that it
// then has the status want. It returns the id.
func (s *sieve) deliver(what, query string, file []byte, want string) string {
	s.t.Helper()
	a := s.post("/api/v1/deliveries?filename=bestand.csv"+query, "application/octet-stream", bytes.NewReader(file))
	if a.status != http.StatusAccepted {
		s.t.Fatalf("%s: %d %s", what, a.status, a.body)
	}
	var d delivery
	if err := json.Unmarshal(a.body, &d); err != nil {
		s.t.Fatal(err)
	}
	s.ids = append(s.ids, d.ID)
	got := s.await(d.ID)
	if got.Status != want {
		s.t.Errorf("%s: %s %+v, want %s", what, got.Status, got.Reasons, want)
	}
	return d.ID
}

func (s *sieve) await(id string) (d delivery) {
	s.t.Helper()
	rests := poll(workTime, 30*time.Millisecond, func() bool {
		d = s.delivery(id)
		return !d.working()
	})
	if !rests {
		s.t.Fatalf("delivery %s is still %s", id, d.Status)
	}
	return d
}

// delivery returns a delivery as it is now.
func (s *sieve) delivery(id string) (d delivery) {
	s.t.Helper()
	a := s.send("uploader", outgoing{method: http.MethodGet, path: "/api/v1/deliveries/" + id})
	if err := json.Unmarshal(a.body, &d); err != nil {
		s.t.Fatal(err)
	}
	return d
}

const wideHeader = header + ";E-mail;Postcode;Huisnummer;Opmerking"

// wideRow returns a row with every identity field, and an unknown column.
func (s *sieve) wideRow(place, birth, sex string) string {
	n := s.name(place)
	return strings.Join([]string{
		"2809", birth, sex, s.newNumber(), n, s.name(place + " prefix"), "Q.X." + n, n + "@" + s.name(place+" mail host") + ".example",
		s.name(place + " postcode"), "12", "gezien door " + s.name(place+" unknown column"),
	}, ";")
}

func file(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

// goodDeliveries delivers files that are accepted, with good and with rejected rows.
func (s *sieve) goodDeliveries() {
	rows := func(place string) []byte {
		lines := []string{wideHeader}
		for i := range 12 {
			lines = append(lines, s.wideRow(place, fmt.Sprintf("%d-3-1970", i+1), "v"))
		}
		name := s.name(place + " out of place")
		return file(append(lines,
			s.wideRow(place+" without date", "", "m"), s.wideRow(place+" without sex", "1-1-1980", "onbekend"),
			"2809;"+name+";m;"+s.newNumber()+";"+name+";;A", // a name where the date belongs
			"2809;1-1-1970;"+name+";"+s.newNumber()+";"+name+";;A",
			name+";1-1-1970;m;"+s.newNumber()+";"+name+";;A",
			"2809;1-1-1970;m;"+s.newNumber()+";"+name+";;A;;;;;"+name+";"+name, // shifted
		)...)
	}
	s.deliver("save", "&confirm=true", rows("saved"), "done")
	s.deliver("check", "&check=true", rows("checked"), "checked")
	id := s.deliver("check, then save", "&check=true", rows("checked and saved"), "checked")
	s.post("/api/v1/deliveries/"+id+"/confirm", "", nil)
	if got := s.await(id); got.Status != "done" {
		s.t.Errorf("check, then save: %s", got.Status)
	}
	id = s.deliver("check, then cancel", "&check=true", rows("checked and cancelled"), "checked")
	s.post("/api/v1/deliveries/"+id+"/cancel", "", nil)
	if got := s.await(id); got.Status != "cancelled" {
		s.t.Errorf("check, then cancel: %s", got.Status)
	}
	s.deliver("brake", "", file(append([]string{wideHeader}, func() (bad []string) {
		for range 12 {
			bad = append(bad, s.wideRow("braked", "", "x"))
		}
		return bad
	}()...)...), "needs_confirmation")
	s.deliver("names for pseudonyms", "&confirm=true", file("Patiëntnummer;Geboortejaar;Geslacht;Pseudoniem NGGV;Pseudoniem NGG",
		s.newNumber()+";1970;m;"+s.name("as NGGV")+";"+s.name("as NGG"), s.newNumber()+";"+s.name("as year")+";m;"+s.name("as NGGV")+";x",
		s.newNumber()+";1970;"+s.name("as sex")+";"+s.name("as NGGV")+" "+s.name("as NGGV")+";x"), "done")
	s.deliver("UTF-16", "", utf16File(header+"\r\n"+s.plainRow("UTF-16")+"\r\n"), "done")
	quoted := strings.Replace(s.plainRow("lone quote"), s.name("lone quote"), `O"`+s.name("lone quote"), 1)
	s.deliver("lone quotes", "&confirm=true", file(header, quoted), "done")

	// The same with the page, which also follows the delivery.
	body, kind := multipartFile(s.t, "save", "lijst.csv", rows("by the page"))
	got := s.web.do(outgoing{method: http.MethodPost, path: "/aanleveringen", kind: kind, body: body})
	if got.status != http.StatusOK || !bytes.Contains(got.body, []byte("lijst.csv")) {
		s.t.Errorf("upload by the page: %d", got.status)
	}
}

func (s *sieve) plainRow(place string) string {
	return "2809;1-1-1970;m;" + s.newNumber() + ";" + s.name(place) + ";van;Q." + s.name(place)
}

func utf16File(text string) []byte {
	out := []byte{0xFF, 0xFE}
	for _, r := range text {
		out = append(out, byte(r), byte(r>>8))
	}
	return out
}

// signIns signs in with a name in the place of the password, and of the address.
func (s *sieve) signIns() {
	who := s.p.account("auditor", "")
	v := s.visitor()
	v.form("/inloggen", url.Values{"email": {who.Email}, "password": {s.name("password")}}, false)
	v.form("/inloggen", url.Values{"email": {s.name("address") + "@x.example"}, "password": {s.name("password")}}, true)
	v.form("/inloggen", url.Values{"email": {who.Email}, "password": {who.Password}, "next": {"//" + s.name("next") + ".example"}}, false)
}

// brokenUploads sends an upload that breaks off and one that is empty. (TestServe,
// with its low limit, has one that is too large.)
func (s *sieve) brokenUploads() {
	if err := s.halfUpload("broken off").Close(); err != nil {
		s.t.Fatal(err)
	}
	if a := s.post("/api/v1/deliveries?filename=leeg.csv", "text/csv", strings.NewReader("")); a.status != http.StatusBadRequest {
		s.t.Errorf("empty upload: %d %s", a.status, a.body)
	}
}

// halfUpload sends the first half of a file and keeps the connection open.
func (s *sieve) halfUpload(place string) net.Conn {
	s.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.p.address, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /api/v1/deliveries?filename=half.csv HTTP/1.1\r\nHost: sluis\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: text/csv\r\nContent-Length: 4000000\r\n\r\n%s\r\n", s.p.token("uploader", "2809"), header)
	if _, err := io.Copy(conn, &repeated{what: []byte(s.plainRow(place) + "\r\n"), left: 2 << 20}); err != nil {
		s.t.Fatal(err)
	}
	if !poll(workTime, 10*time.Millisecond, func() bool { return s.count(s.data, "upload_blocks") > 0 }) {
		s.t.Fatal("no block of half an upload was stored")
	}
	return conn
}

// count returns the number of rows of a table.
func (s *sieve) count(dir, table string) int {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "sluis.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRowContext(s.t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// repeated is a reader of what, over and over, until left bytes have been read.
type repeated struct {
	what []byte
	at   int
	left int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.left)], r.what[r.at:])
	r.at, r.left = (r.at+n)%len(r.what), r.left-n
	return n, nil
}

// openRows is the number of identities in the delivery during which the program is
// killed.
const openRows = 4000

// killInTheMiddle kills the program while its database has many sealed identities,
// and then looks for them on the disk.
func (s *sieve) killInTheMiddle() {
	defer s.halfUpload("upload at the kill").Close()
	lines := []string{header}
	for i := range openRows {
		lines = append(lines, fmt.Sprintf("2809;%d-%d-%d;m;%s;%s;van;Q", 1+i%28, 1+i%12, 1930+i%80, s.newNumber(), s.name("killed")))
	}
	a := s.post("/api/v1/deliveries?filename=veel.csv", "text/csv", bytes.NewReader(file(lines...)))
	var d delivery
	if err := json.Unmarshal(a.body, &d); err != nil || a.status != http.StatusAccepted {
		s.t.Fatalf("a large delivery: %d %v", a.status, err)
	}
	s.ids = append(s.ids, d.ID)
	if !poll(workTime, time.Millisecond, func() bool { return s.delivery(d.ID).Status != "queued" }) {
		s.t.Fatal("nothing begins to work on a large delivery")
	}
	s.p.kill()
	s.sweep("while a delivery is open", 1)
	s.start()
	if got := s.await(d.ID); got.Status != "done" || got.Counts.Read != openRows {
		s.t.Errorf("the killed delivery: %s %+v", got.Status, got.Counts)
	}
}

// readEverything opens every page and report as each person who may see it.
func (s *sieve) readEverything() {
	datamanager := s.visitor().signIn(s.p.account("datamanager", ""))
	auditor := s.visitor().signIn(s.p.account("auditor", ""))
	s.web.signIn(s.p.account("uploader", "2809"))
	// Reports are limited to so many a minute for each account: they take turns.
	readers := []*visitor{s.web, datamanager, s.visitor().signIn(s.p.account("clinician", "2809"))}
	for i, id := range s.ids {
		for _, v := range readers {
			v.get("/aanleveringen/" + id)
		}
		reader := readers[i%len(readers)]
		s.reports(reader, id)
		for _, path := range []string{"/fouten.csv", "/fouten.json", "/voortgang"} {
			reader.get("/aanleveringen/" + id + path)
		}
		for _, format := range []string{"json", "csv"} {
			s.send("uploader", outgoing{method: http.MethodGet, path: "/api/v1/deliveries/" + id + "/report?format=" + format})
		}
	}
	for _, path := range []string{"/", "/patienten", "/aanleveringen"} {
		s.web.get(path)
		datamanager.get(path)
	}
	datamanager.get("/status/ttp")
	datamanager.get("/datasets")
	datamanager.get("/beoordelen")
	s.send("uploader", outgoing{method: http.MethodGet, path: "/api/v1/patients?limit=200"})
	s.send("uploader", outgoing{method: http.MethodGet, path: "/api/v1/deliveries?limit=200"})
	auditor.get("/logboek")
	auditor.form("/logboek", url.Values{"nummer": {s.name("who looked at this number")}}, true)
	auditor.form("/logboek/inzage", url.Values{"nummer": {s.name("whose data were seen")}, "zorgaanbieder": {"2809"}}, true)
	for _, path := range []string{"/logboek/1", "/logboek.csv", "/logboek/controle", "/alarmen"} {
		auditor.get(path)
	}
	admin := s.visitor().signIn(s.p.account("admin", ""))
	admin.form("/gebruikers/nieuw", url.Values{"naam": {s.name("name without an address")}, "email": {s.name("wrong address")}}, true)
	for _, path := range []string{"/gebruikers", "/gebruikers/controle", "/gebruikers/controle.csv", "/centra", "/tokens", "/account", "/inlogdiensten"} {
		admin.get(path)
	}
	s.send("uploader", outgoing{method: http.MethodGet, path: "/api/v1/me"})
	monitor := newVisitor(s.t, "http://"+s.figures)
	s.scripts = append(s.scripts, monitor)
	if a := monitor.get("/metrics"); !bytes.Contains(a.body, []byte("sluis_rows{")) {
		s.t.Errorf("the monitor gets no figures: %d", a.status)
	}
	s.examine()
}

// examine keeps what the commands for operators print, and makes a backup for the sweep to
// look into.
func (s *sieve) examine() {
	s.t.Helper()
	s.backups++
	env := []string{"SLUIS_DATABASE=sqlite:" + filepath.Join(s.data, "sluis.db"), "SLUIS_KEYRING_FILE=" + filepath.Join(s.data, "keyring.json")}
	for _, args := range [][]string{
		{"check"}, {"backup", filepath.Join(s.tmp, fmt.Sprintf("backup-%d", s.backups))},
		{"restore", "--list", filepath.Join(s.tmp, fmt.Sprintf("backup-%d", s.backups))}, {"doctor"},
	} {
		cmd := exec.CommandContext(s.t.Context(), binary, args...)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		s.logs.Write(out)
		if err != nil && args[0] != "doctor" { // a demonstration has no environment to examine
			s.t.Errorf("web %v: %v\n%s", args, err, out)
		}
	}
}

// sweep looks for every canary, and proves that it looked in the right places.
func (s *sieve) sweep(when string, open int) {
	s.t.Helper()
	began := time.Now()
	scan := newScanner(s.byName)
	hits, files, size := scan.sweep(s.t, s.data, s.tmp)
	log := s.logs.String() + s.p.log()
	for _, h := range scan.find([]byte(log)) {
		hits = append(hits, "the log: "+h)
	}
	answers := 0
	for _, v := range s.scripts {
		for _, h := range scan.find(v.answers.Bytes()) {
			hits = append(hits, "an answer: "+h)
		}
		answers += v.answers.Len()
	}
	for i, h := range hits {
		if i < 20 {
			s.t.Errorf("%s: %s", when, h)
		}
	}
	s.t.Logf("%s: %d hits in %d files of %d MB, %d kB of log, %d kB of answers; %v",
		when, len(hits), files, size>>20, len(log)>>10, answers>>10, time.Since(began).Round(time.Millisecond))
	if len(log) < 1000 || answers < 10_000 {
		s.t.Errorf("%s: there is hardly anything to look at", when)
	}
	// A patient number is kept by design, so it must be found in the same places.
	kept := newScanner(map[string]string{"patient number": "N00001"})
	if found, _, _ := kept.sweep(s.t, s.data); len(found) == 0 {
		s.t.Errorf("%s: not even a patient number is found in the data folder", when)
	}
	if open > 0 {
		s.wantSealed()
	}
}

// wantSealed checks that the database has sealed identities at this moment. Otherwise
// a sweep for them proves nothing.
func (s *sieve) wantSealed() {
	s.t.Helper()
	// Look at a copy, for opening the database would write to it.
	dir := filepath.Join(s.t.TempDir(), "copy")
	copyDir(s.t, s.data, dir)
	chunks, blocks := s.count(dir, "chunks WHERE holds = 'identities'"), s.count(dir, "upload_blocks")
	s.t.Logf("%d chunks with sealed identities and %d sealed blocks lay on the disk at the kill", chunks, blocks)
	if chunks == 0 || blocks == 0 {
		s.t.Error("the kill came too late: nothing was sealed any more")
	}
}
