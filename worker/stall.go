package worker

import (
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/quota"
)

const (
	// A zone's type counts as stalled once stallRounds calls in a row were refused, each sent after the refusal
	// of the one before was known, or stallCalls in all. Where calls are refused as too fast it takes
	// stallThrottled: other tools of the account cause that too, in any zone.
	stallRounds, stallCalls, stallThrottled = 3, 8, 6
	// stallFirst is how long nothing is sent then; it doubles with each refusal, up to stallMax: within that it is
	// noticed that the zone accepts calls again.
	stallFirst, stallMax = 500 * time.Millisecond, backoffMax
	// stallAge is how long after its last refusal a type counts as stalled.
	stallAge = 2 * stallMax
	// stallProbe is how long nothing else is sent while a probe is under way: longer than a call takes.
	stallProbe = 10 * time.Minute
	// shutFor is how long nothing is sent while a day is spent, unless a reading comes before.
	shutFor = 10 * time.Second
)

// stall is what is known of a zone's type whose calls are refused for a while: answered by a code that may
// pass, or not answered. The zone is probed by one call at a time, more and more slowly, and what waits for it
// beyond its share is parked, so that it fills no window (I7).
type stall struct {
	rounds, calls int       // refused since the last accepted call
	throttled     bool      // a round was refused as too fast
	slow          bool      // such batches are sent again without end
	others        bool      // calls of others were accepted since the last refusal
	counted       time.Time // when the last round ended
	until         time.Time // nothing is sent before
}

// stalls are those of all types; the Worker's mu guards them. Types that were not refused lately are none of
// them.
type stalls map[quota.Kind]*stall

// passing reports whether a class is a refusal that may pass for a zone, and slow whether such a batch is sent
// again without end, so that only a growing pause bounds its calls. A call that did not reach EdgeOne says
// nothing about its zone, and one whose answer is lost says nothing before its job was looked for.
func passing(class edgeone.Class, err error) (passes, slow bool) {
	switch class { //nolint:exhaustive // the others are no refusals, or have an end or a hold of their own
	case edgeone.Transient:
		return edgeone.Code(err) != "", true
	case edgeone.Throttled:
		return true, true
	case edgeone.Misconfigured, edgeone.Unknown:
		return true, false
	}
	return false, false
}

// refused counts a refusal of a call that was sent at a time, and returns until when the type is held.
func (s stalls) refused(p quota.Kind, class edgeone.Class, slow bool, sent, now time.Time) time.Time {
	x := s[p]
	if x == nil || !x.recent(now) {
		s.tidy(now)
		x = new(stall)
		s[p] = x
	}
	x.calls++
	if sent.Before(x.counted) {
		return x.until // it was under way when the last round ended
	}
	x.rounds++
	x.throttled = x.throttled || class == edgeone.Throttled
	x.counted, x.others, x.slow = now, false, slow
	x.hold(now)
	return x.until
}

// hold begins the pause before the next probe.
func (x *stall) hold(now time.Time) {
	if x.until = now; x.slow && x.stalled() {
		x.until = now.Add(min(stallMax, stallFirst<<min(max(0, x.rounds-stallRounds), 16)))
	}
}

// probe begins a probe where one is due, and reports whether it did: nothing else of the type is sent until it is
// answered.
func (s stalls) probe(p quota.Kind, now time.Time) bool {
	x := s[p]
	if x == nil || !x.slow || !x.stalled() || !x.recent(now) {
		return false
	}
	x.until = now.Add(stallProbe)
	return true
}

// unanswered ends a probe that says nothing about the zone.
func (s stalls) unanswered(p quota.Kind, now time.Time) {
	if x := s[p]; x != nil {
		x.hold(now)
	}
}

// accepted forgets a type, and reports whether it was stalled.
func (s stalls) accepted(p quota.Kind) bool {
	x := s[p]
	delete(s, p)
	for _, other := range s {
		other.others = true
	}
	return x != nil && x.stalled()
}

// alone reports whether a call of the type that is refused as too fast is refused for its zone alone.
func (s stalls) alone(p quota.Kind) bool {
	x := s[p]
	return x != nil && x.stalled() && x.others
}

func (s stalls) of(p quota.Kind, now time.Time) (stalled bool, until time.Time) {
	if x := s[p]; x != nil && x.recent(now) && x.stalled() {
		return true, x.until
	}
	return false, time.Time{}
}

func (s stalls) all(now time.Time) (found []quota.Kind) {
	for p := range s {
		if stalled, _ := s.of(p, now); stalled {
			found = append(found, p)
		}
	}
	return found
}

