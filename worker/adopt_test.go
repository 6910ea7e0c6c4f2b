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

// past is an API whose jobs can be asked for. It cuts times to the second, and has a clock of its own.
type past struct {
	*world

	answer  func(p edgeone.Purge) error // to each call, once its job is made
	change  func(rows []edgeone.Task) []edgeone.Task
	late    time.Duration // how long the answer to what is made takes
	hidden  time.Duration // how long a new job does not show
	refused error         // to each DescribePurgeTasks

	rows  []edgeone.Task // guarded by world.mu, as what follows
	made  []time.Time
	looks int
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
		if p.Type == edgeone.TypeAll {
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
			if i%pageOf == 0 && before(ctx) != nil || a.refused != nil {
				yield(edgeone.Task{}, a.refused)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if a.refused != nil {
			yield(edgeone.Task{}, a.refused)
		}
	}
}

func (a *past) find(q edgeone.TaskQuery) (found []edgeone.Task) {
	a.set(func() {
		a.looks++
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
	k := a.world.worker()
	k.API, k.Tracker = a, tracked{a}
	return k
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

func TestAdopt_TakesOnlyAnEqualJob(t *testing.T) {
	each := func(change func(*edgeone.Task)) func([]edgeone.Task) []edgeone.Task {
		return func(rows []edgeone.Task) []edgeone.Task {
			for i := range rows {
				change(&rows[i])
			}
			return rows
		}
	}
	prefixes := purge.Request{Type: purge.Prefix, Method: purge.Delete, Targets: pages(3)}
	tests := []struct {
		name    string
		request purge.Request
		change  func([]edgeone.Task) []edgeone.Task
		want    bool
	}{
		{name: "equal", want: true},
		{name: "of one target", request: purge.Request{Targets: pages(1)}, want: true},
		{name: "of a whole zone", request: purge.Request{Type: purge.All}, want: true},
		{name: "with its method", request: prefixes, want: true},
		{name: "of a version that tells no method", request: prefixes, change: each(func(r *edgeone.Task) { r.Method = "" }), want: true},
		{name: "of another method", request: prefixes, change: each(func(r *edgeone.Task) { r.Method = "invalidate" })},
		{name: "with one target more", change: func(rows []edgeone.Task) []edgeone.Task {
			more := rows[0]
			more.Target = page(100)
			return append(rows, more)
		}},
		{name: "with one target less", change: func(rows []edgeone.Task) []edgeone.Task { return rows[:len(rows)-1] }},
		{name: "with one row for all", change: func(rows []edgeone.Task) []edgeone.Task { return rows[:1] }},
		{name: "with one target for another", change: func(rows []edgeone.Task) []edgeone.Task {
			rows[2].Target = page(100)
			return rows
		}},
		{name: "of another type", change: each(func(r *edgeone.Task) { r.Type = edgeone.TypePrefix })},
		{name: "with one row of another type", change: func(rows []edgeone.Task) []edgeone.Task {
			rows[2].Type = edgeone.TypePrefix
			return rows
		}},
		{name: "of an older day", change: each(func(r *edgeone.Task) { r.Created = r.Created.Add(-24 * time.Hour) })},
		{name: "made before", change: each(func(r *edgeone.Task) { r.Created = r.Created.Add(-2 * time.Second) })},
		{name: "with one row made before", change: func(rows []edgeone.Task) []edgeone.Task {
			rows[2].Created = rows[2].Created.Add(-2 * time.Second)
			return rows
		}},
		{name: "that does not tell when it was made", change: func(rows []edgeone.Task) []edgeone.Task {
			rows[2].Created = time.Time{}
			return rows
		}},
		{name: "that was answered", change: each(func(r *edgeone.Task) { r.JobID = "job-1" })},
		{name: "that was taken over", change: each(func(r *edgeone.Task) { r.JobID = "job-old" })},
		{name: "spelled otherwise", want: true, change: func(rows []edgeone.Task) []edgeone.Task {
			rows[1].Target, rows[2].Target = "HTTPS://WWW.Example.com:443/page/1", rows[2].Target+"#top"
			return rows
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := lose()
				k := a.worker()
				k.Known("job-old")
				reg := prometheus.NewRegistry()
				k.Metrics = metrics.NewPipeline(reg)
				stop := a.run(t, k)
				a.give(t, purge.Bulk, 1, purge.Request{ID: "first", Zone: "zone-a", Targets: []string{page(1000)}})
				a.until(func() bool { return len(a.letters) == 1 })
				lost := false
				a.change = tt.change
				a.answer = func(edgeone.Purge) error {
					if lost {
						return nil
					}
					lost = true
					return errLost
				}
				r := tt.request
				if r.ID, r.Zone = "r", "zone-a"; r.Targets == nil && r.Type != purge.All {
					r.Targets = pages(3)
				}
				a.give(t, purge.Bulk, 2, r)
				a.until(func() bool { return len(a.letters) == 2 })
				wait.Sleep(t.Context(), time.Minute)
				if err := stop(); err != nil {
					t.Error(err)
				}
				want, calls := "job-3", 3
				if tt.want {
					want, calls = "job-2", 2
				}
				if got := a.stored(); got[1] != want || len(a.calls) != calls {
					t.Errorf("got jobs %v in %d calls, want %s in %d", got, len(a.calls), want, calls)
				}
				if got := counted(t, reg, "edgepurge_jobs_adopted_total"); got != float64(3-calls) {
					t.Errorf("got %v adopted, want %d", got, 3-calls)
				}
			})
		})
	}
}

func TestAdopt_WaitsForWhatDoesNotShowYet(t *testing.T) {
	tests := []struct {
		name   string
		lane   purge.Lane
		hidden time.Duration
		least  time.Duration // until it is stored
		most   time.Duration
		want   string
	}{
		{"at once", purge.Interactive, 0, 500 * time.Millisecond, 900 * time.Millisecond, "job-2"},
		{"after a second", purge.Interactive, time.Second, 1500 * time.Millisecond, 1900 * time.Millisecond, "job-2"},
		{"urgent, after three", purge.Interactive, 3 * time.Second, 1500 * time.Millisecond, 2100 * time.Millisecond, "job-3"},
		{"bulk, after three", purge.Bulk, 3 * time.Second, 4 * time.Second, 4900 * time.Millisecond, "job-2"},
		{"bulk, after ten", purge.Bulk, 10 * time.Second, 4 * time.Second, 4900 * time.Millisecond, "job-3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := lose(page(0))
				a.hidden = tt.hidden
				stop := a.run(t, a.worker())
				a.give(t, purge.Bulk, 1, purge.Request{ID: "first", Zone: "zone-a", Targets: []string{page(1000)}})
				a.until(func() bool { return len(a.letters) == 1 })
				start := time.Now()
				a.give(t, tt.lane, 2, purge.Request{ID: "r", Zone: "zone-a", Targets: pages(3)})
				a.until(func() bool { return len(a.letters) == 2 })
				took := time.Since(start)
				if got := a.stored()[1]; got != tt.want || took < tt.least || took > tt.most {
					t.Errorf("got %s after %v, want %s after %v to %v", got, took, tt.want, tt.least, tt.most)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAdopt_InDoubtSendsAgain(t *testing.T) {
	tests := []struct {
		name  string
		set   func(*past)
		first bool // an answer tells the API's clock
		looks int
		most  time.Duration
	}{
		{"nothing tells the time", func(*past) {}, false, 0, 5 * time.Second},
		{"no look is answered", func(a *past) { a.refused = errLost }, true, 3, 5 * time.Second},
		{"the look is refused", func(a *past) { a.refused = &edgeone.Error{Code: "UnauthorizedOperation.CamUnauthorized"} }, true, 1, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := lose(page(0))
				tt.set(a)
				stop := a.run(t, a.worker())
				if tt.first {
					a.give(t, purge.Bulk, 1, purge.Request{ID: "first", Zone: "zone-a", Targets: []string{page(1000)}})
					a.until(func() bool { return len(a.letters) == 1 })
				}
				before := a.jobs
				start := time.Now()
				a.give(t, purge.Bulk, 2, purge.Request{ID: "r", Zone: "zone-a", Targets: pages(3)})
				a.until(func() bool { return a.jobs > before })
				if took := time.Since(start); took > tt.most || a.looks != tt.looks || len(a.calls) != before+2 {
					t.Errorf("got %d calls and %d looks in %v, want %d and %d in %v", len(a.calls), a.looks, took, before+2, tt.looks, tt.most)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
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
		if n := len(k.calls); n != 0 {
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
