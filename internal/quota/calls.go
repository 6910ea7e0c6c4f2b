package quota

import (
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// MaxCalls bounds the calls in flight of one kind: at 20 a second, enough for an API that takes 1.5
// s.
const MaxCalls = 32

// flightMax is how long nothing more of a kind is sent when MaxCalls are in flight: longer than a
// call takes.
const flightMax = 10 * time.Minute

// flight is what is in flight of a kind.
type flight struct {
	calls   int
	targets int
	last    time.Time // when the last of them began
}

// Answer is how a call of a kind ended.
type Answer struct {
	Targets int // as Reserve returned
	Class   edgeone.Class
	Err     error // nil for Done
	Sent    time.Time
}

// Reserve returns how many of n targets may be sent now in one call, and counts that call as in
// flight and its targets as taken from the day. Each call for which it returned more than 0 must be
// Answered.
func (g *Gate) Reserve(k Kind, n int, now time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if z := g.zones[k.Zone]; z != nil {
		z.last = now
	}
	if n = g.grant(k, n, now); n == 0 {
		return 0
	}
	f := g.flights[k]
	f.calls, f.targets, f.last = f.calls+1, f.targets+n, now
	g.flights[k] = f
	if probe := g.blocks.probe(k, now); probe || f.calls >= MaxCalls {
		g.change(k)
	}
	return n
}

// Answered notes how a call ended. It reports whether all calls must be slowed down, because it was
// refused as too fast: not where others are accepted, and only its zone refuses, again and again.
func (g *Gate) Answered(k Kind, a Answer, now time.Time) (slow bool) {
	g.mu.Lock()
	g.denied.answered(a.Class, a.Err, now)
	slow = a.Class == edgeone.Throttled && !g.blocks.alone(k) // before it counts as refused once more
	g.landed(k, a, now)
	var turn turn
	switch passes, endless := passing(a.Class, a.Err); {
	case passes:
		turn = g.refuse(k, a, endless, now)
	case a.Class == edgeone.Transient:
		g.blocks.unanswered(k, now)
	case a.Class == edgeone.Ambiguous: // Accepted or Lost says what it was
	default:
		turn = g.accept(k)
	}
	g.change(k)
	g.mu.Unlock()
	g.log(turn)
	return slow
}

// landed counts a call as no longer in flight; the lock must be held.
func (g *Gate) landed(k Kind, a Answer, now time.Time) {
	f := g.flights[k]
	f.calls, f.targets = f.calls-1, f.targets-a.Targets
	if g.flights[k] = f; f.calls <= 0 {
		delete(g.flights, k)
	}
	z := g.zones[k.Zone]
	if z == nil {
		return
	}
	switch a.Class { //nolint:exhaustive // the others were not carried out
	case edgeone.Done, edgeone.NoJob: // Used may say how many targets were accepted
		z.usage.of(k.Type).doubted.now += a.Targets
	case edgeone.Ambiguous:
		z.usage.of(k.Type).doubted.now += a.Targets
		g.submitted(z, a.Sent, now, true)
	}
}

// Lost notes that no job was found of a call whose answer is lost: it counts as one that its zone
// refused.
func (g *Gate) Lost(k Kind, err error, sent, now time.Time) {
	g.mu.Lock()
	turn := g.refuse(k, Answer{Class: edgeone.Ambiguous, Err: err, Sent: sent}, true, now)
	g.change(k)
	g.mu.Unlock()
	g.log(turn)
}

// Accepted notes that EdgeOne took a call of a kind: its plan has the type, its zone takes calls,
// and if the permission for it was lacking, all that was denied is tried again at once.
func (g *Gate) Accepted(k Kind) {
	g.mu.Lock()
	delete(g.plans, k)
	for _, other := range g.denied.lift(k) {
		g.readAgain(other.Zone)
		g.change(other)
	}
	turn := g.accept(k)
	g.mu.Unlock()
	g.log(turn)
}

// turn says that a kind begins or ceases to be blocked; the zero value says neither.
type turn struct {
	kind         Kind
	begins, ends bool
	wait         time.Duration
	err          error
}

// log writes a turn to the log; the lock must not be held.
func (g *Gate) log(t turn) {
	zone, typ := zap.String("zone", t.kind.Zone), zap.String("type", edgeone.TypeName(t.kind.Type))
	switch {
	case t.begins:
		g.cfg.Log.Warn("zone refuses calls for a while; it is probed by one at a time", zone, typ,
			zap.Duration("wait", t.wait), zap.Error(t.err))
	case t.ends:
		g.cfg.Log.Info("zone takes calls again", zone, typ)
	}
}

// refuse counts a call that a kind refused; the lock must be held.
func (g *Gate) refuse(k Kind, a Answer, endless bool, now time.Time) turn {
	before := g.blocks.is(k, now)
	until := g.blocks.refused(k, a.Class, endless, a.Sent, now)
	return turn{kind: k, begins: !before && g.blocks.is(k, now), wait: until.Sub(now), err: a.Err}
}

// accept notes that EdgeOne takes calls of a kind; the lock must be held.
func (g *Gate) accept(k Kind) turn {
	if !g.blocks.accepted(k) {
		return turn{}
	}
	g.change(k)
	return turn{kind: k, ends: true}
}
