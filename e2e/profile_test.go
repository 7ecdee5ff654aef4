package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// ownProfile starts a browser of its own that keeps its profile in dir, as a person's
// browser does. quit ends it, so that everything is on the disk.
func ownProfile(t *testing.T, p *program, dir string) (b *tab, quit func()) {
	t.Helper()
	path, err := findBrowser()
	if err != nil {
		t.Fatal(err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "nl"), chromedp.WindowSize(wide, 900), chromedp.UserDataDir(dir))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	b = &tab{t: t, p: p, refused: map[string]bool{}}
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithListener(b.hear))
	b.ctx = ctx
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	b.resize(wide)
	ended := false
	quit = func() {
		if !ended {
			ended = true
			_ = chromedp.Cancel(ctx) // asks the browser to end, and waits
			cancel()
			cancelAllocator()
		}
	}
	t.Cleanup(quit)
	return b, quit
}

// TestNothingPersonalStaysInTheBrowser enters a patient, delivers a file, searches, looks
// at a patient and signs out. Then it looks through everything that the browser has
// written.
func TestNothingPersonalStaysInTheBrowser(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir())
	profile := t.TempDir()
	canary := map[string]string{
		"surname": "Wqzjvkkroon", "initials": "QZWX", "number": "K73519284", "surname in a file": "Vbnqxtzilver", "number in a file": "K60482917",
		"searched": "K99817263",
	}
	b, quit := ownProfile(t, p, profile)
	b.signIn("clinician", "2809")
	b.open("/patienten/nieuw")
	wrong := entry{canary["number"], "", "", "", "v", canary["initials"], "", canary["surname"]}
	b.enter(wrong)
	b.clickWrong(savePatient) // the form comes back with what was typed
	right := wrong
	right.day, right.month, right.year = "27", "3", "1961"
	b.enter(right)
	b.click(savePatient)
	b.wants("h1", "Patiënt opgeslagen")
	b.open("/patienten")
	b.fill("#number", canary["searched"])
	b.click("main form[action='/patienten'] button")
	b.fill("#number", canary["number"])
	b.click("main form[action='/patienten'] button")
	b.says(canary["number"])
	b.open("/patienten/nieuw")
	b.enter(right) // and leaves it as it is
	b.click("form[action='/uitloggen'] button")
	b.wants("h1", "Inloggen")

	b.signIn("uploader", "2809")
	header := "Centrum id;Geboortedatum;Geslacht;Patiëntnummer;Achternaam;Tussenvoegsel;Voorletters\n"
	file := write(t, "aanlevering.csv", header+"2809;1-1-1955;v;"+canary["number in a file"]+";"+canary["surname in a file"]+";;q\n")
	b.deliver("save", file)
	b.awaitResult()
	b.open("/patienten")
	b.says(canary["number in a file"])
	b.click("main tbody a")
	b.says("Pseudoniemen")
	b.click("form[action='/uitloggen'] button")
	b.wants("h1", "Inloggen")

	// The button to go back shows nothing either.
	history := call(b, page.GetNavigationHistory, cdp.Empty{})
	for i := len(history.Entries) - 2; i >= max(0, len(history.Entries)-6); i-- {
		b.do(chromedp.NavigateToHistoryEntry(history.Entries[i].ID))
		b.await("a page", `document.readyState === 'complete'`)
		html := b.html()
		for what, secret := range canary {
			if bytes.Contains([]byte(html), []byte(secret)) {
				t.Errorf("back at %s the page shows the %s", b.where(), what)
			}
		}
	}
	quit()

	s := newScanner(canary)
	hits, files, size := s.sweep(t, profile)
	packed, more := s.unpacked(t, profile)
	for _, h := range append(hits, more...) {
		t.Errorf("in the profile: %s", h)
	}
	t.Logf("%d files, %d KiB, %d compressed parts", files, size>>10, packed)
	if files < 20 || size < 100<<10 {
		t.Error("the profile is too small to be one")
	}

	// The scanner would have found it: a page of another website that keeps what it shows.
	planted := filepath.Join(profile, "Default", "planted")
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = io.WriteString(w, "<h1>"+canary["surname"]+"</h1>")
	_ = w.Close()
	if err := os.WriteFile(planted, append([]byte("header"), z.Bytes()...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, more := s.unpacked(t, profile); len(more) == 0 {
		t.Error("what is planted in a compressed part is not found")
	}
	if err := os.WriteFile(planted, []byte("<h1>"+canary["surname"]+"</h1>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if hits, _, _ := s.sweep(t, profile); len(hits) == 0 {
		t.Error("what is planted is not found")
	}
}

// unpacked searches whatever is compressed with gzip, at any place of any file below a
// folder.
func (s *scanner) unpacked(t *testing.T, folder string) (parts int, hits []string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	_ = filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for at := 0; time.Now().Before(deadline); {
			i := bytes.Index(raw[at:], []byte{0x1f, 0x8b, 8})
			if i < 0 {
				break
			}
			at += i + 1
			r, err := gzip.NewReader(bytes.NewReader(raw[at-1:]))
			if err != nil {
				continue
			}
			r.Multistream(false)
			plain, _ := io.ReadAll(io.LimitReader(r, 8<<20))
			parts++
			for _, h := range s.find(plain) {
				hits = append(hits, filepath.Base(path)+", unpacked: "+h)
			}
		}
		return nil
	})
	return parts, hits
}
