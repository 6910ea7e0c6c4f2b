// Package limiter keeps the pace of one API action: EdgeOne takes 20 requests a second per action
// and account, and counts them on arrival in one-second windows (API documentation, "API frequency
// limits").
//
// The worker waits here before it binds a batch, and tells when the call really went to the wire.
// Calls are spaced by 1/rate and a margin, so that a window does not see one call too many when some
// arrive late and the next ones early. A refusal holds all calls for one window and widens the margin
// at once; a quiet while narrows it again. Several calls may be in flight: the pace is that of the
// sends, so latency costs nothing.
//
// What it promises: no two sends are nearer than the spacing, whatever waited in between. What it
// does not do: count what other tools on the account send (their effect is a refusal), or speak to
// other replicas (there is one owner).
package limiter

import (
	"context"
	"sync"
	"time"
)

const (
	// window is the span over which the API counts (API documentation, "API frequency limits").
	window = time.Second
	// jitter is what the margin of a whole window must cover: how much later one call may arrive,
	// relative to another, than it was sent.
	jitter = 20 * time.Millisecond
	// quiet is how long there must have been no refusal before the margin narrows by a tenth.
	quiet = 10 * time.Second
)

// Limiter paces one action of one account. It is safe for concurrent use; calls that wait are let
// through in no particular order. The zero value does not limit.
type Limiter struct {
	mu        sync.Mutex
	perSecond float64
	interval  time.Duration // 1/rate; 0: no limit
	margin    time.Duration // what is added to it now
	last      time.Time     // the latest grant or send
	held      time.Time     // no send before, whatever the pace
	narrowed  time.Time     // when the margin was last changed
	sends     []time.Time   // those of the last window, oldest first
	perWindow int
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
		l.margin = l.least()
	}
}

// Set changes the limit; 0 means none. The spacing changes from the last send on, and a margin that
// refusals have widened stays, up to the new interval. Where there was no limit nobody knows what was
// sent in the last window, and calls wait for one.
func (l *Limiter) Set(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if perSecond == l.perSecond {
		return
	}
	before, margin := l.interval, l.margin
	widened := margin > l.least()
	l.space(perSecond)
	if widened {
		l.margin = min(max(margin, l.margin), l.interval)
	}
	if before == 0 {
		l.held = later(l.held, time.Now().Add(window))
	}
}

// least is the margin of a quiet time: jitter spread over the calls of a window.
func (l *Limiter) least() time.Duration { return jitter / time.Duration(max(1, l.perWindow)) }

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
		l.last = now
	}
	return 0
}

// next is the time before which there is no send.
func (l *Limiter) next() time.Time {
	if l.interval == 0 || l.last.IsZero() {
		return l.held
	}
	return later(l.held, l.last.Add(l.interval+l.margin))
}

// Sent tells that a call goes to the wire now. The spacing counts from here, not from Wait: a call
// that was held up in between must not come close to the next one.
func (l *Limiter) Sent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interval == 0 {
		return
	}
	now := time.Now()
	l.last = later(l.last, now)
	l.sends = append(l.sends, now)
	l.sends = recent(l.sends, now)
}

// Throttled tells that the API refused a call as too fast. All calls wait for one window, and the
// margin doubles, up to one interval (half the rate).
func (l *Limiter) Throttled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.held = later(l.held, now.Add(window))
	l.margin = min(2*l.margin, l.interval)
	l.narrowed = now
}

// Hold lets no call through before d has passed. A new owner holds one window when it can't know
// what its predecessor sent (I3).
func (l *Limiter) Hold(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = later(l.held, time.Now().Add(d))
}

// Sends gives the times of the sends of the last window, for the hand-over to another owner.
func (l *Limiter) Sends() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]time.Time(nil), recent(l.sends, time.Now())...)
}

// Resume goes on from the sends of a predecessor. Times in the future, as from another clock, count
// as now.
func (l *Limiter) Resume(sends []time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, at := range sends {
		l.last = later(l.last, sooner(at, now))
	}
}

// Pace tells how calls are spaced: the calls a second that the limit allows, the time from one to the
// next as it is now, and the margin that is in it. All are 0 without a limit.
func (l *Limiter) Pace() (limit float64, spacing, margin time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.perSecond, l.interval + l.margin, l.margin
}

// Spacing is the time from one send to the next as it is now; 0 without a limit.
func (l *Limiter) Spacing() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.interval + l.margin
}

// narrow takes a tenth off the margin for a quiet while, down to the least.
func (l *Limiter) narrow(now time.Time) {
	if l.margin <= l.least() || now.Sub(l.narrowed) < quiet {
		return
	}
	l.margin = max(l.least(), l.margin*9/10)
	l.narrowed = now
}

func recent(sends []time.Time, now time.Time) []time.Time {
	for len(sends) > 0 && now.Sub(sends[0]) > window {
		sends = sends[1:]
	}
	return sends
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
