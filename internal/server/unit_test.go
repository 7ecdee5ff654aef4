package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestReturnPath(t *testing.T) {
	for given, want := range map[string]string{
		"/": "/", "/patienten?na=x": "/patienten?na=x", "": "/", "patienten": "/", "//evil.example": "/", `/\evil.example`: "/",
		"/\\/evil": "/", "https://evil.example": "/", "/%2F%2Fevil.example": "/", "/%5Cevil": "/", "/a\r\nSet-Cookie:x": "/", "/\t/evil": "/",
		"/api/v1/patients": "/", "/inloggen?next=/": "/", "/uitloggen": "/", "/patienten#top": "/", "javascript:alert(1)": "/", "/a/../../b": "/",
	} {
		if got := returnPath(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func FuzzReturnPath(f *testing.F) {
	for _, s := range []string{"/", "//evil", `/\evil`, "/%2f/evil", "/\x00", "/ /", "/a?b=//c", "/;@evil", "/a:b@c", "/" + strings.Repeat("}", 400)} {
		f.Add(s)
	}
	home := &url.URL{Scheme: "https", Host: "sluis.example.nl", Path: "/inloggen"}
	f.Fuzz(func(t *testing.T, s string) {
		got := returnPath(s)
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t\x00 ") {
			t.Fatalf("%q leads to %q", s, got)
		}
		u, err := home.Parse(got)
		if err != nil || u.Host != home.Host || u.Scheme != home.Scheme {
			t.Fatalf("%q leads to %v, %v", s, u, err)
		}
		if again := returnPath(got); again != got {
			t.Fatalf("%q gives %q, and that gives %q", s, got, again)
		}
	})
}

func TestBackoff(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	b := newBackoff(func() time.Time { return now })
	for i := range freeTries {
		if wait, ok := b.Try("x", freeTries); !ok {
			t.Fatalf("try %d waits %s", i+1, wait)
		}
	}
	want := time.Second
	for range 12 {
		wait, ok := b.Try("x", freeTries)
		if ok || wait != min(want, longestWait) {
			t.Fatalf("waits %s, want %s", wait, want)
		}
		now = now.Add(wait)
		if _, ok := b.Try("x", freeTries); !ok {
			t.Fatal("still waits after the wait")
		}
		want *= 2
	}
	if _, ok := b.Try("y", freeTries); !ok {
		t.Error("another key waits too")
	}
	b.Succeeded("x", true)
	if _, ok := b.Try("x", freeTries); !ok {
		t.Error("waits although it went well")
	}
}

func TestBackoffForgets(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	b := newBackoff(func() time.Time { return now })
	for i := range maxRemembered + 5000 {
		b.Try(fmt.Sprint(i), freeTries)
	}
	if n := len(b.seen); n > maxRemembered {
		t.Errorf("remembers %d keys", n)
	}
}

func TestFormKeyTwice(t *testing.T) {
	f := newFormKeys(time.Now)
	var made atomic.Int64
	start := make(chan struct{})
	var all sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		all.Go(func() {
			<-start
			ids[i], _ = f.Once(t.Context(), "k", 7, func() (string, error) { return fmt.Sprint("delivery ", made.Add(1)), nil })
		})
	}
	close(start)
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times", made.Load())
	}
	for _, id := range ids {
		if id != "delivery 1" {
			t.Errorf("led to %q", id)
		}
	}
	if id, _ := f.Once(t.Context(), "k", 8, func() (string, error) { return "theirs", nil }); id != "theirs" {
		t.Error("one user's key opens another's delivery")
	}
}

func TestFormKeyAfterAFailure(t *testing.T) {
	f := newFormKeys(time.Now)
	broken := errors.New("the browser broke off")
	if _, err := f.Once(t.Context(), "k", 7, func() (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if id, err := f.Once(t.Context(), "k", 7, func() (string, error) { return "second", nil }); id != "second" || err != nil {
		t.Errorf("%q, %v", id, err)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = f.Once(t.Context(), "p", 7, func() (string, error) { panic("x") })
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if id, err := f.Once(ctx, "p", 7, func() (string, error) { return "after a panic", nil }); id != "after a panic" || err != nil {
		t.Errorf("%q, %v", id, err)
	}
}
