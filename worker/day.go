package worker

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
	until    time.Time // nothing is sent before
}

// refused notes a refusal of a call, and tells until when the type is held if nothing is read.
func (d *day) refused(sent, now time.Time, n int) time.Time {
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
	return d.until.Add(2 * spentAge)
}

// read notes a reading, and tells until when the type is held and when to read again. Where the API
// does not tell, the whole batch is tried when the hold is over. A reading that rises is a new day.
func (d *day) read(available int, known bool, now time.Time) (until, due time.Time) {
	if !known {
		if d.known && d.left == 0 {
			d.known, d.until = false, now
		}
		return d.until.Add(2 * spentAge), now.Add(refusedAge)
	}
	if d.reading >= 0 && available > d.reading {
		d.refusals, d.until = 0, time.Time{}
	}
	d.known, d.reading, d.left, d.most = true, available, max(0, available), 0
	switch {
	case d.left == 0:
		return now.Add(2 * spentAge), now.Add(spentAge)
	case d.until.After(now):
		return d.until.Add(2 * spentAge), d.until
	}
	return time.Time{}, now.Add(quotaAge)
}

// spent tells whether a type of the zone waits for its day.
func (z *quota) spent() bool {
	for _, d := range z.days {
		if d.refusals > 0 || d.known && d.left == 0 {
			return true
		}
	}
	return false
}

// day gives what is known of a type's day, nil when it was never spent; it must be called with the
// lock held.
func (q *quotas) day(zone, typ string) *day {
	if z := q.zones[zone]; z != nil {
		return z.days[typ]
	}
	return nil
}

// stalled tells whether a type waits for the zone's day, and whether that is known to be spent.
func (q *quotas) stalled(zone, typ string, now time.Time) (stalled, shut bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	d := q.day(zone, typ)
	if d == nil {
		return false, false
	}
	return d.stalled(now), d.shut(now)
}

func (d *day) shut(now time.Time) bool { return d.known && d.left == 0 || d.until.After(now) }

func (d *day) stalled(now time.Time) bool { return d.shut(now) || !d.known && d.refusals > 0 }

// stalledTypes gives the types whose day is spent.
func (q *quotas) stalledTypes(now time.Time) []pair {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []pair
	for zone, z := range q.zones {
		for typ, d := range z.days {
			if d.stalled(now) {
				all = append(all, pair{zone, typ})
			}
		}
	}
	return all
}

// refused notes that a call was refused because the day is spent, has the quotas read again, and tells
// until when the type is held at most.
func (q *quotas) refused(zone, typ string, sent, now time.Time, n int) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	z := q.of(zone, now)
	d := z.days[typ]
	if d == nil {
		d = &day{reading: -1}
		z.days[typ] = d
	}
	z.due = time.Time{}
	wait.Signal(q.wake)
	return d.refused(sent, now, n)
}

// accepted notes that a call was accepted whole.
func (q *quotas) accepted(zone, typ string, sent time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	d := q.day(zone, typ)
	if d == nil {
		return
	}
	if sent.After(d.since) {
		d.refusals = 0
		d.most *= 2
	}
	if d.known && d.left == 0 {
		q.zones[zone].due = time.Time{}
		wait.Signal(q.wake)
	}
}

// most bounds a call where what is left of the day is never told, 0 where nothing does.
func (q *quotas) most(zone, typ string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d := q.day(zone, typ); d != nil {
		return d.most
	}
	return 0
}

// left tells how many targets the day of a type has room for, 0 when there is none or it is not known.
func (q *quotas) left(zone, typ string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d := q.day(zone, typ); d != nil && d.known {
		return d.left
	}
	return 0
}

// ration tells how many of n targets the day has room for, and counts them out. With dry nothing is
// left then.
func (q *quotas) ration(zone, typ string, n int, now time.Time) (granted int, dry bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	d := q.day(zone, typ)
	if d == nil || !d.known {
		return n, false
	}
	granted = min(n, d.left)
	d.left -= granted
	if d.left == 0 {
		q.zones[zone].due = now.Add(spentAge) // or when the call is answered
		wait.Signal(q.wake)
	}
	return granted, d.left == 0
}
