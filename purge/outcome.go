package purge

import "time"

// Status says how a request ended.
type Status string

// The statuses of a terminal event.
const (
	Completed Status = "completed" // every target was purged, as DescribePurgeTasks tells
	Partial   Status = "partial"   // some targets were purged
	Failed    Status = "failed"    // sent, and none purged
	Rejected  Status = "rejected"  // nothing sent, because edgepurge refused it
	Expired   Status = "expired"   // nothing submitted in time
)

func (s Status) known() bool {
	switch s {
	case Completed, Partial, Failed, Rejected, Expired:
		return true
	}
	return false
}

const (
	// MaxFailures is how many failures an event lists.
	MaxFailures = 100
	// MaxJobs is how many jobs an event lists.
	MaxJobs = 100

	maxOutcomeLists = 256 << 10 // bytes of failures and jobs together, in JSON
)

// Outcome is the data of an Event. A field with its zero value is absent where that means that it is not known.
type Outcome struct {
	Request string   `json:"request"` // the id, the producer's or a generated one
	Source  string   `json:"source"`
	Lane    Lane     `json:"lane,omitempty"` // the lane of the subject that the request came on
	Status  Status   `json:"status"`
	Zones   []string `json:"zones,omitempty"`
	Type    Type     `json:"type,omitempty"`
	Targets Counts   `json:"targets,omitzero"`
	// Failures are the targets that were not purged, in no order; FailuresOmitted is how many more there are.
	Failures        []Failure `json:"failures,omitempty"`
	FailuresOmitted int       `json:"failures_omitted"`
	Reason          *Reason   `json:"reason,omitempty"` // why the request as a whole did not complete
	Jobs            []string  `json:"jobs,omitempty"`   // EdgeOne's JobIds, the first MaxJobs
	Attempts        int       `json:"attempts"`         // how often its targets were submitted; 0 if never
	Prefetch        *Counts   `json:"prefetch,omitempty"`
	Digest          string    `json:"digest,omitempty"` // see Request.Digest
	Times           Times     `json:"times,omitzero"`
	// CloudEvent names the CloudEvents message that the request came in, where source and id have up to 2,048 bytes
	// together.
	CloudEvent *CloudEvent `json:"cloudevent,omitempty"`
	// Labels are those of the request.
	Labels map[string]string `json:"labels,omitempty"`
}

// Counts says how many targets there were, and what became of them.
type Counts struct {
	Total     int `json:"total"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
}

// Failure is a target that was not purged. Code is one of ours or EdgeOne's, verbatim.
type Failure struct {
	Target string `json:"target"` // as the requester wrote it
	Code   string `json:"code"`
	Reason string `json:"reason,omitempty"`
}

// Times are the stations of a request.
type Times struct {
	Requested time.Time `json:"requested,omitzero"` // when the content changed: the request's time
	Received  time.Time `json:"received,omitzero"`  // when the broker stored the request
	Submitted time.Time `json:"submitted,omitzero"` // when EdgeOne took the last of its targets
	Finished  time.Time `json:"finished,omitzero"`  // when its end was known
}

// Bound cuts failures and jobs to what an event may hold: MaxFailures and MaxJobs, and 256 KiB together. Jobs go first,
// then failures in their order; one that is too long for the room that is left is left out, and those behind it are tried.
// What is cut from the failures is added to FailuresOmitted. The slices it was given are not written to.
func (o *Outcome) Bound() {
	if o.surelyFits() {
		return
	}
	room := maxOutcomeLists
	o.Jobs = fitting(o.Jobs[:min(len(o.Jobs), MaxJobs)], &room)
	kept := fitting(o.Failures[:min(len(o.Failures), MaxFailures)], &room)
	o.FailuresOmitted += len(o.Failures) - len(kept)
	o.Failures = kept
}

// surelyFits spares the usual outcome, with few and short failures, the work of encoding its lists twice.
func (o *Outcome) surelyFits() bool {
	const (
		frame  = 64 // more than the names and marks around one element
		worstN = 6  // bytes of one byte in JSON: \u00XX
	)
	size := 0
	for _, job := range o.Jobs {
		size += worstN*len(job) + frame
	}
	for _, f := range o.Failures {
		size += worstN*(len(f.Target)+len(f.Code)+len(f.Reason)) + frame
	}
	return len(o.Jobs) <= MaxJobs && len(o.Failures) <= MaxFailures && size <= maxOutcomeLists
}

// fitting returns those elements whose JSON fits into room, and takes them and the marks around them from it.
func fitting[E any](list []E, room *int) []E {
	*room -= len("[]")
	kept := make([]E, 0, len(list))
	for _, element := range list {
		data, err := encodeJSON(element)
		if err != nil || len(data)+len(",") > *room {
			continue
		}
		*room -= len(data) + len(",")
		kept = append(kept, element)
	}
	return kept
}
