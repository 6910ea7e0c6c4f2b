package worker

import (
	"sync/atomic"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// line has the targets that wait to be sent: the batcher, with what holds it.
type line struct {
	*state

	account    string
	maxTargets atomic.Int64 // of a batch, below the quota; 0: the quota decides
	quota      *quota.Gate
	metrics    *metrics.Pipeline
	wake       chan struct{} // capacity 1: the batcher may have something to send
}

// Waiting returns how many targets of a kind wait; it must be called with the lock held.
func (l *line) Waiting(k quota.Kind) int { return l.batcher.WaitersOf(l.account, k.Zone, k.Type) }

// Each calls do for each of them; it must be called with the lock held.
func (l *line) Each(k quota.Kind, do func(*request)) {
	l.batcher.Each(l.account, k.Zone, k.Type, func(p waiter) { do(p.request) })
}

// add hands a request's targets to the batcher; it must be called with the lock held.
func (l *line) add(r *request, slots []slot) {
	now, before := time.Now(), l.batcher.Waiting()
	var last quota.Kind
	for _, s := range slots {
		l.batcher.Add(now, s.group, r.ChargedLane(), s.target, waiter{r, s.index})
		if k := kindOf(s.group); k != last {
			l.quota.Want(k, now)
			last = k
		}
	}
	l.metrics.Lined(r.Type, len(slots), len(slots)-(l.batcher.Waiting()-before))
	wait.Signal(l.wake)
}

// postpone keeps a batch, and all of its zone and type, until the day has room for it.
func (l *line) postpone(batch *batcher.Batch[waiter], sent time.Time) {
	now := time.Now()
	most := l.quota.DayRefused(kindOf(batch.Group), len(batch.Slots), sent, now)
	l.mu.Lock()
	batch.Tries-- // not executed: not a try
	if most > 0 && len(batch.Slots) > most {
		left, right := batch.Halve()
		l.batcher.Return(left, now)
		batch = right
	}
	l.batcher.Return(batch, now)
	l.mu.Unlock()
	wait.Signal(l.wake)
}

// limit is the batcher's: what EdgeOne takes in one call, below the operator's cap.
func (l *line) limit(g batcher.Group) int {
	limit := l.quota.Limit(kindOf(g))
	if maxTargets := int(l.maxTargets.Load()); maxTargets > 0 {
		limit = min(limit, maxTargets)
	}
	return limit
}

// applyHolds passes on to the batcher what may not be sent now, and no longer. It is called before
// the batcher is asked what may go, with the lock held.
func (l *line) applyHolds(now time.Time) {
	for _, k := range l.quota.Changes() {
		l.batcher.Hold(l.account, k.Zone, k.Type, l.quota.Until(k, now).Until)
	}
}

// reserve cuts a batch to what may be sent of it now; the rest waits, joined by nobody (I4). It
// returns nil when nothing may. It must be called with the lock held.
func (l *line) reserve(batch *batcher.Batch[waiter], now time.Time) *batcher.Batch[waiter] {
	n := l.quota.Reserve(kindOf(batch.Group), len(batch.Slots), now)
	if n == len(batch.Slots) {
		return batch
	}
	rest := part(batch, batch.Slots[n:])
	rest.Tries-- // not sent: not a try
	l.batcher.Return(rest, now)
	if n == 0 {
		return nil
	}
	return part(batch, batch.Slots[:n:n])
}

// resend sends a batch again, whole and joined by nobody (I4).
func (l *line) resend(batch *batcher.Batch[waiter], delay time.Duration) {
	l.mu.Lock()
	l.batcher.Return(batch, time.Now().Add(delay))
	l.mu.Unlock()
	l.metrics.Retried()
	wait.Signal(l.wake)
}

// cleared tells the batcher that a batch was accepted, before anything that takes time.
func (l *line) cleared(batch *batcher.Batch[waiter]) {
	l.quota.Accepted(kindOf(batch.Group))
	l.mu.Lock()
	l.batcher.Cleared(batch)
	l.mu.Unlock()
	wait.Signal(l.wake)
}

// markSubmitted notes that a batch may have been carried out, though its answer is lost: it did go
// out in time.
func (l *line) markSubmitted(batch *batcher.Batch[waiter], sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range batch.Slots {
		for _, p := range s.Waiters {
			p.Submitted(sent)
		}
	}
}
