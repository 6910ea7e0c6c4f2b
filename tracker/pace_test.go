package tracker_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/tracker"
)

const ms = time.Millisecond

func TestTracker_PollsAtGrowingIntervals(t *testing.T) {
	tests := []struct {
		name  string
		cfg   tracker.Config
		after time.Duration
		want  []time.Duration
	}{
		{
			"defaults",
			tracker.Config{},
			2 * time.Minute,
			[]time.Duration{
				2000 * ms, 4000 * ms, 7000 * ms, 11500 * ms, 18250 * ms, 28375 * ms, 43562500 * time.Microsecond,
				66343750 * time.Microsecond, 96343750 * time.Microsecond,
			},
		},
		{
			"capped",
			tracker.Config{PollMin: 10 * time.Second, PollMax: 20 * time.Second},
			100 * time.Second,
			[]time.Duration{10000 * ms, 20000 * ms, 35000 * ms, 55000 * ms, 75000 * ms, 95000 * ms},
		},
		{
			"least above most",
			tracker.Config{PollMin: time.Minute, PollMax: time.Second},
			4*time.Minute + 1,
			[]time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tt.cfg, always(rows("processing")...))
				b.follow(t, 1, tt.after)
				if diff := cmp.Diff(tt.want, b.polls(testJob)); diff != "" {
					t.Errorf("times of the polls (-want +got):\n%s", diff)
				}
				b.noEnd(t)
			})
		})
	}
}

func TestTracker_PollsAtOnceWhatWasSubmittedLongAgo(t *testing.T) {
	tests := []struct {
		name string
		age  time.Duration
		want time.Duration
	}{
		{"just submitted", 0, 2 * time.Second},
		{"its answer took a second", time.Second, 2 * time.Second},
		{"by a clock that is ahead", -time.Minute, 2 * time.Second},
		{"of a predecessor", 2 * time.Second, 0},
		{"yesterday", 24 * time.Hour, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tracker.Config{}, always(rows("success")...))
				stop := b.run(t)
				defer stop()
				b.Track(jobOf(testJob, 1, b.start.Add(-tt.age)))
				pass(10 * time.Second)
				if diff := cmp.Diff([]time.Duration{tt.want}, b.polls(testJob)); diff != "" {
					t.Errorf("times of the polls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTracker_TrackWakesRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, tracker.Config{}, always(rows("processing")...))
		stop := b.run(t) // sleeps, for there is nothing to do
		defer stop()
		pass(90 * time.Second)
		b.Track(jobOf("late", 1, time.Now()))
		pass(time.Second)
		b.Track(jobOf("earlier", 1, b.start)) // due before the one it sleeps for
		pass(time.Second)
		for id, want := range map[string]time.Duration{"late": 92 * time.Second, "earlier": 91 * time.Second} {
			if diff := cmp.Diff([]time.Duration{want}, b.polls(id)); diff != "" {
				t.Errorf("times of the polls of %s (-want +got):\n%s", id, diff)
			}
		}
	})
}

func TestTracker_PollsBySchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, tracker.Config{}, always(rows("success")...))
		want := make(map[string]time.Duration)
		for i := range 50 { // in an order that is not theirs
			id := strconv.Itoa(i)
			due := time.Duration(i*37%50) * 100 * ms
			want[id] = 2*time.Second + due
			time.AfterFunc(due, func() { b.Track(jobOf(id, 1, time.Now())) })
		}
		stop := b.run(t)
		defer stop()
		pass(10 * time.Second)
		for id, due := range want {
			if diff := cmp.Diff([]time.Duration{due}, b.polls(id)); diff != "" {
				t.Errorf("times of the polls of %s (-want +got):\n%s", id, diff)
			}
		}
	})
}

