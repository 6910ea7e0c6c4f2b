package tracker_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/tracker"
)

const (
	testZone = "zone-1"
	testJob  = "job-1"
	pageRows = 1000
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errThrottled = &edgeone.Error{Action: "DescribePurgeTasks", Code: "RequestLimitExceeded", Sent: true}
	errRefused   = &edgeone.Error{Action: "DescribePurgeTasks", Code: "UnauthorizedOperation.CamUnauthorized", Sent: true}
	errAway      = &edgeone.Error{Action: "DescribePurgeTasks", Message: "connection refused"}
)

// answer is what a poll brings.
type answer struct {
	tasks  []edgeone.Task
	total  int           // 0: as many as there are tasks
	err    error         // of the first page
	later  error         // of the end of the list, where all of it is read
	first  bool          // later comes before the first row
	theirs bool          // rows are of the job that they name, else of the job that was asked for
	hold   chan struct{} // not nil: answered when it is closed
}

// api is a strict API whose answers a test writes. It fails the test when a call is not as it should
// be, or has no place in the pace.
type api struct {
	t     *testing.T
	reply func(job string, poll int) answer // polls count from 1
	pace  *pace

	mu     sync.Mutex
	start  time.Time
	polls  map[string][]time.Duration
	last   map[string]answer
	calls  int
	active int
	most   int // active at a time
}

func (a *api) enter(q edgeone.TaskQuery) {
	a.calls++
	want := edgeone.TaskQuery{Zone: testZone, JobID: q.JobID, Limit: pageRows, Offset: q.Offset}
	if q.Limit == 1 {
		want.Statuses, want.Limit = q.Statuses, 1
	}
	if !equal(q, want) {
		a.t.Errorf("query is %+v, want %+v", q, want)
	}
	if got := a.pace.granted(); a.calls > got {
		a.t.Errorf("call %d went out with %d places in the pace", a.calls, got)
	}
}

func equal(a, b edgeone.TaskQuery) bool {
	return a.Zone == b.Zone && a.JobID == b.JobID && a.Limit == b.Limit && a.Offset == b.Offset &&
		a.From.IsZero() && a.To.IsZero() && slices.Equal(a.Statuses, b.Statuses) && a.Type == "" && a.Target == ""
}

// goesOn reports whether a query asks for more of what the one before it was about: the counts that follow that of the
// successes.
func goesOn(q edgeone.TaskQuery) bool {
	return q.Limit == 1 && !slices.Equal(q.Statuses, []string{edgeone.StatusSuccess})
}

// list is what the answer has for a query.
func (a answer) list(q edgeone.TaskQuery) edgeone.TaskPage {
	var tasks []edgeone.Task
	for _, task := range a.tasks {
		if len(q.Statuses) > 0 && !slices.Contains(q.Statuses, task.Status) {
			continue
		}
		if !a.theirs {
			task.JobID = q.JobID
		}
		tasks = append(tasks, task)
	}
	page := edgeone.TaskPage{Total: len(tasks), Tasks: tasks[:min(len(tasks), q.Limit)]}
	if len(q.Statuses) == 0 {
		page.Total = max(a.total, len(tasks))
	}
	return page
}

func (a *api) Unsuccessful() []string { return []string{"processing", "failed", "timeout", "canceled"} }

func (a *api) PurgeTasks(ctx context.Context, q edgeone.TaskQuery) (edgeone.TaskPage, error) {
	a.mu.Lock()
	a.enter(q)
	ans := a.last[q.JobID]
	if !goesOn(q) {
		a.polls[q.JobID] = append(a.polls[q.JobID], time.Since(a.start))
		ans = a.reply(q.JobID, len(a.polls[q.JobID]))
		a.last[q.JobID] = ans
	}
	a.active++
	a.most = max(a.most, a.active)
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.active--
	}()
	if ans.hold != nil {
		select {
		case <-ans.hold:
		case <-ctx.Done():
			return edgeone.TaskPage{}, &edgeone.Error{Action: "DescribePurgeTasks", Sent: true, Message: "context canceled"}
		}
	}
	if ans.err != nil {
		return edgeone.TaskPage{}, ans.err
	}
	return ans.list(q), nil
}

// AllTasks reads the answer of the last poll, page by page.
func (a *api) AllTasks(ctx context.Context, q edgeone.TaskQuery, before func(context.Context) error) iter.Seq2[edgeone.Task, error] {
	return func(yield func(edgeone.Task, error) bool) {
		a.mu.Lock()
		whole := q
		whole.Limit = 1 << 20
		tasks, later := a.last[q.JobID].list(whole).Tasks, a.last[q.JobID].later
		if a.last[q.JobID].first {
			tasks = nil
		}
		a.mu.Unlock()
		for page := range slices.Chunk(tasks, pageRows) {
			if err := before(ctx); err != nil {
				yield(edgeone.Task{}, err)
				return
			}
			a.mu.Lock()
			a.enter(q)
			a.mu.Unlock()
			for _, task := range page {
				if !yield(task, nil) {
					return
				}
			}
		}
		if later != nil {
			yield(edgeone.Task{}, later)
		}
	}
}

