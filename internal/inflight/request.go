package inflight

import (
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// state is that of one target.
type state uint8

const (
	waiting  state = iota // for a call
	assigned              // to a job that EdgeOne made and that is not stored yet
	recorded              // in a stored job, or with an outcome in another record
	failed                // without a job; the failure stands in memory until Ending is done
)

// recordedShare says that a recorded target costs 1/recordedShare of another: its string is freed,
// and only its slot remains.
const recordedShare = 8

// Request is a request with the states of its targets. The zero Request has none.
type Request struct {
	record.Request

	// Body is the request as it was read. The targets that stand in records are empty.
	Body     purge.Request
	Attempts int // calls that were made before of these targets

	states   []state // by target index; nil while all wait
	waiting  int
	assigned int
	failures []record.Failure

	jobs      int       // stored or about to be, with targets of it
	multiJob  bool      // its targets stand in several jobs, or in records of several kinds
	submitted bool      // EdgeOne was asked for one of its targets
	first     time.Time // the first of these calls
	partial   bool      // it was parked, and its empty targets stand in records
}

// New returns a request all of whose targets wait; their number is Total.
func New(r record.Request, body purge.Request) Request {
	return Request{Request: r, Body: body, waiting: r.Total}
}

// NewParked returns a request that was parked. Before it is handled, Found is called with what the
// records hold of it.
func NewParked(p *record.Parked) Request {
	r := New(p.Request, p.Body)
	r.submitted, r.first, r.partial = !p.Sent.IsZero(), p.Sent, p.Partial
	return r
}

// NewRetry returns the part of a request that EdgeOne failed in a job: its share. The other targets
// count as recorded. targets are those of the job.
func NewRetry(s *record.Share, targets []string) Request {
	r := Request{
		Request: s.Request, Attempts: s.Attempts, submitted: true, multiJob: true, waiting: s.Count(),
		Body:   purge.Request{Type: s.Type, Targets: make([]string, s.Total)},
		states: slices.Repeat([]state{recorded}, s.Total),
	}
	for _, run := range s.Runs {
		for i := range run[2] {
			r.states[run[1]+i] = waiting
			r.Body.Targets[run[1]+i] = targets[run[0]+i]
		}
	}
	return r
}

// Reread replaces what was read of a request of which nothing was done yet.
func (r *Request) Reread(as record.Request, body purge.Request) { *r = New(as, body) }

// Found takes over which targets stand in records already, by index.
func (r *Request) Found(inRecords []bool) {
	for i := range r.Total {
		emptied := r.partial && i < len(r.Body.Targets) && r.Body.Targets[i] == ""
		if !emptied && (i >= len(inRecords) || !inRecords[i]) {
			continue
		}
		if r.move(i, recorded) {
			r.drop(i, 1)
			r.multiJob = true
		}
	}
}

// Submitted notes that EdgeOne was asked for a target, whatever it answered. sent is zero if the
// call is not known to have been carried out.
func (r *Request) Submitted(sent time.Time) {
	r.submitted = true
	if r.first.IsZero() {
		r.first = sent
	}
}

// Assign says that EdgeOne made a job of a target. It reports false for one that does not wait.
func (r *Request) Assign(index int) bool {
	if r.state(index) != waiting {
		return false
	}
	r.move(index, assigned)
	return true
}

// Filed says that all its targets of one job are assigned. It returns whether the request has
// targets elsewhere, and else the failures that the job's record must have, because it is the only
// one.
func (r *Request) Filed() (multiJob bool, failures []record.Failure) {
	r.jobs++
	if r.multiJob = r.multiJob || r.waiting > 0; r.multiJob {
		return true, nil
	}
	return false, r.failures
}

// Unfiled takes back a Filed whose job could not be stored. Its targets have to fail.
func (r *Request) Unfiled() { r.jobs-- }

// Record says that n assigned targets from index on stand in a stored job, and reports whether that
// makes the request done.
func (r *Request) Record(index, n int) (done bool) {
	changed := false
	for i := index; i < index+n; i++ {
		if r.state(i) == assigned {
			changed = r.move(i, recorded) || changed
			r.drop(i, 1)
		}
	}
	return changed && r.Done()
}

// InSeveral says that the record of its job was stored in several parts.
func (r *Request) InSeveral() { r.multiJob = true }

// Fail ends a target that no stored job holds, and reports whether that makes the request done.
func (r *Request) Fail(index int, code, reason, field string) (done bool) {
	if !r.move(index, failed) {
		return false
	}
	target := ""
	if index < len(r.Body.Targets) {
		target = r.Body.Targets[index]
	}
	f := record.Failure{Index: index, Target: target, Code: code, Reason: reason, Field: field}
	r.failures = append(r.failures, f)
	return r.Done()
}

// FailAll ends targets that no stored job holds, and reports whether that makes the request done.
// Failures need no Target.
func (r *Request) FailAll(failures []record.Failure) (done bool) {
	r.failures = slices.Grow(r.failures, len(failures))
	for _, f := range failures {
		done = r.Fail(f.Index, f.Code, f.Reason, f.Field) || done
	}
	return done
}

// move puts a target that is open into another state, and reports whether it did.
func (r *Request) move(index int, to state) bool {
	switch r.state(index) {
	case waiting:
		r.waiting--
	case assigned:
		r.assigned--
	default:
		return false
	}
	if to == assigned {
		r.assigned++
	}
	if r.states == nil {
		r.states = make([]state, r.Total)
	}
	r.states[index] = to
	return true
}

func (r *Request) state(index int) state {
	switch {
	case index < 0 || index >= r.Total:
		return recorded // not a target of it
	case r.states == nil:
		return waiting
	}
	return r.states[index]
}

// drop frees the strings of n targets from index on.
func (r *Request) drop(index, n int) {
	if index+n <= len(r.Body.Targets) {
		clear(r.Body.Targets[index : index+n])
	}
}

// Shed frees what is not needed of a request whose end is settled.
func (r *Request) Shed() { r.Body.Targets, r.failures = nil, nil }
