package worker

import (
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/inflight"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// request is a request from its delivery until its messages are acked. Its fields are guarded by
// the state's mu once it is in the table of requests.
type request struct {
	inflight.Request

	cameBy   purge.Lane       // the lane that brought it, or for which it was parked
	from     *inbox.Puller    // that delivered it; nil for a part of a job
	receipts []*inbox.Receipt // of its messages that are not being acked
	charge   inbox.Charge     // what it counts for in the budget

	// message is kept until it is known whether anything of it is fit to be sent.
	message *record.Delivery

	lookup *lookup // of what is known of it; nil when it has ended

	part *retryPart // it came with, rather than by a message; nil for most

	expires  bool // counts among those that may expire
	enlisted bool // its targets got in line, or their end
	unfit    bool // it can't be parked
}

func newRequest(by inbox.Delivery, r inflight.Request) *request {
	from := by.Receipt.Puller()
	return &request{Request: r, cameBy: from.Lane(), from: from}
}

// lookup is under way while it is asked what is known of a request.
type lookup struct {
	joined []inbox.Delivery // messages with its id that came meanwhile
}

// waiter is one target of a request, as the batcher knows it.
type waiter struct {
	*request

	index int
}

// slot is a target that is ready for the batcher.
type slot struct {
	group  batcher.Group
	target string
	index  int
}

// large reports whether the request is treated as bulk though it came as an interactive one.
func (r *request) large() bool { return r.cameBy == purge.Interactive && r.Total > largeRequest }

// ChargedLane is the lane on whose budget the request counts.
func (r *request) ChargedLane() purge.Lane {
	if r.large() {
		return purge.Bulk
	}
	return r.cameBy
}

// Queued reports whether a queue of parked requests delivered it.
func (r *request) Queued() bool { return r.from != nil && r.from.Queue() != nil }

// Parkable reports whether a message brought it, and nothing says that it can't be stored.
func (r *request) Parkable() bool { return r.from != nil && !r.unfit && len(r.receipts) > 0 }

// Stays reports whether it stays in memory while its zone can't be known: it can't be parked, a
// part of it is done, or its message is in a queue.
func (r *request) Stays() bool { return r.unfit || r.Begun() || r.Queued() }

// Size returns the number of its targets.
func (r *request) Size() int { return r.Total }

// Arrived returns when its message was stored, and at which place.
func (r *request) Arrived() (time.Time, uint64) { return r.Received, r.receipts[0].Sequence() }

// keep keeps the message that brought the request; what a queue brought has none.
func (r *request) keep(by *inbox.Delivery) {
	if by != nil && !by.Receipt.Parked() {
		message := by.Delivery // not a pointer into its lot, which would be kept with it
		r.message = &message
	}
}

// deliver adds a message of the request, or the later delivery of one that it has.
func (r *request) deliver(d *inbox.Receipt) {
	if i := r.find(d); i >= 0 {
		r.receipts[i] = d
		return
	}
	r.receipts = append(r.receipts, d)
}

// find returns the position of an earlier delivery of the same message, or -1.
func (r *request) find(d *inbox.Receipt) int { return slices.IndexFunc(r.receipts, d.Same) }
