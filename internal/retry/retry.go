// Package retry says how long to wait between tries of something that does not
// succeed, such as a call of a TTP that does not answer.
//
// It never waits itself, and knows no clock.
package retry

import (
	"math/rand/v2"
	"time"
)

// longestAsked is the longest pause that the other side can ask for.
const longestAsked = time.Hour

// Backoff is a pause that doubles with each try, from First to Longest.
type Backoff struct{ First, Longest time.Duration }

// Pause returns the pause after so many failed tries.
func (b Backoff) Pause(tries int) time.Duration {
	return min(b.First<<min(tries, 10), b.Longest)
}

// PauseAsked returns the pause after so many tries without an answer, or what the
// other side asked for if that is longer.
func (b Backoff) PauseAsked(tries int, asked time.Duration) time.Duration {
	return max(b.Pause(tries), min(asked, longestAsked))
}

// Spread is PauseAsked with the own pause spread between a half and one and a half of it,
// so that the chunks of many deliveries do not come back at one moment.
func (b Backoff) Spread(tries int, asked time.Duration) time.Duration {
	pause := b.Pause(tries)
	return max(pause/2+rand.N(pause), min(asked, longestAsked))
}
