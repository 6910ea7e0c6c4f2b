package worker

import (
	"context"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/wait"
)

func kindOf(g batcher.Group) quota.Kind { return quota.Kind{Zone: g.Zone, Type: g.Type} }

// limit is the batcher's: what EdgeOne takes in one call, below the operator's cap.
func (w *Worker) limit(g batcher.Group) int {
	limit := w.quota.Limit(kindOf(g))
	if most := int(w.most.Load()); most > 0 {
		limit = min(limit, most)
	}
	return limit
}

// watchHolds lets go or holds the batches of the kinds whose quotas were read.
func (w *Worker) watchHolds(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.quota.Changed():
		}
		w.mu.Lock()
		for k, until := range w.quota.Changes() {
			w.hold(k.Zone, k.Type, until)
		}
		w.mu.Unlock()
		wait.Signal(w.wake)
	}
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
		r.sent = true
		r.fail(s.index, code, reason, "")
	}
	return keep
}
