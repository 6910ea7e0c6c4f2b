package worker

import (
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// request is a request from its delivery until its messages are acked. Its fields are guarded by the
// Worker's mu once it is in the table of requests.
type request struct {
	record.Request

	home     purge.Lane    // in whose window it came
	from     *inbox.Puller // that delivered it; nil for what is left of a job
	body     purge.Request
	receipts []*inbox.Receipt // of its messages that are not being acked
	charge   inbox.Charge     // what it takes of a window

	// origin is its message, kept until it is known whether anything of it is fit to be sent.
	origin *record.Delivery

	lookup *lookup // of what is known of it; nil when it has ended

	of       *leftover // what it came back with, rather than by a message; nil for most
	attempts int       // made before of its targets

	failures []record.Failure
	jobs     int
	sent     bool // EdgeOne was asked for one of its targets
	spans    bool
	expires  bool      // counts among those that may expire
	enlisted bool      // its targets got in line, or their end
	unfit    bool      // it can't be parked
	held     bool      // some targets stood in records when it came
	partial  bool      // it comes from a queue, and its empty targets stand in records
	first    time.Time // the first submission
	// unassigned counts its targets that are in no job and have no outcome; unrecorded those that
	// stand in no durable record.
	unassigned, unrecorded int
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

// recordedShare is how much less a target weighs that stands in a record: of it a place in a list is
// left, where there were its words.
const recordedShare = 8

// load is what the request takes in memory, in targets.
func (r *request) load() int {
	recorded := r.Total - r.unrecorded - len(r.failures)
	return max(1, r.Total-recorded+recorded/recordedShare)
}

// large tells that the request is treated as bulk though it came as an interactive one.
func (r *request) large() bool { return r.home == purge.Interactive && r.Total > largeRequest }

// drop forgets the words of n targets from index on, which stand in a record.
func (r *request) drop(index, n int) {
	if index+n <= len(r.body.Targets) {
		clear(r.body.Targets[index : index+n])
	}
}

// submit notes that EdgeOne was asked for a target of the request, whatever it answered.
func (r *request) submit(sent time.Time) {
	r.sent = true
	if r.first.IsZero() {
		r.first = sent
	}
}

// recorded marks the targets of the request that stand in records; held are those that were found.
func (r *request) recorded(held []bool) []bool {
	if !r.partial {
		return held
	}
	all := make([]bool, r.Total)
	copy(all, held)
	for i, target := range r.body.Targets {
		if target == "" && i < len(all) {
			all[i] = true
		}
	}
	return all
}

// keep keeps the message that brought the request; what a queue brought has none.
func (r *request) keep(by *inbox.Delivery) {
	if by != nil && !by.Receipt.Parked() {
		origin := by.Delivery // not a pointer into its lot, which would be kept with it
		r.origin = &origin
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

// fail notes the end of one target that no job holds.
func (r *request) fail(index int, code, reason, field string) {
	target := ""
	if index < len(r.body.Targets) {
		target = r.body.Targets[index]
	}
	r.failures = append(r.failures, record.Failure{Index: index, Target: target, Code: code, Reason: reason, Field: field})
	r.unassigned--
	r.unrecorded--
}

func (r *request) expired(now time.Time) bool {
	return !r.body.Expires.IsZero() && !now.Before(r.body.Expires)
}

// tally is the end of a request that no job holds a part of.
func (r *request) tally() record.Tally {
	t := record.Tally{Request: r.Request, Sent: r.sent, Submitted: r.first}
	t.Failures, t.Omitted = r.listed()
	if r.sent {
		t.Attempts = 1
	}
	if r.body.Zone != "" {
		t.Zones = []string{r.body.Zone}
	}
	return t
}

// listed gives as many failures as an event lists, and how many more there are. One that tells that the
// request expired is among them, for the event's status follows from it.
func (r *request) listed() (list []record.Failure, omitted int) {
	n := min(len(r.failures), purge.MaxFailures)
	list = slices.Clone(r.failures[:n])
	late := slices.IndexFunc(r.failures, func(f record.Failure) bool { return f.Code == purge.CodeExpired })
	if late >= n {
		list[n-1] = r.failures[late]
	}
	return list, len(r.failures) - n
}