func TestTracker_KeepsJobsWhileDescribeIsRefused(t *testing.T) {
	for _, err := range []error{errRefused, errAway, errors.New("no one knows")} {
		t.Run(edgeone.Classify(err).String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				b := newBench(t, tracker.Config{}, func(string, int) answer {
					if time.Since(start) < 100*time.Second {
						return answer{err: err}
					}
					return answer{tasks: rows("success")}
				})
				stop := b.run(t)
				defer stop()
				b.Track(jobOf(testJob, 1, b.start))
				pass(100 * time.Second)
				b.noEnd(t)
				if got := b.InFlight(); got != 1 {
					t.Errorf("%d jobs in flight, want 1", got)
				}
				gaps := intervals(b.polls(testJob))
				want := []time.Duration{2000 * ms, 3000 * ms, 4500 * ms, 6750 * ms}
				if diff := cmp.Diff(want, gaps[:4]); diff != "" {
					t.Errorf("intervals between polls (-want +got):\n%s", diff)
				}
				if last := gaps[len(gaps)-1]; last != 30*time.Second {
					t.Errorf("the last interval is %v, want 30s", last)
				}
				if b.throttled() != 0 {
					t.Errorf("the pace was slowed %d times, want 0", b.throttled())
				}
				pass(31 * time.Second)
				if got := b.oneEnd(t).out.Rest.Code; got != "" {
					t.Errorf("the job ended with %q, want success", got)
				}
			})
		})
	}
}

func intervals(times []time.Duration) []time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(times); i++ {
		gaps = append(gaps, times[i]-times[i-1])
	}
	return gaps
}

func TestTracker_TellsThePaceOfThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttled := answer{err: errThrottled}
		b := newBench(t, tracker.Config{}, inTurn(throttled, throttled, throttled, throttled, answer{tasks: rows("success")}))
		b.follow(t, 1, time.Minute)
		if b.throttled() != 4 {
			t.Errorf("the pace was told of %d refusals, want 4", b.throttled())
		}
		want := []time.Duration{2 * time.Second, 4 * time.Second, 6 * time.Second, 8 * time.Second, 10 * time.Second}
		if diff := cmp.Diff(want, b.polls(testJob)); diff != "" {
			t.Errorf("times of the polls (-want +got):\n%s", diff)
		}
		b.oneEnd(t)
	})
}

func TestTracker_TellsThePaceOfThrottledPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, tracker.Config{}, inTurn(
			answer{}, answer{tasks: many(1200, "success"), total: 1500, later: errThrottled}, answer{tasks: many(1500, "success")}))
		b.follow(t, 1500, time.Minute)
		if b.throttled() != 1 {
			t.Errorf("the pace was told of %d refusals, want 1", b.throttled())
		}
		b.oneEnd(t)
	})
}

func TestTracker_TriesAgainWhereTheLedgerCouldNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, tracker.Config{}, always(rows("success")...))
		b.books.fails = 3
		b.follow(t, 1, 5*time.Minute)
		want := []time.Duration{2 * time.Second, 32 * time.Second, 62 * time.Second, 92 * time.Second}
		if diff := cmp.Diff(want, b.polls(testJob)); diff != "" {
			t.Errorf("times of the polls (-want +got):\n%s", diff)
		}
		b.oneEnd(t)
		if got := b.InFlight(); got != 0 {
			t.Errorf("%d jobs in flight, want 0", got)
		}
	})
}

func TestTracker_CountsJobsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		polled, told := make(chan struct{}), make(chan struct{})
		b := newBench(t, tracker.Config{}, func(job string, poll int) answer {
			if job == "asked" && poll == 1 {
				return answer{tasks: rows("processing"), hold: polled}
			}
			return answer{tasks: rows("success")}
		})
		b.books.hold = told
		check := func(when string, want int) {
			t.Helper()
			synctest.Wait()
			if got := b.InFlight(); got != want {
				t.Errorf("%s: %d jobs in flight, want %d", when, got, want)
			}
			byType, oldest := b.ByType()
			if byType[purge.URL] != want || oldest.IsZero() != (want == 0) || want > 0 && !oldest.Equal(b.start) {
				t.Errorf("%s: got %v, the oldest of %v; want %d, of %v", when, byType, oldest, want, b.start)
			}
		}
		check("at first", 0)
		b.Track(jobOf("asked", 1, b.start))
		check("before Run", 1)
		stop := b.run(t)
		defer stop()
		b.Track(jobOf("told", 1, b.start))
		check("waiting", 2)
		pass(2 * time.Second)
		check("one polled, one told", 2)
		close(polled)
		check("one waiting again, one told", 2)
		close(told)
		check("one waiting again", 1)
		pass(2 * time.Second)
		check("at last", 0)
	})
}

