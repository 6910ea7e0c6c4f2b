package worker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// What waits for a zone's next day, for a permission, for a zone that refuses calls for a while, or for zones that
// can't be read now, would fill the window and keep others out (I7). So beyond a share of the window such requests
// move, in order, to a queue in the broker; when their zone takes calls again, they come back as fast as it does.
//
// A request that spans zones moves as soon as all that is left of it waits so: its other targets stand in the
// records of jobs by then, or their outcomes in its record of progress, and when it comes back from the queue only
// what no record holds is sent. It waits in the queue of one of its zones. When it comes back and still waits for
// another one, it goes back to that queue for a while.

const (
	// parkedShare is the part of a window that may wait in memory for one such reason: one in ten.
	parkedShare = 10
	// totalShare is the part that may wait for all of them together: one half.
	totalShare = 2
	// queueRetry is the time between two pulls of a queue that fail.
	queueRetry = time.Second
)

// share is what may wait in a lane's window for one such reason. It must be called with the lock held.
func (w *Worker) share(lane purge.Lane) int {
	window := w.budget.Size(lane)
	return max(1, min(window/parkedShare, window/totalShare/max(1, w.blockedKinds)))
}

// setBlockedKinds notes how many kinds wait for a day or a permission, in line or in queues.
func (w *Worker) setBlockedKinds(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blockedKinds = n
}

// shelf returns where a request that is about to get in line must be parked instead, nil if it need not be: all
// that is left of it waits for blocked kinds, and one of them has its share in line. It must be called
// with the lock held.
func (w *Worker) shelf(r *request, slots []slot, now time.Time) *record.Queue {
	if r.unfit || r.Expired(now) {
		return nil
	}
	kinds := make(map[quota.Kind]int)
	for _, s := range slots {
		kinds[kindOf(s.group)]++
	}
	var over *record.Queue
	for p, n := range kinds {
		waits := w.quota.Until(p, now).Waits
		waiting := w.batcher.WaitersOf(w.cfg.Account, p.Zone, p.Type)
		if !waits || waiting == 0 && r.from.Queue() != nil { // somebody has to try whether the zone takes calls
			return nil
		}
		if q := w.queueOf(r, p); waiting+n > w.share(r.chargedLane()) && (over == nil || q.Zone < over.Zone) {
			over = &q
		}
	}
	return over
}

func (w *Worker) queueOf(r *request, p quota.Kind) record.Queue {
	return record.Queue{Account: w.cfg.Account, Zone: p.Zone, Type: p.Type, Lane: r.chargedLane()}
}

// shelve parks requests that have just come, behind what waits in line of their zone and type beyond its share.
func (w *Worker) shelve(q record.Queue, fresh []*request) {
	w.mu.Lock()
	back := w.unload(q.Zone, q.Type)
	back = append(back, w.park(q, fresh)...)
	w.mu.Unlock()
	w.putOff(back)
}

// watchDays parks what waits beyond its share while a day is exhausted, a permission is lacking, calls are refused,
// or zones can't be read.
func (w *Worker) watchDays(ctx context.Context) {
	for wait.Sleep(ctx, checkEvery) {
		blocked := w.quota.Waiting(time.Now())
		w.setBlockedKinds(max(len(blocked), w.parking.Len()))
		for _, s := range blocked {
			w.mu.Lock()
			back := w.unload(s.Zone, s.Type)
			w.mu.Unlock()
			w.putOff(back)
		}
		w.unloadZoneless()
	}
}

// unload parks what waits in line beyond the share of a zone's type, and returns what must be put off. It must be
// called with the lock held.
func (w *Worker) unload(zone, typ string) (back []*request) {
	for q, requests := range w.excess(zone, typ) {
		back = append(back, w.park(q, requests)...)
	}
	return back
}

// park hands requests to the queue, in their order; they are acked once they are stored. It returns those that must
// be put off: what came from a queue, and all if the queue takes none now. It must be called with the lock held.
func (w *Worker) park(q record.Queue, requests []*request) (back []*request) {
	fresh := make([]*request, 0, len(requests))
	for _, r := range requests {
		if r.from.Queue() == nil {
			fresh = append(fresh, r)
		} else {
			back = append(back, r)
		}
	}
	if len(fresh) > 0 && !w.parking.Put(q, fresh...) {
		back = append(back, fresh...)
	}
	return back
}

// parkingOwner is the Worker as the queues of its requests know it.
type parkingOwner struct{ *Worker }

