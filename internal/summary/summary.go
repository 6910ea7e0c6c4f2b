// Package summary counts how the requests of a list ended, for the commands that wait for one.
package summary

import (
	"cmp"

	"github.com/edgepurge/edgepurge/purge"
)

// MaxFailures is how many failures are kept.
const MaxFailures = 100

// Counts are the requests of a list by how they ended: completed, failed (with any other status) and pending make the
// requests. A failed one includes what could not be published.
type Counts struct {
	Requests  int `json:"requests"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
	Pending   int `json:"pending"`
}

// Failure is a request that ended otherwise than completed, with the first reason that its event has.
type Failure struct {
	ID     string       `json:"id"`
	Target string       `json:"target"`
	Status purge.Status `json:"status"`
	Code   string       `json:"code"`
	Reason string       `json:"reason"`
}

// String is the failure in one line, which names the target.
func (f Failure) String() string {
	line := cmp.Or(f.Target, f.ID) + ": " + string(f.Status)
	if f.Code != "" {
		line += ": " + f.Code
	}
	if f.Reason != "" {
		line += ": " + f.Reason
	}
	return line
}

// Tally counts ends as they come. It is not safe for concurrent use.
type Tally struct {
	Counts
	Failures []Failure // the first MaxFailures; never nil
}

// New returns the tally of a list of which nothing has ended.
func New(requests int) *Tally {
	return &Tally{Counts: Counts{Requests: requests, Pending: requests}, Failures: []Failure{}}
}

// Complete counts a request that completed.
func (t *Tally) Complete() {
	t.Completed++
	t.Pending--
}

// Fail counts any other end, and returns it, with whether it is among the first ones.
func (t *Tally) Fail(target string, o purge.Outcome) (Failure, bool) {
	t.Failed++
	t.Pending--
	f := Failure{ID: o.Request, Target: target, Status: o.Status}
	switch {
	case o.Reason != nil:
		f.Code, f.Reason = o.Reason.Code, o.Reason.Message
	case len(o.Failures) > 0:
		f.Code, f.Reason = o.Failures[0].Code, o.Failures[0].Reason
	}
	if len(t.Failures) == MaxFailures {
		return f, false
	}
	t.Failures = append(t.Failures, f)
	return f, true
}

// Ended is how many requests have ended.
func (t *Tally) Ended() int { return t.Completed + t.Failed }
