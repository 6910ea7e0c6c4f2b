package quota

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
)

// Reason is why nothing of a kind is sent.
type Reason int

// The reasons.
const (
	Nothing    Reason = iota // it may be sent
	Unread                   // its quota is being read for the first time
	InFlight                 // as many of its calls are in flight as may be
	DailyQuota               // its day is exhausted
	Permission               // the credentials lack the permission
	Blocked                  // its calls are refused for a while
)

// Hold is until when nothing of a kind is sent, and why. It always ends: by its time, or by what
// happens before.
type Hold struct {
	Until time.Time // zero: it may be sent now
	Why   Reason
	// Waits says that the kind waits for its day, for a permission, or for a zone that refuses
	// calls for a while. It stays after Until, while what is sent then has to show whether EdgeOne
	// takes it again.
	Waits bool
}

// Closed reports whether a kind that Waits may not be tried now.
func (h Hold) Closed() bool { return h.Waits && !h.Until.IsZero() }

// Until returns until when nothing of a kind is sent: the last of all that holds it.
func (g *Gate) Until(k Kind, now time.Time) Hold {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until(k, now)
}

// until is Until for who holds the lock.
func (g *Gate) until(k Kind, now time.Time) (h Hold) {
	later := func(until time.Time, why Reason) {
		if until.After(now) && until.After(h.Until) {
			h.Until, h.Why = until, why
		}
	}
	if z := g.zones[k.Zone]; z != nil && !z.read {
		later(z.first.Add(quotaWait), Unread)
	}
	if f := g.flights[k]; f.calls >= MaxCalls {
		later(f.last.Add(flightMax), InFlight)
	}
	if !g.dayState(k, now).open() {
		h.Waits = true
		later(g.day(k).held, DailyQuota)
	}
	if x := g.blocks[k]; x != nil {
		h.Waits = h.Waits || g.blocks.is(k, now)
		later(x.until, Blocked)
	}
	if until, denied := g.denied.until[k]; denied {
		h.Waits = true
		later(until, Permission)
	}
	return h
}

// Waiting returns the kinds whose holds say that they wait, sorted.
func (g *Gate) Waiting(now time.Time) []Kind {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := slices.Concat(g.days(now), g.blocks.all(now), slices.Collect(maps.Keys(g.denied.until)))
	slices.SortFunc(all, func(a, b Kind) int {
		return cmp.Or(cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Type, b.Type))
	})
	return slices.Compact(all)
}

// Changed signals that Changes has something to return.
func (g *Gate) Changed() <-chan struct{} { return g.changed }

// Changes returns the kinds whose holds, or whose limits, may have changed otherwise than by time
// since it was called last.
func (g *Gate) Changes() []Kind {
	g.mu.Lock()
	defer g.mu.Unlock()
	changes := slices.Collect(maps.Keys(g.changes))
	clear(g.changes)
	return changes
}

// change announces that the hold of a kind may have changed; the lock must be held.
func (g *Gate) change(k Kind) {
	g.changes[k] = struct{}{}
	wait.Signal(g.changed)
}