func TestTracker_BoundsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		b := newBench(t, tracker.Config{}, func(string, int) answer {
			return answer{tasks: rows("success"), hold: hold}
		})
		stop := b.run(t)
		defer stop()
		for i := range 100 {
			b.Track(jobOf(strconv.Itoa(i), 1, b.start))
		}
		pass(time.Minute)
		if got := b.busiest(); got != 16 {
			t.Errorf("%d polls of one zone at a time, want 16, half of all", got)
		}
		close(hold)
		pass(time.Minute)
		if got := len(b.ends()); got != 100 {
			t.Errorf("%d jobs ended, want 100", got)
		}
	})
}

func TestTracker_OneStuckJobHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, tracker.Config{}, func(job string, _ int) answer {
			if job == "stuck" {
				return answer{hold: make(chan struct{})}
			}
			return answer{tasks: rows("success")}
		})
		stop := b.run(t)
		defer stop()
		b.Track(jobOf("stuck", 1, b.start.Add(-time.Hour)))
		b.Track(jobOf("other", 1, b.start.Add(-time.Hour)))
		pass(time.Minute)
		if got := len(b.ends()); got != 1 {
			t.Errorf("%d jobs ended, want 1", got)
		}
	})
}

func TestTracker_RunJoinsWhatItStarted(t *testing.T) {
	tests := []struct {
		name  string
		setup func(*bench) answer
	}{
		{"asleep", func(*bench) answer { return answer{tasks: rows("processing")} }},
		{"waiting for the pace", func(b *bench) answer {
			b.pace.gate = make(chan struct{})
			return answer{}
		}},
		{"in a poll", func(*bench) answer { return answer{hold: make(chan struct{})} }},
		{"in the ledger", func(b *bench) answer {
			b.books.hold = make(chan struct{})
			return answer{tasks: rows("success")}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ans answer
				b := newBench(t, tracker.Config{}, func(string, int) answer { return ans })
				ans = tt.setup(b)
				stop := b.run(t)
				for i := range 30 {
					b.Track(jobOf(strconv.Itoa(i), 1, b.start))
				}
				pass(5 * time.Second)
				stop()
				b.noEnd(t)
				if got := b.InFlight(); got != 30 {
					t.Errorf("%d jobs in flight after Run, want all 30: they are still stored", got)
				}
			})
		})
	}
}

func TestTracker_RunReturnsAtOnceWithAnEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, tracker.Config{}, always())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b.Track(jobOf(testJob, 1, b.start))
		if err := b.Run(ctx); err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
		if got := time.Since(b.start); got != 0 {
			t.Errorf("Run took %v, want 0", got)
		}
	})
}

func TestTracker_TracksFromManyGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, tracker.Config{}, always(rows("success")...))
		stop := b.run(t)
		defer stop()
		for i := range 200 {
			go func() {
				b.Track(jobOf(strconv.Itoa(i), 1, b.start))
				b.InFlight()
			}()
		}
		pass(time.Minute)
		var ids []string
		for _, e := range b.ends() {
			ids = append(ids, e.job.ID)
		}
		slices.Sort(ids)
		if n := len(slices.Compact(ids)); n != 200 || len(b.ends()) != 200 {
			t.Errorf("%d of 200 jobs ended, in %d ends", n, len(b.ends()))
		}
	})
}
