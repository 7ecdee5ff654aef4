package e2e

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// kind is a kind of delivery with the way in which it comes in.
type kind struct {
	name string
	// states are the states that it passes and in which the program is killed.
	states []string
	// send delivers file n, slowly if aim is the upload. It returns "" if the program
	// was killed before it answered that the delivery was safe.
	send func(k *killer, n int, aim string, deadline time.Time) (id string)
	// answer is what a person does when the delivery has the status waits.
	waits  string
	answer func(k *killer, p *program, id string) error
}

var kinds = []kind{
	{"identities, CSV", []string{"receiving", "received", "exchanging", "deciding", "registering"}, sendFile("", csvFile), "", nil},
	{"pseudonyms, CSV", []string{"receiving", "received", "exchanging", "deciding", "registering"}, sendFile("", pseudonymFile), "", nil},
	{"identities, XLSX", []string{"receiving", "received", "exchanging", "deciding", "registering"}, sendFile("", workbookFile), "", nil},
	{
		"checked, then saved", []string{"received", "exchanging", "deciding", "checked", "deciding", "registering"},
		sendFile("check=true", csvFile), "checked", confirm,
	},
	{
		"the brake, confirmed", []string{"exchanging", "deciding", "confirm", "deciding", "registering"}, sendFile("", badFile),
		"needs_confirmation", confirm,
	},
	{
		"columns assigned", []string{"received", "mapping", "received", "exchanging", "registering"}, sendFile("", oddFile),
		"needs_mapping",
		assign,
	},
	{"dataset of the TTP", []string{"received", "deciding", "registering"}, sendDataset, "", nil},
}

// sendFile delivers a file over the API, with an Idempotency-Key.
func sendFile(query string, file func(k *killer, n int) string) func(*killer, int, string, time.Time) string {
	return func(k *killer, n int, aim string, deadline time.Time) string {
		path := file(k, n)
		raw, err := os.ReadFile(path)
		if err != nil {
			k.t.Fatal(err)
		}
		body := &slow{raw, time.Millisecond}
		if aim == "receiving" {
			body.pause, deadline = 50*time.Millisecond, time.Now().Add(200*time.Millisecond)
		}
		ctx, cancel := context.WithDeadline(k.t.Context(), deadline)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost,
			k.running.address+"/api/v1/deliveries?"+query+"&filename="+filepath.Base(path), body)
		if err != nil {
			k.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+k.uploader)
		r.Header.Set("Content-Type", "application/octet-stream")
		r.Header.Set("Idempotency-Key", fmt.Sprintf("file-%d", n))
		res, err := k.running.client.Do(r)
		if err != nil {
			k.kill()
			return ""
		}
		defer res.Body.Close()
		var d delivery
		answer, err := io.ReadAll(res.Body)
		if err == nil {
			err = json.Unmarshal(answer, &d)
		}
		if err != nil || res.StatusCode != http.StatusAccepted {
			k.t.Fatalf("upload: %d %v\n%s", res.StatusCode, err, answer)
		}
		return d.ID
	}
}

