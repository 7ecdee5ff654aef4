package templates

import (
	"fmt"
	"strings"
)

// TTPStatus is GET /status/ttp. Moments and numbers are finished, unless a field says
// otherwise.
type TTPStatus struct {
	Page
	State       string // up, impaired, denied or unused
	At          string // the moment of these numbers
	RefreshHref string
	Calls       []TTPCall

	Prepare, Resolve int // records that wait for each answer
	Paused, Denied   int // deliveries
	NextTry          string
	Expiring         int
	ExpiresAt        string

	Expiries []TTPExpiry
	Renewal  *TTPRenewal // nil if there was none yet
	Helpdesk []string    // lines to copy for the TTP's helpdesk
}

// TTPCall has the figures of one kind of call.
type TTPCall struct {
	Key             string // token, temporary, …: part of a catalogue key
	LastOK, LastBad string // empty if there was none
	Count, Bad      int
	Share           string // of the calls that were not answered
	P50, P95        string // empty if no call was answered
	Chart           TTPChart
	Hours           []TTPHour
}

// TTPHour is one hour of a call, newest first.
type TTPHour struct {
	When, P50, P95 string
	Count, Bad     int
}

// TTPPoint is a quarter of an hour in a chart. P50 and P95 are in milliseconds, and 0 if
// no call was answered; Bad is from 0 to 1.
type TTPPoint struct{ P50, P95, Bad float64 }

// TTPChart is the course of a call over a day, oldest first.
type TTPChart struct {
	Points   []TTPPoint
	From, To string // the moments at its ends
}

// TTPExpiry is a certificate or a secret that expires.
type TTPExpiry struct {
	What  string // part of a catalogue key
	At    string // empty if unknown
	Days  int    // until then; negative after it
	Level string // "", warning or error
}

// TTPRenewal is the latest renewal of pseudonyms.
type TTPRenewal struct {
	State                                    string // done, paused or running: part of a catalogue key
	When                                     string // the moment that belongs to the state
	Total, Looked, Added, Refused, Conflicts int
}

// The size of a chart in its own units.
const (
	chartWidth  = 960
	chartHeight = 140
)

// top returns the round number of milliseconds at the top of the chart.
func (c TTPChart) top() float64 {
	most := 1.0
	for _, p := range c.Points {
		most = max(most, p.P95)
	}
	for _, top := range []float64{10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000} {
		if most <= top {
			return top
		}
	}
	return 60_000
}

func (c TTPChart) x(i int) float64 {
	return (float64(i) + 0.5) * chartWidth / float64(max(len(c.Points), 1))
}

// lines returns the stretches of the line of one percentile. It is interrupted in a
// quarter without answers. A single quarter between two of these is a short dash.
func (c TTPChart) lines(of func(TTPPoint) float64) []string {
	var out []string
	var line []string
	top := c.top()
	width := chartWidth / float64(max(len(c.Points), 1))
	point := func(x, ms float64) string {
		return fmt.Sprintf("%.1f,%.1f", x, chartHeight-min(ms, top)/top*chartHeight)
	}
	flush := func() {
		if len(line) > 0 {
			out = append(out, strings.Join(line, " "))
		}
		line = nil
	}
	for i, p := range c.Points {
		ms := of(p)
		if ms <= 0 {
			flush()
			continue
		}
		if len(line) == 0 {
			line = append(line, point(c.x(i)-width/2, ms))
		}
		line = append(line, point(c.x(i)+width/2, ms))
	}
	flush()
	return out
}

func p50(p TTPPoint) float64 { return p.P50 }

func p95(p TTPPoint) float64 { return p.P95 }

// bar is the share of failed calls in a quarter.
type bar struct{ X, Y, Width, Height string }

func (c TTPChart) bars() []bar {
	var out []bar
	width := chartWidth / float64(max(len(c.Points), 1))
	for i, p := range c.Points {
		if p.Bad <= 0 {
			continue
		}
		h := max(2, p.Bad*chartHeight)
		out = append(out, bar{number1(c.x(i) - width/2), number1(chartHeight - h), number1(width), number1(h)})
	}
	return out
}

func number1(f float64) string { return fmt.Sprintf("%.1f", f) }
