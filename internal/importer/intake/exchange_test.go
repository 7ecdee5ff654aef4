package intake_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/chunk"
	"sluis/internal/delivery"
	"sluis/internal/importer/intake"
	"sluis/internal/patient"
	"sluis/internal/sealing"
	"sluis/internal/store"
	"sluis/internal/ttpclient/prepare"
	"sluis/internal/ttpclient/ttptest"
	"sluis/internal/ttpsandbox"
)

var (
	tester = audit.Who{Name: "test"}
	begun  = time.Now().UTC().Truncate(time.Second)
)

// plant is an intake on a real database, with the sandbox as its TTP.
type plant struct {
	t       *testing.T
	store   *store.Store
	keys    *sealing.Keyring
	intake  *intake.Intake
	options intake.Options // of intake
	centre  account.Centre
}

func newPlant(t *testing.T, change func(*intake.Options)) *plant {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	p := &plant{t: t}
	now := func() time.Time { return begun }
	log := slog.New(slog.DiscardHandler)
	var err error
	p.store, err = store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "sluis.db"), store.Options{Now: now, Log: log})
	must(err)
	t.Cleanup(func() { _ = p.store.Close() })
	p.keys, err = sealing.OpenKeyring(filepath.Join(t.TempDir(), "keyring.json"), now)
	must(err)
	p.centre, err = p.store.AddCentre(t.Context(), tester, account.Centre{Number: "2809", Name: "Proef", IdentitiesAllowed: true})
	must(err)
	types := []string{"NGGV", "PGG"}
	o := intake.Options{
		Ports:    intake.Ports{Uploads: p.store, Blocks: p.store, Mappings: p.store, Parses: p.store, Preparations: p.store},
		Preparer: prepare.New(ttptest.Start(t).Client(ttpsandbox.ScopeTemporary), ttptest.Domain, types), Keys: p.keys,
		MACKey: make([]byte, 32), Types: types, PostcodeTypes: []string{"PGG"}, LinkType: "NGGV", ChunkRows: 2, Now: now, Log: log,
	}
	if change != nil {
		change(&o)
	}
	p.options = o
	p.intake, err = intake.New(o)
	must(err)
	return p
}

