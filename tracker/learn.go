package tracker

import (
	"container/heap"
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// sampleMost is how many recent jobs of a type tell how long its tasks take.
const sampleMost = 16

// times are how long the tasks of one type took of late.
type times struct {
	recent []time.Duration
	next   int
	scout  *followed // while nothing is known: the job that is asked for each PollMin, and tells it
}

func (s *times) add(d time.Duration) {
	if len(s.recent) < sampleMost {
		s.recent = append(s.recent, d)
		return
	}
	s.recent[s.next] = d
	s.next = (s.next + 1) % sampleMost
}

// quantile is the time within which a share of the tasks were final; 0 while nothing is known.
func (s *times) quantile(share float64) time.Duration {
	if len(s.recent) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.recent))
	return sorted[int(share*float64(len(sorted)-1)+0.5)]
}

// learn notes how long a job's tasks took: what a row tells, in whole seconds, or else when they were seen
// final, less a little, so that the next is looked at sooner.
func (t *Tracker) learn(job *followed, tasks []edgeone.Task, now time.Time) {
	took := now.Sub(job.Submitted) - t.cfg.PollMin/4
	for _, task := range tasks {
		if !task.Created.IsZero() && task.Updated.After(task.Created) {
			took = task.Updated.Sub(task.Created)
			break
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.timesOf(job.Type)
	s.add(took)
	if len(s.recent) == 1 {
		t.wakeUp(job.Type, now)
	}
}

// timesOf must be called with the lock held.
func (t *Tracker) timesOf(typ string) *times {
	s := t.times[typ]
	if s == nil {
		s = new(times)
		t.times[typ] = s
	}
	return s
}

// wakeUp has what waits come sooner where it has waited long enough, now that it is known how long tasks
// take. It must be called with the lock held.
func (t *Tracker) wakeUp(typ string, now time.Time) {
	for i, next := range t.turns {
		if job := next.first(); job.Type == typ {
			d, _ := t.expectedAfter(job, 0)
			t.turns[i].due = sooner(next.due, later(now, job.Submitted.Add(max(d, t.cfg.PollMin))))
		}
	}
	heap.Init(&t.turns)
	signal(t.wake)
}

// unknown tells that nothing can be told yet of how long a job's tasks take, and another job is asked for to
// know: while there are more jobs than can be asked for, each of them would be in vain. It does not go on
// for longer than PollMax.
func (t *Tracker) unknown(job *followed, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.timesOf(job.Type)
	return len(s.recent) == 0 && s.scout != nil && s.scout != job && t.busy() && now.Sub(job.Submitted) < t.cfg.PollMax
}

// expected is how long after its submission a job is worth a look, and how long after that another one is.
// While there are few jobs, a look at some that are not final yet costs nothing and tells the others
// sooner; when there are more than can be looked at each PollMin, each look is to be the last.
func (t *Tracker) expected(job *followed, after time.Duration) (time.Duration, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.expectedAfter(job, after)
}

func (t *Tracker) expectedAfter(job *followed, after time.Duration) (time.Duration, bool) {
	s := t.timesOf(job.Type)
	shares := []float64{0.1, 0.5, 0.9}
	if t.busy() {
		shares = shares[2:]
	}
	for _, share := range shares {
		if d := s.quantile(share); d > after {
			return d, true
		}
	}
	return 0, false
}

// busy tells that not every job can be looked at each PollMin.
func (t *Tracker) busy() bool {
	return t.cfg.PerSecond > 0 && float64(len(t.open)) > t.cfg.PerSecond*t.cfg.PollMin.Seconds()
}
