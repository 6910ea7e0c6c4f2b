package worker

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
)

// queueRoom tells how many targets a queue may bring: as many as its zone's day has room for, or the
// share that may be tried where that is not known.
func (w *Worker) queueRoom(q record.Queue) int {
	window := w.budget.Room(q.Lane)
	w.mu.Lock()
	defer w.mu.Unlock()
	if q.Zone == "" {
		if w.zoneless.targets > 0 {
			return 0
		}
		return min(window, w.share(q.Lane))
	}
	waiting := w.batcher.WaitersOf(q.Account, q.Zone, q.Type)
	k := quota.Kind{Zone: q.Zone, Type: q.Type}
	if h := w.quota.Until(k, time.Now()); h.Closed() || h.Waits && waiting > 0 { // what waits tries whether the day has room again
		return 0
	}
	return min(window, max(w.share(q.Lane), w.quota.Room(k))-waiting)
}

// reopen goes on with the queues that a leader before left.
func (w *Worker) reopen(ctx context.Context) error {
	queues, err := w.Ledger.Queues(ctx)
	if err != nil {
		return err
	}
	w.setBlockedKinds(len(queues))
	for _, q := range queues {
		if q.Account != w.cfg.Account {
			w.Log.Warn("parked requests of another account left alone", zap.String("account", q.Account))
			continue
		}
		w.parking.Open(q)
	}
	return nil
}
