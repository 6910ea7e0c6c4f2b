package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// State is what is known of one target of a request whose targets lie in several jobs: two bits in
// the record.
type State byte

// The states, in the order in which one may replace another: uniting keeps the greater.
const (
	Open      State = iota // not final: waiting, or in a job
	Held                   // reserved: in a job
	Refused                // final, not purged
	Succeeded              // final, purged; success beats failure
)

// Progress is the record of a request whose targets lie in more than one job or part. Uniting an
// outcome with it twice changes nothing.
type Progress struct {
	Version   int       `json:"v"`
	Request   Request   `json:"request"`
	States    []byte    `json:"states"` // two bits a target, four targets a byte
	Zones     []string  `json:"zones,omitempty"`
	Jobs      []string  `json:"jobs,omitempty"`
	Failures  []Failure `json:"failures,omitempty"`
	Sent      bool      `json:"sent"`
	Attempts  int       `json:"attempts"`
	Submitted time.Time `json:"submitted,omitzero"`  // the last submission
	Exhausted bool      `json:"exhausted,omitempty"` // a target failed at each of several attempts
	Closed    bool      `json:"closed,omitempty"`    // its event is out

	// Unlisted is why the first target was refused whose failure has no room among the others: what
	// the request gets where none has.
	Unlisted *purge.Reason `json:"unlisted,omitempty"`
}

// NewProgress begins the record of a request none of whose targets is final.
func NewProgress(r Request) *Progress {
	return &Progress{Version: Version, Request: r, States: make([]byte, (r.Total+3)/4)}
}

// State returns what is known of the target at index.
func (p *Progress) State(index int) State {
	if index < 0 || index >= p.Request.Total {
		return Open
	}
	return State(p.States[index/4] >> (index % 4 * 2) & 3)
}

func (p *Progress) set(index int, s State) {
	shift := index % 4 * 2
	p.States[index/4] = p.States[index/4]&^(3<<shift) | byte(s)<<shift
}

// Succeed marks the target at index as purged, and forgets an earlier failure of it.
func (p *Progress) Succeed(index int) {
	if index < 0 || index >= p.Request.Total || p.State(index) == Succeeded {
		return
	}
	if p.State(index) == Refused {
		p.Failures = slices.DeleteFunc(p.Failures, func(f Failure) bool { return f.Index == index })
	}
	p.set(index, Succeeded)
}

// Fail marks a target as not purged, unless it is final already.
func (p *Progress) Fail(f Failure) {
	if f.Index < 0 || f.Index >= p.Request.Total || p.State(f.Index) >= Refused {
		return
	}
	p.set(f.Index, Refused)
	if len(p.Failures) < purge.MaxFailures && p.listed()+f.bytes() <= maxListed {
		p.Failures = append(p.Failures, f)
	} else if p.Unlisted == nil {
		p.Unlisted = f.reason()
	}
}

// maxListed bounds the failures that a record lists, in bytes: an event lists no more than 256 KiB
// of them, and the record must fit into a message of 512 KiB, which is the least that the broker
// takes.
const maxListed = 256 << 10

func (p *Progress) listed() int {
	n := 0
	for i := range p.Failures {
		n += p.Failures[i].bytes()
	}
	return n
}

// Join notes a job that holds targets of the request.
func (p *Progress) Join(h *Head, attempts int) {
	p.Sent = true
	p.Attempts = max(p.Attempts, attempts)
	if h.Submitted.After(p.Submitted) {
		p.Submitted = h.Submitted
	}
	if !slices.Contains(p.Zones, h.Zone) {
		p.Zones = append(p.Zones, h.Zone)
	}
	if len(p.Jobs) < purge.MaxJobs && !slices.Contains(p.Jobs, h.ID) {
		p.Jobs = append(p.Jobs, h.ID)
	}
}

// Counts returns how many targets are purged, refused and still open.
func (p *Progress) Counts() (succeeded, refused, open int) {
	for i := range p.Request.Total {
		switch p.State(i) {
		case Succeeded:
			succeeded++
		case Refused:
			refused++
		case Open, Held:
			open++
		}
	}
	return succeeded, refused, open
}

// Tally is the end of a request none of whose targets is open.
func (p *Progress) Tally() Tally {
	succeeded, refused, _ := p.Counts()
	slices.SortFunc(p.Failures, func(a, b Failure) int { return a.Index - b.Index })
	t := Tally{
		Request: p.Request, Zones: p.Zones, Jobs: p.Jobs, Succeeded: succeeded,
		Failures: p.Failures, Omitted: refused - len(p.Failures),
		Sent: p.Sent, Attempts: p.Attempts, Submitted: p.Submitted,
	}
	switch {
	case p.Exhausted && refused > 0:
		t.Reason = &purge.Reason{
			Code:    purge.CodeAttemptsExhausted,
			Message: fmt.Sprintf("%d of %d targets were not purged in %d attempts", refused, p.Request.Total, p.Attempts),
		}
	case len(p.Failures) == 0 && refused > 0:
		t.Reason = p.Unlisted
	}
	return t
}

// Encode returns the stored form.
func (p *Progress) Encode() ([]byte, error) {
	var buf bytes.Buffer
	if err := encoder(&buf).Encode(p); err != nil {
		return nil, fmt.Errorf("encode progress of %s: %w", p.Request.Key(), err)
	}
	return buf.Bytes(), nil
}

// DecodeProgress reads the stored form. Its error is [ErrVersion] for a newer record.
func DecodeProgress(data []byte) (*Progress, error) {
	var p Progress
	err := json.Unmarshal(data, &p)
	if err := checkVersion(p.Version, err); err != nil {
		return nil, fmt.Errorf("decode progress: %w", err)
	}
	if p.Request.Total < 0 || len(p.States) != (p.Request.Total+3)/4 {
		return nil, fmt.Errorf("decode progress of %s: %d states for %d targets",
			p.Request.Key(), len(p.States)*4, p.Request.Total)
	}
	return &p, nil
}
