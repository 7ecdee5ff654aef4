package ttpsandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluis/internal/ttpsandbox"
)

func faults(t *testing.T, text string) ttpsandbox.Faults {
	t.Helper()
	f, err := ttpsandbox.ParseFaults(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParseFaults(t *testing.T) {
	f := faults(t, "latency=50ms, 500=10%,reset=0.05\nretry-after=2s")
	if f.Latency != 50*time.Millisecond || f.Internal != 0.1 || f.Reset != 0.05 || f.RetryAfter != "2s" {
		t.Errorf("faults = %+v", f)
	}
	if f := faults(t, ""); f != (ttpsandbox.Faults{}) {
		t.Errorf("of nothing: %+v", f)
	}
	for text, want := range map[string]string{
		"lateness=1s":     "known are: down, latency",
		"latency=soon":    "wants a duration such as 50ms",
		"500=110%":        "wants a share such as 10%",
		"500=NaN":         "wants a share",
		"calls=0":         "wants a number",
		"down=yes":        "takes no value",
		"retry-after=x":   "date, none or absurd",
		"500=60%,503=60%": "add up to more than 100%",
	} {
		if _, err := ttpsandbox.ParseFaults(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// three is the body of a call with three items.
const three = `{"domain":"qrns","types":["NGG"],"items":[{"ref":"1","surname":"A","birthDate":"2001-01-01","sex":"m"},` +
	`{"ref":"2","surname":"B","birthDate":"2001-01-01","sex":"m"},{"ref":"3","surname":"C","birthDate":"2001-01-01","sex":"m"}]}`

// call makes a call whose answer may be broken. Status 0 means that there was no
// answer at all.
func (x *ttp) call(client, verb, key, body string) (status int, refs []string, h http.Header, whole bool) {
	x.t.Helper()
	_, token := x.token(client, secrets[client], "")
	req, _ := http.NewRequestWithContext(x.t.Context(), http.MethodPost, x.url+"/v1/pseudonyms/"+verb, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Idempotency-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil, false
	}
	defer func() { _ = resp.Body.Close() }()
	var a struct{ Items []struct{ Ref string } }
	whole = json.NewDecoder(resp.Body).Decode(&a) == nil
	for _, item := range a.Items {
		refs = append(refs, item.Ref)
	}
	return resp.StatusCode, refs, resp.Header, whole
}

// TestEachFault shows that with a share of 100% every call gets that fault, and no
// other.
func TestEachFault(t *testing.T) {
	x := start(t, options(""))
	for text, want := range map[string]struct {
		status int
		refs   int // in the answer; -1: it cannot be read
	}{
		"":              {200, 3},
		"401=100%":      {401, 0},
		"429=100%":      {429, 0},
		"500=100%":      {500, 0},
		"503=100%":      {503, 0},
		"reset=100%":    {0, -1},
		"truncate=100%": {200, -1},
		"missing=100%":  {200, 2},
		"double=100%":   {200, 4},
		"shuffle=100%":  {200, 3},
		"short=100%":    {200, 2},
		"slow=100%":     {200, 3},
	} {
		x.SetFaults(faults(t, text))
		times := 4
		if text == "slow=100%" {
			times = 1
		}
		for i := range times {
			status, refs, _, whole := x.call("hospital", "temporary", fmt.Sprint(text, i), three)
			if status != want.status || whole != (want.refs >= 0) || whole && len(refs) != want.refs {
				t.Errorf("%q: status %d, items %v, whole %v", text, status, refs, whole)
			}
		}
	}
	x.SetFaults(ttpsandbox.Faults{})
	value := x.temporary("hospital", `"NGGV"`, `"surname":"Jansen","initials":"a","birthDate":"2001-01-01","sex":"m"`).Pseudonyms[0].Value
	x.SetFaults(faults(t, "expired=100%"))
	_, body := x.post("registry", "definitive", "expired",
		fmt.Sprintf(`{"domain":"qrns","items":[{"ref":"1","pseudonyms":[{"type":"NGGV","value":%q}]}]}`, value))
	if !strings.Contains(string(body), `"2201"`) {
		t.Errorf("expired: %s", body)
	}
}

// TestDown shows that a sandbox that is down refuses every call, also for a token,
// with the Retry-After that was chosen. The fault file does the same to a running
// sandbox.
func TestDown(t *testing.T) {
	opt := options("")
	opt.FaultFile = filepath.Join(t.TempDir(), "faults.txt")
	x := start(t, opt)
	req := func() (int, string) {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, x.url+"/oauth2/token", nil)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Retry-After")
	}
	for text, want := range map[string]string{"down": "", "down,retry-after=2s": "2", "down,retry-after=absurd": "99999999999999999999"} {
		x.SetFaults(faults(t, text))
		if status, after := req(); status != http.StatusServiceUnavailable || after != want {
			t.Errorf("%s: %d, Retry-After %q", text, status, after)
		}
	}
	x.SetFaults(faults(t, "down,retry-after=date"))
	if _, after := req(); after == "" {
		t.Error("no date")
	} else if _, err := http.ParseTime(after); err != nil {
		t.Error(err)
	}
	x.SetFaults(ttpsandbox.Faults{})
	if err := os.WriteFile(opt.FaultFile, []byte("down\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	until := func(want int) { // a call looks at the file only if the last look was a while ago
		t.Helper()
		deadline, again := time.After(time.Minute), time.NewTicker(10*time.Millisecond)
		defer again.Stop()
		for {
			if status, _ := req(); status == want {
				return
			}
			select {
			case <-again.C:
			case <-deadline:
				t.Errorf("never %d", want)
				return
			}
		}
	}
	until(http.StatusServiceUnavailable)
	if err := os.Remove(opt.FaultFile); err != nil {
		t.Fatal(err)
	}
	until(http.StatusUnauthorized) // the sandbox answers again; the request has no credential
}

// TestCallsAtOnce shows that calls above the limit of calls at once get a 429.
func TestCallsAtOnce(t *testing.T) {
	x := start(t, options(""))
	x.SetFaults(faults(t, "calls=2,latency=300ms"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	counts := map[int]int{}
	_, token := x.token("hospital", secrets["hospital"], "")
	for i := range 6 {
		wg.Go(func() {
			req, _ := http.NewRequestWithContext(context.Background(), http.MethodPost, x.url+"/v1/pseudonyms/temporary",
				strings.NewReader(three))
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Idempotency-Key", fmt.Sprint("at-once-", i))
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			mu.Lock()
			counts[resp.StatusCode]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if counts[200] < 2 || counts[200]+counts[429] != 6 {
		t.Errorf("statuses = %v", counts)
	}
}

func withRegistry(opt ttpsandbox.Options) ttpsandbox.Options {
	for i := range opt.Clients {
		if opt.Clients[i].ID == "registry" {
			opt.Clients[i].Scopes = []string{ttpsandbox.ScopeDefinitive, ttpsandbox.ScopeConvert, ttpsandbox.ScopeDatasets}
		}
	}
	return opt
}

type converted struct {
	Items []struct {
		Ref, Type, Value string
		KeyVersion       int
		Findings         []struct{ Code string }
	}
}

func (x *ttp) converts(from, to, value string, version int, key string) converted {
	x.t.Helper()
	status, body := x.post("registry", "convert", key,
		fmt.Sprintf(`{"from":%q,"to":%q,"items":[{"ref":"r","type":"NGGV","value":%q,"keyVersion":%d}]}`, from, to, value, version))
	var c converted
	if err := json.Unmarshal(body, &c); err != nil || status != http.StatusOK || len(c.Items) != 1 {
		x.t.Fatalf("convert: %d %s", status, body)
	}
	return c
}

// TestConvertAndRotate converts a pseudonym to another domain and back, and to a
// newer key. The old and the new value are of the same person, also after a restart.
func TestConvertAndRotate(t *testing.T) {
	opt := withRegistry(options(filepath.Join(t.TempDir(), "keys.json")))
	x := start(t, opt)
	const jansen = `"surname":"Jansen","initials":"a","birthDate":"2001-01-01","sex":"m"`
	definitive := func(x *ttp) string {
		v := x.temporary("hospital", `"NGGV"`, jansen).Pseudonyms[0].Value
		return x.definitive("NGGV", v).Pseudonyms[0].Value
	}
	first := definitive(x)
	there := x.converts("qrns", "other", first, 1, "a").Items[0]
	if back := x.converts("other", "qrns", there.Value, 1, "b").Items[0]; back.Value != first || there.Value == first {
		t.Errorf("there %s and back %s, from %s", there.Value, back.Value, first)
	}
	if same := x.converts("qrns", "qrns", first, 1, "c").Items[0]; same.Value != first || same.KeyVersion != 1 {
		t.Errorf("to itself: %+v", same)
	}
	if wrong := x.converts("other", "qrns", first, 1, "d").Items[0]; len(wrong.Findings) != 1 || wrong.Value != "" {
		t.Errorf("from the wrong domain: %+v", wrong)
	}
	if n, err := x.RotateDomainKeys(); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	second := definitive(x)
	renewed := x.converts("qrns", "qrns", first, 1, "e").Items[0]
	if second == first || renewed.Value != second || renewed.KeyVersion != 2 {
		t.Errorf("first %s, second %s, renewed %+v", first, second, renewed)
	}
	again := start(t, opt)
	if got := definitive(again); got != second {
		t.Errorf("after a restart %s, before %s", got, second)
	}
	if old := again.converts("qrns", "qrns", first, 1, "f").Items[0]; old.Value != second {
		t.Errorf("after a restart the old one becomes %+v", old)
	}
}

// TestDatasets shows that the file that a hospital sent is ready as a dataset, with
// the same pseudonyms as its patients get otherwise, and without a name on disk.
func TestDatasets(t *testing.T) {
	opt := withRegistry(options(""))
	opt.DatasetFolder = filepath.Join(t.TempDir(), "datasets")
	x := start(t, opt)
	get := func(path string) (int, []byte) {
		_, token := x.token("registry", secrets["registry"], "")
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, x.url+path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		status, body, _ := x.do(r)
		return status, body
	}
	if status, body := get("/v1/datasets"); status != 200 || !bytes.Contains(body, []byte(`{"datasets":[]}`)) {
		t.Errorf("of none: %d %s", status, body)
	}
	csv := "Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Voorletters\n0123;1-1-2001;m;Qanarynaam;a\n9;1-1-2999;m;Qanarynaam;a\n"
	id, rows, refused, err := x.AddDataset(t.Context(), "2809", strings.NewReader(csv), ttpsandbox.Order{})
	if err != nil || rows != 1 || refused != 1 {
		t.Fatal(rows, refused, err)
	}
	t.Run("the list names it", func(t *testing.T) {
		status, body := get("/v1/datasets")
		var list struct {
			Datasets []struct {
				ID, Centre, State string
				Rows              int
				Types             []string
			}
		}
		if err := json.Unmarshal(body, &list); err != nil || status != 200 || len(list.Datasets) != 1 {
			t.Fatalf("%d %s", status, body)
		}
		if d := list.Datasets[0]; d.ID != id || d.Centre != "2809" || d.Rows != 1 || d.State != "ready" || len(d.Types) != 2 {
			t.Errorf("dataset = %+v", d)
		}
	})
	t.Run("its row has the patient's own pseudonym", func(t *testing.T) {
		status, body := get("/v1/datasets/" + id)
		var row struct {
			PatientNumber, BirthDate, Sex string
			Pseudonyms                    []struct {
				Type, Value string
				KeyVersion  int
			}
		}
		if err := json.Unmarshal(body, &row); err != nil || status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		same := x.person("NGGV", `"surname":"Qanarynaam","initials":"a","birthDate":"2001-01-01","sex":"m"`)
		if row.PatientNumber != "0123" || row.BirthDate != "2001-01-01" {
			t.Errorf("row = %+v", row)
		}
		if p := row.Pseudonyms[0]; p.Value != same || p.KeyVersion != 1 {
			t.Errorf("row = %+v", row)
		}
	})
	t.Run("no other path is a dataset", func(t *testing.T) {
		for _, path := range []string{"/v1/datasets/nothing", "/v1/datasets/..%2fkeys"} {
			if status, _ := get(path); status != http.StatusNotFound {
				t.Errorf("%s: %d", path, status)
			}
		}
	})
	t.Run("no name is on disk", func(t *testing.T) {
		err := filepath.WalkDir(opt.DatasetFolder, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			if bytes.Contains(bytes.ToLower(raw), []byte("qanarynaam")) {
				t.Errorf("%s holds a name", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
