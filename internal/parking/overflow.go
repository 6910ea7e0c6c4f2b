package parking

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// kindShare is the part of a window that may wait in memory for one kind: one in ten.
	kindShare = 10
	// totalShare is the part that may wait for all kinds together: one half.
	totalShare = 2
)

// Gate knows which kinds wait for their day, for a permission, or for a zone that refuses calls; a
// [quota.Gate] is one.
type Gate interface {
	Until(k quota.Kind, now time.Time) quota.Hold
	Waiting(now time.Time) []quota.Kind
	Room(k quota.Kind) int
}

// Line has the targets in memory that wait to be sent.
type Line[R any] interface {
	// Waiting returns how many targets of a kind wait; each counts once for each of its requests.
	Waiting(k quota.Kind) int
	// Each calls do for each of them.
	Each(k quota.Kind, do func(R))
}

// Waiter is what Overflow must know of a request that waits.
type Waiter interface {
	comparable
	Request

	ChargedLane() purge.Lane // whose window it fills
	Open() int               // its targets that stand in no record
	Parkable() bool          // a message brought it, and it can be stored
	Arrived() (received time.Time, sequence uint64)
}

// Overflow decides what is parked: which requests are more than the share of their kind, and which
// queue each belongs to. A request of several zones may be parked when all that is left of it waits
// for such kinds; it belongs to the queue of one of them.
//
// The lock that guards the Line must be held in QueueFor, Excess, Room and Fits.
type Overflow[R Waiter] struct {
	account string
	gate    Gate
	line    Line[R]
	window  func(purge.Lane) int
	blocked atomic.Int64
}

// NewOverflow returns an Overflow for the requests of an account. window returns the size of a
// lane's window in targets.
func NewOverflow[R Waiter](account string, gate Gate, line Line[R], window func(purge.Lane) int) *Overflow[R] {
	return &Overflow[R]{account: account, gate: gate, line: line, window: window}
}

// SetBlocked says how many kinds wait, in memory or in queues. It needs no lock.
func (o *Overflow[R]) SetBlocked(kinds int) { o.blocked.Store(int64(kinds)) }

// Share returns how many targets of a lane may wait in memory for one kind; at least 1. It needs no
// lock.
func (o *Overflow[R]) Share(lane purge.Lane) int {
	window := o.window(lane)
	return max(1, min(window/kindShare, window/totalShare/max(1, int(o.blocked.Load()))))
}

// Queue returns the queue of a kind for what fills a lane's window. The kind of requests whose zone
// is unknown has no zone. It needs no lock.
func (o *Overflow[R]) Queue(k quota.Kind, lane purge.Lane) record.Queue {
	return record.Queue{Account: o.account, Zone: k.Zone, Type: k.Type, Lane: lane}
}

// QueueFor returns the queue in which a request must be parked instead of getting in line with so
// many targets of each kind; nil if it need not be. It must if all that is left of it waits for
// kinds that are not sent, and one of them has its share in line.
func (o *Overflow[R]) QueueFor(r R, targets map[quota.Kind]int, now time.Time) *record.Queue {
	if !r.Parkable() {
		return nil
	}
	lane := r.ChargedLane()
	share := o.Share(lane)
	var over *record.Queue
	for k, n := range targets {
		waits, waiting := o.gate.Until(k, now).Waits, o.line.Waiting(k)
		if !waits || waiting == 0 && r.Queued() { // one has to try whether the zone takes calls
			return nil
		}
		if waiting+n > share && (over == nil || k.Zone < over.Zone) {
			q := o.Queue(k, lane)
			over = &q
		}
	}
	return over
}

// Fits reports whether so many bulk targets of a kind, which are stored elsewhere, may get in line
// now.
func (o *Overflow[R]) Fits(k quota.Kind, targets int, now time.Time) bool {
	waiting := o.line.Waiting(k)
	return waiting == 0 || !o.gate.Until(k, now).Waits || waiting+targets <= o.Share(purge.Bulk)
}

// Room returns how many targets a queue may bring back, of so many that fit into its window: as
// many as its zone's day has room for, or the share that may be tried where that is not known.
func (o *Overflow[R]) Room(q record.Queue, window int, now time.Time) int {
	k := quota.Kind{Zone: q.Zone, Type: q.Type}
	waiting := o.line.Waiting(k)
	if h := o.gate.Until(k, now); h.Closed() || h.Waits && waiting > 0 { // what waits is the try
		return 0
	}
	return min(window, max(o.Share(q.Lane), o.gate.Room(k))-waiting)
}

// Excess returns the requests in line that are more than the share of a kind, by queue and in the
// order in which they came: the newest of those of which nothing is under way. The oldest of a lane
// stays, however large it is.
func (o *Overflow[R]) Excess(k quota.Kind, now time.Time) map[record.Queue][]R {
	left := map[purge.Lane]int{purge.Bulk: o.Share(purge.Bulk), purge.Interactive: o.Share(purge.Interactive)}
	if o.line.Waiting(k) <= min(left[purge.Bulk], left[purge.Interactive]) {
		return nil
	}
	waits := make(map[R]int)
	o.line.Each(k, func(r R) { waits[r]++ })
	idle := o.idle(k, waits, now)
	slices.SortFunc(idle, func(a, b R) int {
		at, first := a.Arrived()
		bt, second := b.Arrived()
		return cmp.Or(at.Compare(bt), cmp.Compare(first, second))
	})
	out := make(map[record.Queue][]R)
	oldest := map[purge.Lane]bool{purge.Bulk: true, purge.Interactive: true}
	for _, r := range idle {
		lane := r.ChargedLane()
		stays := left[lane] >= waits[r] || oldest[lane]
		oldest[lane] = false
		if left[lane] -= waits[r]; stays { // once that is negative, none that came later stays
			continue
		}
		q := o.Queue(k, lane)
		out[q] = append(out[q], r)
	}
	return out
}

// idle returns those of the requests that wait for a kind of which nothing is under way: all that
// is left of them waits for this kind or for others that are not sent.
func (o *Overflow[R]) idle(k quota.Kind, waits map[R]int, now time.Time) []R {
	var idle []R
	rest := make(map[R]int) // what waits of those that are not in line for this kind alone
	for r, n := range waits {
		switch {
		case !r.Parkable():
		case n == r.Open():
			idle = append(idle, r)
		default:
			rest[r] = n
		}
	}
	if len(rest) == 0 {
		return idle
	}
	for _, other := range o.gate.Waiting(now) {
		if other == k {
			continue
		}
		o.line.Each(other, func(r R) {
			if n, ok := rest[r]; ok {
				rest[r] = n + 1
			}
		})
	}
	for r, n := range rest {
		if n == r.Open() {
			idle = append(idle, r)
		}
	}
	return idle
}
