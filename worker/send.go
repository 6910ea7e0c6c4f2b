package worker

import (
	"context"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// send binds and submits batches, one grant of the pace after the other, until stop ends; then it
// waits for the calls in flight.
func (w *Worker) send(stop, work context.Context) error {
	var calls sync.WaitGroup
	defer w.adopt.Wait() // the look-ups that calls began
	defer calls.Wait()
	for w.ready(stop) {
		select {
		case w.calls <- struct{}{}:
		case <-stop.Done():
			return nil
		}
		if !w.sendOne(stop, work, &calls) {
			<-w.calls
		}
	}
	return nil
}

// ready waits until the batcher has something that may be sent; false when stop has ended.
func (w *Worker) ready(stop context.Context) bool {
	for {
		now := time.Now()
		w.mu.Lock()
		w.applyHolds(now)
		at, some := w.batcher.When(now)
		w.mu.Unlock()
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
		case <-w.wake:
		case <-w.quota.Changed():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// sendOne waits for the pace and the lease, binds the batch only then, and returns once its call has
// gone to the wire or has ended. It reports whether a call was made.
func (w *Worker) sendOne(stop, work context.Context, calls *sync.WaitGroup) bool {
	if err := w.Pace.Wait(stop); err != nil {
		return false
	}
	for !w.Lease.Valid() {
		if !wait.Sleep(stop, 10*time.Millisecond) {
			return false
		}
	}
	batch := w.bind(work)
	if batch == nil {
		return false
	}
	select {
	case <-w.onWire: // of a call that ended before it was waited for
	default:
	}
	ended := make(chan struct{})
	calls.Go(func() {
		defer func() { <-w.calls }()
		defer close(ended)
		w.submit(work, batch)
	})
	select {
	case <-w.onWire:
	case <-ended:
	}
	return true
}

// bind takes the best batch, without what has expired.
func (w *Worker) bind(ctx context.Context) *batcher.Batch[waiter] {
	now := time.Now()
	w.mu.Lock()
	w.applyHolds(now)
	batch := w.batcher.Next(now)
	var ended []*request
	if batch != nil && w.expiring > 0 {
		batch.Remove(func(p waiter) bool { return expire(p, now, &ended) })
	}
	if batch != nil && len(batch.Slots) > 0 {
		batch = w.reserve(batch, now)
	}
	w.mu.Unlock()
	w.finish(ctx, ended)
	if batch == nil || len(batch.Slots) == 0 {
		return nil
	}
	return batch
}

// checkEvery is how often it is checked what has become due by time alone.
const checkEvery = 300 * time.Millisecond

// watchExpiry ends what expires while it waits, until ctx ends.
func (w *Worker) watchExpiry(ctx context.Context) {
	for wait.Sleep(ctx, checkEvery) {
		w.expire(ctx)
	}
}

// expire ends what has expired while it waited, for a call or for its zone.
func (w *Worker) expire(ctx context.Context) {
	now := time.Now()
	var ended []*request
	w.mu.Lock()
	if w.expiring > 0 {
		w.batcher.Remove(func(p waiter) bool { return expire(p, now, &ended) })
	}
	w.expireZoneless(now, &ended)
	w.mu.Unlock()
	w.finish(ctx, ended)
}

// expire ends a target whose request has expired, and notes the request when it was the last.
func expire(p waiter, now time.Time, ended *[]*request) bool {
	if !p.Expired(now) {
		return false
	}
	if p.Fail(p.index, purge.CodeExpired, "not submitted before "+p.Body.Expires.UTC().Format(time.RFC3339), "expires") {
		*ended = append(*ended, p.request)
	}
	return true
}
