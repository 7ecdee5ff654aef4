package retry

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	b := Backoff{First: time.Second, Longest: time.Minute}
	for tries, want := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second, 6: time.Minute, 1000: time.Minute} {
		if got := b.Pause(tries); got != want {
			t.Errorf("after %d tries: %s, want %s", tries, got, want)
		}
		if got := b.Spread(tries, 0); got < want/2 || got >= want/2+want {
			t.Errorf("after %d tries: spread to %s, want about %s", tries, got, want)
		}
	}
	for asked, want := range map[time.Duration]time.Duration{0: time.Second, time.Minute: time.Minute, 24 * time.Hour: time.Hour} {
		if got := b.PauseAsked(0, asked); got != want {
			t.Errorf("asked for %s: %s, want %s", asked, got, want)
		}
		if got := b.Spread(0, asked); asked > 0 && got != want {
			t.Errorf("asked for %s: spread to %s, want %s", asked, got, want)
		}
	}
}
