// Package ttphealth counts the calls to the TTP in intervals of a quarter of an
// hour: how many went well, how many did not, and how long they took.
//
// All that it keeps of a call is its kind, its duration and whether it was answered.
// It knows no HTTP and no SQL.
package ttphealth

import (
	"math"
	"slices"
	"sync"
	"time"
)

// Call is a kind of call.
type Call string

// The kinds of calls.
const (
	Token      Call = "token"
	Temporary  Call = "temporary"
	Definitive Call = "definitive"
	Convert    Call = "convert"
	Datasets   Call = "datasets"
)

// Calls lists them in the order in which the page shows them.
var Calls = []Call{Token, Temporary, Definitive, Convert, Datasets}

const (
	// Interval is the time that one bin covers.
	Interval = 15 * time.Minute
	// Window is how far back the status page looks.
	Window = 24 * time.Hour
)

// Bin counts the calls of one kind in one interval whose duration fell in one
// class.
type Bin struct {
	Call  Call
	Start time.Time // UTC, a multiple of Interval
	Class int       // of duration; see Upper
	OK    int
	Bad   int // not answered, refused, or answered with something unusable
	// LastOK and LastBad are the times of the latest call of each; zero if there is
	// none.
	LastOK, LastBad time.Time
}

// Classes is the number of classes of duration. The first goes up to 1 ms, and each
// goes a quarter further than the one before. The last one starts at over a minute.
const Classes = 52

const growth = 1.25

// classOf returns the class of a duration.
func classOf(d time.Duration) int {
	ms := float64(d) / float64(time.Millisecond)
	if ms <= 1 {
		return 0
	}
	return min(Classes-1, int(math.Ceil(math.Log(ms)/math.Log(growth))))
}

// Upper returns the longest duration of a class.
func Upper(class int) time.Duration {
	return time.Duration(math.Pow(growth, float64(class)) * float64(time.Millisecond))
}

// Recorder counts calls until they are taken. It is safe for concurrent use.
type Recorder struct {
	now  func() time.Time
	tell func(c Call, took time.Duration, ok bool) // may be nil
	mu   sync.Mutex
	bins map[key]*Bin
	last time.Time // the latest call that was answered
}

type key struct {
	call  Call
	start time.Time
	class int
}

// NewRecorder makes a recorder that reads the time from now.
func NewRecorder(now func() time.Time) *Recorder {
	return &Recorder{now: now, bins: map[key]*Bin{}}
}

// Tell lets f know of every try of a call too. It is called before the first Observe.
func (r *Recorder) Tell(f func(c Call, took time.Duration, ok bool)) { r.tell = f }

// Observe counts one try of a call.
func (r *Recorder) Observe(c Call, took time.Duration, ok bool) {
	if r.tell != nil {
		r.tell(c, took, ok)
	}
	at := r.now().UTC().Truncate(time.Millisecond)
	k := key{c, at.Truncate(Interval), classOf(took)}
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.bins[k]
	if b == nil {
		b = &Bin{Call: k.call, Start: k.start, Class: k.class}
		r.bins[k] = b
	}
	if ok {
		b.OK, b.LastOK, r.last = b.OK+1, at, at
	} else {
		b.Bad, b.LastBad = b.Bad+1, at
	}
}

// LastHeard returns the time of the latest answered call since the program started;
// zero if there was none.
func (r *Recorder) LastHeard() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// Take returns the counts since the last Take, and starts again from zero.
func (r *Recorder) Take() []Bin {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Bin, 0, len(r.bins))
	for _, b := range r.bins {
		out = append(out, *b)
	}
	clear(r.bins)
	slices.SortFunc(out, func(a, b Bin) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		if a.Call != b.Call {
			return slices.Index(Calls, a.Call) - slices.Index(Calls, b.Call)
		}
		return a.Class - b.Class
	})
	return out
}

// GiveBack adds bins that could not be stored to the counts of the next Take.
func (r *Recorder) GiveBack(bins []Bin) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range bins {
		k := key{b.Call, b.Start, b.Class}
		if newer := r.bins[k]; newer != nil {
			b.OK, b.Bad = b.OK+newer.OK, b.Bad+newer.Bad
			b.LastOK, b.LastBad = latest(b.LastOK, newer.LastOK), latest(b.LastBad, newer.LastBad)
		}
		r.bins[k] = &b
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Summary sums up the calls of one kind over some time. P50 and P95 are percentiles
// of the duration of the answered calls, rounded up to their class; 0 if there were
// none.
type Summary struct {
	OK, Bad         int
	LastOK, LastBad time.Time
	P50, P95        time.Duration
}

// ErrorShare returns the share of the calls that were not answered, from 0 to 1.
func (s Summary) ErrorShare() float64 {
	if s.OK+s.Bad == 0 {
		return 0
	}
	return float64(s.Bad) / float64(s.OK+s.Bad)
}

// Summarise adds up bins of one kind of call.
func Summarise(bins []Bin) Summary {
	var s Summary
	var counts [Classes]int
	for _, b := range bins {
		s.OK, s.Bad = s.OK+b.OK, s.Bad+b.Bad
		s.LastOK, s.LastBad = latest(s.LastOK, b.LastOK), latest(s.LastBad, b.LastBad)
		counts[min(max(b.Class, 0), Classes-1)] += b.OK
	}
	s.P50, s.P95 = percentile(counts[:], s.OK, 0.50), percentile(counts[:], s.OK, 0.95)
	return s
}

func percentile(counts []int, total int, share float64) time.Duration {
	if total == 0 {
		return 0
	}
	left := int(math.Ceil(share * float64(total)))
	for class, n := range counts {
		if left -= n; left <= 0 {
			return Upper(class)
		}
	}
	return Upper(len(counts) - 1)
}
