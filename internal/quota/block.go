package quota

import (
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

const (
	// A kind counts as blocked once blockRounds calls in a row were refused, each sent after the
	// refusal of the one before was known, or blockCalls in all. Where calls are refused as too
	// fast it takes blockThrottled: other tools of the account cause that too, in any zone.
	blockRounds, blockCalls, blockThrottled = 3, 8, 6
	// blockFirst is how long nothing is sent then; it doubles with each refusal, up to blockMax:
	// within that it is noticed that the zone accepts calls again.
	blockFirst, blockMax = 500 * time.Millisecond, 30 * time.Second
	// blockAge is how long after its last refusal a kind counts as blocked.
	blockAge = 2 * blockMax
	// blockProbe is how long nothing else is sent while a probe is under way: longer than a call
	// takes.
	blockProbe = 10 * time.Minute
)

// block is what is known of a kind whose calls are refused for a while: answered by a code that may
// pass, or not answered. The zone is probed by one call at a time, more and more slowly, and what
// waits for it beyond its share is parked, so that it fills no window (I7).
type block struct {
	rounds, calls int       // refused since the last accepted call
	throttled     bool      // a round was refused as too fast
	endless       bool      // such batches are sent again without end
	others        bool      // calls of others were accepted since the last refusal
	counted       time.Time // when the last round ended
	until         time.Time // nothing is sent before
}

// blocks are those of all kinds that were refused lately.
type blocks map[Kind]*block

// passing reports whether a class is a refusal that may pass for a zone, and endless whether such a
// batch is sent again without end, so that only a growing pause bounds its calls. A call that did
// not reach EdgeOne says nothing about its zone, and one whose answer is lost says nothing before
// its job was looked for.
func passing(class edgeone.Class, err error) (passes, endless bool) {
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

// refused counts a refusal of a call that was sent at a time, and returns until when the kind is
// held.
func (b blocks) refused(k Kind, class edgeone.Class, endless bool, sent, now time.Time) time.Time {
	x := b[k]
	if x == nil || !x.recent(now) {
		b.tidy(now)
		x = new(block)
		b[k] = x
	}
	x.calls++
	if sent.Before(x.counted) {
		return x.until // it was under way when the last round ended
	}
	x.rounds++
	x.throttled = x.throttled || class == edgeone.Throttled
	x.counted, x.others, x.endless = now, false, endless
	x.hold(now)
	return x.until
}

// hold begins the pause before the next probe.
func (x *block) hold(now time.Time) {
	if x.until = now; x.endless && x.blocked() {
		x.until = now.Add(min(blockMax, blockFirst<<min(max(0, x.rounds-blockRounds), 16)))
	}
}

// probe begins a probe where one is due, and reports whether it did: nothing else of the kind is
// sent until it is answered.
func (b blocks) probe(k Kind, now time.Time) bool {
	x := b[k]
	if x == nil || !x.endless || !x.blocked() || !x.recent(now) {
		return false
	}
	x.until = now.Add(blockProbe)
	return true
}

// unanswered ends a probe that says nothing about the zone.
func (b blocks) unanswered(k Kind, now time.Time) {
	if x := b[k]; x != nil {
		x.hold(now)
	}
}

// accepted forgets a kind, and reports whether it was blocked.
func (b blocks) accepted(k Kind) bool {
	x := b[k]
	delete(b, k)
	for _, other := range b {
		other.others = true
	}
	return x != nil && x.blocked()
}

// alone reports whether a call of the kind that is refused as too fast is refused for its zone
// alone.
func (b blocks) alone(k Kind) bool {
	x := b[k]
	return x != nil && x.blocked() && x.others
}

// is reports whether a kind is blocked.
func (b blocks) is(k Kind, now time.Time) bool {
	x := b[k]
	return x != nil && x.recent(now) && x.blocked()
}

// all returns the kinds that are blocked, in no order.
func (b blocks) all(now time.Time) (found []Kind) {
	for k := range b {
		if b.is(k, now) {
			found = append(found, k)
		}
	}
	return found
}

// tidy forgets what was not refused lately: producers name zones, and may name many (I5).
func (b blocks) tidy(now time.Time) {
	for k, x := range b {
		if !x.recent(now) {
			delete(b, k)
		}
	}
}

func (x *block) recent(now time.Time) bool { return now.Sub(x.counted) < blockAge }

// blocked reports whether enough calls were refused.
func (x *block) blocked() bool {
	if x.throttled {
		return x.rounds >= blockThrottled
	}
	return x.rounds >= blockRounds || x.calls >= blockCalls
}
