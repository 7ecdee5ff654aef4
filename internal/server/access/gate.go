package access

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// The limits of the gate. A password costs 19 MiB and some 25 ms of a processor.
const (
	slots      = 4    // passwords checked at once
	longest    = 100  // tries that wait in one line
	mostQueued = 2000 // tries that wait in all lines together
)

// errCrowded is returned if a try cannot even wait.
var errCrowded = errors.New("access: too many tries wait")

// gate bounds how many passwords are checked at once, and shares that out: each line
// (an address, or a browser that we know) has its turn, however many wait in another.
type gate struct {
	mu   sync.Mutex
	busy int
	// known are the lines of browsers in which somebody signed in before. They go
	// first, and the last slot is theirs only.
	known, strange lines
}

// ticket is a try that waits; ready gets false if it must leave.
type ticket struct{ ready chan bool }

// acquire waits for a slot. The caller must call release when the password is checked.
func (g *gate) acquire(ctx context.Context, line string, known bool) (release func(), err error) {
	t := &ticket{make(chan bool, 1)}
	g.mu.Lock()
	queue := &g.strange
	if known {
		queue = &g.known
	}
	if !queue.push(line, t) {
		g.mu.Unlock()
		return nil, errCrowded
	}
	g.start()
	g.mu.Unlock()
	select {
	case ok := <-t.ready:
		if !ok {
			return nil, errCrowded
		}
		return g.release, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	waited := queue.remove(line, t)
	g.mu.Unlock()
	if !waited && <-t.ready { // it was let in at this very moment
		g.release()
	}
	return nil, ctx.Err()
}

func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy--
	g.start()
}

// start lets in as many as there is room for.
func (g *gate) start() {
	for g.busy < slots {
		t := g.known.pop()
		if t == nil && g.busy < slots-1 {
			t = g.strange.pop()
		}
		if t == nil {
			return
		}
		g.busy++
		t.ready <- true
	}
}

// lines are queues that take turns.
type lines struct {
	waiting map[string][]*ticket
	turns   []string // names of lines in which somebody waits; the first is next
	n       int
}

// push puts t at the end of a line. If all places are taken, the last one of the
// longest line must leave. It returns false if that would be t itself.
func (l *lines) push(name string, t *ticket) bool {
	if len(l.waiting[name]) >= longest {
		return false
	}
	if l.n >= mostQueued {
		long := name
		for other, queue := range l.waiting {
			if len(queue) > len(l.waiting[long])+1 {
				long = other
			}
		}
		if long == name {
			return false
		}
		queue := l.waiting[long]
		last := queue[len(queue)-1]
		l.remove(long, last)
		last.ready <- false
	}
	if l.waiting == nil {
		l.waiting = map[string][]*ticket{}
	}
	if len(l.waiting[name]) == 0 {
		l.turns = append(l.turns, name)
	}
	l.waiting[name] = append(l.waiting[name], t)
	l.n++
	return true
}

// pop takes the first ticket of the line that is next; nil if nobody waits.
func (l *lines) pop() *ticket {
	if len(l.turns) == 0 {
		return nil
	}
	name := l.turns[0]
	t := l.waiting[name][0]
	l.remove(name, t)
	if len(l.waiting[name]) > 0 { // to the back of the turns
		l.turns = append(slices.DeleteFunc(l.turns, func(s string) bool { return s == name }), name)
	}
	return t
}

// remove takes a ticket out of a line, and returns false if it is not there.
func (l *lines) remove(name string, t *ticket) bool {
	i := slices.Index(l.waiting[name], t)
	if i < 0 {
		return false
	}
	l.n--
	l.waiting[name] = slices.Delete(l.waiting[name], i, i+1)
	if len(l.waiting[name]) == 0 {
		delete(l.waiting, name)
		l.turns = slices.DeleteFunc(l.turns, func(s string) bool { return s == name })
	}
	return true
}
