package tracker

import (
	"cmp"
	"container/heap"
	"context"
	"iter"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
)

// API is what the tracker asks of EdgeOne. Errors are classified by [edgeone.Classify].
type API interface {
	PurgeTasks(ctx context.Context, q edgeone.TaskQuery) (edgeone.TaskPage, error)
	AllTasks(ctx context.Context, q edgeone.TaskQuery, before func(context.Context) error) iter.Seq2[edgeone.Task, error]
}

// Ledger takes the outcome of a job. It returns when all that follows is stored, or with the
// context's cause; then the job is still stored and a later owner polls it again.
type Ledger interface {
	End(ctx context.Context, job record.InFlight, out record.Outcome) error
}

// Pace keeps DescribePurgeTasks below its limit.
type Pace interface {
	Wait(ctx context.Context) error
	Throttled()
}

// Config paces the polls.
type Config struct {
	PollMin  time.Duration // from submission to the first poll; defaults to 2 s
	PollMax  time.Duration // between polls at most; defaults to 30 s
	Deadline time.Duration // from submission until a job is given up; defaults to 4 h
}

func (c Config) withDefaults() Config {
	c.PollMin = cmp.Or(c.PollMin, 2*time.Second)
	c.PollMax = max(cmp.Or(c.PollMax, 30*time.Second), c.PollMin)
	c.Deadline = cmp.Or(c.Deadline, 4*time.Hour)
	return c
}

// atOnce bounds the polls in flight with what follows them: at 20 calls a second and an API latency
// of 300 ms, six are; the rest is room for jobs whose events are being stored.
const atOnce = 24

// Tracker is safe for concurrent use.
type Tracker struct {
	cfg    Config
	api    API
	ledger Ledger
	pace   Pace
	log    *zap.Logger
	wake   chan struct{} // capacity 1: a job was added that may be the next due

	mu   sync.Mutex
	jobs queue
	busy int // polled or ended right now
}

// New makes a Tracker.
func New(cfg Config, api API, ledger Ledger, pace Pace, log *zap.Logger) *Tracker {
	return &Tracker{
		cfg: cfg.withDefaults(), api: api, ledger: ledger, pace: pace, log: log,
		wake: make(chan struct{}, 1),
	}
}

// Track follows a stored job. It does not block.
func (t *Tracker) Track(job record.InFlight) {
	due := time.Now()
	if due.Sub(job.Submitted) < t.cfg.PollMin {
		due = due.Add(t.cfg.PollMin) // from the answer on: the task began before it
	}
	t.push(&followed{InFlight: job, due: due}, 0)
}

// InFlight is the number of jobs that are not final.
func (t *Tracker) InFlight() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.jobs) + t.busy
}

// Run polls until the context ends, and returns nil then, after the polls in flight.
func (t *Tracker) Run(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(atOnce)
	defer func() { _ = g.Wait() }()
	for {
		job, wait := t.pop(time.Now())
		if job == nil {
			if !t.sleep(ctx, wait) {
				return nil
			}
			continue
		}
		if err := t.pace.Wait(ctx); err != nil {
			return nil // the context ended: a clean stop
		}
		g.Go(func() error {
			t.step(ctx, job)
			return nil
		})
	}
}

func (t *Tracker) sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.wake:
	case <-timer.C:
	}
	return true
}

// step polls a job once and does what follows from it.
func (t *Tracker) step(ctx context.Context, job *followed) {
	out, err := t.poll(ctx, job)
	switch {
	case err != nil:
		t.again(job, t.failed(ctx, job, err))
	case out == nil:
		t.again(job, t.backoff(job))
	default:
		t.end(ctx, job, out)
	}
}

// failed tells how long a job is put off after a poll that gave no answer.
func (t *Tracker) failed(ctx context.Context, job *followed, err error) time.Duration {
	if edgeone.Classify(err) == edgeone.Throttled {
		t.pace.Throttled()
		return t.cfg.PollMin // its turn comes by the pace
	}
	wait := t.backoff(job)
	if ctx.Err() == nil {
		t.log.Warn("poll gave no answer", zap.String("job", job.ID), zap.String("zone", job.Zone),
			zap.Duration("wait", wait), zap.Error(err))
	}
	return wait
}

func (t *Tracker) end(ctx context.Context, job *followed, out *record.Outcome) {
	if err := t.ledger.End(ctx, job.InFlight, *out); err != nil {
		if ctx.Err() == nil {
			t.log.Error("job could not be ended", zap.String("job", job.ID), zap.String("zone", job.Zone), zap.Error(err))
		}
		t.again(job, t.cfg.PollMax)
		return
	}
	t.mu.Lock()
	t.busy--
	t.mu.Unlock()
	t.log.Info("job final", zap.String("job", job.ID), zap.String("zone", job.Zone), zap.Int("targets", job.Rows),
		zap.Int("polls", job.polls), zap.Duration("took", time.Since(job.Submitted)), zap.String("code", out.Rest.Code))
}

func (t *Tracker) again(job *followed, wait time.Duration) {
	job.due = time.Now().Add(wait)
	t.push(job, 1)
}

// backoff grows from PollMin by half with each poll.
func (t *Tracker) backoff(job *followed) time.Duration {
	wait := t.cfg.PollMin
	for range min(job.polls-1, 20) {
		wait += wait / 2
	}
	return min(wait, t.cfg.PollMax)
}

func (t *Tracker) push(job *followed, busy int) {
	t.mu.Lock()
	t.busy -= busy
	heap.Push(&t.jobs, job)
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// pop gives a job that is due, or how long none is.
func (t *Tracker) pop(now time.Time) (*followed, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.jobs) == 0 {
		return nil, time.Hour
	}
	if wait := t.jobs[0].due.Sub(now); wait > 0 {
		return nil, wait
	}
	t.busy++
	return heap.Pop(&t.jobs).(*followed), 0
}
