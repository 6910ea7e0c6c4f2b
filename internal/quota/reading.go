package quota

import (
	"time"

	"go.uber.org/zap"

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

// types are the API's, of which a purge is.
var types = [...]string{edgeone.TypeURL, edgeone.TypePrefix, edgeone.TypeHost, edgeone.TypeTag, edgeone.TypeAll}

// zone is what DescribeContentQuota said of a zone, and what came of its calls since.
type zone struct {
	byType map[string]edgeone.Quota // nil: unknown
	due    time.Time                // when it is to be read again
	first  time.Time                // when the zone was first wanted
	last   time.Time                // and when last
	read   bool                     // asked at least once, with whatever result
	days   map[string]*day          // of the types for which a day was spent
	usage  usage                    // what was submitted since
	unread *trouble.Trouble         // readings that fail; nil before the first reading
}

// Want notes that targets of a kind wait. The quotas of its zone are read; the first time, the kind is held for a
// moment for that.
func (g *Gate) Want(k Kind, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	z := g.of(k.Zone, now)
	z.last = now
	if !z.read {
		g.change(k)
	}
}

// of gives what is known of a zone; it must be called with the lock held.
func (g *Gate) of(id string, now time.Time) *zone {
	z := g.zones[id]
	if z == nil {
		z = &zone{first: now, last: now, days: make(map[string]*day)}
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

// readAgain is ReadAgain for who holds the lock.
func (g *Gate) readAgain(zone string) {
	if z := g.zones[zone]; z != nil {
		z.due = time.Time{}
		wait.Signal(g.wake)
	}
}

// Limit returns how many targets of a kind one call may carry: the API's ceiling, the quota's Batch and what is
// known of the day, whichever is least.
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
	if d := z.days[k.Type]; d != nil {
		if d.known && d.left > 0 {
			limit = min(limit, d.left)
		}
		if d.most > 0 {
			limit = min(limit, d.most)
		}
	}
	return limit
}

// dueAt gives the zones that are to be read now, and when the next one is. Zones that nobody asked for
// meanwhile are forgotten: producers name them, and may name many.
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
		case z.read && !z.spent() && now.Sub(z.last) > quotaAge:
			if z.unread != nil {
				z.unread.Leave()
			}
			delete(g.zones, id)
		default:
			zones = append(zones, id)
		}
	}
	return zones, next
}

// set notes a reading of a zone, nil for one that failed. The holds of its kinds are announced as changed.
func (g *Gate) set(zone string, byType map[string]edgeone.Quota, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	z := g.of(zone, now)
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
	for _, typ := range types {
		g.change(Kind{zone, typ})
	}
	for typ, d := range z.days {
		row, known := byType[typ]
		if due := d.read(row.DailyAvailable, known, now); due.Before(z.due) {
			z.due = due
		}
	}
}

// unread returns the trouble of a zone whose quotas can't be read.
func (g *Gate) unread(zone string) *trouble.Trouble {
	g.mu.Lock()
	defer g.mu.Unlock()
	z := g.of(zone, time.Now())
	if z.unread == nil {
		z.unread = g.troubles.On("quotas could not be read", zone, zap.String("zone", zone))
	}
	return z.unread
}
