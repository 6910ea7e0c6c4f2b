package purge

import (
	"encoding/json"
	"fmt"
	"time"
)

// Step says what was done for a request that has not ended.
type Step string

// The steps that Progress tells.
const (
	Submitted Step = "submitted" // EdgeOne took targets of it
	Parked    Step = "parked"    // all of it waits until its zone can be purged again
)

// Progress tells what was just done for a request that has not ended. It is published to Subjects.Progress where the
// configuration says so (events.progress), and stored nowhere: who does not listen at that moment misses it, and after a
// crash or a hand-over it may come twice or not at all. How a request ends is told by its Event alone.
type Progress struct {
	Request string            `json:"request"`
	Source  string            `json:"source"`
	Lane    Lane              `json:"lane"`
	Status  Step              `json:"status"`
	Type    Type              `json:"type"`
	Zone    string            `json:"zone,omitempty"` // EdgeOne's; absent where it is not known yet
	Job     string            `json:"job,omitempty"`  // EdgeOne's JobId, of what is submitted
	Targets ProgressTargets   `json:"targets"`
	Attempt int               `json:"attempt"` // which of these targets it is; 0 where they are parked
	Labels  map[string]string `json:"labels,omitempty"`
}

// ProgressTargets counts targets.
type ProgressTargets struct {
	Total     int `json:"total"`     // of the request
	Submitted int `json:"submitted"` // of these, in the job; a request may have several
}

// ProgressEvent is a Progress as a CloudEvents 1.0 message in structured mode.
type ProgressEvent struct {
	SpecVersion     string    `json:"specversion"` // "1.0"
	ID              string    `json:"id"`          // Subject and the job; "<source>/<request id>/parked/<time>" of one that is parked
	Source          string    `json:"source"`      // "/edgepurge/<instance>", the same on all replicas
	Type            string    `json:"type"`        // "io.edgepurge.request.<status>.v1"
	Subject         string    `json:"subject"`     // "<source>/<request id>"
	Time            time.Time `json:"time"`        // when EdgeOne took the targets, or the request was parked
	DataContentType string    `json:"datacontenttype"`
	Data            Progress  `json:"data"`
}

// NewProgressEvent puts what was done at a time into its envelope. The instance is the installation's name.
func NewProgressEvent(instance string, p Progress, at time.Time) ProgressEvent {
	subject := p.Source + "/" + p.Request
	what := p.Job
	if what == "" {
		what = string(p.Status) + "/" + at.UTC().Format(time.RFC3339Nano)
	}
	return ProgressEvent{
		SpecVersion:     specVersion,
		ID:              subject + "/" + what,
		Source:          eventSourceRoot + instance,
		Type:            eventTypeBegin + string(p.Status) + eventTypeEnd,
		Subject:         subject,
		Time:            at.UTC(),
		DataContentType: "application/json",
		Data:            p,
	}
}

// Encode returns the message as compact JSON, to be published with EventContentType.
func (e ProgressEvent) Encode() ([]byte, error) {
	data, err := encodeJSON(e)
	if err != nil {
		return nil, fmt.Errorf("encode progress %s: %w", e.ID, err)
	}
	return data, nil
}

// DecodeProgressEvent reads what Encode made. It ignores fields it doesn't know, and refuses what is not progress of this
// version.
func DecodeProgressEvent(data []byte) (ProgressEvent, error) {
	var e ProgressEvent
	if err := json.Unmarshal(data, &e); err != nil {
		return ProgressEvent{}, fmt.Errorf("decode progress: %w", err)
	}
	if e.SpecVersion != specVersion {
		return ProgressEvent{}, fmt.Errorf("decode progress: specversion is %q, want %q", e.SpecVersion, specVersion)
	}
	s := e.Data.Status
	if want := eventTypeBegin + string(s) + eventTypeEnd; e.Type != want || s != Submitted && s != Parked {
		return ProgressEvent{}, fmt.Errorf("decode progress: type is %q with status %q; this program reads progress of v1", e.Type, s)
	}
	return e, nil
}
