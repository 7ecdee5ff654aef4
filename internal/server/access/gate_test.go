package access

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
)

// wait starts a try in a line, and returns where its turn will be told.
func wait(t *testing.T, g *gate, line string, known bool, order chan<- string) {
	t.Helper()
	go func() {
		release, err := g.acquire(t.Context(), line, known)
		if err != nil {
			order <- "refused " + line
			return
		}
		order <- line
		release()
	}()
	synctest.Wait()
}

func TestGateSharesByLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, order := &gate{}, make(chan string, 300)
		var releases []func()
		for i := range slots - 1 {
			release, err := g.acquire(t.Context(), fmt.Sprint(i), false)
			if err != nil {
				t.Fatal(err)
			}
			releases = append(releases, release)
		}
		for range 50 {
			wait(t, g, "attacker", false, order)
		}
		wait(t, g, "victim", false, order)
		wait(t, g, "known", true, order)
		if got := <-order; got != "known" {
			t.Fatalf("%s takes the slot of known browsers", got)
		}
		releases[0]()
		synctest.Wait()
		if first, second := <-order, <-order; first != "attacker" || second != "victim" {
			t.Errorf("turns: %s, %s", first, second)
		}
		for range 49 {
			if got := <-order; got != "attacker" {
				t.Errorf("turn of %s", got)
			}
		}
		for _, r := range releases[1:] {
			r()
		}
		if g.busy != 0 || g.strange.n != 0 || g.known.n != 0 {
			t.Errorf("left: %d busy, %d and %d wait", g.busy, g.strange.n, g.known.n)
		}
	})
}

func TestGateRefusesTheLongestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, order := &gate{}, make(chan string, mostQueued+100)
		var releases []func()
		for range slots - 1 {
			release, _ := g.acquire(t.Context(), "x", false)
			releases = append(releases, release)
		}
		for range longest {
			wait(t, g, "attacker", false, order)
		}
		if _, err := g.acquire(t.Context(), "attacker", false); !errors.Is(err, errCrowded) {
			t.Errorf("one more in a full line: %v", err)
		}
		for i := range mostQueued - longest {
			wait(t, g, fmt.Sprint("someone", i), false, order)
		}
		wait(t, g, "victim", false, order)
		if got := <-order; got != "refused attacker" {
			t.Errorf("a full gate: %s", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.acquire(ctx, "gone", false); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that went away: %v", err)
		}
		for _, r := range releases {
			r()
		}
		synctest.Wait()
		if g.busy != 0 || g.strange.n != 0 || len(g.strange.waiting) != 0 || len(g.strange.turns) != 0 {
			t.Errorf("left: %d busy, %d wait", g.busy, g.strange.n)
		}
	})
}
