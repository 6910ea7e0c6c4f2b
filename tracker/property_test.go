package tracker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/tracker"
)

// story is what an API does with one job, by the time since its submission.
type story struct {
	visible  []time.Duration // of each row, hidden before; never one row alone of several
	finishes []time.Duration // of each row
	statuses []string        // of each row, once it has finished
	hiccups  []bool          // polls that fail, by their number
	deadline time.Duration
}

func drawStory(t *rapid.T) story {
	seconds := func(label string, most int) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, label)) * time.Second
	}
	s := story{deadline: time.Second + seconds("deadline", 200)}
	first := seconds("visible", 40)
	for i := range rapid.IntRange(1, 4).Draw(t, "targets") {
		at := first
		if i > 1 {
			at += seconds("later", 100)
		}
		s.visible = append(s.visible, at)
		s.finishes = append(s.finishes, seconds("finish", 300))
		s.statuses = append(s.statuses, rapid.SampledFrom([]string{
			"success", "success", "success", "failed", "timeout", "canceled", "invalid", "unheard of",
		}).Draw(t, "status"))
	}
	s.hiccups = rapid.SliceOfN(rapid.Bool(), 0, 8).Draw(t, "hiccups")
	return s
}

// row tells the status of one row at a time, "" while it is hidden.
func (s *story) row(i int, at time.Duration) string {
	switch {
	case at < s.visible[i]:
		return ""
	case at < s.finishes[i]:
		return "processing"
	}
	return s.statuses[i]
}

func (s *story) rows(at time.Duration) []edgeone.Task {
	var tasks []edgeone.Task
	for i := range s.statuses {
		if status := s.row(i, at); status != "" {
			tasks = append(tasks, edgeone.Task{JobID: testJob, Target: url(i), Type: purge.URL, Status: status})
		}
	}
	return tasks
}

func TestTracker_TellsWhatTheRowsSaid(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStory(rt)
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			b := newBench(t, tracker.Config{Deadline: s.deadline}, func(_ string, poll int) answer {
				if poll <= len(s.hiccups) && s.hiccups[poll-1] {
					return answer{err: errAway}
				}
				return answer{tasks: s.rows(time.Since(start))}
			})
			b.follow(t, len(s.statuses), time.Hour)
			e := b.oneEnd(t)
			if b.InFlight() != 0 {
				t.Errorf("%d jobs in flight after the end", b.InFlight())
			}
			for i := range s.statuses {
				want := s.row(i, e.at)
				if !edgeone.Final(want) {
					want = purge.CodeDeadline
				}
				if want == edgeone.StatusSuccess {
					want = ""
				}
				got := of(e, purge.URL, url(i))
				if got != want {
					t.Errorf("ended after %v: target %d has code %q, want %q", e.at, i, got, want)
				}
				if got == purge.CodeDeadline && e.at < s.deadline {
					t.Errorf("target %d was given up after %v, before the deadline of %v", i, e.at, s.deadline)
				}
			}
		})
	})
}
