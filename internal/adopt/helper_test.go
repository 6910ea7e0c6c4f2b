package adopt

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

// ahead is how much the API's clock differs from ours.
const ahead = -90 * time.Second

var errLost = &edgeone.Error{Action: "DescribePurgeTasks", Message: "reset", Sent: true}

// api has the rows of jobs. It cuts times to the second and has a clock of its own.
type api struct {
	mu      sync.Mutex
	rows    []row
	jobs    int
	hidden  time.Duration // how long a new job does not show
	refused error         // the answer to each look-up
	lookups int           // that were asked for a target
	slowed  int           // how often the pace was slowed
}

type row struct {
	edgeone.Task

	made time.Time // by our clock
}

// create makes a job of a call, and returns the answer to it.
func (a *api) create(p edgeone.Purge) edgeone.Created {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jobs++
	now := time.Now()
	task := edgeone.Task{
		JobID: fmt.Sprintf("job-%d", a.jobs), Type: p.Type, Method: p.Method,
		Created: now.Add(ahead).Truncate(edgeone.Precision).UTC(),
	}
	for _, task.Target = range p.Targets {
		a.rows = append(a.rows, row{task, now})
	}
	if p.Type == purge.All {
		task.Target = "example.com"
		a.rows = append(a.rows, row{task, now})
	}
	return edgeone.Created{JobID: task.JobID, ServerTime: task.Created}
}

func (a *api) AllTasks(
	ctx context.Context, q edgeone.TaskQuery, before func(context.Context) error,
) iter.Seq2[edgeone.Task, error] {
	return func(yield func(edgeone.Task, error) bool) {
		if err := before(ctx); err != nil {
			yield(edgeone.Task{}, err)
			return
		}
		found, err := a.find(q)
		for _, task := range found {
			if !yield(task, nil) {
				return
			}
		}
		if err != nil {
			yield(edgeone.Task{}, err)
		}
	}
}

func (a *api) find(q edgeone.TaskQuery) (found []edgeone.Task, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if byJob := q.JobID != ""; byJob == (q.Type != "") || byJob != q.From.IsZero() || byJob != q.To.IsZero() {
		return nil, errors.New("the query is neither for a job nor for a time")
	}
	if q.JobID == "" {
		a.lookups++
	}
	for _, r := range a.rows {
		switch {
		case time.Since(r.made) < a.hidden:
		case q.JobID != "" && r.JobID != q.JobID:
		case q.Type != "" && r.Type != q.Type:
		case q.Target != "" && r.Target != q.Target:
		case !q.From.IsZero() && r.Created.Before(q.From.Truncate(edgeone.Precision)):
		case !q.To.IsZero() && r.Created.After(q.To):
		default:
			found = append(found, r.Task)
		}
	}
	return found, a.refused
}

func (a *api) Wait(ctx context.Context) error { return context.Cause(ctx) }

func (a *api) Throttled(time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slowed++
}

func (a *api) finder() *Finder { return New(Config{API: a, Pace: a, Log: zap.NewNop()}) }

// readClock makes a call that is answered, whose answer shows the API's clock.
func (a *api) readClock(t *testing.T, f *Finder) {
	t.Helper()
	p := urls("https://www.example.com/first")
	c := f.Begin(p, time.Now())
	if got := f.End(c, edgeone.Done, a.create(p)); got != Own {
		t.Fatalf("the first job is %v, want %v", got, Own)
	}
}

// lose begins a call and loses its answer.
func (f *Finder) lose(p edgeone.Purge) *Call {
	c := f.Begin(p, time.Now())
	f.End(c, edgeone.Ambiguous, edgeone.Created{})
	return c
}

// findNow looks for the job of a call, and returns it, or "" if there is none, and whether the
// Finder said anything.
func (f *Finder) findNow(ctx context.Context, c *Call, urgent bool) (job string, said bool) {
	f.Find(ctx, c, urgent, func(created edgeone.Created, found bool) {
		if said = true; found {
			job = created.JobID
		}
	})
	f.Wait()
	return job, said
}

func urls(targets ...string) edgeone.Purge {
	return edgeone.Purge{Zone: "zone-a", Type: purge.URL, Targets: targets}
}

func page(n int) string { return fmt.Sprintf("https://www.example.com/page/%d", n) }
