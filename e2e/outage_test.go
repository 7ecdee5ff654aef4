package e2e

import (
	"strings"
	"testing"
)

// TestOutageInTheBrowser lets the TTP fall silent in the middle of a delivery. The
// page says so, and what happens next. When the TTP is back, the delivery goes on and
// the page shows its result without anybody doing anything.
func TestOutageInTheBrowser(t *testing.T) {
	dir := t.TempDir()
	p := startDemo(t, dir)
	fault := func(text string) {
		t.Helper()
		args := []string{"sandbox", "fault", "--data", dir}
		if text != "" {
			args = append(args, text)
		}
		command(t, args...)
	}
	manager := newTab(t, p)
	manager.signIn("datamanager", "")
	manager.open("/status/ttp")
	manager.says("Nog niet gebruikt")
	manager.look("ttp-unused")

	b := newTab(t, p)
	b.signIn("uploader", "2809")
	fault("latency=500ms")
	b.deliver("save", bigFile(t, 20_000)) // forty chunks, two calls each, four at once: takes ten seconds
	b.await("a step", `document.querySelector('progress')?.value > 0`)
	fault("down")
	b.await("the pause", `document.readyState === 'complete' && document.querySelector('[data-pause=down]') !== null`)
	b.says("Gepauzeerd, TTP niet bereikbaar")
	b.says("De TTP is niet bereikbaar")
	b.says("Er is niets verloren en er is geen record afgewezen. Sluis gaat vanzelf verder.")
	b.has("form[action$='/nu-proberen']")
	b.look("paused")
	manager.open("/status/ttp")
	manager.says("Gestoord")
	manager.says("1 aanlevering")
	manager.look("ttp-down")

	fault("")
	b.awaitResult()
	b.wants("h2.app-sentence", "Alle 20.000 records opgeslagen")
	b.look("paused-then-done")
	p.eventually(t, "the status", func() bool {
		manager.open("/status/ttp")
		return strings.Contains(plain(manager.text("main")), "Bereikbaar")
	})
	manager.look("ttp-up")
	manager.open("/")
	manager.says("Bereikbaar")
	manager.look("overview-datamanager")
}

// TestDatasetInTheBrowser lets a data manager import a dataset that a hospital sent to
// the TTP: first as a check, which is then saved.
func TestDatasetInTheBrowser(t *testing.T) {
	dir := t.TempDir()
	p := startDemo(t, dir)
	b := newTab(t, p)
	b.signIn("datamanager", "")
	b.open("/datasets")
	b.says("Er staat niets klaar bij de TTP.")
	b.look("datasets-none")
	out := command(t, "sandbox", "dataset", "--data", dir, "--centre", "2809", pilotFile)
	if !strings.Contains(out, "36 rows, 4 refused") {
		t.Errorf("the command says %q", out)
	}
	command(t, "sandbox", "dataset", "--data", dir, "--centre", "4711", pilotFile)
	b.open("/datasets")
	b.says("Dit centrum staat niet in de registratie")
	b.look("datasets")
	b.click("button[name=modus][value=check]")
	b.awaitResult()
	b.wants("h2.app-sentence", "Alle 36 records kunnen worden opgeslagen")
	b.look("dataset-checked")
	b.click("form[action$='/opslaan'] button")
	b.awaitResult()
	b.wants("h2.app-sentence", "Alle 36 records opgeslagen")
	b.look("dataset-done")
	b.open("/datasets")
	b.says("Eerder geïmporteerd")
}
