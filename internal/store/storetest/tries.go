package storetest

import (
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"sluis/internal/account"
	"sluis/internal/audit"
	"sluis/internal/store"
)

func newCounter(life time.Duration) account.TryCounter {
	c := account.TryCounter{Life: life}
	_, _ = rand.Read(c.Hash[:])
	return c
}

// triesAreCounted shows that failures and refusals add up, that only the first refusal
// of a series is an event, and that counts are forgotten.
func triesAreCounted(t *testing.T, s *store.Store) {
	pair, address, short := newCounter(time.Hour), newCounter(time.Hour), newCounter(-time.Second)
	who := who
	who.Name = "tries-" + rand.Text()
	failed := audit.Event{Type: audit.SignIn, Action: audit.Execute, Result: audit.MinorFailure, Who: who, Code: "sign_in_failed"}
	for range 3 {
		ok(t, s.RecordFailedTry(t.Context(), []account.TryCounter{pair, address, short}, failed))
	}
	ok(t, s.RecordFailedTry(t.Context(), []account.TryCounter{address}, failed))
	refused := failed
	refused.Code = "sign_in_refused"
	for i, want := range []int{1, 8, 15} {
		total, err := s.RecordRefusedTries(t.Context(), pair, min(1+i*6, 7), refused)
		ok(t, err)
		if total != want {
			t.Errorf("refused %d, want %d", total, want)
		}
	}
	got, err := s.Tries(t.Context(), pair, newCounter(time.Hour), address, short)
	ok(t, err)
	if got[0] != (account.Tries{Failures: 3, Refused: 15}) || got[1] != (account.Tries{}) || got[2].Failures != 4 || got[3].Failures != 0 {
		t.Errorf("counted %+v", got)
	}
	page, err := s.Events(t.Context(), who, audit.Query{UserName: who.Name, Type: audit.SignIn, Limit: 100})
	ok(t, err)
	events := map[string]int{}
	for _, ev := range page.Events {
		events[ev.Code]++
	}
	if events["sign_in_failed"] != 4 || events["sign_in_refused"] != 1 {
		t.Errorf("events %v", events)
	}
	ok(t, s.ForgetTries(t.Context(), pair))
	if got, err = s.Tries(t.Context(), pair, address); err != nil || got[0].Failures != 0 || got[1].Failures != 4 {
		t.Errorf("after forgetting: %+v, %v", got, err)
	}
}

// turnsAreTaken shows that a line has one place at a time, over all who take one, and
// that a place too far back is not taken.
func turnsAreTaken(t *testing.T, s *store.Store) {
	line, free := newCounter(time.Hour), newCounter(time.Hour)
	const spacing, longest = 20 * time.Second, 90 * time.Second
	var mu sync.Mutex
	var waits []time.Duration
	refused := 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			wait, taken, err := s.TakeTurns(t.Context(), []account.Turn{{TryCounter: free}, {TryCounter: line, Spacing: spacing}}, longest)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if taken {
				waits = append(waits, wait)
			} else {
				refused++
			}
		})
	}
	all.Wait()
	if len(waits) != 5 || refused != 3 {
		t.Fatalf("%d took a place (%v), %d did not", len(waits), waits, refused)
	}
	seen := map[int]bool{}
	for _, w := range waits {
		seen[int((w+spacing/2)/spacing)] = true
	}
	if len(seen) != 5 {
		t.Errorf("two have the same place: %v", waits)
	}
	if wait, taken, err := s.TakeTurns(t.Context(), []account.Turn{{TryCounter: free, Spacing: spacing}}, longest); err != nil || !taken ||
		wait > 0 {
		t.Errorf("another line: %s, %v, %v", wait, taken, err)
	}
}