// parse delivers a file and parses it. It returns the delivery, and a claim on each of its
// chunks.
func (p *plant) parse(file string) (delivery.Delivery, []delivery.ChunkClaim) {
	p.t.Helper()
	id, err := p.intake.Receive(p.t.Context(), intake.Upload{Who: tester, Centre: p.centre, Mode: delivery.Save, Via: audit.ViaWeb},
		strings.NewReader(file))
	if err != nil {
		p.t.Fatal(err)
	}
	c, ok, err := p.store.ClaimDelivery(p.t.Context(), begun.Add(time.Second), time.Minute)
	if err != nil || !ok || c.Delivery.PublicID != id {
		p.t.Fatalf("claimed %q, %v, %v", c.Delivery.PublicID, ok, err)
	}
	if err := p.intake.Parse(p.t.Context(), c); err != nil {
		p.t.Fatal(err)
	}
	d, err := p.store.Delivery(p.t.Context(), account.AllCentres(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	var chunks []delivery.ChunkClaim
	for {
		k, ok, err := p.store.ClaimChunk(p.t.Context(), begun.Add(2*time.Second), time.Minute)
		if err != nil {
			p.t.Fatal(err)
		}
		if !ok {
			slices.SortFunc(chunks, func(a, b delivery.ChunkClaim) int { return a.No - b.No })
			return d, chunks
		}
		chunks = append(chunks, k)
	}
}

func (p *plant) rows(k delivery.ChunkClaim) []patient.TemporaryRow {
	p.t.Helper()
	key, err := p.keys.OpenKey(k.WrappedKey, k.DeliveryPublicID)
	if err != nil {
		p.t.Fatal(err)
	}
	rows, err := chunk.Open(key, k.No, chunk.TemporaryRows, k.Sealed)
	if err != nil {
		p.t.Fatal(err)
	}
	return rows
}

func (p *plant) findings(d delivery.Delivery) []string {
	p.t.Helper()
	page, err := p.store.Findings(p.t.Context(), d, delivery.FindingQuery{Limit: 100})
	if err != nil {
		p.t.Fatal(err)
	}
	var out []string
	for _, f := range page.Findings {
		out = append(out, fmt.Sprintf("%d %s %s", f.Line, f.Code, d.Columns[delivery.Field(f.Field)]))
	}
	return out
}

func (p *plant) backlog() delivery.Backlog {
	p.t.Helper()
	b, err := p.store.Backlog(p.t.Context(), account.AllCentres())
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// TestSeveralPostcodes checks that the TTP makes a temporary pseudonym of each postcode if a
// row has those of several days.
func TestSeveralPostcodes(t *testing.T) {
	p := newPlant(t, nil)
	d, chunks := p.parse(`Patiëntnummer;Geboortedatum;Geslacht;Achternaam;Voorletters;Peildatum 2;Postcode;Huisnummer;Peildatum;Postcode 2;Huisnummer 2;E-mail
1;2-1-1970;m;Jansen;a;2-2-2022;1234AB;1;1-1-2020;4321BA;2;a@example.org
2;2-1-1971;v;Vries;b;;;;;;;
3;2-1-1972;v;Berg;c;;1234AB;1;1-1-2020;4321BA;2;
4;2-1-1973;x;Bos;d;;;;;;;
`)
	if len(d.Notes) != 2 || d.Notes[0].Args["columns"] != "12 (L)" || d.Notes[1].Code != "DATES_ORDER_ASSUMED" {
		t.Errorf("notes %v", d.Notes)
	}
	if got := p.findings(d); !slices.Equal(got, []string{"4 POSTCODE_DATE_UNREADABLE Peildatum 2"}) {
		t.Errorf("found %q", got)
	}
	if len(chunks) != 2 || !chunks[0].ExpiresAt.IsZero() || p.backlog().Prepare != 4 {
		t.Fatalf("%d chunks, of which the first runs out at %v; %d rows wait", len(chunks), chunks[0].ExpiresAt, p.backlog().Prepare)
	}
	var got []string
	waiting := []int{4, 3} // line 5 is refused by the TTP
	for i, k := range chunks {
		k, err := p.intake.Prepare(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		first := time.Time{}
		for _, r := range p.rows(k) {
			for _, x := range r.Temporaries {
				got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s %s", r.Line, x.Type, x.RecordedOn)))
				if first.IsZero() || x.ExpiresAt.Before(first) {
					first = x.ExpiresAt
				}
			}
		}
		if k.Holds != chunk.Temporaries || first.IsZero() || k.ExpiresAt.Sub(first).Abs() > time.Millisecond {
			t.Errorf("chunk %d holds %s and runs out at %v, want %v", k.No, k.Holds, k.ExpiresAt, first)
		}
		if b := p.backlog(); b.Prepare+b.Resolve != waiting[i] {
			t.Errorf("after chunk %d %+v waits, want %d", k.No, b, waiting[i])
		}
	}
	slices.Sort(got)
	want := []string{"2 NGGV", "2 PGG 2020-01-01", "2 PGG 2022-02-02", "3 NGGV", "4 NGGV", "4 PGG 2020-01-01"}
	if !slices.Equal(got, want) {
		t.Errorf("temporary pseudonyms %q, want %q", got, want)
	}
}

// TestWhenTemporariesRunOut checks when temporary pseudonyms expire: at the time in the
// file or, if it has none, a fixed time after the delivery came in.
func TestWhenTemporariesRunOut(t *testing.T) {
	const header = "Patiëntnummer;Geboortedatum;Geslacht;NGGV;Pseudoniem PGG 1;Peildatum PGG 1;Geldig tot\n"
	day := func(days int) string { return begun.AddDate(0, 0, days).Format(time.RFC3339) }
	after := func(days int) time.Time { return begun.AddDate(0, 0, days) }
	for name, c := range map[string]struct {
		rows    string
		life    time.Duration
		want    time.Time
		waiting int
	}{
		"the first of two":         {"1;;m;a;;;" + day(3) + "\n2;;m;b;c;1-1-2020;" + day(2) + "\n", 0, after(2), 2},
		"a rejected row has none":  {"1;;m;a;;;" + day(3) + "\n2;;m;;;;" + day(1) + "\n", 0, after(3), 1},
		"nobody says":              {"1;;m;a;;;\n2;;m;b;;;\n", 0, after(14), 2},
		"nobody says, and 5 days":  {"1;;m;a;;;\n", 5 * 24 * time.Hour, after(5), 1},
		"one says, earlier":        {"1;;m;a;;;\n2;;m;b;;;" + day(2) + "\n", 0, after(2), 2},
		"one says, later":          {"1;;m;a;;;\n2;;m;b;;;" + day(20) + "\n", 0, after(14), 2},
		"one that cannot be read":  {"1;;m;a;;;straks\n2;;m;b;;;" + day(20) + "\n", 0, after(14), 2},
		"past, for the TTP to see": {"1;;m;a;;;" + day(-2) + "\n", 0, after(-2), 1},
		"nothing waits":            {"1;;m;;;;" + day(1) + "\n", 0, time.Time{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t, func(o *intake.Options) { o.TemporaryLife = c.life })
			_, chunks := p.parse(header + c.rows)
			if len(chunks) != 1 {
				t.Fatalf("%d chunks", len(chunks))
			}
			if !chunks[0].ExpiresAt.Equal(c.want) {
				t.Errorf("runs out at %v, want %v", chunks[0].ExpiresAt, c.want)
			}
			if got := p.backlog().Resolve; got != c.waiting {
				t.Errorf("%d rows wait, want %d", got, c.waiting)
			}
			for _, r := range p.rows(chunks[0]) { // a time that is not in the file is not made up
				said := strings.Contains(strings.Split(c.rows, "\n")[r.Line-2], "T")
				for _, x := range r.Temporaries {
					if x.ExpiresAt.IsZero() == said {
						t.Errorf("line %d: %s runs out at %v", r.Line, x.Type, x.ExpiresAt)
					}
				}
			}
		})
	}
}

func TestOptions(t *testing.T) {
	good := newPlant(t, nil).options
	for name, spoil := range map[string]func(*intake.Options){
		"the linking type is of a postcode":  func(o *intake.Options) { o.PostcodeTypes = []string{"NGGV"} },
		"a postcode type that is no type":    func(o *intake.Options) { o.PostcodeTypes = []string{"PGX"} },
		"a life that is less than none":      func(o *intake.Options) { o.TemporaryLife = -1 },
		"no key for the hash of known files": func(o *intake.Options) { o.MACKey = nil },
	} {
		o := good
		spoil(&o)
		if _, err := intake.New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
