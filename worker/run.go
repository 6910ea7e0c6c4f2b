package worker

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// errDrained says that what was in flight did not end within the drain time.
var errDrained = errors.New("the drain time is over")

// Run works until pull ends, and then drains: it pulls and sends nothing more, waits for the calls in
// flight and their records, and gives back what it still holds. All of that ends with the drain time:
// what is not recorded by then is left to the next owner. The end of work ends everything at once; so
// does a lost lease, which the caller tells by ending work. It returns nil after a drain, and
// [record.ErrGone] when the stream of the requests is not there any more.
func (w *Worker) Run(pull, work context.Context) error {
	bound, end := w.bound(pull, work)
	defer end(nil)
	w.abort = end
	g, ctx := errgroup.WithContext(bound)
	stop, cancel := context.WithCancelCause(pull)
	defer cancel(nil)
	stopped := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	defer stopped()
	w.pullQueue = func(stop context.Context, p *inbox.Puller) error { return w.pull(stop, ctx, p) }
	g.Go(func() error { return w.parking.Run(stop, ctx) })
	g.Go(func() error {
		return w.receive(stop, func(p *inbox.Puller) { g.Go(func() error { return w.pull(stop, ctx, p) }) })
	})
	background, endKeepers := context.WithCancel(ctx)
	defer endKeepers()
	var keepers sync.WaitGroup
	keepers.Go(func() { w.inbox.Run(background) })
	keepers.Go(func() { w.watchExpiry(background) })
	keepers.Go(func() { w.watchZones(background) })
	keepers.Go(func() { w.watchPauses(background) })
	keepers.Go(func() { w.watchOverflow(background) })
	keepers.Go(func() { w.quota.Run(background) })
	keepers.Go(func() { w.retry(stop, ctx) })
	keepers.Go(func() { w.letters.Run(background) })
	g.Go(func() error { w.quarantine.Run(stop, ctx); return nil })
	g.Go(func() error { return w.send(stop, ctx) })
	err := g.Wait()
	endKeepers()
	keepers.Wait()
	switch cause := context.Cause(bound); {
	case work.Err() != nil:
		return context.Cause(work)
	case err == nil && errors.Is(cause, record.ErrGone):
		return cause
	case err == nil:
		w.inbox.ReleaseAll()
	}
	return err
}

// receive begins to pull, once it is known what is paused and what is parked.
func (w *Worker) receive(stop context.Context, begin func(*inbox.Puller)) error {
	if err := w.firstPauses(stop); err != nil {
		return endOf(stop, err)
	}
	if err := w.reopen(stop); err != nil {
		return endOf(stop, err)
	}
	for name, lane := range w.Lanes {
		begin(w.inbox.Lane(name, lane))
	}
	return nil
}

// bound gives the one context of all that is done for requests: it ends with work, or when the drain
// time after the end of pull is over.
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
