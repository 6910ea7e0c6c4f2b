package tracker

import (
	"cmp"
	"context"
	"iter"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/duequeue"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/purge"
)

// API is what the tracker asks of EdgeOne. Errors are classified by [edgeone.Classify].
type API interface {
	PurgeTasks(ctx context.Context, q edgeone.TaskQuery) (edgeone.TaskPage, error)
	AllTasks(ctx context.Context, q edgeone.TaskQuery, before func(context.Context) error) iter.Seq2[edgeone.Task, error]
	// Unsuccessful gives the statuses beside success.
	Unsuccessful() []string
}

// Ledger takes the outcome of a job. It returns when all that follows is stored, or with the
// context's cause; then the job is still stored and a later leader polls it again.
type Ledger interface {
	End(ctx context.Context, job record.InFlight, out record.Outcome) error
}

// Pace keeps DescribePurgeTasks below its limit.
type Pace interface {
	Wait(ctx context.Context) error
	Throttled(sent time.Time) // a call of that time was refused as too fast
}

// Config paces the polls.
type Config struct {
	PollMin   time.Duration // from submission to the first poll; defaults to 2 s
	PollMax   time.Duration // between polls at most, unless there are more jobs than can be asked for; defaults to 30 s
	Deadline  time.Duration // from submission until a job is given up; defaults to 4 h
	PerSecond float64       // the pace, to tell when there are more jobs than that; 0: none
}

func (c Config) withDefaults() Config {
	c.PollMin = cmp.Or(c.PollMin, 2*time.Second)
	c.PollMax = max(cmp.Or(c.PollMax, 30*time.Second), c.PollMin)
	c.Deadline = cmp.Or(c.Deadline, 4*time.Hour)
	return c
}

// atOnce bounds the polls in flight with what follows them. A zone alone has half of them: at 20 calls a second
// and an API latency of 300 ms, six are in flight; the rest is room for jobs whose events are being stored.
const atOnce = 32

// endsAtOnce bounds the jobs that are ended at a time: what is told of one at full speed keeps the broker
// busy, and more would only keep others waiting for it.
const endsAtOnce = 6

// Tracker is safe for concurrent use.
type Tracker struct {
	cfg    Config
	api    API
	ledger Ledger
	pace   Pace
	log    *zap.Logger
	// troubles are those of polls that gave no answer, by zone.
	troubles *trouble.Log
	turns    *duequeue.Queue[turn] // polls and counts by when they are due
	ends     chan struct{}         // capacity endsAtOnce: one place for each job that is being ended

	mu     sync.Mutex
	open   map[*followed]struct{} // jobs that have not ended
	asking map[string]int         // polls that wait for an answer, by zone
	asked  int                    // all of them
	times  map[purge.Type]*times
	zones  map[string]*zone
	clock  edgeone.Clock
	since  time.Time // from then on it is known of each of our jobs when it was made
	each   bool      // a job was seen with several rows: the API keeps one a target, and none stands for others
	tidied time.Time
}

// New makes a Tracker.
func New(cfg Config, api API, ledger Ledger, pace Pace, log *zap.Logger) *Tracker {
	return &Tracker{
		cfg: cfg.withDefaults(), api: api, ledger: ledger, pace: pace, log: log,
		turns: duequeue.New[turn](), ends: make(chan struct{}, endsAtOnce), open: make(map[*followed]struct{}),
		asking: make(map[string]int), times: make(map[purge.Type]*times), zones: make(map[string]*zone), since: time.Now(),
		troubles: trouble.New(log),
	}
}

// Track follows a stored job. It does not block.
func (t *Tracker) Track(stored record.InFlight) {
	now := time.Now()
	job := &followed{InFlight: stored, tracked: now}
	due := t.firstLook(job)
	next := turn{job: job}
	t.mu.Lock()
	t.open[job] = struct{}{}
	t.born(job)
	if w, joined := t.join(job, due); joined {
		next.job, next.window = nil, w
	}
	t.mu.Unlock()
	if next.job != nil || next.window != nil {
		t.turns.Add(due, next)
	}
}

// firstLook is when a job is worth a poll.
func (t *Tracker) firstLook(job *followed) time.Time {
	due := job.tracked
	if due.Sub(job.Submitted) < t.cfg.PollMin {
		due = due.Add(t.cfg.PollMin) // from the answer on: the task began before it
	}
	if d, ok := t.expected(job, 0); ok {
		due = later(due, sooner(job.Submitted.Add(d), t.deadlineOf(job)))
	}
	return due
}

// deadlineOf is when a job is given up. What is learned of others puts no poll off past it.
func (t *Tracker) deadlineOf(job *followed) time.Time { return job.Submitted.Add(t.cfg.Deadline) }

