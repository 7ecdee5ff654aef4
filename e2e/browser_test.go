package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// formWrong is the status of a form that comes back with errors. Some forms answer
// 400 or 401 instead.
const formWrong = 422

// pageTime is how long one step in the browser may take, on a busy machine.
const pageTime = 60 * time.Second

// theBrowser is shared by all tests. Each test has its own cookies in it.
var theBrowser struct {
	once   sync.Once
	ctx    context.Context
	cancel func()
	err    error
}

// findBrowser returns the path of Chromium, or an error that says how to get it.
func findBrowser() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New(
		"the browser tests need Chromium: install it (Debian and Ubuntu: apt-get install chromium; macOS: brew install chromium), " +
			"or set CHROMIUM to the program's path",
	)
}

func startBrowser() {
	b := &theBrowser
	path, err := findBrowser()
	if err != nil {
		b.err = err
		return
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "nl"), chromedp.WindowSize(wide, 900))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b.ctx, b.cancel = ctx, func() { cancel(); cancelAllocator() }
	if err := chromedp.Do(ctx); err != nil {
		b.err = fmt.Errorf("start %s: %w", path, err)
	}
}

func stopBrowser() {
	if theBrowser.cancel != nil {
		theBrowser.cancel()
	}
}

// tab is a browser tab with cookies of its own, on the pages of one program.
type tab struct {
	t   *testing.T
	p   *program
	ctx context.Context

	mu       sync.Mutex
	messages []message
	refused  map[string]bool // addresses that answered 4xx, as the test wanted
}

// message is a message of the browser about a page.
type message struct{ source, text, url string }

// newTab opens a tab. Any message in the browser's console until the test ends
// makes the test fail.
func newTab(t *testing.T, p *program) *tab {
	t.Helper()
	theBrowser.once.Do(startBrowser)
	if theBrowser.err != nil {
		t.Fatal(theBrowser.err)
	}
	b := &tab{t: t, p: p, refused: map[string]bool{}}
	ctx, cancel := chromedp.NewContext(theBrowser.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.hear))
	t.Cleanup(cancel)
	b.ctx = ctx
	if err := chromedp.Do(ctx); err != nil { // opens the tab; it is closed when ctx ends
		t.Fatal(err)
	}
	call(b, audits.Enable, cdp.Empty{})
	call(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	b.resize(wide)
	t.Cleanup(func() {
		for _, m := range b.heard() {
			t.Errorf("the browser says (%s): %s [%s]", m.source, m.text, m.url)
		}
	})
	return b
}

// hear collects messages. It runs on the goroutine that reads the browser.
func (b *tab) hear(ev any) {
	var m message
	switch ev := ev.(type) {
	case *log.EventEntryAdded:
		m = message{string(ev.Entry.Source), ev.Entry.Text, ev.Entry.URL}
	case *runtime.EventExceptionThrown:
		m = message{"exception", ev.ExceptionDetails.Text, ev.ExceptionDetails.URL}
	case *runtime.EventConsoleAPICalled:
		m = message{source: "console", text: string(ev.Type)}
		for _, a := range ev.Args {
			m.text += " " + string(a.Value) + a.Description
		}
	case *audits.EventIssueAdded:
		if ev.Issue.Details == nil || ev.Issue.Details.ContentSecurityPolicyIssueDetails == nil {
			return
		}
		d := ev.Issue.Details.ContentSecurityPolicyIssueDetails
		m = message{"content security policy", d.ViolatedDirective + " " + string(d.ContentSecurityPolicyViolationType), d.BlockedURL}
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, m)
}

// heard returns the messages that make a test fail. It leaves out those about pages
// that answered 4xx as the test wanted, and those at a sign-out about the data that
// the browser cleared.
func (b *tab) heard() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.messages), func(m message) bool {
		cleared := strings.HasPrefix(m.text, "Clear-Site-Data header on") && strings.Contains(m.text, "Cleared data types")
		return cleared || m.source == "network" && b.refused[m.url] && strings.HasPrefix(m.text, "Failed to load resource")
	})
}

// forget drops the messages so far for which what returns true: the test caused them.
func (b *tab) forget(what func(message) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = slices.DeleteFunc(b.messages, what)
}

// step returns the context of one step.
func (b *tab) step() (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, pageTime)
}

// do runs actions.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := b.step()
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%v (at %s)", err, b.where())
	}
}

// call sends a command of the browser's protocol.
func call[P, R any](b *tab, cmd cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := b.step()
	defer cancel()
	r, err := chromedp.Call(ctx, cmd, params)
	if err != nil {
		b.t.Fatalf("%v (at %s)", err, b.where())
	}
	return r
}

// ask evaluates a JavaScript expression in the page.
func ask[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := b.step()
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v (at %s)", expression, err, b.where())
	}
	return v
}

// where returns the page's path.
func (b *tab) where() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	url, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return strings.TrimPrefix(url, b.p.address)
}

// open goes to a page, which must answer 200.
func (b *tab) open(path string) {
	b.t.Helper()
	b.openStatus(path, 200)
}

// openStatus goes to a page, which must answer status.
func (b *tab) openStatus(path string, status int) {
	b.t.Helper()
	b.load(status, chromedp.Navigate(b.p.address+path))
}

// click clicks on an element that leads to another page, which must answer 200.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.clickStatus(selector, 200)
}

// clickStatus clicks on an element that leads to another page, which must answer
// status.
func (b *tab) clickStatus(selector string, status int) {
	b.t.Helper()
	b.has(selector)
	b.load(status, chromedp.Click(chromedp.CSS(selector)))
}

