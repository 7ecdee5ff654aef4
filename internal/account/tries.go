package account

import "time"

// TryCounter is something by which tries to sign in are counted, such as an account
// at an address.
type TryCounter struct {
	Hash [32]byte      // a keyed hash of it
	Life time.Duration // how long a count is remembered after the last try
}

// Tries is what a counter has counted.
type Tries struct {
	Failures int // tries with a wrong password
	Refused  int // tries that were not looked at
}

// Turn is a place in the line of a counter.
type Turn struct {
	TryCounter
	Spacing time.Duration // the time until the next place; 0 if the counter has no line
}
