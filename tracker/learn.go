package tracker

import (
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// sampleMost is how many recent jobs of a type show how long its tasks take.
	sampleMost = 16
	// sampleLeast is how many jobs decide when the next is polled: the longest of the recent ones never does alone.
	sampleLeast = 2
)

// times are how long the tasks of one type took of late.
type times struct {
	recent []time.Duration
	next   int
	scout  *followed // while nothing is known: the job that is asked for each PollMin
}

func (s *times) add(d time.Duration) {
	if len(s.recent) < sampleMost {
		s.recent = append(s.recent, d)
		return
	}
	s.recent[s.next] = d
	s.next = (s.next + 1) % sampleMost
}

// quantile is the time within which a share of the tasks were final, without the longest; 0 while too few are known.
func (s *times) quantile(share float64) time.Duration {
	if len(s.recent) < sampleLeast {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.recent))
	return sorted[min(int(share*float64(len(sorted)-1)+0.5), len(sorted)-sampleLeast)]
}

// learn notes how long a job's tasks took: what a row says, in whole seconds, unless that is longer than was waited for
// them; else when they were seen final, less a little, so that the next is polled sooner.
func (t *Tracker) learn(job *followed, tasks []edgeone.Task, now time.Time) {
	waited := now.Sub(job.Submitted)
	took := waited - t.cfg.PollMin/4
	for _, task := range tasks {
		if d := task.Updated.Sub(task.Created); !task.Created.IsZero() && d > 0 {
			if d <= waited {
				took = d
			}
			break
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.timesOf(job.Type)
	s.add(max(took, 0))
	if len(s.recent) == 1 {
		t.wakeUp(job.Type, now)
	}
}

// timesOf must be called with the lock held.
func (t *Tracker) timesOf(typ purge.Type) *times {
	s := t.times[typ]
	if s == nil {
		s = new(times)
		t.times[typ] = s
	}
	return s
}

// wakeUp has what waits come sooner where it has waited long enough, now that it is known how long tasks
// take. It must be called with the lock held.
func (t *Tracker) wakeUp(typ purge.Type, now time.Time) {
	t.turns.Reschedule(func(next turn, due time.Time) time.Time {
		job := next.first()
		if job.Type != typ {
			return due
		}
		d, _ := t.expectedAfter(job, 0)
		return sooner(due, later(now, job.Submitted.Add(max(d, t.cfg.PollMin))))
	})
}

// unknown reports whether nothing is known yet of how long a job's tasks take, and another job is asked for to
// know: while there are more jobs than can be asked for, each of them would be in vain. It does not go on
// for longer than PollMax.
func (t *Tracker) unknown(job *followed, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.timesOf(job.Type)
	return len(s.recent) == 0 && s.scout != nil && s.scout != job && t.busy() && now.Sub(job.Submitted) < t.cfg.PollMax
}

// expected is how long after its submission a job is worth a poll, and how long after that another one is.
// While there are few jobs, a poll of some that are not final yet costs nothing and ends the others
// sooner; when there are more than can be polled each PollMin, each poll should be the last.
func (t *Tracker) expected(job *followed, after time.Duration) (time.Duration, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.expectedAfter(job, after)
}

// expectedAfter must be called with the lock held. What was learned puts no poll off by more than PollMax.
func (t *Tracker) expectedAfter(job *followed, after time.Duration) (time.Duration, bool) {
	s := t.timesOf(job.Type)
	shares := []float64{0.1, 0.5, 0.9}
	if t.busy() {
		if shares = shares[2:]; len(s.recent) == 1 && s.recent[0] > after {
			return min(s.recent[0], after+t.cfg.PollMax), true // one is better than none where each poll in vain delays others
		}
	}
	for _, share := range shares {
		if d := s.quantile(share); d > after {
			return min(d, after+t.cfg.PollMax), true
		}
	}
	return 0, false
}

// busy tells that not every job can be looked at each PollMin.
func (t *Tracker) busy() bool {
	return t.cfg.PerSecond > 0 && float64(len(t.open)) > t.cfg.PerSecond*t.cfg.PollMin.Seconds()
}
