package worker

import (
	"context"
	"errors"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/record"
)

// table has the requests that are held, from their delivery until their messages are acked or given
// back.
type table struct {
	*state

	inbox  *inbox.Inbox
	budget *inbox.Budget
	abort  context.CancelCauseFunc // ends Run; set by it
}

func newTable(s *state, cfg Config, deps Deps) *table {
	budget := inbox.NewBudget(cfg.InteractiveWindow, cfg.BulkWindow)
	return &table{
		state: s, budget: budget, abort: func(error) {},
		inbox: inbox.New(inbox.Config{
			Acker: deps.Acker, Lease: deps.Lease, Budget: budget, HandedOver: cfg.HandedOver, Log: deps.Log,
		}),
	}
}

// ackRequests acks all messages of requests, those that join meanwhile too, and forgets them.
func (t *table) ackRequests(ctx context.Context, done []*request) { t.ackLanes(ctx, done, true) }

// ackParked does the same for requests that are parked, except for the messages by which they are:
// those come again in their turn.
func (t *table) ackParked(ctx context.Context, parked []*request) {
	t.inbox.Release(t.ackLanes(ctx, parked, false))
}

// ackLanes acks what lanes delivered of requests, and what queues delivered if that is asked for;
// it returns the rest.
func (t *table) ackLanes(ctx context.Context, done []*request, queues bool) (left []*inbox.Receipt) {
	for {
		receipts := make([]*inbox.Receipt, 0, len(done))
		t.mu.Lock()
		for _, r := range done {
			for _, d := range r.receipts {
				if queues || !d.Parked() {
					receipts = append(receipts, d)
				} else {
					left = append(left, d)
				}
			}
			r.receipts = nil
		}
		if len(receipts) == 0 {
			for _, r := range done {
				t.forget(r)
			}
			t.mu.Unlock()
			return left
		}
		t.mu.Unlock()
		if !t.ack(ctx, receipts) {
			return nil // they are given back
		}
	}
}

// ack acks messages, and reports whether the broker has taken that. Run ends when the consumer of a
// lane is not there any more, or is another one.
func (t *table) ack(ctx context.Context, receipts []*inbox.Receipt) bool {
	err := t.inbox.Ack(ctx, receipts)
	if errors.Is(err, record.ErrGone) {
		t.abort(err)
	}
	return err == nil
}

// putOff gives requests back to the broker, to come again later. It does not block.
func (t *table) putOff(requests []*request) {
	var receipts []*inbox.Receipt
	t.mu.Lock()
	for _, r := range requests {
		receipts = append(receipts, r.receipts...)
		r.receipts = nil
		t.forget(r)
	}
	t.mu.Unlock()
	t.inbox.ReleaseLater(receipts)
}

// register puts a request into the table, unless its id is held already.
func (t *table) register(a arrival) entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	have := t.requests[a.Key()]
	switch {
	case have == nil:
		a.deliver(a.delivery.Receipt)
		a.lookup = new(lookup)
		t.weigh(a.request)
		t.requests[a.Key()] = a.request
		return registered
	case have.find(a.delivery.Receipt) >= 0:
	case have.lookup != nil:
		have.lookup.joined = append(have.lookup.joined, a.delivery)
		return joined
	case !a.matches(have.Digest):
		return conflicting
	}
	have.deliver(a.delivery.Receipt)
	return joined
}

// found takes over what the records hold of a request.
func (t *table) found(r *request, f record.Found) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.Found(f.Recorded)
	t.weigh(r)
}

// finishDedupe ends the look-up of requests, forgets those that are done, and returns what joined
// them.
func (t *table) finishDedupe(fresh, done []arrival) []inbox.Delivery {
	t.mu.Lock()
	defer t.mu.Unlock()
	var lot []inbox.Delivery
	for _, a := range fresh {
		lot = append(lot, a.lookup.joined...)
		a.lookup = nil
	}
	for _, a := range done {
		t.forget(a.request)
	}
	return lot
}

// forget takes a request out of the table; its messages are acked or will come again.
func (t *table) forget(r *request) {
	if r.part == nil {
		if t.requests[r.Key()] != r {
			return
		}
		delete(t.requests, r.Key())
	}
	t.budget.Clear(&r.charge)
	t.inbox.Forget(r.receipts) // no-op for those that were acked
	if r.expires {
		t.expiring--
	}
}

// enlist notes that a request gets in line, or its end; it must be called with the lock held.
func (t *table) enlist(r *request) {
	r.enlisted = true
	if !r.Body.Expires.IsZero() {
		r.expires = true
		t.expiring++
	}
	t.weigh(r)
}

// weigh brings what a request takes of its window up to date; it must be called with the lock held.
func (t *table) weigh(r *request) { t.budget.Set(&r.charge, r.cameBy, r.ChargedLane(), r.Load()) }

// letGo forgets requests whose messages are not acked: they come again.
func (t *table) letGo(those map[*request]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for r := range those {
		t.forget(r)
	}
}