// slow is a reader that returns a piece of its bytes after each pause, as a slow line
// would.
type slow struct {
	rest  []byte
	pause time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	<-time.After(s.pause)
	n := copy(p[:min(len(p), 4096)], s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func csvFile(k *killer, n int) string { return k.file(n, header) }

// pseudonymFile returns the same file with temporary pseudonyms. It is made only once,
// for temporary pseudonyms are new each time.
func pseudonymFile(k *killer, n int) string {
	return k.once(n, func(in string) string {
		out := filepath.Join(k.files, fmt.Sprintf("pseudonyms-%d.csv", n))
		command(k.t, "sandbox", "pseudonymise", "--data", k.calm, in, out)
		return out
	})
}

func (k *killer) once(n int, do func(in string) string) string {
	if k.made[n] == "" {
		k.made[n] = do(k.file(n, header))
	}
	return k.made[n]
}

func workbookFile(k *killer, n int) string {
	return k.once(n, func(in string) string {
		raw, err := os.ReadFile(in)
		if err != nil {
			k.t.Fatal(err)
		}
		r := csv.NewReader(bytes.NewReader(raw))
		r.Comma = ';'
		rows, err := r.ReadAll()
		if err != nil {
			k.t.Fatal(err)
		}
		book := excelize.NewFile()
		defer book.Close()
		for i, row := range rows {
			for j, cell := range row {
				at, err := excelize.CoordinatesToCellName(j+1, i+1)
				if err == nil {
					err = book.SetCellStr("Sheet1", at, cell)
				}
				if err != nil {
					k.t.Fatal(err)
				}
			}
		}
		out := filepath.Join(k.files, fmt.Sprintf("book-%d.xlsx", n))
		if err := book.SaveAs(out); err != nil {
			k.t.Fatal(err)
		}
		return out
	})
}

// badFile returns a file with so many dates in the future that the brake stops it.
func badFile(k *killer, n int) string {
	path := k.file(n, header)
	raw, err := os.ReadFile(path)
	if err != nil {
		k.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\r\n")
	for i := 1; i < len(lines); i++ {
		if cells := strings.Split(lines[i], ";"); i%2 == 0 {
			cells[1] = "1-1-2099"
			lines[i] = strings.Join(cells, ";")
		}
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\r\n")+"\r\n"), 0o600); err != nil {
		k.t.Fatal(err)
	}
	return path
}

// oddFile returns a file with unknown headers.
func oddFile(k *killer, n int) string {
	return k.file(n, "Huis;Wanneer geboren;M/V;Zisnr;Eigen naam;Tussenv.;Initialen pat.")
}

// confirm lets a delivery be stored. It may have been confirmed before, so the status
// of the answer does not matter.
func confirm(k *killer, p *program, id string) error {
	_, err := p.try(k.t.Context(), http.MethodPost, k.uploader, "/api/v1/deliveries/"+id+"/confirm", "", nil)
	return err
}

// assign assigns the columns.
func assign(k *killer, p *program, id string) error {
	return k.form(p, p.account("uploader", "2809"), "/aanleveringen/"+id+"/kolommen", url.Values{
		"blad": {
			"0"}, "kop": {"1"}, "veld-centre": {"0"}, "veld-birthDate": {"1"}, "veld-sex": {"2"}, "veld-patientNumber": {"3"},
		"veld-surname":       {"4"},
		"veld-surnamePrefix": {"5"}, "veld-initials": {"6"}, "volgorde": {"dmy"},
	})
}

// form posts a form as somebody who signs in for it. The program may be killed
// meanwhile.
func (k *killer) form(p *program, who account, path string, fields url.Values) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{
		Jar:           jar,
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, step := range []struct {
		path   string
		fields url.Values
	}{{"/inloggen", url.Values{"email": {who.Email}, "password": {who.Password}}}, {path, fields}} {
		r, err := http.NewRequestWithContext(k.t.Context(), http.MethodPost, p.address+step.path, strings.NewReader(step.fields.Encode()))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", p.address)
		res, err := client.Do(r)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusSeeOther {
			return fmt.Errorf("POST %s: %d", step.path, res.StatusCode)
		}
	}
	return nil
}

// sendDataset imports a dataset that a hospital sent to the TTP. The page answers only
// when the import has its result; sendDataset looks for the delivery meanwhile.
func sendDataset(k *killer, n int, _ string, _ time.Time) string {
	p, id := k.running, k.dataset(n)
	posted := make(chan error, 1)
	go func() {
		posted <- k.form(p, p.account("datamanager", ""), "/datasets/"+id+"/importeren", url.Values{"modus": {"save"}})
	}()
	before := ""
	if len(k.delivered) > 0 {
		before = k.delivered[len(k.delivered)-1]
	}
	if k.quiet { // the calm program has deliveries of its own
		if err := <-posted; err != nil {
			k.t.Fatal(err)
		}
		before = ""
	}
	for {
		var page struct{ Deliveries []delivery }
		if err := json.Unmarshal(p.get(k.t, k.uploader, "/api/v1/deliveries?limit=1"), &page); err != nil {
			k.t.Fatal(err)
		}
		if len(page.Deliveries) > 0 && page.Deliveries[0].ID != before {
			return page.Deliveries[0].ID
		}
		select {
		case err := <-posted:
			if err != nil {
				k.t.Fatal(err)
			}
		case <-time.After(time.Millisecond):
		}
	}
}

// dataset makes a dataset ready in both data folders, with the same id.
func (k *killer) dataset(n int) string {
	if id := k.made[n]; id != "" {
		return id
	}
	in := k.file(n, header)
	out := command(k.t, "sandbox", "dataset", "--data", k.calm, "--centre", "2809", in)
	_, rest, _ := strings.Cut(out, "Dataset ")
	id, _, _ := strings.Cut(rest, " ")
	k.made[n] = id
	k.copyDatasets()
	return id
}

// copyDatasets copies the datasets of the calm program's TTP to that of the struck one.
func (k *killer) copyDatasets() {
	from, err := filepath.Glob(filepath.Join(k.calm, "*", "datasets", "ds-*"))
	if err != nil || len(from) == 0 {
		k.t.Fatalf("no dataset in %s: %v", k.calm, err)
	}
	for _, f := range from {
		rel, err := filepath.Rel(k.calm, f)
		if err != nil {
			k.t.Fatal(err)
		}
		raw, err := os.ReadFile(f)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(k.struck, rel)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(k.struck, rel), raw, 0o600)
		}
		if err != nil {
			k.t.Fatal(err)
		}
	}
}
