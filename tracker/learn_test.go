package tracker_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/tracker"
)

// timed is the row of a job of one target.
func timed(job, status string, created time.Time, took time.Duration) edgeone.Task {
	return edgeone.Task{
		JobID: job, Target: url(0), Type: purge.URL, Status: status,
		Created: created.Truncate(time.Second), Updated: created.Truncate(time.Second).Add(took),
	}
}

// A job whose times are absurd, or that took long, does not decide when the next is polled.
func TestFailure_AbsurdTimes(t *testing.T) {
	for _, tt := range []struct {
		name     string
		says     time.Duration // UpdateTime after CreateTime
		finishes time.Duration
	}{
		{"two hours", 2 * time.Hour, 0},
		{"a time zone", 8 * time.Hour, 0},
		{"centuries", 250 * 365 * 24 * time.Hour, 0},
		{"back in time", -8 * time.Hour, 0},
		{"it truly took a minute", time.Minute, time.Minute},
		{"it truly took a minute, and does not say so", 0, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				b := newBench(t, tracker.Config{}, func(job string, _ int) answer {
					if job == "second" {
						return answer{tasks: rows("success")}
					}
					if time.Since(start) < tt.finishes {
						return answer{tasks: []edgeone.Task{timed(job, "processing", start, 0)}}
					}
					return answer{tasks: []edgeone.Task{timed(job, "success", start, tt.says)}}
				})
				stop := b.run(t)
				defer stop()
				b.Track(jobOf("first", 1, b.start))
				pass(5 * time.Minute)
				b.oneEnd(t)
				b.Track(jobOf("second", 1, time.Now()))
				pass(10 * time.Second)
				if n := len(b.ends()); n != 2 {
					t.Errorf("the next job, which took no time, has not ended after 10 s; polls at %v", b.polls("second"))
				}
			})
		})
	}
}

// Whatever rows say of their times, a job that is final is polled within PollMax and PollMin, and none outlives its deadline.
func TestTracker_LearnsWithinBounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := tracker.Config{
			PollMin:   time.Duration(rapid.IntRange(500, 5000).Draw(rt, "least, ms")) * time.Millisecond,
			PollMax:   time.Duration(rapid.IntRange(500, 60_000).Draw(rt, "most, ms")) * time.Millisecond,
			Deadline:  time.Duration(rapid.IntRange(60, 200).Draw(rt, "deadline, s")) * time.Second,
			PerSecond: rapid.SampledFrom([]float64{0, 1, 20}).Draw(rt, "a second"),
		}
		type story struct {
			after, finishes, says time.Duration
		}
		stories := make([]story, rapid.IntRange(1, 12).Draw(rt, "jobs"))
		second := func(most int, label string) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(rt, label)) * time.Second
		}
		for i := range stories {
			stories[i] = story{second(20, "after"), second(100, "finishes"), time.Duration(rapid.Int64().Draw(rt, "says"))}
			if rapid.Bool().Draw(rt, "never") {
				stories[i].finishes = 1000 * time.Hour
			}
		}
		synctest.Test(t, func(t *testing.T) {
			submitted := make(map[string]time.Time)
			b := newBench(t, cfg, nil)
			b.api.reply = func(job string, _ int) answer {
				i, _ := strconv.Atoi(job)
				if s := stories[i]; time.Since(submitted[job]) >= s.finishes {
					return answer{tasks: []edgeone.Task{timed(job, "success", submitted[job], s.says)}}
				}
				return answer{tasks: []edgeone.Task{timed(job, "processing", submitted[job], 0)}}
			}
			stop := b.run(t)
			defer stop()
			for i, s := range stories {
				pass(s.after)
				id := strconv.Itoa(i)
				b.api.mu.Lock()
				submitted[id] = time.Now()
				b.api.mu.Unlock()
				b.Track(jobOf(id, 1, time.Now()))
			}
			pass(10 * time.Minute)
			most := max(cfg.PollMin, cfg.PollMax)
			for _, e := range b.ends() {
				i, _ := strconv.Atoi(e.job.ID)
				took := e.out.Finished.Sub(submitted[e.job.ID])
				if bound := min(stories[i].finishes, cfg.Deadline) + cfg.PollMin + most; took > bound {
					t.Errorf("job %d ended after %v, want %v at most; polls at %v", i, took, bound, b.polls(e.job.ID))
				}
			}
			if n := len(b.ends()); n != len(stories) {
				t.Errorf("%d jobs ended, want %d", n, len(stories))
			}
		})
	})
}
