package worker

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

var errLost = &edgeone.Error{Action: "CreatePurgeTask", Message: "reset", Sent: true}

// past is an API whose jobs can be asked for. It cuts times to the second, and has a clock of its
// own.
type past struct {
	*world

	answer func(p edgeone.Purge) error // to each call, once its job is made
	change func(rows []edgeone.Task) []edgeone.Task
	late   time.Duration // how long the answer to what is made takes
	hidden time.Duration // how long a new job does not show

	rows []edgeone.Task // guarded by world.mu, as made
	made []time.Time
}

// ahead is how much the API's clock differs from ours.
const ahead = -90 * time.Second

// pageOf is the most rows of a page.
const pageOf = 2

func (a *past) CreatePurge(ctx context.Context, p edgeone.Purge) (edgeone.Created, error) {
	if _, err := a.world.CreatePurge(ctx, p); err != nil {
		return edgeone.Created{}, err
	}
	now := time.Now()
	date := now.Add(ahead).Truncate(edgeone.Precision).UTC()
	var rows []edgeone.Task
	a.set(func() {
		id := fmt.Sprintf("job-%d", len(a.calls))
		for _, target := range p.Targets {
			rows = append(rows, edgeone.Task{JobID: id, Target: target, Type: p.Type, Method: p.Method, Created: date})
		}
		if p.Type == purge.All {
			rows = []edgeone.Task{{JobID: id, Target: "example.com", Type: p.Type, Method: p.Method, Created: date}}
		}
	})
	err := a.answer(p)
	if err != nil && a.change != nil {
		rows = a.change(rows)
	}
	a.set(func() {
		a.rows = append(a.rows, rows...)
		a.made = append(a.made, slices.Repeat([]time.Time{now}, len(rows))...)
	})
	if err != nil {
		return edgeone.Created{}, err
	}
	if !wait.Sleep(ctx, a.late) {
		return edgeone.Created{}, context.Cause(ctx)
	}
	return edgeone.Created{JobID: rows[0].JobID, ServerTime: date}, nil
}

func (a *past) AllTasks(ctx context.Context, q edgeone.TaskQuery, before func(context.Context) error) iter.Seq2[edgeone.Task, error] {
	return func(yield func(edgeone.Task, error) bool) {
		for i, row := range a.find(q) {
			if i%pageOf == 0 && before(ctx) != nil {
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (a *past) find(q edgeone.TaskQuery) (found []edgeone.Task) {
	a.set(func() {
		for i, row := range a.rows {
			switch {
			case time.Since(a.made[i]) < a.hidden:
			case q.JobID != "" && row.JobID != q.JobID:
			case q.Type != "" && row.Type != q.Type:
			case q.Target != "" && row.Target != q.Target:
			case !q.From.IsZero() && row.Created.Before(q.From.Truncate(edgeone.Precision)):
			case !q.To.IsZero() && row.Created.After(q.To):
			default:
				found = append(found, row)
			}
		}
	})
	return found
}

// AllTasks is for tests that don't lose answers.
func (w *world) AllTasks(context.Context, edgeone.TaskQuery, func(context.Context) error) iter.Seq2[edgeone.Task, error] {
	return func(func(edgeone.Task, error) bool) {}
}

// tracked notes the jobs that a worker stores.
type tracked struct{ *past }

func (t tracked) Track(job record.InFlight) {
	t.set(func() { t.letters = append(t.letters, record.DeadLetter{Code: job.ID}) })
}

// lose makes a world that loses the answer to the first call that carries a target.
func lose(targets ...string) *past {
	a := &past{world: newWorld()}
	lost := make(map[string]int)
	a.answer = func(p edgeone.Purge) error {
		for _, target := range targets {
			if lost[target] == 0 && slices.Contains(p.Targets, target) {
				lost[target]++
				return errLost
			}
		}
		return nil
	}
	return a
}

func (a *past) worker() *Worker {
	cfg, deps := a.parts()
	deps.API, deps.Tracker = a, tracked{a}
	return New(cfg, deps)
}

// stored are the jobs that were stored.
func (a *past) stored() (ids []string) {
	a.set(func() {
		for _, l := range a.letters {
			ids = append(ids, l.Code)
		}
	})
	return ids
}

func counted(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("got no metric %s", name)
	return 0
}

// A batch whose answer is lost goes on with the job that is found, as if it had been answered, or
// is sent again.
func TestAdopt_GoesOnWithTheJobThatIsFound(t *testing.T) {
	for name, tt := range map[string]struct {
		hidden time.Duration
		jobs   []string
		calls  int
	}{
		"found":     {0, []string{"job-1", "job-2"}, 2},
		"not found": {time.Hour, []string{"job-1", "job-3"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := lose(page(0))
				a.hidden = tt.hidden
				reg := prometheus.NewRegistry()
				a.metrics = metrics.NewPipeline(reg)
				k := a.worker()
				stop := a.run(t, k)
				a.give(t, purge.Bulk, 1, purge.Request{ID: "first", Zone: "zone-a", Targets: []string{page(1000)}})
				a.until(func() bool { return len(a.letters) == 1 })
				a.give(t, purge.Bulk, 2, purge.Request{ID: "r", Zone: "zone-a", Targets: pages(3)})
				a.until(func() bool { return len(a.acked) == 2 })
				wait.Sleep(t.Context(), time.Minute)
				if err := stop(); err != nil {
					t.Error(err)
				}
				if got := a.stored(); !slices.Equal(got, tt.jobs) || len(a.calls) != tt.calls {
					t.Errorf("got jobs %v in %d calls, want %v in %d", got, len(a.calls), tt.jobs, tt.calls)
				}
				if got := counted(t, reg, "edgepurge_jobs_adopted_total"); got != float64(3-tt.calls) {
					t.Errorf("got %v adopted, want %d", got, 3-tt.calls)
				}
			})
		})
	}
}

// A job that an earlier leader made is nobody's here.
func TestAdopt_LeavesTheJobOfAnEarlierLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := lose(page(0))
		k := a.worker()
		k.MarkKnown("job-2")
		stop := a.run(t, k)
		a.give(t, purge.Bulk, 1, purge.Request{ID: "first", Zone: "zone-a", Targets: []string{page(1000)}})
		a.until(func() bool { return len(a.letters) == 1 })
		a.give(t, purge.Bulk, 2, purge.Request{ID: "r", Zone: "zone-a", Targets: pages(3)})
		a.until(func() bool { return len(a.acked) == 2 })
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got, want := a.stored(), []string{"job-1", "job-3"}; !slices.Equal(got, want) {
			t.Errorf("got jobs %v, want %v", got, want)
		}
	})
}

