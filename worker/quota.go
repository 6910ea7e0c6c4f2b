package worker

import (
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// typeField names a type in the log as EdgeOne does.
func typeField(t purge.Type) zap.Field { return zap.String("type", edgeone.TypeName(t)) }

func kindOf(g batcher.Group) quota.Kind { return quota.Kind{Zone: g.Zone, Type: g.Type} }

// limit is the batcher's: what EdgeOne takes in one call, below the operator's cap.
func (w *Worker) limit(g batcher.Group) int {
	limit := w.quota.Limit(kindOf(g))
	if maxTargets := int(w.maxTargets.Load()); maxTargets > 0 {
		limit = min(limit, maxTargets)
	}
	return limit
}

// applyHolds passes on to the batcher what may not be sent now, and no longer. It is called before the batcher is
// asked what may go, with the lock held.
func (w *Worker) applyHolds(now time.Time) {
	for _, k := range w.quota.Changes() {
		w.batcher.Hold(w.cfg.Account, k.Zone, k.Type, w.quota.Until(k, now).Until)
	}
}

// reserve cuts a batch to what may be sent of it now; the rest waits, joined by nobody (I4). It returns nil when
// nothing may. It must be called with the lock held.
func (w *Worker) reserve(batch *batcher.Batch[waiter], now time.Time) *batcher.Batch[waiter] {
	n := w.quota.Reserve(kindOf(batch.Group), len(batch.Slots), now)
	if n == len(batch.Slots) {
		return batch
	}
	rest := part(batch, batch.Slots[n:])
	rest.Tries-- // not sent: not a try
	w.batcher.Return(rest, now)
	if n == 0 {
		return nil
	}
	return part(batch, batch.Slots[:n:n])
}

// answered notes how the call of a batch ended.
func (w *Worker) answered(batch *batcher.Batch[waiter], class edgeone.Class, err error, sent time.Time) {
	answer := quota.Answer{Targets: len(batch.Slots), Class: class, Err: err, Sent: sent}
	if slow := w.quota.Answered(kindOf(batch.Group), answer, time.Now()); slow {
		w.Pace.Throttled(sent)
	}
}

// deny keeps a batch that the credentials may not send, and probes the account slowly.
func (w *Worker) deny(batch *batcher.Batch[waiter], err error) {
	now := time.Now()
	pause, again := w.quota.Denied(kindOf(batch.Group), err, now)
	w.mu.Lock()
	w.batcher.Return(batch, now.Add(again))
	w.mu.Unlock()
	if pause > 0 {
		w.Pace.Hold(pause)
	}
	wait.Signal(w.wake)
}

// retryAfter is the wait before a batch is sent again. Where its kind is held, that is the wait.
func (w *Worker) retryAfter(batch *batcher.Batch[waiter]) time.Duration {
	if w.quota.Until(kindOf(batch.Group), time.Now()).Closed() {
		return 0
	}
	return retryDelay(batch.Tries)
}

// withoutPlan ends those targets of a request that EdgeOne would refuse, as it did within the hour, and
// returns the others. They end as if they had been in the call that it refused: failed, with its code. It
// is EdgeOne that does not do them, so they are not rejected, and a request that came a moment sooner
// has the same end as one that came a moment later. It must be called with the lock held.
func (w *Worker) withoutPlan(r *request, slots []slot, now time.Time) []slot {
	keep := slots[:0]
	for _, s := range slots {
		code, reason, lacks := w.quota.PlanLacks(kindOf(s.group), now)
		if !lacks {
			keep = append(keep, s)
			continue
		}
		r.Submitted(time.Time{})
		r.Fail(s.index, code, reason, "")
	}
	return keep
}
