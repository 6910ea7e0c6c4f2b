package quota

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

// edge is EdgeOne and the worker around a Gate: calls and readings are under way for any time, and
// end in any order.
type edge struct {
	g     *Gate
	now   time.Time
	left  int // of the day
	calls []*edgeCall

	asked  bool
	answer map[purge.Type]edgeone.Quota // of the reading under way; nil: EdgeOne has not read its counter yet
	fault  string
}

type edgeCall struct {
	n       int
	sent    time.Time
	counted bool // granted while what is left was counted
	ended   bool // EdgeOne has accepted or refused it
	err     error
}

func newEdge(left int) *edge {
	e := &edge{g: newGate(), now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), left: left}
	e.g.Want(urls, e.now)
	return e
}

// send makes a call of n targets if the kind is not held.
func (e *edge) send(n int) (granted int) {
	if !e.g.Until(urls, e.now).Until.IsZero() {
		return 0
	}
	_, counted := e.g.left(urls)
	if granted = e.g.Reserve(urls, min(n, e.g.Limit(urls)), e.now); granted > 0 {
		for _, c := range e.calls {
			c.counted = c.counted && counted // its room may go to a call that is not counted
		}
		e.calls = append(e.calls, &edgeCall{n: granted, sent: e.now, counted: counted})
	}
	return granted
}

// carryOut accepts or refuses the call at i, if it has not ended. Some are refused as too fast.
func (e *edge) carryOut(i int, throttled bool) {
	c := e.calls[i]
	switch {
	case c.ended:
		return
	case throttled:
		c.err = &edgeone.Error{Code: "RequestLimitExceeded", Sent: true}
	case c.n > e.left:
		c.err = errDay
		if c.counted {
			e.fault = fmt.Sprintf("a call of %d was let through while %d were left, and counted", c.n, e.left)
		}
	default:
		e.left -= c.n
	}
	c.ended = true
}

// end ends the call at i for the worker; with lost its answer is lost, and its job found or not.
func (e *edge) end(i int, lost, found bool) {
	e.carryOut(i, false)
	c := e.calls[i]
	e.calls = append(e.calls[:i:i], e.calls[i+1:]...)
	a := Answer{Targets: c.n, Class: edgeone.Classify(c.err), Err: c.err, Sent: c.sent}
	if lost {
		a.Class, a.Err = edgeone.Ambiguous, &edgeone.Error{Status: 502, Sent: true}
	}
	e.g.Answered(urls, a, e.now)
	switch {
	case lost && (c.err != nil || !found):
		e.g.Lost(urls, a.Err, c.sent, e.now)
	case c.err == nil:
		e.g.Accepted(urls)
		e.g.Used(urls, Use{Accepted: c.n, Sent: c.sent}, e.now)
	case a.Class == edgeone.DailyQuota:
		e.g.DayRefused(urls, c.n, c.sent, e.now)
	}
}

func (e *edge) read(kind int) {
	switch {
	case kind == 0 && !e.asked:
		e.asked = true
		e.g.ask(urls.Zone, e.now)
	case kind == 1 && e.asked && e.answer == nil:
		e.answer = rows(e.left)
	case kind == 2 && e.answer != nil:
		e.g.set(urls.Zone, e.answer, e.now)
		e.asked, e.answer = false, nil
	case kind == 3 && e.asked:
		e.g.set(urls.Zone, nil, e.now)
		e.asked, e.answer = false, nil
	case kind == 4 && e.asked: // without a row of the kind
		e.g.set(urls.Zone, map[purge.Type]edgeone.Quota{purge.Tag: {Batch: 100, DailyAvailable: 1000}}, e.now)
		e.asked, e.answer = false, nil
	}
}

// reread makes a reading that takes no time.
func (e *edge) reread() {
	for kind := range 3 {
		e.read(kind)
	}
}

// step is something that happens.
type step struct {
	what, n, i int
	pass       time.Duration
}

func steps(t *rapid.T) []step {
	passes := []time.Duration{0, time.Millisecond, time.Second, 10 * time.Second, time.Minute}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			rapid.IntRange(0, 15).Draw(t, "what"), rapid.IntRange(1, 400).Draw(t, "n"),
			rapid.IntRange(0, 5).Draw(t, "i"), rapid.SampledFrom(passes).Draw(t, "pass"),
		}
	}), 1, 80).Draw(t, "steps")
}

func (e *edge) do(s step) {
	e.now = e.now.Add(s.pass)
	at := min(s.i, len(e.calls)-1)
	switch {
	case s.what < 4:
		e.send(s.n)
	case s.what < 9:
		e.read(s.what - 4)
	case s.what == 14:
		e.reread()
	case at < 0:
	case s.what == 9:
		e.carryOut(at, false)
	case s.what == 10:
		e.carryOut(at, s.n%4 == 0)
	case s.what == 11:
		e.end(at, false, false)
	case s.what == 12:
		e.end(at, true, s.n%2 == 0)
	case s.n%4 == 0: // a new day
		e.left = 1000
	}
}

// While what is left of a day is counted, which begins with the first reading after a refusal, no
// call is let through for which the day has no room: not even one beside calls whose answers are
// lost, or that are in flight during a reading.
func TestGate_LetsNoMoreThroughThanIsLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := newEdge(rapid.IntRange(0, 1000).Draw(t, "left"))
		e.g.DayRefused(urls, 1, e.now, e.now)
		e.reread()
		for _, s := range steps(t) {
			if e.do(s); e.fault != "" {
				t.Fatal(e.fault)
			}
			if left, counted := e.g.left(urls); counted && left > e.left {
				t.Fatalf("counts on %d, and %d are left", left, e.left)
			}
		}
	})
}

// A hold ends by its time, or by what happens before: once no call is in flight and the day has
// room, targets go, whether or not the quota can be read.
func TestGate_HoldsNothingForEver(t *testing.T) {
	const soon = blockMax + 2*pauseMax
	rapid.Check(t, func(t *rapid.T) {
		e := newEdge(rapid.IntRange(0, 1000).Draw(t, "left"))
		if e.g.DayRefused(urls, 1, e.now, e.now); rapid.Bool().Draw(t, "counted") {
			e.reread()
		}
		for _, s := range steps(t) {
			e.do(s)
			if h := e.g.Until(urls, e.now); h.Until.Sub(e.now) > flightMax || !h.Until.IsZero() == (h.Why == Nothing) {
				t.Fatalf("got the hold %+v at %v, want one that ends and says why", h, e.now)
			}
		}
		for len(e.calls) > 0 {
			e.end(0, false, false)
		}
		e.left = 1000
		failing := rapid.Bool().Draw(t, "failing")
		for begun := e.now; e.send(1) == 0; {
			if e.now.Sub(begun) > soon {
				t.Fatalf("still held after %v: %+v", e.now.Sub(begun), e.g.Until(urls, e.now))
			}
			if due, _ := e.g.dueAt(e.now); len(due) > 0 {
				e.asked, e.answer = false, nil
				e.read(0)
				if failing {
					e.read(3)
				} else {
					e.reread()
				}
				if due, _ := e.g.dueAt(e.now); len(due) > 0 {
					t.Fatal("a reading is due again at once")
				}
			}
			e.now = e.now.Add(time.Second)
		}
	})
}
