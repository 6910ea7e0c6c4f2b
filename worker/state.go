package worker

import (
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/purge"
)

// Holds adds to a state what the Worker holds of its lanes. It looks at every request that is held,
// and so is not for more than now and then.
func (w *Worker) Holds(lanes []metrics.Lane) (left int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := make(map[purge.Lane]*metrics.Lane, len(lanes))
	for i := range lanes {
		l := &lanes[i]
		name := purge.Lane(l.Name)
		at[name] = l
		l.Paused, l.Held, l.Window = w.table.inbox.Paused(name), w.table.budget.Used(name), w.table.budget.Size(name)
	}
	for _, r := range w.requests {
		if l := at[r.cameBy]; l != nil {
			l.Requests++
			l.Targets += r.Waiting()
		}
	}
	return w.retrier.retries.Len()
}

// Quotas returns the quotas of the zones in use, in no order: what is left now, and when that was
// read.
func (w *Worker) Quotas() []metrics.Quota {
	readings := w.quota.Readings()
	all := make([]metrics.Quota, len(readings))
	for i, r := range readings {
		all[i] = metrics.Quota{
			Zone: r.Zone, Type: r.Type, Batch: r.Batch, Daily: r.Daily, Available: r.Available, Read: r.Read,
		}
	}
	return all
}
