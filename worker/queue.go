package worker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
)

// queueRoom tells how many targets a queue may bring: as many as its zone's day has room for, or the
// share that may be tried where that is not known.
func (w *Worker) queueRoom(in *intake) int {
	q := in.queue
	window := w.roomOf(in.lane)
	w.mu.Lock()
	defer w.mu.Unlock()
	if q.Zone == "" {
		if w.zoneless.targets > 0 {
			return 0
		}
		return min(window, w.share(q.Lane))
	}
	waiting := w.batcher.WaitingOf(q.Account, q.Zone, q.Type)
	stalled, shut := w.stalled(q.Zone, q.Type, time.Now())
	if shut || stalled && waiting > 0 { // what waits tries whether the day has room again
		return 0
	}
	return min(window, max(w.share(q.Lane), w.quotas.left(q.Zone, q.Type))-waiting)
}

// reopen goes on with the queues that an owner before left.
func (w *Worker) reopen(ctx context.Context) error {
	queues, err := w.Ledger.Queues(ctx)
	if err != nil {
		return err
	}
	w.shelves.Lock()
	defer w.shelves.Unlock()
	w.crowded(len(queues))
	for _, q := range queues {
		if q.Account != w.cfg.Account {
			w.Log.Warn("parked requests of another account left alone", zap.String("account", q.Account))
			continue
		}
		if err := w.openQueue(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// openQueue makes a queue, if need be, and has it pulled. It tries until the context ends, and must be
// called with the lock of the shelves held.
func (w *Worker) openQueue(ctx context.Context, q record.Queue) error {
	if w.open[q] {
		return nil
	}
	for {
		source, err := w.Queues.OpenQueue(ctx, q)
		if err == nil {
			w.open[q] = true
			w.begin(newIntake("queue "+q.Zone+" "+q.Type, q.Lane, source, &q))
			return nil
		}
		w.Log.Warn("queue could not be opened, trying again", zap.String("zone", q.Zone), zap.Error(err))
		if !sleep(ctx, sameEvery) {
			return context.Cause(ctx)
		}
	}
}

// closeQueue removes a queue from which nothing came; it reports whether it did.
func (w *Worker) closeQueue(ctx context.Context, q record.Queue) bool {
	w.shelves.Lock()
	defer w.shelves.Unlock()
	closed, err := w.Queues.CloseQueue(ctx, q)
	if err != nil && !errors.Is(err, context.Canceled) {
		w.Log.Debug("queue not closed", zap.String("zone", q.Zone), zap.Error(err))
	}
	if closed {
		delete(w.open, q)
	}
	return closed
}
