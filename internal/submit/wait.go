package submit

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// waiter counts ends until none is open.
type waiter struct {
	each func(purge.Outcome)
	all  chan struct{} // closed when none is open

	mu   sync.Mutex
	open map[record.Key]bool
	res  Result
}

// end notes how a request ended, once.
func (w *waiter) end(k record.Key, o purge.Outcome, before bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.open[k] {
		return
	}
	delete(w.open, k)
	if o.Status == purge.Completed {
		w.res.Completed++
	} else {
		w.res.Failed++
	}
	if before {
		w.res.Before++
	}
	for _, j := range o.Jobs {
		w.res.Jobs[j] = true
	}
	w.each(o)
	if len(w.open) == 0 {
		close(w.all)
	}
}

// publish tells what is stored already and publishes the rest. It begins when no event that comes can
// be missed any more.
func (w *waiter) publish(ctx context.Context, b Broker, requests []broker.Outgoing) error {
	source, keys := "", make([]record.Key, len(requests))
	for i, r := range requests {
		source = r.Source
		keys[i] = record.Key{Source: source, ID: r.Request.ID}
	}
	ended, err := b.EventsOf(ctx, keys)
	if err != nil {
		return err
	}
	var missing []broker.Outgoing
	for i, r := range requests {
		if o, ok := ended[keys[i]]; ok {
			w.end(keys[i], o, true)
			continue
		}
		missing = append(missing, r)
	}
	_, err = Publish(ctx, b, missing)
	return err
}

// read takes in events until none is open.
func (w *waiter) read(ctx context.Context, b Broker, source string, ready func()) error {
	return b.Events(ctx, source, broker.ReadNew, ready, func(e broker.Event) bool {
		event, err := purge.DecodeEvent(e.Data)
		if err != nil {
			event.Data = purge.Outcome{Status: e.Status} // told by its subject all the same
		}
		w.end(record.Key{Source: e.Source, ID: e.ID}, event.Data, false)
		return true
	})
}

// errDone ends the reading when every request has its end.
var errDone = errors.New("every request has ended")

// run publishes and reads side by side until every request has its end.
func (w *waiter) run(ctx context.Context, b Broker, requests []broker.Outgoing) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var readers sync.WaitGroup
	ready := make(chan struct{})
	readers.Go(func() {
		if err := w.read(ctx, b, requests[0].Source, func() { close(ready) }); err != nil {
			cancel(err)
		}
	})
	readers.Go(func() {
		select {
		case <-ready:
		case <-ctx.Done():
			return
		}
		if err := w.publish(ctx, b, requests); err != nil {
			cancel(fmt.Errorf("submit: %w", err))
		}
	})
	select {
	case <-w.all:
		cancel(errDone)
	case <-ctx.Done():
	}
	readers.Wait()
	if err := context.Cause(ctx); !errors.Is(err, errDone) {
		return err
	}
	return nil
}
