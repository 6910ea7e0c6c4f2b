package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// errDrained says that what was in flight did not end within the drain time.
var errDrained = errors.New("the drain time is over")

// Run works until pull ends, and then drains: it pulls and sends nothing more, waits for the calls
// in flight and their records, and gives back what it still holds. All of that ends with the drain
// time: what is not recorded by then is left to the next owner. The end of work ends everything at
// once; so does a lost lease, which the caller tells by ending work. It returns nil after a drain,
// and [record.ErrGone] when the stream of the requests is not there any more.
func (w *Worker) Run(pull, work context.Context) error {
	bound, end := w.bound(pull, work)
	defer end(nil)
	w.table.abort = end
	g, ctx := errgroup.WithContext(bound)
	stop, cancel := context.WithCancelCause(pull)
	defer cancel(nil)
	stopped := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	defer stopped()
	w.parker.pullQueue = func(stop context.Context, p *inbox.Puller) error { return w.admitter.pull(stop, ctx, p) }
	g.Go(func() error { return w.parker.parking.Run(stop, ctx) })
	g.Go(func() error {
		return w.receive(stop, func(p *inbox.Puller) { g.Go(func() error { return w.admitter.pull(stop, ctx, p) }) })
	})
	background, endKeepers := context.WithCancel(ctx)
	defer endKeepers()
	var keepers sync.WaitGroup
	keepers.Go(func() { w.table.inbox.Run(background) })
	keepers.Go(func() { w.watchExpiry(background) })
	keepers.Go(func() { w.admitter.watchZones(background) })
	keepers.Go(func() { w.watchPauses(background) })
	keepers.Go(func() { w.parker.watchOverflow(background) })
	keepers.Go(func() { w.quota.Run(background) })
	keepers.Go(func() { w.retrier.retry(stop, ctx) })
	keepers.Go(func() { w.recorder.letters.Run(background) })
	g.Go(func() error { w.admitter.quarantine.Run(stop, ctx); return nil })
	g.Go(func() error { return w.sender.send(stop, ctx) })
	err := g.Wait()
	endKeepers()
	keepers.Wait()
	switch cause := context.Cause(bound); {
	case work.Err() != nil:
		return context.Cause(work)
	case err == nil && errors.Is(cause, record.ErrGone):
		return cause
	case err == nil:
		w.table.inbox.ReleaseAll()
	}
	return err
}

// receive begins to pull, once it is known what is paused and what is parked.
func (w *Worker) receive(stop context.Context, begin func(*inbox.Puller)) error {
	if err := w.firstPauses(stop); err != nil {
		return endOf(stop, err)
	}
	if err := w.parker.reopen(stop); err != nil {
		return endOf(stop, err)
	}
	for name, lane := range w.lanes {
		begin(w.table.inbox.Lane(name, lane))
	}
	return nil
}

// bound gives the one context of all that is done for requests: it ends with work, or when the
// drain time after the end of pull is over.
func (w *Worker) bound(pull, work context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(work)
	drain := context.AfterFunc(pull, func() {
		if wait.Sleep(ctx, w.cfg.Drain) {
			cancel(errDrained)
		}
	})
	return ctx, func(cause error) { drain(); cancel(cause) }
}

// endOf is nil for an error that only says that the context has ended.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the context ended: a clean stop
	}
	return err
}

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
	w.recorder.finish(ctx, ended)
}

// expire ends a target whose request has expired, and notes the request when it was the last.
func expire(p waiter, now time.Time, ended *[]*request) bool {
	if !p.Expired(now) {
		return false
	}
	reason := "not submitted before " + p.Body.Expires.UTC().Format(time.RFC3339)
	if p.Fail(p.index, purge.CodeExpired, reason, "expires") {
		*ended = append(*ended, p.request)
	}
	return true
}

// expireZoneless ends what has expired before its zone was known; it must be called with the lock
// held.
func (w *Worker) expireZoneless(now time.Time, ended *[]*request) {
	for _, r := range w.parker.zonewait.Expire(now) {
		w.table.enlist(r)
		for i := range r.Total {
			expire(waiter{r, i}, now, ended)
		}
	}
}
