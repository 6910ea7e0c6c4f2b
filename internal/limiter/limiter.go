// Package limiter keeps the pace of one API action: EdgeOne takes 20 requests a second per action
// and account, and counts them on arrival in one-second windows (API documentation, "API frequency
// limits").
//
// The worker waits here before it binds a batch, and tells when the call really went to the wire.
// Calls are spaced by 1/rate and a margin, so that a window does not see one call too many when some
// arrive late and the next ones early. A call that is somewhat late, as timers are, does not put off the
// next ones: they keep to the spacing, and the window to its count. A refusal widens the margin at once,
// and refusals in a row hold all calls, longer each time; a quiet while narrows the margin again. Several
// calls may be in flight: the pace is that of the sends, so latency costs nothing.
//
// What it promises: no more sends in any window and margin than the limit allows, and no two nearer
// than half the spacing, whatever waited in between. What it does not do: count what other tools on the
// account send (their effect is a refusal), or speak to other replicas (there is one leader).
package limiter

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// window is the span over which the API counts (API documentation, "API frequency limits").
	window = time.Second
	// jitter is the least margin of a window: how much later one call may arrive, relative to another,
	// than it was sent. It costs a hundredth of the limit.
	jitter = 10 * time.Millisecond
	// quiet is how long there must have been no refusal before the margin narrows by a quarter: from half
	// the limit to all of it takes half a minute.
	quiet = 3 * time.Second
	// calm is the widest margin at which a row of refusals that held calls for a window can end. A wider one
	// means that something else sent a short while ago, and probably still does.
	calm = 4 * jitter
)

// holds are how long all calls wait after the first refusal of a row, the second, and so on. A row ends
// with a window that has none.
var holds = [...]time.Duration{0, window / 10, 3 * window / 10, window}

// Limiter paces one action of one account. It is safe for concurrent use; calls that wait are let
// through in no particular order. The zero value does not limit.
type Limiter struct {
	mu        sync.Mutex
	perSecond float64
	perWindow int           // the calls that a window takes
	interval  time.Duration // 1/rate; 0: no limit
	margin    time.Duration // what is added to a window now
	due       time.Time     // when the next call may go by the spacing
	held      time.Time     // no send before, whatever the pace
	changed   time.Time     // when the margin last was
	refused   time.Time     // when the last refusal came
	inRow     int           // the refusals of the row
	granted   []time.Time   // those that were let through and have not been told of as sent
	sends     []time.Time   // the last perWindow, oldest first
}

// New makes a Limiter for perSecond calls a second; 0 means no limit.
func New(perSecond float64) *Limiter {
	l := new(Limiter)
	l.space(perSecond)
	return l
}

// space sets what follows from the limit, with the margin of a quiet time.
func (l *Limiter) space(perSecond float64) {
	l.perSecond, l.interval, l.perWindow, l.margin = 0, 0, 0, 0
	if perSecond > 0 {
		l.perSecond = perSecond
		l.interval = time.Duration(float64(window) / perSecond)
		l.perWindow = max(1, int(perSecond))
		l.margin = jitter
	}
}

// Wait blocks until a call may go and takes its place in line; the caller sends at once and reports
// it with Sent. It returns the context's cause when that ends first.
func (l *Limiter) Wait(ctx context.Context) error {
	for {
		wait := l.grant(time.Now())
		if wait <= 0 {
			return nil
		}
		timer := time.NewTimer(min(wait, window)) // the limit may change meanwhile
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// grant takes a place in line and returns 0, or returns how long there is none.
func (l *Limiter) grant(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.next().Sub(now); wait > 0 {
		return wait
	}
	if l.interval > 0 {
		l.narrow(now)
		l.granted = append(recent(l.granted, now.Add(-l.span())), now)
		l.advance(now)
	}
	return 0
}

// next is the time before which there is no send.
func (l *Limiter) next() time.Time {
	if l.interval == 0 {
		return l.held
	}
	next := later(l.held, l.due)
	if first := len(l.sends) + len(l.granted) - l.perWindow; first >= len(l.sends) {
		next = later(next, l.granted[first-len(l.sends)].Add(l.span()))
	} else if first >= 0 {
		next = later(next, l.sends[first].Add(l.span()))
	}
	return next
}

// span is what the calls of a window, and the first of the next, take at least.
func (l *Limiter) span() time.Duration { return l.most() + l.margin }

// spacing is the time from one call to the next.
func (l *Limiter) spacing() time.Duration {
	if l.interval == 0 {
		return 0
	}
	return l.interval + l.margin/time.Duration(l.perWindow)
}

// advance makes the next call due, after one of now. From the time at which that one was due, when it was
// little late; idleness saves up nothing.
func (l *Limiter) advance(now time.Time) {
	spacing := l.spacing()
	if now.Sub(l.due) <= spacing/2 {
		l.due = l.due.Add(spacing)
	} else {
		l.due = now.Add(spacing)
	}
}

// Sent tells that a call goes to the wire now. Its window counts from here, not from Wait: a call that
// was held up in between must not come close to the next one.
func (l *Limiter) Sent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interval == 0 {
		return
	}
	now := time.Now()
	if len(l.granted) > 0 {
		l.granted = l.granted[:len(l.granted)-1]
	}
	l.sent(now)
	if spacing := l.spacing(); now.Sub(l.due.Add(-spacing)) > spacing/2 {
		l.due = now.Add(spacing)
	}
}

func (l *Limiter) sent(at time.Time) {
	l.sends = append(l.sends, at)
	l.sends = l.sends[max(0, len(l.sends)-l.perWindow):]
}

// Hold lets no call through before d has passed. A new leader holds one window when it can't know
// what its predecessor sent (I3).
func (l *Limiter) Hold(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = later(l.held, time.Now().Add(d))
}

// Sends gives the times of the sends of the last window, for the hand-over to another leader.
func (l *Limiter) Sends() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(recent(l.sends, time.Now().Add(-window)))
}

// Resume goes on from the sends of a predecessor, oldest first. Times in the future, as from another
// clock, count as now.
func (l *Limiter) Resume(sends []time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interval == 0 {
		return
	}
	now := time.Now()
	for _, at := range sends {
		at = sooner(at, now)
		l.sent(at)
		l.due = later(l.due, at.Add(l.spacing()))
	}
}

// recent are the times that are not before start.
func recent(times []time.Time, start time.Time) []time.Time {
	for len(times) > 0 && times[0].Before(start) {
		times = times[1:]
	}
	return times
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func sooner(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