// Two batches of the same targets lose their answers, and only one of them was carried out.
func TestAdopt_OneJobIsOneBatchsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &past{world: newWorld()}
		calls := 0
		a.change = func(rows []edgeone.Task) []edgeone.Task {
			if calls == 2 {
				return rows
			}
			return nil // not carried out
		}
		a.answer = func(p edgeone.Purge) error {
			if p.Targets[0] != page(0) {
				return nil
			}
			if calls++; calls <= 2 {
				return errLost
			}
			return nil
		}
		stop := a.run(t, a.worker())
		a.give(t, purge.Bulk, 1, purge.Request{ID: "first", Zone: "zone-a", Targets: []string{page(1000)}})
		a.until(func() bool { return len(a.letters) == 1 })
		a.give(t, purge.Interactive, 2, purge.Request{ID: "a", Zone: "zone-a", Targets: pages(1)})
		a.until(func() bool { return len(a.calls) == 2 })
		a.give(t, purge.Interactive, 3, purge.Request{ID: "b", Zone: "zone-a", Targets: pages(1)})
		a.until(func() bool { return len(a.letters) == 3 })
		wait.Sleep(t.Context(), time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got, want := a.stored(), []string{"job-1", "job-3", "job-4"}; !slices.Equal(got, want) {
			t.Errorf("got jobs %v, want %v: each once", got, want)
		}
	})
}

// A call that was not carried out takes the job of a later one, whose answer is on its way.
func TestAdopt_AnAdoptedJobIsNotAnsweredTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := lose(page(0))
		a.change = func([]edgeone.Task) []edgeone.Task { return nil }
		stop := a.run(t, a.worker())
		a.give(t, purge.Bulk, 1, purge.Request{ID: "first", Zone: "zone-a", Targets: []string{page(1000)}})
		a.until(func() bool { return len(a.letters) == 1 })
		a.late = 2 * time.Second
		a.give(t, purge.Interactive, 2, purge.Request{ID: "a", Zone: "zone-a", Targets: pages(1)})
		a.until(func() bool { return len(a.calls) == 2 })
		a.give(t, purge.Interactive, 3, purge.Request{ID: "b", Zone: "zone-a", Targets: pages(1)})
		a.until(func() bool { return len(a.letters) == 3 })
		wait.Sleep(t.Context(), time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got, want := a.stored(), []string{"job-1", "job-3", "job-4"}; !slices.Equal(got, want) {
			t.Errorf("got jobs %v, want %v: each once", got, want)
		}
	})
}

func TestAdopt_DrainWaitsForTheLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := lose(page(0))
		a.hidden = time.Second
		stop := a.run(t, a.worker())
		a.give(t, purge.Bulk, 1, purge.Request{ID: "first", Zone: "zone-a", Targets: []string{page(1000)}})
		a.until(func() bool { return len(a.letters) == 1 })
		a.give(t, purge.Bulk, 2, purge.Request{ID: "r", Zone: "zone-a", Targets: pages(3)})
		a.until(func() bool { return len(a.calls) == 2 })
		wait.Sleep(t.Context(), 200*time.Millisecond)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := a.stored(); len(got) != 2 || !slices.Contains(a.acked, "bulk.2") {
			t.Errorf("got jobs %v and %v acked, want the lost answer's job to be taken", got, a.acked)
		}
	})
}

func TestAdopt_DrainEndsTheLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := lose(page(0))
		a.hidden = time.Hour
		k := a.worker()
		k.cfg.Drain = 2 * time.Second
		stop := a.run(t, k)
		a.give(t, purge.Bulk, 1, purge.Request{ID: "first", Zone: "zone-a", Targets: []string{page(1000)}})
		a.until(func() bool { return len(a.letters) == 1 })
		a.give(t, purge.Bulk, 2, purge.Request{ID: "r", Zone: "zone-a", Targets: pages(3)})
		a.until(func() bool { return len(a.calls) == 2 })
		wait.Sleep(t.Context(), 200*time.Millisecond)
		if n := len(k.sender.calls); n != 0 {
			t.Errorf("got %d calls in flight, want none: it only looks", n)
		}
		start := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 2*time.Second || !slices.Contains(a.naked, "bulk.2") {
			t.Errorf("gave back %v after %v, want the request within the drain time of 2s", a.naked, took)
		}
	})
}
