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
// tests and demonstrations. The shares, from 0 to 1, are shares of the pseudonym
// calls; a call gets at most one of these faults. The zero Faults are no faults.
type Faults struct {
	Down    bool          // every call, for a token too, gets a 503
	Latency time.Duration // before every pseudonym call
	Calls   int           // more pseudonym calls than this at once get a 429; 0: no limit
	Rate    int           // more pseudonym calls a second than this get a 429; 0: no limit
	Token   float64       // share of token calls that get a 500

	Unauthorized float64 // 401, although the token is good
	TooMany      float64 // 429
	Internal     float64 // 500
	Unavailable  float64 // 503
	Reset        float64 // the connection breaks; in half of the cases the work was done
	Truncate     float64 // the answer ends in the middle
	Missing      float64 // an item is left out
	Double       float64 // an item comes twice
	Shuffle      float64 // the items come in another order
	Short        float64 // the items come in another order, and one is left out
	Expired      float64 // every temporary pseudonym in the call counts as expired
	Slow         float64 // the answer comes in pieces, over two seconds

	// RetryAfter goes with 429 and 503: a duration such as 2s, or date, none or
	// absurd. Empty: none.
	RetryAfter string
}

const (
	retryNone   = "none"
	retryDate   = "date"
	retryAbsurd = "absurd"
)

// shares returns the share of each fault by its switch.
func (f *Faults) shares() map[string]*float64 {
	return map[string]*float64{
		"401": &f.Unauthorized, "429": &f.TooMany, "500": &f.Internal, "503": &f.Unavailable, "reset": &f.Reset, "truncate": &f.Truncate,
		"missing": &f.Missing, "double": &f.Double, "shuffle": &f.Shuffle, "short": &f.Short, "expired": &f.Expired, "slow": &f.Slow,
	}
}

// FaultSwitches lists the switches that ParseFaults knows.
const FaultSwitches = "down, latency=50ms, calls=4, rate=20, token=5%, retry-after=2s|date|none|absurd, " +
	"and shares of the calls such as 500=10%: " +
	"401, 429, 500, 503, reset, truncate, missing, double, shuffle, short, expired, slow"

// ParseFaults reads switches with commas between them, such as
// "latency=50ms,500=10%,reset=5%". An empty text means no faults.
func ParseFaults(text string) (Faults, error) {
	var f Faults
	separator := func(r rune) bool { return strings.ContainsRune(", \n\r\t", r) }
	for _, part := range strings.FieldsFunc(text, separator) {
		name, value, given := strings.Cut(part, "=")
		known, err := f.set(name, value, given)
		switch {
		case !known:
			return Faults{}, fmt.Errorf("there is no fault %q; known are: %s", name, FaultSwitches)
		case err != nil:
			return Faults{}, fmt.Errorf("fault %s %w", name, err)
		}
	}
	total := 0.0
	for _, share := range f.shares() {
		total += *share
	}
	if total > 1 {
		return Faults{}, errors.New("the shares of the faults add up to more than 100%: a call gets one fault at most")
	}
	return f, nil
}

// set sets the switch called name. given is whether it came with a value. It returns
// false if there is no such switch.
func (f *Faults) set(name, value string, given bool) (known bool, err error) {
	shares := f.shares()
	shares["token"] = &f.Token
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
	case name == "calls":
		f.Calls, err = parseLimit(value)
	case name == "rate":
		f.Rate, err = parseLimit(value)
	case name == "retry-after":
		if _, bad := time.ParseDuration(value); bad != nil && value != retryDate && value != retryNone && value != retryAbsurd {
			err = errors.New("wants a duration such as 2s, or date, none or absurd")
		}
		f.RetryAfter = value
	default:
		return false, nil
	}
	return true, err
}

func parseLimit(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return 0, errors.New("wants a number such as 4")
	}
	return n, nil
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

// fates is the order in which the shares divide the range of one draw.
var fates = []string{"401", "429", "500", "503", "reset", "truncate", "missing", "double", "shuffle", "short", "expired", "slow"}

// dice draws the fates of calls. The same seed and order of calls draw the same.
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

// fate returns the switch of the fault that a call gets, or nothing.
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

// SetFaults replaces the faults, from the next call on. The zero Faults switch all
// of them off.
func (s *Sandbox) SetFaults(f Faults) { s.faults.Store(&f) }

// readFaults sets the faults that the fault file lists, if the file has changed. A
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
			s.opt.Log.Warn("the fault file cannot be read; the faults stay as they are", "err", err)
			return
		}
		s.SetFaults(f)
		s.opt.Log.Info("faults", "switches", strings.TrimSpace(string(text)))
	}
}

// watched says when a file was last looked at, and when it had last changed then.
type watched struct {
	mu              sync.Mutex
	looked, changed time.Time
}
