package quota

import (
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

const (
	// A zone's type counts as stalled once stallRounds calls in a row were refused, each sent after the refusal
	// of the one before was known, or stallCalls in all. Where calls are refused as too fast it takes
	// stallThrottled: other tools of the account cause that too, in any zone.
	stallRounds, stallCalls, stallThrottled = 3, 8, 6
	// stallFirst is how long nothing is sent then; it doubles with each refusal, up to stallMax: within that it is
	// noticed that the zone accepts calls again.
	stallFirst, stallMax = 500 * time.Millisecond, 30 * time.Second
	// stallAge is how long after its last refusal a type counts as stalled.
	stallAge = 2 * stallMax
	// stallProbe is how long nothing else is sent while a probe is under way: longer than a call takes.
	stallProbe = 10 * time.Minute
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

// stalls are those of all types. Types that were not refused lately are none of
// them.
type stalls map[Kind]*stall

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
func (s stalls) refused(k Kind, class edgeone.Class, slow bool, sent, now time.Time) time.Time {
	x := s[k]
	if x == nil || !x.recent(now) {
		s.tidy(now)
		x = new(stall)
		s[k] = x
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
func (s stalls) probe(k Kind, now time.Time) bool {
	x := s[k]
	if x == nil || !x.slow || !x.stalled() || !x.recent(now) {
		return false
	}
	x.until = now.Add(stallProbe)
	return true
}

// unanswered ends a probe that says nothing about the zone.
func (s stalls) unanswered(k Kind, now time.Time) {
	if x := s[k]; x != nil {
		x.hold(now)
	}
}

// accepted forgets a type, and reports whether it was stalled.
func (s stalls) accepted(k Kind) bool {
	x := s[k]
	delete(s, k)
	for _, other := range s {
		other.others = true
	}
	return x != nil && x.stalled()
}

// alone reports whether a call of the type that is refused as too fast is refused for its zone alone.
func (s stalls) alone(k Kind) bool {
	x := s[k]
	return x != nil && x.stalled() && x.others
}

func (s stalls) is(k Kind, now time.Time) bool {
	x := s[k]
	return x != nil && x.recent(now) && x.stalled()
}

func (s stalls) all(now time.Time) (found []Kind) {
	for k := range s {
		if s.is(k, now) {
			found = append(found, k)
		}
	}
	return found
}

// tidy forgets what was not refused lately: producers name zones, and may name many (I5).
func (s stalls) tidy(now time.Time) {
	for k, x := range s {
		if !x.recent(now) {
			delete(s, k)
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
