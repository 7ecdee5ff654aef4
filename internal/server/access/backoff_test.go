package access

import (
	"fmt"
	"testing"
	"time"
)

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
