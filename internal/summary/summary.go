// Package summary counts how the requests of a list ended, for the commands that wait for one.
package summary

import (
	"cmp"
	"strconv"
	"unicode/utf8"

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
	line := cmp.Or(Clip(f.Target), f.ID) + ": " + string(f.Status)
	if f.Code != "" {
		line += ": " + f.Code
	}
	if f.Reason != "" {
		line += ": " + f.Reason
	}
	return line
}

const (
	// clipped is how many bytes are shown of a text that is longer.
	clipped = 200
	// unread is the length from which on a line may be longer than what was read of it.
	unread = 64 << 10
)

// Clip returns a text that may be too long for a person: its begin, and its length.
func Clip(s string) string {
	if len(s) <= clipped {
		return s
	}
	end := clipped
	for end > clipped-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	length := strconv.Itoa(len(s)) + " bytes"
	if len(s) >= unread {
		length = "64 KiB or more"
	}
	return s[:end] + "… (" + length + ")"
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
