package deliveries

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

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
