package quota

import (
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// quotaAge is how long a reading of a zone's quotas counts.
	quotaAge = 10 * time.Minute
	// quotaWait is how long a zone's first batch waits for its quota at most.
	quotaWait = 2 * time.Second
	// refusedAge is how often quotas that could not be read are asked for.
	refusedAge = time.Minute
)

// types are the types of a purge.
var types = [...]purge.Type{purge.URL, purge.Prefix, purge.Host, purge.Tag, purge.All}

// zone is what DescribeContentQuota returned for a zone, and what became of its calls since.
type zone struct {
	byType map[purge.Type]edgeone.Quota // nil: unknown
	due    time.Time                    // when it must be read again
	first  time.Time                    // when the zone was first wanted
	last   time.Time                    // and when last
	read   bool                         // asked at least once, with whatever result
	days   map[purge.Type]*day          // of the types of which a call was refused for the day
	usage  usage                        // what was submitted
	failed *trouble.Trouble             // readings that fail; nil before the first reading
}

// Want notes that targets of a kind wait. The quotas of its zone are read; the first time, the kind
// is held for a moment for that.
func (g *Gate) Want(k Kind, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	z := g.of(k.Zone, now)
	z.last = now
	if !z.read {
		g.change(k)
	}
}

// of returns what is known of a zone; the lock must be held.
func (g *Gate) of(id string, now time.Time) *zone {
	z := g.zones[id]
	if z == nil {
		z = &zone{first: now, last: now, days: make(map[purge.Type]*day), usage: usage{types: make(map[purge.Type]*used)}}
		g.zones[id] = z
		wait.Signal(g.wake)
	}
	return z
}

// ReadAgain has a zone's quotas read now.
func (g *Gate) ReadAgain(zone string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.readAgain(zone)
}

// readAgain has a zone's quotas read now; the lock must be held.
func (g *Gate) readAgain(zone string) {
	if z := g.zones[zone]; z != nil {
		z.due = time.Time{}
		wait.Signal(g.wake)
	}
}

// Limit returns how many targets of a kind one call may carry: the API's ceiling, the quota's Batch
// and what is known of the day, whichever is least. It is at least 1 for the types of a purge.
func (g *Gate) Limit(k Kind) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := edgeone.Ceiling(k.Type)
	z := g.zones[k.Zone]
	if z == nil {
		return limit
	}
	if batch := z.byType[k.Type].Batch; batch > 0 {
		limit = min(limit, batch)
	}
	if left, _ := g.left(k); left > 0 {
		limit = min(limit, left)
	}
	if d := z.days[k.Type]; d != nil && d.max > 0 {
		limit = min(limit, d.max)
	}
	return limit
}

// dueAt returns the zones that must be read now, and when the next one must be. Zones that nobody
// asked for meanwhile are forgotten: producers name them, and may name many (I5).
func (g *Gate) dueAt(now time.Time) (zones []string, next time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	next = now.Add(quotaAge)
	for id, z := range g.zones {
		switch {
		case z.next().After(now):
			if z.next().Before(next) {
				next = z.next()
			}
		case z.read && now.Sub(z.last) > quotaAge && !g.waitsForDay(id, now):
			if z.failed != nil {
				z.failed.Leave()
			}
			delete(g.zones, id)
		default:
			zones = append(zones, id)
		}
	}
	return zones, next
}

// waitsForDay reports whether a kind of the zone waits for its day, or was refused for it last; the
// lock must be held.
func (g *Gate) waitsForDay(id string, now time.Time) bool {
	for typ, d := range g.zones[id].days {
		if d.refusals > 0 || !g.dayState(Kind{id, typ}, now).open() {
			return true
		}
	}
	return false
}

// set notes a reading of a zone, nil for one that failed. The holds of its kinds are announced as
// changed.
func (g *Gate) set(zone string, byType map[purge.Type]edgeone.Quota, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	z := g.of(zone, now)
	z.read = true
	if byType == nil {
		z.due = now.Add(refusedAge)
		z.usage.failed(z.due)
	} else {
		z.byType = byType
		z.due = now.Add(quotaAge)
		if z.exhausted() {
			z.due = now.Add(usedAge) // the next day is noticed within it
		}
		z.usage.end(byType, now)
	}
	for typ := range z.days {
		row, ok := byType[typ]
		if due := g.readDay(Kind{zone, typ}, row.DailyAvailable, ok, now); due.Before(z.due) {
			z.due = due
		}
	}
	for _, typ := range types {
		g.change(Kind{zone, typ})
	}
}

// exhausted reports whether nothing is left of a type's day, as read.
func (z *zone) exhausted() bool {
	for _, q := range z.byType {
		if q.Daily > 0 && q.DailyAvailable <= 0 {
			return true
		}
	}
	return false
}

// trouble returns the trouble of a zone whose quotas can't be read.
func (g *Gate) trouble(zone string, now time.Time) *trouble.Trouble {
	g.mu.Lock()
	defer g.mu.Unlock()
	z := g.of(zone, now)
	if z.failed == nil {
		z.failed = g.troubles.On("quotas could not be read", zone, zap.String("zone", zone))
	}
	return z.failed
}
