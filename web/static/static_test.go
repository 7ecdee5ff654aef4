package static_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluis/web/static"
)

func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

func TestAssetsAreServedForEver(t *testing.T) {
	for name, kind := range map[string]string{
		static.Style: "text/css; charset=utf-8", static.Script: "text/javascript; charset=utf-8",
		static.Posted: "text/javascript; charset=utf-8", static.Icon: "image/svg+xml",
	} {
		w := get(t, http.MethodGet, static.Path(name))
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind {
			t.Errorf("%s: %d %s, want 200 %s", name, w.Code, w.Header().Get("Content-Type"), kind)
		}
		if got := w.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
		if !regexp.MustCompile(`\.[0-9A-Z]{8}\.`).MatchString(static.Path(name)) {
			t.Errorf("%s: no hash in %s", name, static.Path(name))
		}
	}
}

// TestStyleSheetNamesOnlyWhatIsServed shows that every file that the style sheet
// names is served with its type, and that none comes from elsewhere: the content
// security policy has font-src and img-src 'self'.
func TestStyleSheetNamesOnlyWhatIsServed(t *testing.T) {
	css := get(t, http.MethodGet, static.Path(static.Style)).Body.String()
	fonts := 0
	for _, m := range regexp.MustCompile(`url\("?([^")]+)"?\)`).FindAllStringSubmatch(css, -1) {
		name, ok := strings.CutPrefix(m[1], "./")
		if !ok {
			t.Errorf("the style sheet names %s", m[1])
			continue
		}
		w := get(t, http.MethodGet, static.Prefix+name)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "font/woff2" {
			t.Errorf("%s: %d %s", name, w.Code, w.Header().Get("Content-Type"))
		}
		fonts++
	}
	if fonts != 4 {
		t.Errorf("%d fonts, want 4", fonts)
	}
	for _, foreign := range []string{"GDS Transport", "crown", "@import"} {
		if strings.Contains(css, foreign) {
			t.Errorf("the style sheet has %q", foreign)
		}
	}
}

// TestScriptHasNoInjection looks for the calls that Trusted Types turn into an error
// in the browser.
func TestScriptHasNoInjection(t *testing.T) {
	js := get(t, http.MethodGet, static.Path(static.Script)).Body.String()
	for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", ".style.", "cssText"} {
		if strings.Contains(js, sink) {
			t.Errorf("the script uses %s", sink)
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	for _, path := range []string{
		"/static/", "/static/meta.json", "/static/app.css", "/static/../static.go", "/static/dist/meta.json",
		"/static/x/" + filepath.Base(static.Path(static.Style)),
	} {
		if w := get(t, http.MethodGet, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, w.Code)
		}
	}
}

func TestUnknownNamePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an unknown name did not panic")
		}
	}()
	static.Path("nothing.css")
}

func TestLockfileNamesNoRegistry(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), `"resolved"`) {
		t.Error("package-lock.json names a registry host; build with the .npmrc of web")
	}
}

// TestBuiltFromSource builds the assets again, if Node and its packages are there,
// and compares them with the committed files.
func TestBuiltFromSource(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		skipOutsideCI(t, "no Node here")
	}
	if _, err := os.Stat(filepath.Join("..", "node_modules")); err != nil {
		skipOutsideCI(t, "no node_modules here; npm ci in web fetches them")
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), node, "build.mjs", dir)
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	built, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadDir("dist")
	if err != nil {
		t.Fatal(err)
	}
	if len(built) != len(committed) {
		t.Errorf("%d files built, %d in dist", len(built), len(committed))
	}
	for _, f := range built {
		fresh, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join("dist", f.Name()))
		if err != nil || string(fresh) != string(kept) {
			t.Errorf("dist/%s is not what web/src builds; run npm run build in web", f.Name())
		}
	}
}

// skipOutsideCI skips a test if a developer's machine lacks what it needs. In CI it
// fails the test instead.
func skipOutsideCI(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}
