package worker

import (
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/purge"
)

// Holds adds to a state what the Worker holds of its lanes. It looks at every request that is held, and
// so is not for more than now and then.
func (w *Worker) Holds(lanes []metrics.Lane) (left int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := make(map[purge.Lane]*metrics.Lane, len(lanes))
	for i := range lanes {
		l := &lanes[i]
		name := purge.Lane(l.Name)
		at[name] = l
		l.Paused, l.Held, l.Window = w.paused[name], w.weight[name], w.window(name)
	}
	for _, r := range w.requests {
		if l := at[r.home]; l != nil {
			l.Requests++
			l.Targets += r.unassigned
		}
	}
	return len(w.left)
}

// Quotas returns the quotas of the zones in use, in no order: what is left now, and when that was read.
func (w *Worker) Quotas() []metrics.Quota {
	w.quotas.mu.Lock()
	defer w.quotas.mu.Unlock()
	var all []metrics.Quota
	for zone, z := range w.quotas.zones {
		for typ, q := range z.byType {
			all = append(all, metrics.Quota{
				Zone: zone, Type: typ, Batch: q.Batch, Daily: q.Daily, Available: z.available(typ), Read: z.usage.read,
			})
		}
	}
	return all
}
