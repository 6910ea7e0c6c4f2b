package worker

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/adopt"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// sender binds batches, calls EdgeOne, and acts on the answers.
type sender struct {
	*state

	line     *line
	recorder *recorder
	api      API
	pace     Pace
	lease    Lease
	quota    *quota.Gate
	adopt    *adopt.Finder // the job of a call whose answer was lost
	metrics  *metrics.Pipeline
	log      *zap.Logger

	onWire chan struct{} // capacity 1: the call granted last has gone to the wire
	calls  chan struct{} // capacity callsAtOnce: one place for each call in flight
}

func newSender(w *Worker, deps Deps) *sender {
	return &sender{
		state: w.state, line: w.line, recorder: w.recorder, api: deps.API, pace: deps.Pace, lease: deps.Lease,
		quota: w.quota, metrics: deps.Metrics, log: deps.Log,
		adopt: adopt.New(adopt.Config{
			API: deps.API, Pace: deps.Look, HandedOver: w.cfg.HandedOver, Log: deps.Log,
		}),
		onWire: make(chan struct{}, 1), calls: make(chan struct{}, callsAtOnce),
	}
}

// send binds and submits batches, one grant of the pace after the other, until stop ends; then it
// waits for the calls in flight.
func (sn *sender) send(stop, work context.Context) error {
	var calls sync.WaitGroup
	defer sn.adopt.Wait() // the look-ups that calls began
	defer calls.Wait()
	for sn.ready(stop) {
		select {
		case sn.calls <- struct{}{}:
		case <-stop.Done():
			return nil
		}
		if !sn.sendOne(stop, work, &calls) {
			<-sn.calls
		}
	}
	return nil
}

// ready waits until the batcher has something that may be sent; false when stop has ended.
func (sn *sender) ready(stop context.Context) bool {
	for {
		now := time.Now()
		sn.mu.Lock()
		sn.line.applyHolds(now)
		at, some := sn.batcher.When(now)
		sn.mu.Unlock()
		wait := time.Until(at)
		if !some {
			wait = time.Hour
		}
		if stop.Err() != nil || wait <= 0 {
			return stop.Err() == nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-stop.Done():
		case <-sn.line.wake:
		case <-sn.quota.Changed():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// sendOne waits for the pace and the lease, binds the batch only then, and returns once its call
// has gone to the wire or has ended. It reports whether a call was made.
func (sn *sender) sendOne(stop, work context.Context, calls *sync.WaitGroup) bool {
	if err := sn.pace.Wait(stop); err != nil {
		return false
	}
	for !sn.lease.Valid() {
		if !wait.Sleep(stop, 10*time.Millisecond) {
			return false
		}
	}
	batch := sn.bind(work)
	if batch == nil {
		return false
	}
	select {
	case <-sn.onWire: // of a call that ended before it was waited for
	default:
	}
	ended := make(chan struct{})
	calls.Go(func() {
		defer func() { <-sn.calls }()
		defer close(ended)
		sn.submit(work, batch)
	})
	select {
	case <-sn.onWire:
	case <-ended:
	}
	return true
}

// bind takes the best batch, without what has expired.
func (sn *sender) bind(ctx context.Context) *batcher.Batch[waiter] {
	now := time.Now()
	sn.mu.Lock()
	sn.line.applyHolds(now)
	batch := sn.batcher.Next(now)
	var ended []*request
	if batch != nil && sn.expiring > 0 {
		batch.Remove(func(p waiter) bool { return expire(p, now, &ended) })
	}
	if batch != nil && len(batch.Slots) > 0 {
		batch = sn.line.reserve(batch, now)
	}
	sn.mu.Unlock()
	sn.recorder.finish(ctx, ended)
	if batch == nil || len(batch.Slots) == 0 {
		return nil
	}
	return batch
}

// checkEvery is how often it is checked what has become due by time alone.
const checkEvery = 300 * time.Millisecond

// answered notes how the call of a batch ended.
func (sn *sender) answered(batch *batcher.Batch[waiter], class edgeone.Class, err error, sent time.Time) {
	answer := quota.Answer{Targets: len(batch.Slots), Class: class, Err: err, Sent: sent}
	if slow := sn.quota.Answered(kindOf(batch.Group), answer, time.Now()); slow {
		sn.pace.Throttled(sent)
	}
}
