package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// level is how bad a line of a checklist is.
type level string

// The levels, as an operator of the registry reads them.
const (
	levelOK    level = "OK"
	levelCare  level = "let op"
	levelFault level = "fout"
)

// checked is one line of a checklist.
type checked struct {
	Level level  `json:"level"`
	Check string `json:"check"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what to do about it
}

// checklist gathers what a command found out about the service.
type checklist struct{ lines []checked }

func (l *checklist) ok(check, format string, args ...any) {
	l.lines = append(l.lines, checked{levelOK, check, fmt.Sprintf(format, args...), ""})
}

func (l *checklist) care(check, says, do string) {
	l.lines = append(l.lines, checked{levelCare, check, says, do})
}

func (l *checklist) fault(check, says, do string) {
	l.lines = append(l.lines, checked{levelFault, check, says, do})
}

// count returns how many lines have a level.
func (l *checklist) count(of level) (n int) {
	for _, x := range l.lines {
		if x.Level == of {
			n++
		}
	}
	return n
}

// errFaults ends a command that found faults.
type errFaults struct{ error }

// finish prints the list. It returns an error if something is wrong, so that the command
// ends with 1 for faults, and with 3 if a person must only look.
func (l *checklist) finish(c console, asJSON bool) error {
	faults, cares := l.count(levelFault), l.count(levelCare)
	if asJSON {
		out := json.NewEncoder(c.out)
		out.SetIndent("", "  ")
		if err := out.Encode(struct {
			Faults int       `json:"faults"`
			Cares  int       `json:"cares"`
			Lines  []checked `json:"lines"`
		}{faults, cares, l.lines}); err != nil {
			return err
		}
	} else {
		l.print(c)
	}
	switch {
	case faults > 0:
		return errFaults{fmt.Errorf("%d fout, %d let op", faults, cares)}
	case cares > 0:
		return attend("%d let op", cares)
	}
	return nil
}

func (l *checklist) print(c console) {
	wide := 0
	for _, x := range l.lines {
		wide = max(wide, len(x.Check))
	}
	for _, x := range l.lines {
		fmt.Fprintf(c.out, "%-6s  %-*s  %s\n", x.Level, wide, x.Check, x.Says)
		if x.Do != "" {
			fmt.Fprintf(c.out, "%s→ %s\n", strings.Repeat(" ", wide+10), x.Do)
		}
	}
}