// pace counts the places it gives. With a gate it gives none before that is closed.
type pace struct {
	gate chan struct{}

	mu        sync.Mutex
	waits     int
	throttled int
}

func (p *pace) Wait(ctx context.Context) error {
	if p.gate != nil {
		select {
		case <-p.gate:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits++
	return nil
}

func (p *pace) Throttled(time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.throttled++
}

func (p *pace) granted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waits
}

// end is a job as the ledger was told of it.
type end struct {
	job record.InFlight
	out record.Outcome
	at  time.Duration
}

// books notes the ends of jobs. The first fails of them are refused; with a hold it answers when that
// is closed.
type books struct {
	hold chan struct{}

	mu    sync.Mutex
	start time.Time
	fails int
	tries int
	ends  []end
}

func (b *books) End(ctx context.Context, job record.InFlight, out record.Outcome) error {
	if b.hold != nil {
		select {
		case <-b.hold:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries++
	if b.tries <= b.fails {
		return errors.New("the broker is away")
	}
	b.ends = append(b.ends, end{job, out, time.Since(b.start)})
	return nil
}

// bench is a tracker between fakes. It is made inside a bubble.
type bench struct {
	*tracker.Tracker

	api   *api
	books *books
	pace  *pace
	start time.Time
}

func newBench(t *testing.T, cfg tracker.Config, reply func(job string, poll int) answer) *bench {
	t.Helper()
	start := time.Now()
	p := new(pace)
	b := &bench{
		api: &api{
			t: t, reply: reply, pace: p, start: start,
			polls: make(map[string][]time.Duration), last: make(map[string]answer),
		},
		books: &books{start: start}, pace: p, start: start,
	}
	b.Tracker = tracker.New(cfg, b.api, b.books, b.pace, zap.NewNop())
	return b
}

// run starts the tracker; stop ends it and checks how it ended.
func (b *bench) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1) // room for the result, so that it never blocks
	go func() { done <- b.Run(ctx) }()
	synctest.Wait()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
		b.api.mu.Lock()
		defer b.api.mu.Unlock()
		if b.api.active != 0 {
			t.Errorf("%d polls were left after Run", b.api.active)
		}
	}
}

// follow tracks one job of so many targets and gives the bubble time.
func (b *bench) follow(t *testing.T, targets int, during time.Duration) {
	t.Helper()
	stop := b.run(t)
	defer stop()
	b.Track(jobOf(testJob, targets, b.start))
	pass(during)
}

// pass lets time go by in the bubble, and what is due then happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// polls tells when a job was polled.
func (b *bench) polls(job string) []time.Duration {
	b.api.mu.Lock()
	defer b.api.mu.Unlock()
	return slices.Clone(b.api.polls[job])
}

// busiest is the most polls that were in flight at a time.
func (b *bench) busiest() int {
	b.api.mu.Lock()
	defer b.api.mu.Unlock()
	return b.api.most
}

func (b *bench) throttled() int {
	b.pace.mu.Lock()
	defer b.pace.mu.Unlock()
	return b.pace.throttled
}

func (b *bench) ends() []end {
	b.books.mu.Lock()
	defer b.books.mu.Unlock()
	return slices.Clone(b.books.ends)
}

func (b *bench) oneEnd(t *testing.T) end {
	t.Helper()
	ends := b.ends()
	if len(ends) != 1 {
		t.Fatalf("the job ended %d times, want 1; polls at %v", len(ends), b.polls(testJob))
	}
	return ends[0]
}

func (b *bench) noEnd(t *testing.T) {
	t.Helper()
	if ends := b.ends(); len(ends) != 0 {
		t.Fatalf("the job ended after %v with %+v, want no end", ends[0].at, ends[0].out)
	}
}

func jobOf(id string, rows int, submitted time.Time) record.InFlight {
	return record.InFlight{
		Head:      record.Head{Zone: testZone, ID: id, Type: purge.URL, Rows: rows, Submitted: submitted},
		Sequences: []uint64{7},
	}
}

func url(i int) string { return "https://www.example.com/" + strconv.Itoa(i) }

// rows makes a row of url(i) for each status.
func rows(statuses ...string) []edgeone.Task {
	tasks := make([]edgeone.Task, len(statuses))
	for i, s := range statuses {
		tasks[i] = edgeone.Task{JobID: testJob, Target: url(i), Type: purge.URL, Status: s}
	}
	return tasks
}

func many(n int, status string) []edgeone.Task {
	return rows(slices.Repeat([]string{status}, n)...)
}

// always gives every poll the same answer.
func always(tasks ...edgeone.Task) func(string, int) answer {
	return func(string, int) answer { return answer{tasks: tasks} }
}

// inTurn gives each poll its own answer, and the last one from then on.
func inTurn(answers ...answer) func(string, int) answer {
	return func(_ string, poll int) answer { return answers[min(poll, len(answers))-1] }
}