// clickWrong clicks on the button of a form that comes back because something in
// it is wrong.
func (b *tab) clickWrong(selector string) {
	b.t.Helper()
	b.has(selector)
	b.load(formWrong, chromedp.Click(chromedp.CSS(selector)))
	b.is(".govuk-error-summary", true)
	if title := ask[string](b, "document.title"); !strings.HasPrefix(title, "Fout: ") {
		b.t.Errorf("%s: the title %q does not start with Fout", b.where(), title)
	}
}

// load runs actions that lead to another page.
func (b *tab) load(status int, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := b.step()
	defer cancel()
	res, err := chromedp.RunResponse(ctx, actions...)
	if err != nil {
		b.t.Fatalf("load a page: %v (at %s)", err, b.where())
	}
	wrong := status == formWrong && (res.Status == 400 || res.Status == 401)
	if int(res.Status) != status && !wrong {
		b.t.Fatalf("%s answers %d, not %d:\n%s", res.URL, res.Status, status, b.text("main"))
	}
	if status >= 400 {
		b.mu.Lock()
		b.refused[res.URL] = true
		b.mu.Unlock()
	}
}

// fill types a value into a field, in place of the value that it had.
func (b *tab) fill(selector, value string) {
	b.t.Helper()
	b.has(selector)
	b.do(chromedp.Focus(chromedp.CSS(selector)))
	ask[any](b, `document.querySelector(`+strconv.Quote(selector)+`).select()`)
	b.do(chromedp.KeyEvent(kb.Delete), chromedp.KeyEvent(value))
}

// choose picks a radio button, a checkbox or a file, or an option of a list.
func (b *tab) choose(name, value string) {
	b.t.Helper()
	switch kind := ask[string](b, `document.querySelector('[name=`+name+`]').type`); kind {
	case "radio", "checkbox":
		b.do(chromedp.Click(chromedp.CSS(`label[for="` + ask[string](b, `document.querySelector('[name=`+name+`][value=`+value+`]').id`) +
			`"]`)))
	case "file":
		b.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file][name="+name+"]"), []string{value}))
	default:
		ask[any](b, `document.querySelector('[name=`+name+`]').value = `+strconv.Quote(value))
	}
}

// text returns the text that a reader sees of an element, with single spaces.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return plain(ask[string](b, `(document.querySelector(`+strconv.Quote(selector)+`) ?? {innerText: ''}).innerText`))
}

// texts returns the texts that a reader sees of all elements that match.
func (b *tab) texts(selector string) []string {
	b.t.Helper()
	list := ask[[]string](b, `[...document.querySelectorAll(`+strconv.Quote(selector)+`)].map(e => e.innerText)`)
	for i := range list {
		list[i] = plain(list[i])
	}
	return list
}

func plain(s string) string { return strings.Join(strings.Fields(s), " ") }

// html returns the source of the page as it is now.
func (b *tab) html() string {
	b.t.Helper()
	return ask[string](b, `document.documentElement.outerHTML`)
}

// wants checks the text of an element.
func (b *tab) wants(selector, want string) {
	b.t.Helper()
	if got := b.text(selector); got != want {
		b.t.Errorf("%s: %s says\n\t%q\nwant\n\t%q", b.where(), selector, got, want)
	}
}

// says checks that the main part of the page contains a text.
func (b *tab) says(want string) {
	b.t.Helper()
	if got := b.text("main"); !strings.Contains(got, want) {
		b.t.Errorf("%s does not say %q:\n%s", b.where(), want, got)
	}
}

// is checks that an element is there, or is not.
func (b *tab) is(selector string, there bool) {
	b.t.Helper()
	if got := ask[bool](b, `document.querySelector(`+strconv.Quote(selector)+`) !== null`); got != there {
		b.t.Errorf("%s: %s there: %v, want %v", b.where(), selector, got, there)
	}
}

// has ends the test if an element that the test is about to use is not there.
func (b *tab) has(selector string) {
	b.t.Helper()
	if !ask[bool](b, `document.querySelector(`+strconv.Quote(selector)+`) !== null`) {
		b.t.Fatalf("%s has no %s:\n%s", b.where(), selector, b.text("body"))
	}
}

// await waits until an expression is true; the page may change meanwhile.
func (b *tab) await(what, expression string) {
	b.t.Helper()
	ctx, cancel := b.step()
	defer cancel()
	var last error
	came := poll(pageTime, 20*time.Millisecond, func() bool {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		last = err
		return ok
	})
	if !came {
		b.t.Fatalf("%s did not come (%v, at %s):\n%s", what, last, b.where(), b.text("main"))
	}
}

// awaitResult waits until the page of a delivery shows its result by itself.
func (b *tab) awaitResult() {
	b.t.Helper()
	b.await("the result", `document.readyState === 'complete' &&
		document.querySelector('[data-progress]') === null && document.querySelector('h1') !== null`)
}

// signIn signs in with the form.
func (b *tab) signIn(role, centre string) {
	b.t.Helper()
	who := b.p.account(role, centre)
	b.open("/inloggen")
	b.fill("#email", who.Email)
	b.fill("#password", who.Password)
	b.click("main button[type=submit]")
	b.wants("h1", "Overzicht")
}

// deliver delivers a file with the form. The page is then that of the delivery.
func (b *tab) deliver(mode, file string) {
	b.t.Helper()
	b.open("/aanleveringen/nieuw")
	b.choose("mode", mode)
	b.choose("file", file)
	b.click("main form[enctype] button[type=submit]")
}
