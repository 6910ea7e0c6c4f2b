package worker

import (
	"context"
	"slices"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/quarantine"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// admitter takes requests in: it reads them, looks up what is known of them, and puts them in line.
type admitter struct {
	*state

	account    string
	subjects   purge.Subjects
	version    string // of the API
	line       *line
	table      *table
	parker     *parker
	recorder   *recorder
	quarantine *quarantine.Quarantine[inbox.Delivery]
	quota      *quota.Gate
	zones      Zones
	ledger     *ledger.Ledger
	metrics    *metrics.Pipeline
	log        *zap.Logger
}

func newAdmitter(w *Worker, deps Deps) *admitter {
	ad := &admitter{
		state: w.state, account: w.cfg.Account, subjects: w.cfg.Subjects, version: w.cfg.Version, line: w.line,
		table: w.table, parker: w.parker, recorder: w.recorder, quota: w.quota, zones: deps.Zones,
		ledger: deps.Ledger, metrics: deps.Metrics, log: deps.Log,
	}
	ad.quarantine = quarantine.New(quarantine.Config[inbox.Delivery]{
		Ledger: deps.Ledger.Quarantine(), Owner: quarantineOwner{ad}, Log: deps.Log,
	})
	return ad
}

// arrival is a request with the delivery that brought it.
type arrival struct {
	*request

	delivery inbox.Delivery
	reason   *purge.Reason // why it is refused as a whole
}

// admit takes deliveries in, except those that must be handled apart.
func (ad *admitter) admit(ctx context.Context, from *inbox.Puller, lot []inbox.Delivery) {
	if from.Queue() == nil {
		ad.received(from.Lane(), lot)
	}
	for part := range parts(ad.quarantine.Divert(lot)) {
		ad.take(ctx, part)
	}
}

// received counts what a lane delivered.
func (ad *admitter) received(lane purge.Lane, lot []inbox.Delivery) {
	redelivered := 0
	for i := range lot {
		if lot[i].Count > 1 {
			redelivered++
		}
	}
	ad.metrics.Received(lane, len(lot), redelivered)
}

// take has new requests get in line; known ones join or are acked, bad ones are told and buried. It
// returns when each is held or done, or the context has ended.
func (ad *admitter) take(ctx context.Context, lot []inbox.Delivery) {
	for len(lot) > 0 && ctx.Err() == nil {
		arrivals := ad.readAll(lot)
		if !ad.identify(ctx, arrivals) {
			return // the context has ended: nothing is held yet
		}
		fresh := make([]arrival, 0, len(lot))
		var reused []arrival
		queries := make([]ledger.Query, 0, len(lot))
		for _, a := range arrivals {
			d := a.delivery
			switch ad.table.register(a) {
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
				queries = append(queries, ledger.Query{
					Key: a.Key(), Total: a.Total, Redelivered: parked || d.Count > 1, Parked: parked,
				})
			}
		}
		found, err := ad.ledger.Find(ctx, queries)
		if err != nil {
			return // the context has ended: what is held comes again
		}
		lot = ad.dispatch(ctx, fresh, found, reused)
	}
}

func (ad *admitter) readAll(lot []inbox.Delivery) []arrival {
	arrivals := make([]arrival, 0, len(lot))
	for _, d := range lot {
		if a, ok := ad.read(d); ok {
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

// dispatch decides what becomes of new requests by what is known of them, and gives the deliveries
// that came for them meanwhile.
func (ad *admitter) dispatch(
	ctx context.Context, fresh []arrival, found map[record.Key]record.Found, reused []arrival,
) []inbox.Delivery {
	var done, rejected []arrival
	var ended []*request
	parked := make(map[record.Queue][]*request)
	for _, a := range fresh {
		f, known := found[a.Key()]
		same := known && a.matches(f.Digest)
		if same {
			ad.resume(&a, f)
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
			ad.table.found(a.request, f)
			done, q := ad.place(a.request, &a.delivery)
			if done {
				ended = append(ended, a.request)
			}
			if q != nil {
				parked[*q] = append(parked[*q], a.request)
			}
		}
	}
	wait, drop := ad.refuse(ctx, rejected, reused)
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
	ad.table.inbox.Forget(dropped)
	over := slices.DeleteFunc(slices.Clone(done), func(a arrival) bool { return wait[a.request] })
	for _, a := range over {
		if !kept(a) {
			answered = append(answered, a.delivery.Receipt)
		}
	}
	if !ad.table.ack(ctx, answered) {
		over = nil // the context has ended: they are given back
	}
	again := ad.table.finishDedupe(fresh, over)
	ad.recorder.finish(ctx, ended)
	for q, requests := range parked {
		ad.parker.park(q, requests)
	}
	return again
}

// refuse ends what is refused as a whole, as conclude does.
func (ad *admitter) refuse(ctx context.Context, rejected, reused []arrival) (wait, drop map[*request]bool) {
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
	return ad.recorder.conclude(ctx, all)
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

// pull admits what a lane or queue brings while there is room, until stop ends or the queue is
// empty.
func (ad *admitter) pull(stop, work context.Context, from *inbox.Puller) error {
	for stop.Err() == nil {
		lot, err := from.Pull(stop)
		if err != nil {
			return err
		}
		ad.admit(work, from, lot)
		if q := from.Queue(); q != nil && len(lot) == 0 && from.Unacked() == 0 && ad.parker.parking.Close(stop, *q) {
			break
		}
	}
	from.Stop()
	return nil
}
