package quota

import (
	"maps"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// usedAge is how old a reading of a zone's quotas gets at most while targets are submitted there: what
	// others purge is seen only in a reading. At one call a minute for each zone in use, it costs little.
	usedAge = time.Minute
	// settleAge is how long after the last submission a reading is made anew that may or may not have
	// counted calls in flight.
	settleAge = 2 * time.Second
)

// usage counts what was submitted in a zone since its quotas were read, so that what is left now is known
// between two readings. A call that was in flight during a reading is counted although the reading may
// have it too: what is reported is never more than what is left, as far as this account's calls go.
type usage struct {
	sent map[string]int // targets that EdgeOne accepted, by type
	base map[string]int // of these, those that the reading in force has counted

	pending map[string]int // base, once the reading that was asked for last is answered
	asked   time.Time      // when that was asked for
	read    time.Time      // when the reading in force was asked for; zero: there is none
	ended   time.Time      // and when it was answered
	settle  time.Time      // when a reading is due because that one is unsure; zero: it is not
}

// since counts the targets of a type that were submitted since the reading in force.
func (u *usage) since(typ string) int { return u.sent[typ] - u.base[typ] }

// begin notes that a reading is asked for.
func (u *usage) begin(now time.Time) { u.pending, u.asked = maps.Clone(u.sent), now }

// end notes that it was answered. Calls that ended meanwhile make it unsure.
func (u *usage) end(now time.Time) {
	u.base, u.read, u.ended, u.settle = u.pending, u.asked, now, time.Time{}
	if u.read.IsZero() {
		u.read = now
	}
	if !maps.Equal(u.base, u.sent) {
		u.settle = now.Add(settleAge)
	}
}

// add notes the targets of a call that ended now. With doubt, EdgeOne may have counted another number.
func (u *usage) add(typ string, n int, sent, now time.Time, doubt bool) {
	if u.sent == nil {
		u.sent = make(map[string]int)
	}
	u.sent[typ] += n
	if doubt || !u.settle.IsZero() || !sent.After(u.ended) {
		u.settle = now.Add(settleAge)
	}
}

// asking notes that a zone's quotas are asked for now.
func (g *Gate) asking(zone string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if z := g.zones[zone]; z != nil {
		z.usage.begin(now)
	}
}

// Used notes that a call ended of which EdgeOne accepted n targets. With doubt it may have counted another number.
// The zone's quotas are read again soon.
func (g *Gate) Used(k Kind, n int, sent time.Time, doubt bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	z := g.zones[k.Zone]
	if z == nil || z.byType == nil {
		return
	}
	now := time.Now()
	before := z.next()
	z.last = now
	z.usage.add(k.Type, n, sent, now, doubt)
	if soon := z.usage.read.Add(usedAge); soon.Before(z.due) {
		z.due = soon
	}
	if z.next().Before(before) {
		wait.Signal(g.wake)
	}
}

// next is when the zone's quotas are to be read again.
func (z *zone) next() time.Time {
	if settle := z.usage.settle; !settle.IsZero() && settle.Before(z.due) {
		return settle
	}
	return z.due
}

// available is what is left of a type's day now: what was read, less what was submitted since.
func (z *zone) available(typ string) int {
	return max(0, z.byType[typ].DailyAvailable-z.usage.since(typ))
}

// exhausted tells whether nothing is left of a type's day, as read.
func (z *zone) exhausted() bool {
	for _, q := range z.byType {
		if q.Daily > 0 && q.DailyAvailable <= 0 {
			return true
		}
	}
	return false
}

// Reading is what is known of a kind's quota.
type Reading struct {
	Kind

	Batch, Daily int       // targets of a call and of a day, as read last
	Available    int       // what is left of the day now: as read, less what was submitted since
	Read         time.Time // when that reading was asked for
}

// Readings returns the quotas of the zones in use, in no order.
func (g *Gate) Readings() []Reading {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []Reading
	for id, z := range g.zones {
		for typ, q := range z.byType {
			all = append(all, Reading{Kind{id, typ}, q.Batch, q.Daily, z.available(typ), z.usage.read})
		}
	}
	return all
}
