package worker

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// quotaAge is how long a reading of a zone's quotas counts.
	quotaAge = 10 * time.Minute
	// quotaWait is how long a zone's first batch waits for its quota at most.
	quotaWait = 2 * time.Second
	// refusedAge is how often quotas that could not be read are asked for.
	refusedAge = time.Minute
)

// quotas remembers what DescribeContentQuota said of each zone. Its own lock is never held together
// with a call.
type quotas struct {
	wake chan struct{} // capacity 1: a zone is wanted

	mu    sync.Mutex
	zones map[string]*quota
}

type quota struct {
	byType map[string]edgeone.Quota // nil: unknown
	due    time.Time                // when it is to be read again
	first  time.Time                // when the zone was first wanted
	last   time.Time                // and when last
	read   bool                     // asked at least once, with whatever result
	days   map[string]*day          // of the types for which a day was spent
	usage  usage                    // what was submitted since
	unread *trouble.Trouble         // readings that fail; nil before the first reading
}

func newQuotas() quotas {
	return quotas{wake: make(chan struct{}, 1), zones: make(map[string]*quota)}
}

// want makes sure that a zone's quotas are read, and tells until when its batches wait for that.
func (q *quotas) want(zone string, now time.Time) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	z := q.of(zone, now)
	z.last = now
	if z.read {
		return time.Time{}
	}
	return z.first.Add(quotaWait)
}

// of gives what is known of a zone; it must be called with the lock held.
func (q *quotas) of(zone string, now time.Time) *quota {
	z := q.zones[zone]
	if z == nil {
		z = &quota{first: now, last: now, days: make(map[string]*day)}
		q.zones[zone] = z
		wait.Signal(q.wake)
	}
	return z
}

// again has a zone's quotas read now.
func (q *quotas) again(zone string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if z := q.zones[zone]; z != nil {
		z.due = time.Time{}
		wait.Signal(q.wake)
	}
}

// batch tells how many targets a submission may carry, 0 for unknown.
func (q *quotas) batch(zone, typ string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if z := q.zones[zone]; z != nil {
		return z.byType[typ].Batch
	}
	return 0
}

// dueAt gives the zones that are to be read now, and when the next one is. Zones that nobody asked for
// meanwhile are forgotten: producers name them, and may name many.
func (q *quotas) dueAt(now time.Time) (zones []string, next time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	next = now.Add(quotaAge)
	for id, z := range q.zones {
		switch {
		case z.next().After(now):
			if z.next().Before(next) {
				next = z.next()
			}
		case z.read && !z.spent() && now.Sub(z.last) > quotaAge:
			if z.unread != nil {
				z.unread.Leave()
			}
			delete(q.zones, id)
		default:
			zones = append(zones, id)
		}
	}
	return zones, next
}

// set notes an answer, nil for none, and tells until when types are held because their day is spent.
func (q *quotas) set(zone string, byType map[string]edgeone.Quota, now time.Time) (held map[string]time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	z := q.of(zone, now)
	z.read = true
	z.due = now.Add(quotaAge)
	if byType == nil {
		z.due = now.Add(refusedAge)
	} else {
		z.byType = byType
		z.usage.end(now)
		if z.exhausted() {
			z.due = now.Add(usedAge) // the next day is noticed within it
		}
	}
	held = make(map[string]time.Time)
	for typ, d := range z.days {
		row, known := byType[typ]
		until, due := d.read(row.DailyAvailable, known, now)
		held[typ] = until
		if due.Before(z.due) {
			z.due = due
		}
	}
	return held
}

// unread gives the trouble of a zone whose quotas can't be read.
func (q *quotas) unread(zone string, log *trouble.Log) *trouble.Trouble {
	q.mu.Lock()
	defer q.mu.Unlock()
	z := q.of(zone, time.Now())
	if z.unread == nil {
		z.unread = log.On("quotas could not be read", zone, zap.String("zone", zone))
	}
	return z.unread
}

// limit is the batcher's: the quota's Batch, what is left of a day that was spent before, the API's
// ceiling and the operator's cap, whichever is least.
func (w *Worker) limit(g batcher.Group) int {
	limit := edgeone.Ceiling(g.Type)
	if batch := w.quotas.batch(g.Zone, g.Type); batch > 0 {
		limit = min(limit, batch)
	}
	if left := w.quotas.left(g.Zone, g.Type); left > 0 {
		limit = min(limit, left)
	}
	if most := w.quotas.most(g.Zone, g.Type); most > 0 {
		limit = min(limit, most)
	}
	if most := int(w.most.Load()); most > 0 {
		limit = min(limit, most)
	}
	return limit
}

// watchQuotas reads the quotas of the zones in use: at first sight, now and then, and when a call was
// refused for one. A refusal means that they are unknown, not zero.
func (w *Worker) watchQuotas(ctx context.Context) {
	for {
		zones, next := w.quotas.dueAt(time.Now())
		for _, zone := range zones {
			if w.Aside(ctx) != nil {
				return
			}
			w.quotas.asking(zone, time.Now())
			byType, err := w.API.Quotas(ctx, zone)
			if ctx.Err() != nil {
				return
			}
			unread := w.quotas.unread(zone, w.troubles)
			if err != nil {
				unread.Failed(err)
			} else {
				unread.Over()
			}
			w.unhold(zone, w.quotas.set(zone, byType, time.Now()))
		}
		if len(zones) > 0 {
			_, next = w.quotas.dueAt(time.Now())
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-w.quotas.wake:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// unhold lets the batches of a zone go, but for the types that are held.
func (w *Worker) unhold(zone string, held map[string]time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, typ := range []string{edgeone.TypeURL, edgeone.TypePrefix, edgeone.TypeHost, edgeone.TypeTag, edgeone.TypeAll} {
		w.hold(zone, typ, held[typ])
	}
	wait.Signal(w.wake)
}
