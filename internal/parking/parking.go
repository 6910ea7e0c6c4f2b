package parking

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// openTimeout and storeTimeout bound one attempt: a broker that refuses a right does not answer.
	openTimeout, storeTimeout = 2 * time.Second, 5 * time.Second
	// quickTries is how often an attempt is made at once, after quickWait each, before the queue
	// counts as failing: most failures are over by then.
	quickTries, quickWait = 3, 50 * time.Millisecond
	// retryFirst and retryMax bound the time between attempts for a queue that fails; it doubles.
	retryFirst, retryMax = time.Second, time.Minute
	// drainGrace is how long a store that is under way may take after the end of the intake.
	drainGrace = time.Second
	// unsureTries is how often it is tried to open a queue that nobody needs any more: for about five
	// minutes.
	unsureTries = 10
	// pullRetry is the time between two pulls of a queue that fail.
	pullRetry = time.Second
	// idleFor is how long a queue that is neither open nor wanted is remembered.
	idleFor = 2 * time.Minute
)

// Broker opens and closes queues. OpenQueue makes a queue if there is none; CloseQueue removes one
// that is empty, and reports whether it was.
type Broker[L any] interface {
	OpenQueue(ctx context.Context, q record.Queue) (L, error)
	CloseQueue(ctx context.Context, q record.Queue) (bool, error)
}

// Ledger stores requests. Park stores them at the end of a queue, in order, and returns one error
// for each. An error that wraps [record.ErrUnfit] is final; after any other the request may or may
// not be stored. RecordFailures stores the outcomes of a request's targets.
type Ledger interface {
	RecordFailures(ctx context.Context, r record.Request, failures []record.Failure, submitted bool) error
	Park(ctx context.Context, q record.Queue, requests []record.Parked) []error
}

// Request is a request that is parked.
type Request interface {
	Queued() bool // a queue delivered it
	Parked() record.Parked
	Failures() (failures []record.Failure, submitted bool)
}

// Owner is whose requests R are parked. Its methods are called from the goroutine of the queue, one
// at a time for each queue; they may block without harm to other queues.
type Owner[L any, R Request] interface {
	// Parked says that the requests are stored.
	Parked(ctx context.Context, requests []R)
	// Unfit says that the requests can never be stored.
	Unfit(requests []R)
	// Released says that the requests could not be stored now; what put them may do so again later.
	Released(requests []R)
	// Pull pulls from an open queue until the context ends or Close returned true. It is called again
	// after an error, except one that wraps [record.ErrGone], which ends Run.
	Pull(ctx context.Context, q record.Queue, from L) error
}

// Config is what a Parking works with.
type Config[L any, R Request] struct {
	Broker Broker[L]
	Ledger Ledger
	Owner  Owner[L, R]
	Log    *zap.Logger
}

// Parking has the queues of one account. All methods are safe for concurrent use.
type Parking[L any, R Request] struct {
	cfg Config[L, R]

	begun chan struct{} // capacity 1: a queue has no goroutine yet

	mu      sync.Mutex
	queues  map[record.Queue]*queue[L, R]
	fresh   []*queue[L, R] // without a goroutine
	failing failing

	trouble *trouble.Trouble // of all queues that fail, in the log
}

// New returns a Parking without queues.
func New[L any, R Request](cfg Config[L, R]) *Parking[L, R] {
	return &Parking[L, R]{
		cfg: cfg, begun: make(chan struct{}, 1), queues: make(map[record.Queue]*queue[L, R]), failing: make(failing),
		trouble: trouble.New(cfg.Log).On("requests can not be parked; they go back to the stream and come again later", ""),
	}
}

// Put takes requests over, to be stored behind those that were put into the queue before. It
// returns those that stay with the caller: what a queue delivered, because it is stored there, and
// all if the queue fails and its next attempt is not due. It never blocks.
func (p *Parking[L, R]) Put(q record.Queue, requests ...R) (back []R) {
	fresh := make([]R, 0, len(requests))
	for _, r := range requests {
		if r.Queued() {
			back = append(back, r)
			continue
		}
		fresh = append(fresh, r)
	}
	if len(fresh) == 0 {
		return back
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.queue(q)
	if !s.accepts(time.Now()) {
		return append(back, fresh...)
	}
	s.pending = append(s.pending, fresh...)
	wait.Signal(s.wake)
	return back
}

// Open makes sure that a queue is opened, however often that takes. It does not block.
func (p *Parking[L, R]) Open(q record.Queue) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.queue(q)
	s.wanted = !s.open
	wait.Signal(s.wake)
}

// Close removes a queue that is empty, and reports whether it did. Owner.Pull calls it; it waits
// for what the queue's goroutine does just then.
func (p *Parking[L, R]) Close(ctx context.Context, q record.Queue) bool {
	p.mu.Lock()
	s := p.queues[q]
	p.mu.Unlock()
	if s == nil {
		return false
	}
	closed := make(chan bool, 1) // capacity 1: the answer needs no reader
	select {
	case s.closing <- closed:
	case <-ctx.Done():
		return false
	}
	select {
	case ok := <-closed:
		return ok
	case <-ctx.Done():
		return false
	}
}

// Len is the number of queues that are open, filled or wanted.
func (p *Parking[L, R]) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queues)
}

// Trouble describes why queues fail, empty while none does.
func (p *Parking[L, R]) Trouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failing.text()
}

// Run serves the queues until stop ends; work bounds what is stored for them. It returns once all
// of its goroutines have ended, with the first error of Owner.Pull that ends it.
func (p *Parking[L, R]) Run(stop, work context.Context) error {
	g, ctx := errgroup.WithContext(work)
	stopped, cancel := context.WithCancel(stop)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	for stopped.Err() == nil {
		for _, s := range p.starting() {
			g.Go(func() error { return s.serve(stopped, ctx) })
		}
		select {
		case <-stopped.Done():
		case <-p.begun:
		}
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("resend parked requests: %w", err)
	}
	return nil
}

func (p *Parking[L, R]) starting() []*queue[L, R] {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := p.fresh
	p.fresh = nil
	return fresh
}

// queue returns a queue, a new one if there is none; the lock must be held.
func (p *Parking[L, R]) queue(q record.Queue) *queue[L, R] {
	s := p.queues[q]
	if s == nil {
		s = &queue[L, R]{p: p, name: q, wake: make(chan struct{}, 1), closing: make(chan chan bool)}
		p.queues[q] = s
		p.fresh = append(p.fresh, s)
		wait.Signal(p.begun)
	}
	return s
}

// forget removes a queue that has nothing to do, and reports whether it did.
func (p *Parking[L, R]) forget(s *queue[L, R]) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.wanted || s.unsure || s.open || len(s.pending) > 0 {
		return false
	}
	delete(p.queues, s.name)
	if p.failing.over(s.name) {
		p.trouble.Leave() // not stored, but nobody waits for it any more
	}
	return true
}
