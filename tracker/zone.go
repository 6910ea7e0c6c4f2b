package tracker

import (
	"maps"
	"time"
)

// span is the seconds of the server's clock, both included, in one of which a job was made; the zero span
// is not known.
type span struct{ from, to int64 }

func (s span) known() bool { return s.to > 0 }

// zone is what is known of when jobs of one zone were made.
type zone struct {
	made    map[int64]*cohort  // our jobs that were made in a second, those that have ended too
	vague   map[*followed]span // the others that have not ended
	lost    map[int64]bool     // seconds in which a job may have been made of which that was never told
	windows map[int64]*window  // that may still be joined
	open    map[*window]bool

	distrusted time.Time // until then windows are not counted
	doubt      time.Duration
}

// cohort is the jobs that were made in one second.
type cohort struct {
	rows int                 // that EdgeOne will show for them
	jobs map[string]struct{} // their ids
}

func newZone() *zone {
	return &zone{
		made: make(map[int64]*cohort), vague: make(map[*followed]span), lost: make(map[int64]bool),
		windows: make(map[int64]*window), open: make(map[*window]bool),
	}
}

// exact counts a job that was made in a known second, and reports whether it was.
func (z *zone) exact(job *followed) bool {
	s := job.born
	if !s.known() || s.from != s.to {
		return false
	}
	c := z.made[s.from]
	if c == nil {
		c = &cohort{jobs: make(map[string]struct{})}
		z.made[s.from] = c
	}
	c.rows += job.Expected()
	c.jobs[job.ID] = struct{}{}
	return true
}

// inDoubt tells whether it is not known of every job whether it was made in a second.
func (z *zone) inDoubt(second int64) bool {
	if z.lost[second] {
		return true
	}
	for _, s := range z.vague {
		if s.from <= second && second <= s.to {
			return true
		}
	}
	return false
}

// zone gives what is known of a zone; it must be called with the lock held.
func (t *Tracker) zone(id string) *zone {
	z := t.zones[id]
	if z == nil {
		z = newZone()
		t.zones[id] = z
	}
	return z
}

// born notes in which second of the server's clock a job was made, as far as its call tells. It must be
// called with the lock held.
func (t *Tracker) born(job *followed) {
	if job.Submitted.Before(t.since) {
		return // a predecessor's
	}
	t.clock.Read(job.Created, job.Submitted, job.tracked)
	if !t.clock.Known() {
		t.since = job.tracked
		return
	}
	least, _ := t.clock.Bounds(job.Submitted)
	_, most := t.clock.Bounds(job.tracked)
	job.born = span{least.Unix(), most.Unix()}
	if !job.Created.IsZero() {
		job.born.to = min(job.born.to, job.Created.Unix())
	}
	if z := t.zone(job.Zone); !z.exact(job) {
		z.vague[job] = job.born
	}
	t.tidy(job.tracked)
}

// settle takes in what a poll has told of when a job was made. One that has ended without telling leaves
// its seconds in doubt.
func (t *Tracker) settle(job *followed, ended bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	z := t.zone(job.Zone)
	s, vague := z.vague[job]
	if !vague {
		return
	}
	if z.exact(job) {
		delete(z.vague, job)
		return
	}
	if ended {
		delete(z.vague, job)
		for second := s.from; second <= s.to; second++ {
			z.lost[second] = true
		}
	}
}

const (
	// keepSeconds is how long a second without open jobs is remembered: longer than calls take.
	keepSeconds = 60
	tidyEvery   = 10 * time.Second
)

// tidy forgets the seconds of each zone before those of its open jobs, and zones without any. It must be
// called with the lock held.
func (t *Tracker) tidy(now time.Time) {
	if now.Sub(t.tidied) < tidyEvery {
		return
	}
	t.tidied = now
	least, _ := t.clock.Bounds(now)
	for id, z := range t.zones {
		z.tidy(least.Unix() - keepSeconds)
		if len(z.made)+len(z.vague)+len(z.lost)+len(z.open) == 0 && now.After(z.distrusted) {
			delete(t.zones, id)
		}
	}
}

func (z *zone) tidy(least int64) {
	for w := range z.open {
		least = min(least, w.second)
	}
	for _, s := range z.vague {
		least = min(least, s.from)
	}
	maps.DeleteFunc(z.made, func(second int64, _ *cohort) bool { return second < least })
	maps.DeleteFunc(z.lost, func(second int64, _ bool) bool { return second < least })
}