// sawRows notes that the API keeps a row for each target, and rowPerTarget reports it.
func (t *Tracker) sawRows() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.each = true
}

func (t *Tracker) rowPerTarget() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.each
}

// SetPerSecond changes Config.PerSecond.
func (t *Tracker) SetPerSecond(n float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cfg.PerSecond = n
}

// InFlight is the number of jobs that are not final.
func (t *Tracker) InFlight() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}

// ByType is InFlight by types, and tells when the oldest of these jobs was submitted;
// zero when there is none.
func (t *Tracker) ByType() (byType map[purge.Type]int, oldest time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	byType = make(map[purge.Type]int)
	for job := range t.open {
		byType[job.Type]++
		if oldest.IsZero() || job.Submitted.Before(oldest) {
			oldest = job.Submitted
		}
	}
	return byType, oldest
}

// Run polls until the context ends, and returns nil then, after the polls in flight.
func (t *Tracker) Run(ctx context.Context) error {
	defer t.troubles.Close()
	var g errgroup.Group
	g.SetLimit(atOnce)
	defer func() { _ = g.Wait() }()
	for {
		next, ok := t.turns.Take(ctx)
		if !ok {
			return nil
		}
		if !t.ready(next) {
			continue
		}
		zone := next.first().Zone
		if !t.begin(zone) {
			t.turns.Add(time.Now().Add(crowdWait), next)
			continue
		}
		if err := t.pace.Wait(ctx); err != nil {
			return nil // the context ended: a clean stop
		}
		g.Go(func() error {
			if next.window != nil {
				t.look(ctx, next.window)
			} else {
				t.step(ctx, next.job)
			}
			return nil
		})
	}
}

// step polls a job once and does what follows from it.
func (t *Tracker) step(ctx context.Context, job *followed) {
	begun := time.Now()
	out, err := t.poll(ctx, job)
	t.answered(job.Zone)
	t.settle(job, out != nil)
	switch {
	case err != nil:
		t.again(job, t.failed(ctx, job, err, begun))
	case out == nil:
		t.again(job, t.backoff(job))
	default:
		t.end(ctx, job, out)
	}
}

// failed tells how long a job is put off after a poll that gave no answer.
func (t *Tracker) failed(ctx context.Context, job *followed, err error, begun time.Time) time.Duration {
	if edgeone.Classify(err) == edgeone.Throttled {
		t.pace.Throttled(begun)
		return t.cfg.PollMin // its turn comes by the pace
	}
	wait := t.backoff(job)
	if ctx.Err() == nil {
		t.failing("poll gave no answer", job.Zone, err, zap.String("job", job.ID), zap.Duration("wait", wait))
	}
	return wait
}

func (t *Tracker) end(ctx context.Context, job *followed, out *record.Outcome) {
	select {
	case t.ends <- struct{}{}:
		defer func() { <-t.ends }()
	case <-ctx.Done():
		t.again(job, t.cfg.PollMax)
		return
	}
	if err := t.ledger.End(ctx, job.InFlight, *out); err != nil {
		if ctx.Err() == nil {
			t.log.Error("job could not be ended", zap.String("job", job.ID), zap.String("zone", job.Zone), zap.Error(err))
		}
		t.again(job, t.cfg.PollMax)
		return
	}
	t.mu.Lock()
	delete(t.open, job)
	t.mu.Unlock()
	t.log.Info("job final", zap.String("job", job.ID), zap.String("zone", job.Zone),
		zap.String("type", edgeone.TypeName(job.Type)),
		zap.Int("targets", job.Rows), zap.Int("polls", job.polls), zap.Duration("took", time.Since(job.Submitted)), zap.String("code", out.Rest.Code))
}

func (t *Tracker) again(job *followed, wait time.Duration) {
	t.turns.Add(time.Now().Add(wait), turn{job: job})
}

// backoff is until the time when recent jobs were final; past that it grows from PollMin by half with each
// poll.
func (t *Tracker) backoff(job *followed) time.Duration {
	wait, most := t.cfg.PollMin, t.cfg.PollMax
	since := time.Since(job.Submitted)
	if left := t.cfg.Deadline - since; left > 0 {
		most = min(most, max(left, wait))
	}
	t.mu.Lock()
	d, ok := t.expectedAfter(job, since)
	scout := t.timesOf(job.Type).scout == job
	t.mu.Unlock()
	switch {
	case ok:
		return min(max(wait, d-since), most)
	case scout:
		return min(wait, most)
	}
	for range min(job.polls-1, 20) {
		wait += wait / 2
	}
	return min(wait, most)
}
