package quota

import (
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// exhaustedAge is how often the quotas of a zone are read while a day of it is exhausted, and
	// the first pause where EdgeOne refuses what its own reading has room for. Such pauses double
	// up to pauseMax.
	exhaustedAge = 5 * time.Second
	pauseMax     = 5 * time.Minute
	// readWithin is how long a kind is held for a reading at most: then what waits shows whether
	// EdgeOne takes it.
	readWithin = 2 * exhaustedAge
	// unread stands for a number that was not read.
	unread = -1
)

// day is what is known of a kind's daily quota, from the first refusal for it on.
type day struct {
	reading  int       // what was left as read last, or unread
	counted  bool      // that was after the last refusal: what is left is counted from it
	refusals int       // since a call was accepted, or since the reading rose
	max      int       // targets of a call, where what is left can't be read; 0: no bound
	since    time.Time // the last refusal; calls that were sent before it count as the same one
	pause    time.Time // EdgeOne refuses what its reading has room for: nothing is sent before
	held     time.Time // until when a day that is not open is held
}

// dayState names what is known of a day.
type dayState int

const (
	dayOpen      dayState = iota // EdgeOne accepts calls, and what is left is not counted
	dayCounted                   // what is left is counted down
	dayExhausted                 // nothing is left
	dayRefused                   // EdgeOne refused a call, and what is left was not read since
	dayPaused                    // EdgeOne refused again although its reading had room, or could not be read
)

// open reports whether targets may be sent without waiting for the day.
func (s dayState) open() bool { return s == dayOpen || s == dayCounted }

// state names what is known of the day now. left counts only where the day is counted.
func (d *day) state(left int, now time.Time) dayState {
	switch {
	case d.counted && left == 0:
		return dayExhausted
	case d.pause.After(now):
		return dayPaused
	case d.counted:
		return dayCounted
	case d.refusals > 0:
		return dayRefused
	}
	return dayOpen
}

// refused notes the refusal of a call of n targets. What is left is unknown until it is read.
func (d *day) refused(n int, sent, now time.Time) {
	if d.reading == unread && d.refusals > 0 {
		d.max = max(1, n/2) // it may be more than a day has
	}
	if d.since.IsZero() || sent.After(d.since) {
		d.refusals++
		d.since, d.pause = now, now
		if d.refusals > 1 {
			d.pause = now.Add(min(pauseMax, exhaustedAge<<min(d.refusals-2, 16)))
		}
	}
	d.counted = false
	d.held = d.pause.Add(readWithin)
}

// accepted notes that a call was accepted, and none of its targets refused because of the day.
func (d *day) accepted(sent time.Time) {
	if sent.After(d.since) {
		d.refusals = 0
		d.max *= 2
	}
}

// read notes what is left, as read. A reading that rises is a new day.
func (d *day) read(available int) {
	if d.reading != unread && available > d.reading {
		d.refusals, d.pause = 0, time.Time{}
	}
	d.reading, d.counted, d.max = available, true, 0
}

// day returns what is known of a kind's day, nil where no call was refused for it; the lock must be
// held.
func (g *Gate) day(k Kind) *day {
	if z := g.zones[k.Zone]; z != nil {
		return z.days[k.Type]
	}
	return nil
}

// left returns what is left of a kind's day now: as read, less what EdgeOne accepted or may have
// counted since, less what is in flight. It is never more than what EdgeOne will accept, as far as
// this account's calls go. It returns false where that is not counted. The lock must be held.
func (g *Gate) left(k Kind) (n int, counted bool) {
	d := g.day(k)
	if d == nil || !d.counted {
		return 0, false
	}
	u := g.zones[k.Zone].usage.of(k.Type)
	return max(0, d.reading-u.accepted.since()-u.doubted.since()-g.flights[k].targets), true
}

// dayState returns the state of a kind's day; the lock must be held.
func (g *Gate) dayState(k Kind, now time.Time) dayState {
	d := g.day(k)
	if d == nil {
		return dayOpen
	}
	left, _ := g.left(k)
	return d.state(left, now)
}

// days returns the kinds whose day is not open; the lock must be held.
func (g *Gate) days(now time.Time) (all []Kind) {
	for id, z := range g.zones {
		for typ := range z.days {
			if k := (Kind{id, typ}); !g.dayState(k, now).open() {
				all = append(all, k)
			}
		}
	}
	return all
}

// readDay notes a reading of a kind's day, and returns when it must be read again. Where ok is
// false, the reading failed or had no row of the kind: a day that was exhausted is tried then. The
// lock must be held.
func (g *Gate) readDay(k Kind, available int, ok bool, now time.Time) (due time.Time) {
	d := g.day(k)
	if ok {
		d.read(available)
	} else if g.dayState(k, now) == dayExhausted {
		d.counted, d.pause = false, now
	}
	d.held = d.pause.Add(readWithin)
	switch state := g.dayState(k, now); {
	case !ok:
		return now.Add(refusedAge)
	case state == dayExhausted:
		d.held = now.Add(readWithin)
		return now.Add(exhaustedAge)
	case state == dayPaused:
		return d.pause
	}
	return now.Add(quotaAge)
}

// DayRefused notes that a call of n targets was refused because the day is exhausted, and has the
// quotas read again. It returns how many targets the next call may carry, 0 for any number.
func (g *Gate) DayRefused(k Kind, n int, sent, now time.Time) (most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	z := g.of(k.Zone, now)
	d := z.days[k.Type]
	if d == nil {
		d = &day{reading: unread}
		z.days[k.Type] = d
	}
	d.refused(n, sent, now)
	g.readAgain(k.Zone)
	g.change(k)
	return d.max
}

// Room returns how many targets the day of a kind has room for, 0 when there is none or it is not
// known.
func (g *Gate) Room(k Kind) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	left, _ := g.left(k)
	return left
}

// grant returns how many of n targets the day has room for. Where that leaves nothing, the kind is
// held until the quota is read. The lock must be held.
func (g *Gate) grant(k Kind, n int, now time.Time) int {
	left, counted := g.left(k)
	if !counted || left > n {
		return n
	}
	g.day(k).held = now.Add(readWithin)
	g.zones[k.Zone].due = now.Add(exhaustedAge) // or when the call is answered
	wait.Signal(g.wake)
	g.change(k)
	return left
}
