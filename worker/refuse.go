package worker

import (
	"context"

	"github.com/edgepurge/edgepurge/internal/deadletter"
	"github.com/edgepurge/edgepurge/internal/record"
)

// refusal is a request that is refused as a whole.
type refusal = deadletter.Refusal[*request]

// letterOwner is the Worker as the backlog of dead letters knows it.
type letterOwner struct{ w *Worker }

func (o letterOwner) Counted(letters []record.DeadLetter) { o.w.Metrics.Buried(letters) }

func (o letterOwner) Stored(ctx context.Context, requests []*request) { o.w.ackRequests(ctx, requests) }

// conclude stores the dead letters and events of refused requests. It returns those that may not be
// acked: wait are held until their dead letters can be stored, drop are not held any more.
func (w *Worker) conclude(ctx context.Context, all []refusal) (wait, drop map[*request]bool) {
	w.mu.Lock()
	for i, r := range all {
		all[i].Transient = w.requests[r.Request.Key()] != r.Request
	}
	w.mu.Unlock()
	wait, drop = w.letters.Conclude(ctx, all)
	w.mu.Lock()
	defer w.mu.Unlock()
	for r := range wait {
		if w.requests[r.Key()] != r {
			continue // it has its end by now
		}
		// Its dead letter and its event have all that is needed: the rest may be many times as
		// large (I5).
		r.Shed()
		r.message = nil
		w.budget.Set(&r.charge, r.cameBy, r.ChargedLane(), 1)
	}
	return wait, drop
}

// letGo forgets requests whose messages are not acked: they come again.
func (w *Worker) letGo(those map[*request]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for r := range those {
		w.forget(r)
	}
}
