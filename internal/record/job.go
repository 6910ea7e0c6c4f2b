package record

import (
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/internal/canonical"
	"github.com/edgepurge/edgepurge/purge"
)

// Head is what the tracker needs to follow a job. It is stored as the first line of every part and
// in the headers of the message, so that it can be read without the body.
type Head struct {
	Version int        `json:"v"`
	Account string     `json:"account"`
	Zone    string     `json:"zone"`
	ID      string     `json:"job"`
	Type    purge.Type `json:"type"` // stored as its TypeName
	Method  string     `json:"method,omitempty"`
	Hosts   []string   `json:"hosts,omitempty"`
	Part    int        `json:"part"`  // from 0
	Parts   int        `json:"parts"` // how many there are
	Rows    int        `json:"rows"`  // distinct targets of the whole job, Unnamed included
	// Unnamed is how many of them EdgeOne refused by names that are none of those sent, Refusal
	// what it said.
	Unnamed   int       `json:"unnamed,omitempty"`
	Refusal   string    `json:"refusal,omitempty"`
	Submitted time.Time `json:"submitted"` // when the call went out, by the worker's clock
	Created   time.Time `json:"created,omitzero"`
	// Due is set in what is left of a job whose task failed: its targets are to be sent again, from
	// then on. ID is the job's in which they failed.
	Due time.Time `json:"due,omitzero"`
	// From is, beside Due, the sequence of the part that it is left of.
	From uint64 `json:"from,omitempty"`
	// QuotaExhausted says, beside Due, that they failed because the zone's day was spent.
	QuotaExhausted bool `json:"spent,omitempty"`
}

// CodeRefused is EdgeOne's code for a target that it does not take; its list of refused targets has
// reasons without codes.
const CodeRefused = "InvalidParameter.Target"

// Expected is how many rows EdgeOne will show for the job.
func (h *Head) Expected() int { return h.Rows - h.Unnamed }

// IsRetryPart reports whether the part holds targets that are to be sent again, rather than those
// of a job.
func (h *Head) IsRetryPart() bool { return !h.Due.IsZero() }

// Share is what one request has in a job.
type Share struct {
	Request

	Attempts        int       `json:"a"`           // of its targets, this job counted
	Runs            [][3]int  `json:"u"`           // at, index, count: count targets from index on are those of the table from at on
	EarlierFailures []Failure `json:"f,omitempty"` // targets that were refused before; of a request in several jobs, in one part at most
	MultiJob        bool      `json:"sp,omitempty"`
}

// Job is a batch that EdgeOne accepted, with the requests that wait for it.
type Job struct {
	Head

	Targets []string // as written, each once
	Shares  []Share
}

// Count is the number of the request's targets in the share.
func (s *Share) Count() int {
	n := 0
	for _, r := range s.Runs {
		n += r[2]
	}
	return n
}

// Add notes that the target at index of the request is the job's target at position at.
func (s *Share) Add(at, index int) {
	if n := len(s.Runs); n > 0 {
		last := &s.Runs[n-1]
		if last[0]+last[2] == at && last[1]+last[2] == index {
			last[2]++
			return
		}
	}
	s.Runs = append(s.Runs, [3]int{at, index, 1})
}

// Sent returns the targets in the form in which they were sent; one that several requests have may
// be there several times.
func (j *Job) Sent() []string {
	sent := make([]string, 0, len(j.Targets))
	for i := range j.Shares {
		s := &j.Shares[i]
		for _, run := range s.Runs {
			for _, target := range j.Targets[run[0] : run[0]+run[2]] {
				sent = append(sent, s.sent(target))
			}
		}
	}
	return sent
}

// InFlight is a job that is stored and not yet final, or what is left of one, to be sent again.
type InFlight struct {
	Head

	Sequences []uint64 // of its parts
}

// Found is what is already known of a request that comes again.
type Found struct {
	Digest   string          // of its body
	Received time.Time       // when the broker stored its message; of several, the first
	Rules    canonical.Rules // by which it stands in jobs and in its progress, see Request

	Ended    bool   // its terminal event is stored
	Parked   bool   // it waits in a queue
	Recorded []bool // by target index: stands in a stored job or has its outcome; nil if none
}

// AllRecorded reports whether nothing is left to submit.
func (f *Found) AllRecorded() bool {
	return f.Ended || f.Parked || len(f.Recorded) > 0 && !slices.Contains(f.Recorded, false)
}
