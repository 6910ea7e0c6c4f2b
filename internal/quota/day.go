package quota

import (
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// spentAge is how often the quotas of a zone whose day is spent are read again, and the first wait
	// where EdgeOne refuses what its own reading has room for; such waits double up to spentMax.
	spentAge = 5 * time.Second
	spentMax = 5 * time.Minute
)

// day is what is known of a type's daily quota in one zone, from the first refusal for it on. What is
// left is counted down as batches go out: a reading knows nothing of the calls in flight.
type day struct {
	left     int       // what may still be sent
	known    bool      // left was read after the last refusal
	reading  int       // what the last reading told, -1 for none
	refusals int       // since a call was accepted, or since the reading rose
	most     int       // targets of a call, where what is left is never told; 0: no bound
	since    time.Time // of the last refusal; calls that were sent before it are no further one
	until    time.Time // EdgeOne refuses what its own reading has room for: nothing is sent before
	held     time.Time // nothing is sent before, unless a reading allows it sooner
}

// refused notes a refusal of a call. The type is held until its quota is read.
func (d *day) refused(sent, now time.Time, n int) {
	if d.reading < 0 && d.refusals > 0 {
		d.most = max(1, n/2) // it may be more than a day has
	}
	if d.since.IsZero() || sent.After(d.since) {
		d.refusals++
		d.since = now
		d.until = now
		if d.refusals > 1 {
			d.until = now.Add(min(spentMax, spentAge<<min(d.refusals-2, 16)))
		}
	}
	d.known = false
	d.held = d.until.Add(2 * spentAge)
}

// read notes a reading, and returns when to read again. Where the API does not tell, the whole batch is tried when the
// hold is over. A reading that rises is a new day.
func (d *day) read(available int, known bool, now time.Time) (due time.Time) {
	if !known {
		if d.known && d.left == 0 {
			d.known, d.until = false, now
		}
		d.held = d.until.Add(2 * spentAge)
		return now.Add(refusedAge)
	}
	if d.reading >= 0 && available > d.reading {
		d.refusals, d.until = 0, time.Time{}
	}
	d.known, d.reading, d.left, d.most = true, available, max(0, available), 0
	switch {
	case d.left == 0:
		d.held = now.Add(2 * spentAge)
		return now.Add(spentAge)
	case d.until.After(now):
		d.held = d.until.Add(2 * spentAge)
		return d.until
	}
	d.held = time.Time{}
	return now.Add(quotaAge)
}

// spent tells whether a type of the zone waits for its day.
func (z *zone) spent() bool {
	for _, d := range z.days {
		if d.refusals > 0 || d.known && d.left == 0 {
			return true
		}
	}
	return false
}

// day returns what is known of a kind's day, nil when it was never spent; it must be called with the lock held.
func (g *Gate) day(k Kind) *day {
	if z := g.zones[k.Zone]; z != nil {
		return z.days[k.Type]
	}
	return nil
}

func (d *day) shut(now time.Time) bool { return d.known && d.left == 0 || d.until.After(now) }

func (d *day) stalled(now time.Time) bool { return d.shut(now) || !d.known && d.refusals > 0 }

// days returns the kinds whose day is spent; it must be called with the lock held.
func (g *Gate) days(now time.Time) (all []Kind) {
	for id, z := range g.zones {
		for typ, d := range z.days {
			if d.stalled(now) {
				all = append(all, Kind{id, typ})
			}
		}
	}
	return all
}

// DayRefused notes that a call of n targets was refused because the day is spent, and has the quotas read again. It
// returns how many targets the next call may carry, 0 for any number.
func (g *Gate) DayRefused(k Kind, n int, sent, now time.Time) (most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	z := g.of(k.Zone, now)
	d := z.days[k.Type]
	if d == nil {
		d = &day{reading: -1}
		z.days[k.Type] = d
	}
	z.due = time.Time{}
	wait.Signal(g.wake)
	d.refused(sent, now, n)
	g.change(k)
	return d.most
}

// DayAccepted notes that a call was accepted, and that none of its targets was refused because the day is spent.
func (g *Gate) DayAccepted(k Kind, sent time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.day(k)
	if d == nil {
		return
	}
	if sent.After(d.since) {
		d.refusals = 0
		d.most *= 2
	}
	if d.known && d.left == 0 {
		g.zones[k.Zone].due = time.Time{}
		wait.Signal(g.wake)
	}
}

// Room returns how many targets the day of a kind has room for, 0 when there is none or it is not known.
func (g *Gate) Room(k Kind) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d := g.day(k); d != nil && d.known {
		return d.left
	}
	return 0
}

// ration returns how many of n targets the day has room for, and counts them out; it must be called with the lock held.
func (g *Gate) ration(k Kind, n int, now time.Time) int {
	d := g.day(k)
	if d == nil || !d.known {
		return n
	}
	n = min(n, d.left)
	if d.left -= n; d.left == 0 {
		d.held = now.Add(2 * spentAge)
		g.zones[k.Zone].due = now.Add(spentAge) // or when the call is answered
		wait.Signal(g.wake)
		g.change(k)
	}
	return n
}