// Record gives what is stored of a request. The outcomes of its targets are stored before it, because nothing else
// remembers them once it is parked.
func (o parkingOwner) Record(ctx context.Context, r *request) (record.Parked, error) {
	p := r.Parked()
	if failures, submitted := r.Failures(); p.Partial && len(failures) > 0 {
		if err := o.Ledger.RecordFailures(ctx, p.Request, failures, submitted); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Parked acks requests that are stored.
func (o parkingOwner) Parked(ctx context.Context, q record.Queue, requests []*request) {
	o.Metrics.Parked(len(requests))
	o.Log.Info("parked what can't be sent now", zap.String("zone", q.Zone), zap.String("type", q.Type),
		zap.String("lane", string(q.Lane)), zap.Int("requests", len(requests)))
	o.ackParked(ctx, requests)
}

// Unfit puts requests in line that can't be parked; those of which a part is done come again.
func (o parkingOwner) Unfit(_ record.Queue, requests []*request) {
	for _, r := range requests {
		o.stay(r)
	}
}

// Released gives requests back that could not be parked.
func (o parkingOwner) Released(_ record.Queue, requests []*request) { o.putOff(requests) }

// Resend pulls what a queue holds. What fails for a while ends nothing but the pull, which begins anew.
func (o parkingOwner) Resend(ctx context.Context, q record.Queue, from inbox.Consumer) error {
	p := o.inbox.Queue(q, from, func() int { return o.queueRoom(q) })
	for {
		err := o.resendFrom(ctx, p)
		if err == nil || ctx.Err() != nil || errors.Is(err, record.ErrGone) {
			return err
		}
		o.Log.Warn("queue could not be pulled, trying again", zap.String("zone", q.Zone), zap.String("type", q.Type), zap.Error(err))
		wait.Sleep(ctx, queueRetry)
	}
}

// stay puts a request in line that can't be parked.
func (w *Worker) stay(r *request) {
	w.mu.Lock()
	r.unfit = true
	again, part := r.enlisted, r.Begun()
	w.mu.Unlock()
	if part {
		w.putOff([]*request{r})
		return
	}
	if !again {
		w.place(r, nil)
		return
	}
	slots, _, err := w.slots(r)
	if err != nil {
		w.Log.Error("request kept until the next owner", zap.Stringer("request", r.Key()), zap.Error(err))
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(r, slots)
}

// excess takes out of the line what is beyond the share of a zone's type: the requests that came last of those of
// which nothing but what waits for blocked kinds is left. It must be called with the lock held.
func (w *Worker) excess(zone, typ string) map[record.Queue][]*request {
	if w.batcher.WaitersOf(w.cfg.Account, zone, typ) <= min(w.share(purge.Bulk), w.share(purge.Interactive)) {
		return nil
	}
	waits := make(map[*request]int)
	w.batcher.Each(w.cfg.Account, zone, typ, func(p waiter) { waits[p.request]++ })
	whole := w.stuck(quota.Kind{Zone: zone, Type: typ}, waits)
	slices.SortFunc(whole, func(a, b *request) int {
		return cmp.Or(a.Received.Compare(b.Received), cmp.Compare(a.receipts[0].Sequence(), b.receipts[0].Sequence()))
	})
	left := map[purge.Lane]int{purge.Bulk: w.share(purge.Bulk), purge.Interactive: w.share(purge.Interactive)}
	out := make(map[*request]bool)
	queues := make(map[record.Queue][]*request)
	for _, r := range whole {
		lane := r.chargedLane()
		stays := left[lane] >= waits[r] || left[lane] == w.share(lane) // one stays, however large
		if left[lane] -= waits[r]; stays {
			continue
		}
		left[lane] = -1 // and none that came later
		out[r] = true
		q := w.queueOf(r, quota.Kind{Zone: zone, Type: typ})
		queues[q] = append(queues[q], r)
	}
	if len(out) > 0 {
		w.batcher.Remove(func(p waiter) bool { return out[p.request] })
	}
	return queues
}

// stuck returns those of the requests that wait for a blocked kind of which nothing else is under way: what is left
// of them waits for this kind or for other blocked ones. It must be called with the lock held.
func (w *Worker) stuck(p quota.Kind, waits map[*request]int) []*request {
	var whole []*request
	rest := make(map[*request]int) // of those that wait for more, what they wait for
	for r, n := range waits {
		switch {
		case r.from == nil || r.unfit || len(r.receipts) == 0:
		case n == r.Open():
			whole = append(whole, r)
		default:
			rest[r] = n
		}
	}
	if len(rest) == 0 {
		return whole
	}
	for _, other := range w.quota.Waiting(time.Now()) {
		if other == p {
			continue
		}
		w.batcher.Each(w.cfg.Account, other.Zone, other.Type, func(p waiter) {
			if n, ok := rest[p.request]; ok {
				rest[p.request] = n + 1
			}
		})
	}
	for r, n := range rest {
		if n == r.Open() {
			whole = append(whole, r)
		}
	}
	return whole
}