// tidy forgets what was not refused lately: producers name zones, and may name many (I5).
func (s stalls) tidy(now time.Time) {
	for p, x := range s {
		if !x.recent(now) {
			delete(s, p)
		}
	}
}

func (x *stall) recent(now time.Time) bool { return now.Sub(x.counted) < stallAge }

func (x *stall) stalled() bool {
	if x.throttled {
		return x.rounds >= stallThrottled
	}
	return x.rounds >= stallRounds || x.calls >= stallCalls
}

// hold keeps a zone's type back until a time, or longer where there is another reason to. It must be called with
// the lock held.
func (w *Worker) hold(zone, typ string, until time.Time) {
	p, now := quota.Kind{Zone: zone, Type: typ}, time.Now()
	reasons := []time.Time{w.denied.until[p]}
	if x := w.stalls[p]; x != nil {
		reasons = append(reasons, x.until)
	}
	if _, shut := w.quota.Stalled(p, now); shut {
		reasons = append(reasons, now.Add(shutFor))
	}
	if w.flying[p] >= callsOfOne {
		reasons = append(reasons, now.Add(stallProbe))
	}
	for _, reason := range reasons {
		if reason.After(until) {
			until = reason
		}
	}
	w.batcher.Hold(w.cfg.Account, zone, typ, until)
}

// takeOff counts a call that is about to be made; it must be called with the lock held.
func (w *Worker) takeOff(g batcher.Group, now time.Time) {
	p := kindOf(g)
	w.flying[p]++
	if probe := w.stalls.probe(p, now); probe || w.flying[p] == callsOfOne {
		w.hold(g.Zone, g.Type, time.Time{})
	}
}

// land counts a call that was answered, and holds or releases its zone's type.
func (w *Worker) land(g batcher.Group, class edgeone.Class, err error, sent time.Time) {
	p, now := kindOf(g), time.Now()
	passes, slow := passing(class, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	full := w.flying[p] >= callsOfOne
	if w.flying[p]--; w.flying[p] <= 0 {
		delete(w.flying, p)
	}
	stalled, _ := w.stalls.of(p, now)
	switch {
	case passes:
		w.refuses(g, class, slow, err, sent)
	case class == edgeone.Transient:
		w.stalls.unanswered(p, now)
	case class == edgeone.Ambiguous: // adopt says what it was
	default:
		w.accepts(g)
	}
	if still, _ := w.stalls.of(p, now); full || stalled || still {
		w.hold(g.Zone, g.Type, time.Time{})
	}
}

// lost counts a call whose answer is lost, and of which no job was found, as one that its zone refused.
func (w *Worker) lost(g batcher.Group, err error, sent time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuses(g, edgeone.Ambiguous, true, err, sent)
	if stalled, _ := w.stalls.of(kindOf(g), time.Now()); stalled {
		w.hold(g.Zone, g.Type, time.Time{})
	}
}

// refuses counts a call that a zone's type refused; it must be called with the lock held.
func (w *Worker) refuses(g batcher.Group, class edgeone.Class, slow bool, err error, sent time.Time) {
	p, now := kindOf(g), time.Now()
	stalled, _ := w.stalls.of(p, now)
	until := w.stalls.refused(p, class, slow, sent, now)
	if is, _ := w.stalls.of(p, now); is && !stalled {
		w.Log.Warn("zone refuses calls for a while; it is probed by one at a time", zap.String("zone", g.Zone),
			zap.String("type", g.Type), zap.Duration("wait", until.Sub(now)), zap.Error(err))
	}
}

// accepts notes that EdgeOne takes calls of a zone's type; it must be called with the lock held.
func (w *Worker) accepts(g batcher.Group) {
	if w.stalls.accepted(kindOf(g)) {
		w.Log.Info("zone takes calls again", zap.String("zone", g.Zone), zap.String("type", g.Type))
		w.hold(g.Zone, g.Type, time.Time{})
	}
}

// throttled reports whether a call that was refused as too fast slows all calls down: not where others are
// accepted and only its zone refuses, again and again.
func (w *Worker) throttled(g batcher.Group) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.stalls.alone(kindOf(g))
}

// retryAfter is the wait before a batch is sent again. Where its zone's type is held, that is the wait.
func (w *Worker) retryAfter(batch *batcher.Batch[waiter]) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, until := w.stalls.of(kindOf(batch.Group), time.Now()); until.After(time.Now()) {
		return 0
	}
	return retryDelay(batch.Tries)
}
