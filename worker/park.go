package worker

import (
	"cmp"
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/parking"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/internal/zonewait"
	"github.com/edgepurge/edgepurge/purge"
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

// parker moves requests into queues and back.
type parker struct {
	*state

	account  string
	line     *line
	table    *table
	admitter *admitter
	parking  *parking.Parking[inbox.Consumer, *request]
	overflow *parking.Overflow[*request]
	zonewait *zonewait.List[*request]
	quota    *quota.Gate
	ledger   *ledger.Ledger
	metrics  *metrics.Pipeline
	log      *zap.Logger

	pullQueue func(stop context.Context, p *inbox.Puller) error // set by Run
}

func newParker(w *Worker, deps Deps) *parker {
	pk := &parker{
		state: w.state, account: w.cfg.Account, line: w.line, table: w.table, quota: w.quota, ledger: deps.Ledger,
		metrics: deps.Metrics, log: deps.Log,
	}
	pk.parking = parking.New(parking.Config[inbox.Consumer, *request]{
		Broker: deps.Queues, Ledger: deps.Ledger, Owner: parkingOwner{pk}, Log: deps.Log,
	})
	pk.overflow = parking.NewOverflow(pk.account, pk.quota, pk.line, pk.table.budget.Size)
	pk.zonewait = zonewait.New[*request](deps.Zones, pk.overflow.Share)
	return pk
}

// park parks requests that have just come, behind what must be parked of those in line.
func (pk *parker) park(q record.Queue, fresh []*request) {
	pk.mu.Lock()
	back := pk.parkExcess(quota.Kind{Zone: q.Zone, Type: q.Type})
	back = append(back, pk.parking.Put(q, fresh...)...)
	pk.mu.Unlock()
	pk.table.putOff(back)
}

// watchOverflow parks what is more than its share while its kind waits, or while zones can't be
// read.
func (pk *parker) watchOverflow(ctx context.Context) {
	for wait.Sleep(ctx, checkEvery) {
		waiting := pk.quota.Waiting(time.Now())
		pk.overflow.SetBlocked(max(len(waiting), pk.parking.Len()))
		for _, k := range waiting {
			pk.mu.Lock()
			back := pk.parkExcess(k)
			pk.mu.Unlock()
			pk.table.putOff(back)
		}
		pk.parkZoneless()
	}
}

// parkExcess parks what is more than the share of a kind, and returns what must be put off. It must
// be called with the lock held.
func (pk *parker) parkExcess(k quota.Kind) (back []*request) {
	out := make(map[*request]bool)
	queues := pk.overflow.Excess(k, time.Now())
	for _, requests := range queues {
		for _, r := range requests {
			out[r] = true
		}
	}
	if len(out) == 0 {
		return nil
	}
	pk.batcher.Remove(func(p waiter) bool { return out[p.request] })
	for q, requests := range queues {
		back = append(back, pk.parking.Put(q, requests...)...)
	}
	return back
}

// queueRoom returns how many targets a queue may bring back.
func (pk *parker) queueRoom(q record.Queue) int {
	window := pk.table.budget.Room(q.Lane)
	pk.mu.Lock()
	defer pk.mu.Unlock()
	switch {
	case q.Zone != "":
		return pk.overflow.Room(q, window, time.Now())
	case pk.zonewait.Targets() > 0:
		return 0
	}
	return min(window, pk.overflow.Share(q.Lane))
}

// reopen opens the queues that an earlier leader left.
func (pk *parker) reopen(ctx context.Context) error {
	queues, err := pk.ledger.Queues(ctx)
	if err != nil {
		return err
	}
	pk.overflow.SetBlocked(len(queues))
	for _, q := range queues {
		if q.Account != pk.account {
			pk.log.Warn("parked requests of another account left alone", zap.String("account", q.Account))
			continue
		}
		pk.parking.Open(q)
	}
	return nil
}

// parkingOwner is the parker as the queues of its requests know it.
type parkingOwner struct{ pk *parker }

// Parked acks requests that are stored.
func (o parkingOwner) Parked(ctx context.Context, requests []*request) {
	o.pk.metrics.Parked(len(requests))
	o.pk.table.ackParked(ctx, requests)
}

// Unfit puts requests in line that can't be parked; those of which a part is done come again.
func (o parkingOwner) Unfit(requests []*request) {
	for _, r := range requests {
		o.pk.keepInMemory(r)
	}
}

// Released gives requests back that could not be parked.
func (o parkingOwner) Released(requests []*request) { o.pk.table.putOff(requests) }

// Pull admits what a queue brings.
func (o parkingOwner) Pull(ctx context.Context, q record.Queue, from inbox.Consumer) error {
	return o.pk.pullQueue(ctx, o.pk.table.inbox.Queue(q, from, func() int { return o.pk.queueRoom(q) }))
}

// keepInMemory puts a request in line that can't be parked.
func (pk *parker) keepInMemory(r *request) {
	pk.mu.Lock()
	r.unfit = true
	again, part := r.enlisted, r.Begun()
	pk.mu.Unlock()
	if part {
		pk.table.putOff([]*request{r})
		return
	}
	if !again {
		pk.admitter.place(r, nil)
		return
	}
	slots, _, err := pk.admitter.slots(r)
	if err != nil {
		pk.log.Error("request kept until the next owner", zap.Stringer("request", r.Key()), zap.Error(err))
		return
	}
	pk.mu.Lock()
	defer pk.mu.Unlock()
	pk.line.add(r, slots)
}

// zonelessQueue is the queue of a request whose zone is not known: a queue without a zone.
func (pk *parker) zonelessQueue(r *request) *record.Queue {
	q := pk.overflow.Queue(quota.Kind{Type: cmp.Or(r.Body.Type, purge.URL)}, r.ChargedLane())
	return &q
}

// parkZoneless parks what waits beyond its share for zones that can't be read now.
func (pk *parker) parkZoneless() {
	var back []*request
	pk.mu.Lock()
	for _, r := range pk.zonewait.Excess() {
		back = append(back, pk.parking.Put(*pk.zonelessQueue(r), r)...)
	}
	pk.mu.Unlock()
	pk.table.putOff(back)
}
