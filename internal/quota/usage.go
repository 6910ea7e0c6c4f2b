package quota

import (
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// usedAge is how old a reading of a zone's quotas gets at most while targets are submitted
	// there: what others purge is seen only in a reading. At one call a minute for each zone in
	// use, it costs little.
	usedAge = time.Minute
	// settleAge is how long after the last submission a reading is made anew that may or may not
	// have counted calls in flight.
	settleAge = 2 * time.Second
)

// usage counts what was submitted in a zone since its quotas were read, so that what is left now is
// known between two readings. A call that was in flight during a reading is counted although the
// reading may have it too: what is reported is never more than what is left, as far as this
// account's calls go.
type usage struct {
	types map[purge.Type]*used

	asked  time.Time // when the last reading was asked for
	read   time.Time // when the reading in force was asked for; zero: there is none
	ended  time.Time // and when it was answered
	settle time.Time // when a reading is due because that one is unsure; zero: it is not
}

// used is what EdgeOne may have counted of one type.
type used struct {
	accepted tally
	doubted  tally // targets of calls whose answer is not known, or does not say how many were counted
}

// tally is a number that grows.
type tally struct {
	now   int
	asked int // what it was when the last reading was asked for
	read  int // what it was when the reading in force was asked for
}

// since returns what came since the reading in force was asked for.
func (t tally) since() int { return t.now - t.read }

// of returns what was used of a type.
func (u *usage) of(typ purge.Type) *used {
	t := u.types[typ]
	if t == nil {
		t = new(used)
		u.types[typ] = t
	}
	return t
}

// begin notes that a reading is asked for.
func (u *usage) begin(now time.Time) {
	u.asked = now
	for _, t := range u.types {
		t.accepted.asked, t.doubted.asked = t.accepted.now, t.doubted.now
	}
}

// end notes that it was answered with these rows. Calls that ended meanwhile make it unsure.
func (u *usage) end(rows map[purge.Type]edgeone.Quota, now time.Time) {
	u.read, u.ended, u.settle = u.asked, now, time.Time{}
	if u.read.IsZero() {
		u.read = now
	}
	for typ, t := range u.types {
		if _, ok := rows[typ]; !ok {
			continue // what was read before is still in force
		}
		t.accepted.read, t.doubted.read = t.accepted.asked, t.doubted.asked
		if t.accepted.since() != 0 || t.doubted.since() != 0 {
			u.settle = now.Add(settleAge)
		}
	}
}

// failed notes that it failed; the next one is due then.
func (u *usage) failed(due time.Time) {
	if !u.settle.IsZero() {
		u.settle = due
	}
}

// ask notes that a zone's quotas are asked for now.
func (g *Gate) ask(zone string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if z := g.zones[zone]; z != nil {
		z.usage.begin(now)
	}
}

// Use is what became of a call that EdgeOne accepted.
type Use struct {
	Accepted int       // targets
	Refused  int       // targets that EdgeOne lists as refused, and may have counted all the same
	OfDay    bool      // some of them because the day is exhausted
	Sent     time.Time // when the call went out
}

// Used notes how many targets of a call EdgeOne accepted. The zone's quotas are read again soon,
// sooner if targets were refused.
func (g *Gate) Used(k Kind, u Use, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	z := g.zones[k.Zone]
	if z == nil {
		return
	}
	of := z.usage.of(k.Type)
	of.accepted.now += u.Accepted
	if of.doubted.now >= u.Accepted { // Answered has added them
		of.doubted.now -= u.Accepted
	}
	g.submitted(z, u.Sent, now, u.Refused > 0)
	d := z.days[k.Type]
	if d == nil || u.OfDay {
		return
	}
	d.accepted(u.Sent)
	if g.dayState(k, now) == dayExhausted {
		g.readAgain(k.Zone)
	}
}

// submitted has the quotas of a zone read again after a call that ended now: soon where it is in
// doubt how many targets EdgeOne counted. The lock must be held.
func (g *Gate) submitted(z *zone, sent, now time.Time, doubt bool) {
	before := z.next()
	z.last = now
	if u := &z.usage; doubt || !u.settle.IsZero() || !sent.After(u.ended) {
		u.settle = now.Add(settleAge)
	}
	if soon := z.usage.asked.Add(usedAge); z.read && soon.Before(z.due) {
		z.due = soon
	}
	if z.next().Before(before) {
		wait.Signal(g.wake)
	}
}

// next returns when the zone's quotas must be read again.
func (z *zone) next() time.Time {
	if settle := z.usage.settle; !settle.IsZero() && settle.Before(z.due) {
		return settle
	}
	return z.due
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
			left := max(0, q.DailyAvailable-z.usage.of(typ).accepted.since())
			all = append(all, Reading{Kind{id, typ}, q.Batch, q.Daily, left, z.usage.read})
		}
	}
	return all
}
