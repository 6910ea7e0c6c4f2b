package worker

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// What waits for a zone's next day, for a permission, for a zone that refuses calls for a while, or
// for zones that can't be read now, would fill the window and keep others out (I7). So what is more
// than a share of the window is parked in queues in the broker. When its zone takes calls again, it
// comes back as fast as the zone takes it.
//
// A request that spans zones is parked as soon as all that is left of it waits so. Its other
// targets stand in the records of jobs by then, or their outcomes in its record of progress, and
// when it comes back only what no record holds is sent. If it then still waits for another zone,
// its message goes back to that queue for a while.

// kinds has the targets in line by their kinds; the Worker's mu guards it.
type kinds struct{ *Worker }

func (l kinds) Waiting(k quota.Kind) int { return l.batcher.WaitersOf(l.cfg.Account, k.Zone, k.Type) }

func (l kinds) Each(k quota.Kind, do func(*request)) {
	l.batcher.Each(l.cfg.Account, k.Zone, k.Type, func(p waiter) { do(p.request) })
}

// parkingQueueFor returns the queue in which a request that is about to get in line must be parked
// instead, nil if it need not be. It must be called with the lock held.
func (w *Worker) parkingQueueFor(r *request, slots []slot, now time.Time) *record.Queue {
	if r.Expired(now) {
		return nil
	}
	targets := make(map[quota.Kind]int)
	for _, s := range slots {
		targets[kindOf(s.group)]++
	}
	return w.overflow.QueueFor(r, targets, now)
}

// park parks requests that have just come, behind what must be parked of those in line.
func (w *Worker) park(q record.Queue, fresh []*request) {
	w.mu.Lock()
	back := w.parkExcess(quota.Kind{Zone: q.Zone, Type: q.Type})
	back = append(back, w.parking.Put(q, fresh...)...)
	w.mu.Unlock()
	w.putOff(back)
}

// watchOverflow parks what is more than its share while its kind waits, or while zones can't be
// read.
func (w *Worker) watchOverflow(ctx context.Context) {
	for wait.Sleep(ctx, checkEvery) {
		waiting := w.quota.Waiting(time.Now())
		w.overflow.SetBlocked(max(len(waiting), w.parking.Len()))
		for _, k := range waiting {
			w.mu.Lock()
			back := w.parkExcess(k)
			w.mu.Unlock()
			w.putOff(back)
		}
		w.parkZoneless()
	}
}

// parkExcess parks what is more than the share of a kind, and returns what must be put off. It must
// be called with the lock held.
func (w *Worker) parkExcess(k quota.Kind) (back []*request) {
	out := make(map[*request]bool)
	queues := w.overflow.Excess(k, time.Now())
	for _, requests := range queues {
		for _, r := range requests {
			out[r] = true
		}
	}
	if len(out) == 0 {
		return nil
	}
	w.batcher.Remove(func(p waiter) bool { return out[p.request] })
	for q, requests := range queues {
		back = append(back, w.parking.Put(q, requests...)...)
	}
	return back
}

// queueRoom returns how many targets a queue may bring back.
func (w *Worker) queueRoom(q record.Queue) int {
	window := w.budget.Room(q.Lane)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case q.Zone != "":
		return w.overflow.Room(q, window, time.Now())
	case w.zonewait.Targets() > 0:
		return 0
	}
	return min(window, w.overflow.Share(q.Lane))
}

// reopen opens the queues that an earlier leader left.
func (w *Worker) reopen(ctx context.Context) error {
	queues, err := w.Ledger.Queues(ctx)
	if err != nil {
		return err
	}
	w.overflow.SetBlocked(len(queues))
	for _, q := range queues {
		if q.Account != w.cfg.Account {
			w.Log.Warn("parked requests of another account left alone", zap.String("account", q.Account))
			continue
		}
		w.parking.Open(q)
	}
	return nil
}

// parkingOwner is the Worker as the queues of its requests know it.
type parkingOwner struct{ *Worker }

// Parked acks requests that are stored.
func (o parkingOwner) Parked(ctx context.Context, requests []*request) {
	o.Metrics.Parked(len(requests))
	o.ackParked(ctx, requests)
}

// Unfit puts requests in line that can't be parked; those of which a part is done come again.
func (o parkingOwner) Unfit(requests []*request) {
	for _, r := range requests {
		o.keepInMemory(r)
	}
}

// Released gives requests back that could not be parked.
func (o parkingOwner) Released(requests []*request) { o.putOff(requests) }

// Pull admits what a queue brings.
func (o parkingOwner) Pull(ctx context.Context, q record.Queue, from inbox.Consumer) error {
	return o.pullQueue(ctx, o.inbox.Queue(q, from, func() int { return o.queueRoom(q) }))
}

// keepInMemory puts a request in line that can't be parked.
func (w *Worker) keepInMemory(r *request) {
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
