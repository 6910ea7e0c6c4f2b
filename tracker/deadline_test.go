package tracker_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/tracker"
)

var shortLife = tracker.Config{Deadline: time.Minute}

// takeOver tracks a job whose deadline is long past, as a new leader does.
func (b *bench) takeOver(t *testing.T, typ purge.Type, targets int, during time.Duration) {
	t.Helper()
	stop := b.run(t)
	defer stop()
	job := jobOf(testJob, targets, b.start.Add(-time.Hour))
	job.Type = typ
	b.Track(job)
	pass(during)
}

func TestTracker_GivesUpAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, shortLife, always(rows("success", "processing", "failed", "odd")...))
		b.follow(t, 5, 5*time.Minute)
		e := b.oneEnd(t)
		if e.at < time.Minute || e.at > 90*time.Second {
			t.Errorf("given up after %v, want at the first poll after a minute", e.at)
		}
		var got []string
		for i := range 5 {
			got = append(got, of(e, purge.URL, url(i)))
		}
		if diff := cmp.Diff([]string{"", purge.CodeDeadline, "failed", purge.CodeDeadline, purge.CodeDeadline}, got); diff != "" {
			t.Errorf("codes (-want +got):\n%s", diff)
		}
		want := record.Result{Code: purge.CodeDeadline, Reason: "not finished within 1m0s", Retryable: true}
		if diff := cmp.Diff(want, results(e, purge.URL).Of(url(4))); diff != "" {
			t.Errorf("result of what was never seen (-want +got):\n%s", diff)
		}
	})
}

func TestTracker_GivesUpWhatWasNeverSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, shortLife, always())
		b.follow(t, 2, 5*time.Minute)
		if got := of(b.oneEnd(t), purge.URL, url(1)); got != purge.CodeDeadline {
			t.Errorf("code is %q, want %q", got, purge.CodeDeadline)
		}
	})
}

func TestTracker_ReadsAllPagesBeforeItGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks := many(2500, "success")
		tasks[0].Status, tasks[2000].Status = "processing", "processing"
		b := newBench(t, shortLife, always(tasks...))
		b.follow(t, 2500, 5*time.Minute)
		e := b.oneEnd(t)
		var open []int
		all := results(e, purge.URL)
		for i := range 2500 {
			if all.Of(url(i)).Code != "" {
				open = append(open, i)
			}
		}
		if want := []int{0, 2000}; !slices.Equal(open, want) {
			t.Errorf("targets %v were given up, want %v", open, want)
		}
	})
}

func TestTracker_BelievesALateEnd(t *testing.T) {
	tests := []struct {
		name    string
		typ     purge.Type
		targets int
		tasks   []edgeone.Task
		polls   int
		want    []string // codes of the first targets
	}{
		{"all succeeded", purge.URL, 2, rows("success", "success"), 1, []string{"", ""}},
		{"one failed", purge.URL, 2, rows("success", "failed"), 1, []string{"", "failed"}},
		{"one row for the whole job", purge.URL, 500, rows("success"), 3, []string{"", "", ""}},
		{"one failed row for the whole job", purge.URL, 500, rows("timeout"), 3, []string{"timeout", "timeout"}},
		{"a whole zone", purge.All, 1, []edgeone.Task{{JobID: testJob, Target: "example.com", Status: "success"}}, 1, []string{""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, shortLife, always(tt.tasks...))
				b.takeOver(t, tt.typ, tt.targets, 10*time.Minute)
				e := b.oneEnd(t)
				if got := len(b.polls(testJob)); got != tt.polls {
					t.Errorf("ended at poll %d, want %d", got, tt.polls)
				}
				typ := purge.URL
				if tt.typ == purge.All {
					typ = purge.All
				}
				for i, want := range tt.want {
					if got := of(e, typ, url(i)); got != want {
						t.Errorf("target %d has code %q, want %q", i, got, want)
					}
				}
			})
		})
	}
}

func TestTracker_AsksAgainPastTheDeadline(t *testing.T) {
	away := answer{err: errAway}
	one, two, three := answer{tasks: many(1, "success")}, answer{tasks: many(2, "success")}, answer{tasks: many(3, "success")}
	tests := []struct {
		name    string
		targets int
		answers []answer
		polls   int
		code    string // of the last target
	}{
		{"the API was away", 2, []answer{away, away, away, two}, 4, ""},
		{"the API is away", 2, []answer{away}, 10, purge.CodeDeadline},
		{"describe is refused", 2, []answer{{err: errRefused}}, 10, purge.CodeDeadline},
		{"rows come one by one", 2, []answer{one, two}, 2, ""},
		{"rows come one by one, and none alone", 3, []answer{two, three}, 2, ""},
		{"one row does not come", 3, []answer{two}, 10, purge.CodeDeadline},
		{"rows come and go", 3, []answer{one, two, one, two, one, two, one, two, one, two, one, two}, 10, purge.CodeDeadline},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, shortLife, inTurn(tt.answers...))
				b.takeOver(t, purge.URL, tt.targets, 10*time.Minute)
				e := b.oneEnd(t)
				if got := len(b.polls(testJob)); got != tt.polls {
					t.Errorf("ended at poll %d, want %d", got, tt.polls)
				}
				if got := of(e, purge.URL, url(tt.targets-1)); got != tt.code {
					t.Errorf("code is %q, want %q", got, tt.code)
				}
				last := tt.answers[min(tt.polls, len(tt.answers))-1]
				if got := of(e, purge.URL, url(0)); len(last.tasks) > 0 && got != "" {
					t.Errorf("code of a row that succeeded is %q, want none", got)
				}
			})
		})
	}
}

func TestTracker_ThrottlingEndsNoJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, shortLife, always())
		b.api.reply = func(_ string, poll int) answer {
			if poll <= 100 {
				return answer{err: errThrottled}
			}
			return answer{tasks: rows("success")}
		}
		b.takeOver(t, purge.URL, 1, 10*time.Minute)
		if got := of(b.oneEnd(t), purge.URL, url(0)); got != "" {
			t.Errorf("code is %q, want none", got)
		}
	})
}

// A list that never is as long as it says must not keep its requests waiting for ever.
func TestTracker_GivesUpAListThatCannotBeRead(t *testing.T) {
	tests := []struct {
		name  string
		first bool
		want  map[int]string
	}{
		{"some pages", false, map[int]string{0: "", 1499: "", 1500: purge.CodeDeadline}},
		{"the first page alone", true, map[int]string{0: "", 999: "", 1000: purge.CodeDeadline}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				short := &edgeone.Error{Action: "DescribePurgeTasks", Message: "the list ended before its count"}
				b := newBench(t, shortLife, func(string, int) answer {
					return answer{tasks: many(1500, "success"), total: 2000, later: short, first: tt.first}
				})
				b.follow(t, 2000, 20*time.Minute)
				e := b.oneEnd(t)
				for i, want := range tt.want {
					if got := of(e, purge.URL, url(i)); got != want {
						t.Errorf("target %d has code %q, want %q", i, got, want)
					}
				}
			})
		})
	}
}
