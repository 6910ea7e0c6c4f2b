package worker

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// What waits for a zone's next day, for a permission, or for zones that can't be told now, would fill the
// window and keep others out (I7). So beyond a share of the window such requests move, whole and in order,
// to a queue in the broker; when the day has room again, they come back as fast as it allows.

const (
	// parkedShare is the part of a window that may wait in memory for one such reason: one in ten.
	parkedShare = 10
	// crowdShare is the part that may wait for all of them together: one half.
	crowdShare = 2
)

// share is what may wait in a lane's window for one such reason. It must be called with the lock held.
func (w *Worker) share(lane purge.Lane) int {
	window := w.window(lane)
	return max(1, min(window/parkedShare, window/crowdShare/max(1, w.crowd)))
}

// crowded notes how many types wait for a day or a permission, in line or in queues.
func (w *Worker) crowded(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.crowd = n
}

// shelf tells where a request that is about to get in line is to be parked instead, nil if it is not.
// It must be called with the lock held.
func (w *Worker) shelf(r *request, slots []slot, held []bool, now time.Time) *record.Queue {
	if len(slots) == 0 || slices.Contains(held, true) || r.intake.queue != nil || r.unfit {
		return nil
	}
	g := slots[0].group
	if slices.ContainsFunc(slots, func(s slot) bool { return s.group.Zone != g.Zone }) {
		return nil
	}
	if stalled, _ := w.stalled(g.Zone, g.Type, now); !stalled {
		return nil
	}
	if w.batcher.WaitingOf(g.Account, g.Zone, g.Type)+len(slots) <= w.share(r.window()) {
		return nil
	}
	return &record.Queue{Account: g.Account, Zone: g.Zone, Type: g.Type, Lane: r.window()}
}

// shelve parks requests that have just come, behind what waits in line of their zone and type beyond its
// share.
func (w *Worker) shelve(ctx context.Context, q record.Queue, fresh []*request) {
	w.order.Lock()
	defer w.order.Unlock()
	w.unload(ctx, q.Zone, q.Type)
	w.park(ctx, q, fresh)
}

// watchDays parks what waits beyond its share when a day is spent, a permission is lacking, or zones can't
// be told.
func (w *Worker) watchDays(ctx context.Context) {
	for sleep(ctx, keepEvery) {
		stalled := w.stalledTypes(time.Now())
		w.shelves.Lock()
		w.crowded(max(len(stalled), len(w.open)))
		w.shelves.Unlock()
		for _, s := range stalled {
			w.order.Lock()
			w.unload(ctx, s.zone, s.typ)
			w.order.Unlock()
		}
		w.unloadZoneless(ctx)
	}
}

func (w *Worker) unload(ctx context.Context, zone, typ string) {
	for q, requests := range w.excess(zone, typ) {
		w.park(ctx, q, requests)
	}
}

// park moves requests to a queue and acks them. Those that can't be stored stay in line.
func (w *Worker) park(ctx context.Context, q record.Queue, requests []*request) {
	parked := make([]record.Parked, len(requests))
	for i, r := range requests {
		parked[i] = record.Parked{Request: r.Request, Body: r.body}
	}
	unfit, err := w.store(ctx, q, parked)
	if err != nil {
		return // the context has ended: the messages come again
	}
	requests = slices.DeleteFunc(requests, func(r *request) bool {
		if !slices.Contains(unfit, r.Key()) {
			return false
		}
		w.stay(r)
		return true
	})
	w.Metrics.Parked(len(requests))
	w.Log.Info("parked what can't be sent now", zap.String("zone", q.Zone), zap.String("type", q.Type),
		zap.String("lane", string(q.Lane)), zap.Int("requests", len(requests)))
	w.ackParked(ctx, requests)
}

// stay has a request get in line that can't be parked.
func (w *Worker) stay(r *request) {
	w.mu.Lock()
	r.unfit = true
	again := r.enlisted
	w.mu.Unlock()
	if !again {
		w.place(r, nil, nil)
		return
	}
	slots, _, err := w.slots(r, nil)
	if err != nil {
		w.Log.Error("request kept until the next owner", zap.Stringer("request", r.Key()), zap.Error(err))
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(r, slots)
}

// store puts requests into a queue that is open and stays so meanwhile.
func (w *Worker) store(ctx context.Context, q record.Queue, parked []record.Parked) ([]record.Key, error) {
	w.shelves.Lock()
	defer w.shelves.Unlock()
	if err := w.openQueue(ctx, q); err != nil {
		return nil, err
	}
	return w.Ledger.Park(ctx, q, parked)
}

// excess takes out of the line what is beyond the share of a zone's type: the requests that came last
// of those that wait for nothing else, of which nothing was sent.
func (w *Worker) excess(zone, typ string) map[record.Queue][]*request {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.batcher.WaitingOf(w.cfg.Account, zone, typ) <= min(w.share(purge.Bulk), w.share(purge.Interactive)) {
		return nil
	}
	waits := make(map[*request]int)
	w.batcher.Each(w.cfg.Account, zone, typ, func(p waiter) { waits[p.request]++ })
	var whole []*request
	for r, n := range waits {
		fresh := r.intake != nil && r.intake.queue == nil && !r.sent && !r.spans && r.jobs == 0 && !r.unfit
		if fresh && n == r.unassigned && n+len(r.failures) == r.Total {
			whole = append(whole, r)
		}
	}
	slices.SortFunc(whole, func(a, b *request) int {
		return cmp.Or(a.Received.Compare(b.Received), cmp.Compare(a.replies[0].sequence, b.replies[0].sequence))
	})
	left := map[purge.Lane]int{purge.Bulk: w.share(purge.Bulk), purge.Interactive: w.share(purge.Interactive)}
	out := make(map[*request]bool)
	queues := make(map[record.Queue][]*request)
	for _, r := range whole {
		lane := r.window()
		stays := left[lane] >= waits[r] || left[lane] == w.share(lane) // one stays, however large
		if left[lane] -= waits[r]; stays {
			continue
		}
		left[lane] = -1 // and none that came later
		out[r] = true
		q := record.Queue{Account: w.cfg.Account, Zone: zone, Type: typ, Lane: lane}
		queues[q] = append(queues[q], r)
	}
	w.batcher.Remove(func(p waiter) bool { return out[p.request] })
	return queues
}

// window is the lane in whose window the request is held.
func (r *request) window() purge.Lane {
	if r.large() {
		return purge.Bulk
	}
	return r.home
}
