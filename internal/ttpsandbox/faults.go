package ttpsandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Faults are the ways in which the sandbox can be made to behave badly, for
// tests and demonstrations. Shares are of the pseudonym calls, from 0 to 1; a
// call has one fate at most. The zero Faults are none.
type Faults struct {
	Down    bool          // every call, the token's too, gets a 503
	Latency time.Duration // before every pseudonym call
	Calls   int           // more pseudonym calls than this at once get a 429; 0: no limit
	Rate    int           // more pseudonym calls a second than this get a 429; 0: no limit
	Token   float64       // share of token calls that get a 500

	Unauthorized float64 // 401, though the token is good
	TooMany      float64 // 429
	Internal     float64 // 500
	Unavailable  float64 // 503
	Reset        float64 // the connection breaks; in half of the cases the work was done
	Truncate     float64 // the answer ends in the middle
	Missing      float64 // an item is left out
	Double       float64 // an item is there twice
	Shuffle      float64 // the items come in another order
	Short        float64 // in another order, and one is left out
	Expired      float64 // every temporary pseudonym in the call is held to be expired
	Slow         float64 // the answer trickles in, over two seconds

	// RetryAfter goes with 429 and 503: a duration such as 2s, or date, none or
	// absurd. Empty: none.
	RetryAfter string
}

const (
	retryNone   = "none"
	retryDate   = "date"
	retryAbsurd = "absurd"
)

// shares are the switches of the single fates.
func (f *Faults) shares() map[string]*float64 {
	return map[string]*float64{
		"401": &f.Unauthorized, "429": &f.TooMany, "500": &f.Internal, "503": &f.Unavailable, "reset": &f.Reset, "truncate": &f.Truncate,
		"missing": &f.Missing, "double": &f.Double, "shuffle": &f.Shuffle, "short": &f.Short, "expired": &f.Expired, "slow": &f.Slow,
	}
}

// FaultSwitches names what ParseFaults knows.
const FaultSwitches = "down, latency=50ms, calls=4, rate=20, token=5%, retry-after=2s|date|none|absurd, and shares of the calls such as 500=10%: " +
	"401, 429, 500, 503, reset, truncate, missing, double, shuffle, short, expired, slow"

// ParseFaults reads switches with commas between them, such as
// "latency=50ms,500=10%,reset=5%". An empty text is no faults.
func ParseFaults(text string) (Faults, error) {
	var f Faults
	shares := f.shares()
	shares["token"] = &f.Token
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }) {
		name, value, given := strings.Cut(part, "=")
		var err error
		switch share, isShare := shares[name]; {
		case isShare:
			*share, err = parseShare(value)
		case name == "down":
			f.Down = true
			if given {
				err = errors.New("takes no value")
			}
		case name == "latency":
			if f.Latency, err = time.ParseDuration(value); err != nil || f.Latency < 0 || f.Latency > time.Hour {
				err = errors.New("wants a duration such as 50ms")
			}
		case name == "calls", name == "rate":
			n, bad := strconv.Atoi(value)
			if bad != nil || n < 1 {
				err = errors.New("wants a number such as 4")
			} else if name == "calls" {
				f.Calls = n
			} else {
				f.Rate = n
			}
		case name == "retry-after":
			if _, bad := time.ParseDuration(value); bad != nil && value != retryDate && value != retryNone && value != retryAbsurd {
				err = errors.New("wants a duration such as 2s, or date, none or absurd")
			}
			f.RetryAfter = value
		default:
			return Faults{}, fmt.Errorf("there is no fault %q; known are: %s", name, FaultSwitches)
		}
		if err != nil {
			return Faults{}, fmt.Errorf("fault %s %w", name, err)
		}
	}
	total := 0.0
	for _, share := range f.shares() {
		total += *share
	}
	if total > 1 {
		return Faults{}, errors.New("the shares of the faults add up to more than 100%: a call has one fate")
	}
	return f, nil
}

func parseShare(value string) (float64, error) {
	number, percent := strings.CutSuffix(value, "%")
	n, err := strconv.ParseFloat(number, 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n <= 1) {
		return 0, errors.New("wants a share such as 10% or 0.1")
	}
	return n, nil
}

// order in which one draw is held against the shares.
var fates = []string{"401", "429", "500", "503", "reset", "truncate", "missing", "double", "shuffle", "short", "expired", "slow"}

// dice draws fates, the same for the same seed and order of calls.
type dice struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func newDice(seed uint64) *dice { return &dice{rnd: rand.New(rand.NewPCG(seed, seed))} }

func (d *dice) float() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.Float64()
}

func (d *dice) fate(f Faults) string {
	x := d.float()
	shares := f.shares()
	for _, name := range fates {
		if x -= *shares[name]; x < 0 {
			return name
		}
	}
	return ""
}

// SetFaults switches faults on from the next call on; the zero Faults switch
// them off.
func (s *Sandbox) SetFaults(f Faults) { s.faults.Store(&f) }

// readFaults takes over what stands in the fault file, when that has changed. A
// file that cannot be read changes nothing.
func (s *Sandbox) readFaults() {
	if s.opt.FaultFile == "" {
		return
	}
	s.faultFile.mu.Lock()
	defer s.faultFile.mu.Unlock()
	now := time.Now()
	if now.Sub(s.faultFile.looked) < 200*time.Millisecond {
		return
	}
	s.faultFile.looked = now
	info, err := os.Stat(s.opt.FaultFile)
	switch {
	case errors.Is(err, os.ErrNotExist) && !s.faultFile.changed.IsZero():
		s.faultFile.changed = time.Time{}
		s.SetFaults(s.opt.Faults)
	case err != nil || info.ModTime().Equal(s.faultFile.changed):
	default:
		s.faultFile.changed = info.ModTime()
		text, err := os.ReadFile(s.opt.FaultFile)
		f, parseErr := ParseFaults(string(text))
		if err := errors.Join(err, parseErr); err != nil {
			s.opt.Log.Warn("the fault file is left alone", "err", err)
			return
		}
		s.SetFaults(f)
		s.opt.Log.Info("faults", "switches", strings.TrimSpace(string(text)))
	}
}

// watched is a file that is looked at now and then.
type watched struct {
	mu              sync.Mutex
	looked, changed time.Time
}
