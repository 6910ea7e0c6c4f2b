package tracker_test

import (
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/tracker"
)

// liar is an API whose answers are not what was asked for.
type liar struct {
	rows  func(since time.Duration) []edgeone.Task // of the job
	twist func(q edgeone.TaskQuery, page edgeone.TaskPage, rows []edgeone.Task) edgeone.TaskPage

	start time.Time
	mu    sync.Mutex
	calls int
}

func (l *liar) Unsuccessful() []string {
	return []string{"processing", "failed", "timeout", "canceled"}
}

func (l *liar) PurgeTasks(_ context.Context, q edgeone.TaskQuery) (edgeone.TaskPage, error) {
	l.mu.Lock()
	l.calls++
	l.mu.Unlock()
	rows := l.rows(time.Since(l.start))
	page := answer{tasks: rows}.list(q)
	page = l.twist(q, page, rows)
	page.Total = max(page.Total, len(page.Tasks))
	return page, nil
}

// AllTasks reads pages to the end of their count, each row once, as the client does.
func (l *liar) AllTasks(ctx context.Context, q edgeone.TaskQuery, before func(context.Context) error) iter.Seq2[edgeone.Task, error] {
	return func(yield func(edgeone.Task, error) bool) {
		known := make(map[edgeone.Task]bool)
		for seen, total := 0, 1; seen < total; {
			if err := before(ctx); err != nil {
				yield(edgeone.Task{}, err)
				return
			}
			q.Offset = seen
			page, err := l.PurgeTasks(ctx, q)
			if err != nil || len(page.Tasks) == 0 {
				yield(edgeone.Task{}, errAway)
				return
			}
			seen, total = seen+len(page.Tasks), page.Total
			for _, task := range page.Tasks {
				if !known[task] && !yield(task, nil) {
					return
				}
				known[task] = true
			}
		}
	}
}

// half has one of n targets fail after a minute, and all others succeed at once.
func half(n int) func(time.Duration) []edgeone.Task {
	return func(since time.Duration) []edgeone.Task {
		tasks := many(n, "success")
		tasks[n-1].Status = "processing"
		if since > time.Minute {
			tasks[n-1].Status = "failed"
		}
		return tasks
	}
}

func TestTracker_BelievesNoAnswerAlone(t *testing.T) {
	type pages = edgeone.TaskPage
	unfiltered := func(q edgeone.TaskQuery, rows []edgeone.Task) pages {
		q.Statuses = nil
		return answer{tasks: rows}.list(q)
	}
	for _, tt := range []struct {
		name  string
		n     int
		twist func(q edgeone.TaskQuery, page pages, rows []edgeone.Task) pages
	}{
		{"the count ignores the statuses", 25, func(_ edgeone.TaskQuery, page pages, rows []edgeone.Task) pages {
			page.Total = len(rows)
			return page
		}},
		{"the count ignores the statuses, and no row is there", 25, func(q edgeone.TaskQuery, page pages, rows []edgeone.Task) pages {
			if len(q.Statuses) > 0 {
				return pages{Total: len(rows)}
			}
			return page
		}},
		{"the statuses are ignored", 25, func(q edgeone.TaskQuery, _ pages, rows []edgeone.Task) pages { return unfiltered(q, rows) }},
		{"the statuses are ignored, more than a page", 2500, func(q edgeone.TaskQuery, _ pages, rows []edgeone.Task) pages {
			q.Statuses = nil
			rows = rows[min(q.Offset, len(rows)):]
			return pages{Total: 2500, Tasks: answer{tasks: rows}.list(q).Tasks}
		}},
		{"the count is huge", 25, func(_ edgeone.TaskQuery, page pages, _ []edgeone.Task) pages {
			page.Total = 1 << 40
			return page
		}},
		{"the count is that of the targets", 25, func(_ edgeone.TaskQuery, page pages, _ []edgeone.Task) pages {
			page.Total = 25
			return page
		}},
		{"one row is there twice, the failed one not", 5, func(q edgeone.TaskQuery, _ pages, rows []edgeone.Task) pages {
			rows = slices.Clone(rows)
			rows[4] = rows[0]
			return answer{tasks: rows}.list(q)
		}},
		{"rows move between pages", 1200, func(q edgeone.TaskQuery, page pages, rows []edgeone.Task) pages {
			if q.Limit == 1 {
				return page
			}
			if q.Offset > 0 { // the failed row has moved to the first page after that was read
				rows = append(slices.Clone(rows[999:1199]), rows[999])
			}
			return pages{Total: 1200, Tasks: answer{tasks: rows}.list(q).Tasks}
		}},
		{"rows of other jobs", 5, func(q edgeone.TaskQuery, _ pages, rows []edgeone.Task) pages {
			rows = slices.Clone(rows)
			for i := range rows {
				rows[i].JobID, rows[i].Status = "job-2", "success"
			}
			return answer{tasks: rows, theirs: true}.list(q)
		}},
		{"rows that name no job", 25, func(q edgeone.TaskQuery, _ pages, rows []edgeone.Task) pages {
			rows = slices.Clone(rows)
			for i := range rows {
				rows[i].JobID, rows[i].Status = "", "success"
			}
			return answer{tasks: rows, theirs: true}.list(q)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &books{start: time.Now()}
				l := &liar{rows: half(tt.n), twist: tt.twist, start: time.Now()}
				k := tracker.New(tracker.Config{Deadline: time.Hour}, l, b, new(pace), zap.NewNop())
				ctx, cancel := context.WithCancel(t.Context())
				var done sync.WaitGroup
				done.Go(func() { _ = k.Run(ctx) })
				k.Track(jobOf(testJob, tt.n, time.Now()))
				pass(2 * time.Hour)
				cancel()
				done.Wait()
				if len(b.ends) != 1 {
					t.Fatalf("the job ended %d times, want once", len(b.ends))
				}
				if code := of(b.ends[0], purge.URL, url(tt.n-1)); code == "" {
					t.Errorf("the target that failed is reported purged, after %v", b.ends[0].at)
				}
				if l.calls > 1000 {
					t.Errorf("%d calls for one job", l.calls)
				}
			})
		})
	}
}
