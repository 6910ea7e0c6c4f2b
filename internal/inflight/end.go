package inflight

import (
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Done reports whether no target waits or is assigned.
func (r *Request) Done() bool { return r.Open() == 0 }

// Open counts the targets that stand in no record and have not failed.
func (r *Request) Open() int { return r.waiting + r.assigned }

// Waiting counts the targets that wait for a call.
func (r *Request) Waiting() int { return r.waiting }

// Waits reports whether a target waits for a call.
func (r *Request) Waits(index int) bool { return r.state(index) == waiting }

// Begun reports whether a part of it is done: what is stored of it when it is parked is not all of
// it then.
func (r *Request) Begun() bool { return r.multiJob || len(r.failures) > 0 }

// Failures returns what has failed without a job, in order, and whether EdgeOne was asked for any
// target.
func (r *Request) Failures() (failures []record.Failure, submitted bool) {
	return r.failures, r.submitted
}

// Expired reports whether it has to be submitted before now, or fail.
func (r *Request) Expired(now time.Time) bool {
	return !r.Body.Expires.IsZero() && !now.Before(r.Body.Expires)
}

// Load is what it takes in memory, in targets; at least 1.
func (r *Request) Load() int {
	inRecords := r.Total - r.Open() - len(r.failures)
	return max(1, r.Total-inRecords+inRecords/recordedShare)
}

// Ending is what has to be stored for a request that is done, before its messages are acked (I2).
type Ending int

const (
	// InJobs needs nothing: the ends of its jobs make its event.
	InJobs Ending = iota
	// InNoJob needs its event, of which Tally is the content. No job will make one.
	InNoJob
	// InSeveralJobs needs its failures, beside the outcomes that its other targets get in their
	// jobs.
	InSeveralJobs
)

// Ending returns what has to be stored for a request that is done.
func (r *Request) Ending() Ending {
	switch {
	case r.multiJob && len(r.failures) > 0:
		return InSeveralJobs
	case !r.multiJob && r.jobs == 0:
		return InNoJob
	}
	return InJobs
}

// Parked returns what is stored of the request when it is parked. Where that is a part of it, its
// failures have to be stored before, because nothing else remembers them.
func (r *Request) Parked() record.Parked {
	return record.Parked{
		Request: r.Request, Body: r.Body, Sent: r.first,
		Partial: r.multiJob || r.submitted && len(r.failures) > 0,
	}
}

// Tally returns the end of a request that no job holds a part of.
func (r *Request) Tally() record.Tally {
	t := record.Tally{Request: r.Request, Sent: r.submitted, Submitted: r.first}
	t.Failures, t.Omitted = r.listed()
	if r.submitted {
		t.Attempts = 1
	}
	if r.Body.Zone != "" {
		t.Zones = []string{r.Body.Zone}
	}
	return t
}

// listed returns as many failures as an event lists, and how many more there are. If the request
// expired, a failure that says so is among them, because the event's status follows from it.
func (r *Request) listed() (list []record.Failure, omitted int) {
	n := min(len(r.failures), purge.MaxFailures)
	list = slices.Clone(r.failures[:n])
	late := slices.IndexFunc(r.failures, func(f record.Failure) bool { return f.Code == purge.CodeExpired })
	if late >= n {
		list[n-1] = r.failures[late]
	}
	return list, len(r.failures) - n
}
