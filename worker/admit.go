package worker

import (
	"context"
	"slices"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// arrival is a request with the delivery that brought it.
type arrival struct {
	*request

	delivery inbox.Delivery
	reason   *purge.Reason // why it is refused as a whole
}

// admit takes deliveries in, except those that must be handled apart.
func (w *Worker) admit(ctx context.Context, from *inbox.Puller, lot []inbox.Delivery) {
	if from.Queue() == nil {
		w.received(from.Lane(), lot)
	}
	for part := range parts(w.quarantine.Divert(lot)) {
		w.take(ctx, part)
	}
}

// received counts what a lane delivered.
func (w *Worker) received(lane purge.Lane, lot []inbox.Delivery) {
	redelivered := 0
	for i := range lot {
		if lot[i].Count > 1 {
			redelivered++
		}
	}
	w.Metrics.Received(lane, len(lot), redelivered)
}

// take has new requests get in line; known ones join or are acked, bad ones are told and buried. It
// returns when each is held or done, or the context has ended.
func (w *Worker) take(ctx context.Context, lot []inbox.Delivery) {
	for len(lot) > 0 && ctx.Err() == nil {
		arrivals := w.readAll(lot)
		if !w.identify(ctx, arrivals) {
			return // the context has ended: nothing is held yet
		}
		fresh := make([]arrival, 0, len(lot))
		var reused []arrival
		queries := make([]ledger.Query, 0, len(lot))
		for _, a := range arrivals {
			d := a.delivery
			switch w.register(a) {
			case joined:
				continue
			case conflicting:
				reused = append(reused, a)
				continue
			case registered:
			}
			fresh = append(fresh, a)
			parked := d.Receipt.Parked()
			if parked || d.Count > 1 || a.ID != purge.GeneratedID(d.Stored, d.Sequence) {
				queries = append(queries, ledger.Query{Key: a.Key(), Total: a.Total, Redelivered: parked || d.Count > 1, Parked: parked})
			}
		}
		found, err := w.Ledger.Find(ctx, queries)
		if err != nil {
			return // the context has ended: what is held comes again
		}
		lot = w.sort(ctx, fresh, found, reused)
	}
}

func (w *Worker) readAll(lot []inbox.Delivery) []arrival {
	arrivals := make([]arrival, 0, len(lot))
	for _, d := range lot {
		if a, ok := w.read(d); ok {
			arrivals = append(arrivals, a)
		}
	}
	return arrivals
}

// entry is what became of a delivery at the table of requests.
type entry int

const (
	registered  entry = iota // its request is new
	joined                   // its request is held: it will be acked with it
	conflicting              // its id is held for another body
)

// register puts a request into the table, unless its id is held already.
func (w *Worker) register(a arrival) entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	have := w.requests[a.Key()]
	switch {
	case have == nil:
		a.deliver(a.delivery.Receipt)
		a.lookup = new(lookup)
		w.weigh(a.request)
		w.requests[a.Key()] = a.request
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

// sort decides what becomes of new requests by what is known of them, and gives the deliveries that
// came for them meanwhile.
func (w *Worker) sort(ctx context.Context, fresh []arrival, found map[record.Key]record.Found, reused []arrival) []inbox.Delivery {
	var done, rejected []arrival
	var ended []*request
	parked := make(map[record.Queue][]*request)
	for _, a := range fresh {
		f, known := found[a.Key()]
		same := known && a.matches(f.Digest)
		if same {
			w.resume(&a, f)
		}
		switch {
		case known && !same:
			reused = append(reused, a)
			done = append(done, a)
		case known && f.AllRecorded():
			done = append(done, a)
		case a.reason != nil:
			rejected = append(rejected, a)
			done = append(done, a)
		default:
			w.found(a.request, f)
			done, q := w.place(a.request, &a.delivery)
			if done {
				ended = append(ended, a.request)
			}
			if q != nil {
				parked[*q] = append(parked[*q], a.request)
			}
		}
	}
	wait, drop := w.refuse(ctx, rejected, reused)
	kept := func(a arrival) bool { return wait[a.request] || drop[a.request] }
	var answered, dropped []*inbox.Receipt
	for _, a := range reused {
		switch {
		case a.lookup != nil: // it is among those that are done
		case kept(a):
			dropped = append(dropped, a.delivery.Receipt)
		default:
			answered = append(answered, a.delivery.Receipt)
		}
	}
	w.inbox.Forget(dropped)
	over := slices.DeleteFunc(slices.Clone(done), func(a arrival) bool { return wait[a.request] })
	for _, a := range over {
		if !kept(a) {
			answered = append(answered, a.delivery.Receipt)
		}
	}
	if !w.ack(ctx, answered) {
		over = nil // the context has ended: they are given back
	}
	again := w.unlook(fresh, over)
	w.finish(ctx, ended)
	for q, requests := range parked {
		w.park(q, requests)
	}
	return again
}

// found takes over what the records hold of a request.
func (w *Worker) found(r *request, f record.Found) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.Found(f.Recorded)
	w.weigh(r)
}

// refuse ends what is refused as a whole, as conclude does.
func (w *Worker) refuse(ctx context.Context, rejected, reused []arrival) (wait, drop map[*request]bool) {
	all := make([]refusal, 0, len(rejected)+len(reused))
	for _, a := range reused {
		a.reason = &purge.Reason{
			Code: purge.CodeIDReused, Field: "id",
			Message: "this id was used for another request, which keeps its own end; use a new id",
		}
		all = append(all, refusal{Request: a.request, Letter: a.letter()})
	}
	for _, a := range rejected {
		all = append(all, a.refusal())
	}
	return w.conclude(ctx, all)
}

// refusal is the end of a request that is refused as a whole.
func (a *arrival) refusal() refusal {
	t := a.Tally()
	t.Reason = a.reason
	return refusal{Request: a.request, Letter: a.letter(), End: &t}
}

func (a *arrival) letter() record.DeadLetter {
	return record.DeadLetter{
		Key: a.Key(), Code: a.reason.Code, Message: a.reason.Error(), Subject: a.delivery.Subject,
		ContentType: a.delivery.ContentType, Data: a.delivery.Data,
		Sequence: a.delivery.Sequence, Stored: a.delivery.Stored,
	}
}

// unlook ends the looking-up of requests, forgets those that are done, and gives what joined them.
func (w *Worker) unlook(fresh, done []arrival) []inbox.Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lot []inbox.Delivery
	for _, a := range fresh {
		lot = append(lot, a.lookup.joined...)
		a.lookup = nil
	}
	for _, a := range done {
		w.forget(a.request)
	}
	return lot
}

// forget takes a request out of the table; its messages are acked or will come again.
func (w *Worker) forget(r *request) {
	if r.part == nil {
		if w.requests[r.Key()] != r {
			return
		}
		delete(w.requests, r.Key())
	}
	w.budget.Clear(&r.charge)
	w.inbox.Forget(r.receipts) // no-op for those that were acked
	if r.expires {
		w.expiring--
	}
}
