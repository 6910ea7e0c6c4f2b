package worker

import (
	"context"

	"github.com/edgepurge/edgepurge/internal/inbox"
)

// pull admits what a lane or queue brings while there is room, until stop ends or the queue is
// empty.
func (w *Worker) pull(stop, work context.Context, from *inbox.Puller) error {
	for stop.Err() == nil {
		lot, err := from.Pull(stop)
		if err != nil {
			return err
		}
		w.admit(work, from, lot)
		if q := from.Queue(); q != nil && len(lot) == 0 && from.Unacked() == 0 && w.parking.Close(stop, *q) {
			break
		}
	}
	from.Stop()
	return nil
}

// weigh brings what a request takes of its window up to date; it must be called with the lock held.
func (w *Worker) weigh(r *request) { w.budget.Set(&r.charge, r.cameBy, r.ChargedLane(), r.Load()) }
