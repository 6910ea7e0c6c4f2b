package purge

import (
	"encoding/json"
	"fmt"
	"time"
)

// EventContentType is the content type of an Event, and of a Request that comes in a CloudEvents envelope.
const EventContentType = "application/cloudevents+json"

const (
	specVersion     = "1.0"
	eventTypeBegin  = "io.edgepurge.request."
	eventTypeEnd    = ".v1"
	eventSourceRoot = "/edgepurge/"
)

// Event tells how one request ended, as a CloudEvents 1.0 message in structured mode. Source and ID together are the
// same for every delivery of one event, and differ among the events that are kept.
type Event struct {
	SpecVersion     string    `json:"specversion"` // "1.0"
	ID              string    `json:"id"`          // equal to Subject, for a request has one terminal event (I1)
	Source          string    `json:"source"`      // "/edgepurge/<instance>", the same on all replicas
	Type            string    `json:"type"`        // "io.edgepurge.request.<status>.v1"
	Subject         string    `json:"subject"`     // "<source>/<request id>"
	Time            time.Time `json:"time"`        // when the request ended
	DataContentType string    `json:"datacontenttype"`
	Data            Outcome   `json:"data"`
}

// NewEvent puts an outcome into its envelope. The instance is the installation's name; the event's time is when the
// outcome finished, or now where it does not say.
func NewEvent(instance string, o Outcome, now time.Time) Event {
	subject := o.Source + "/" + o.Request
	at := o.Times.Finished
	if at.IsZero() {
		at = now
	}
	return Event{
		SpecVersion:     specVersion,
		ID:              subject,
		Source:          eventSourceRoot + instance,
		Type:            eventTypeBegin + string(o.Status) + eventTypeEnd,
		Subject:         subject,
		Time:            at.UTC(),
		DataContentType: "application/json",
		Data:            o,
	}
}

// Encode returns the event as compact JSON, to be published to Subjects.Event with EventContentType. It does not bound
// the outcome; see Outcome.Bound.
func (e Event) Encode() ([]byte, error) {
	data, err := encodeJSON(e)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return data, nil
}

// DecodeEvent reads an event. It ignores fields it doesn't know, so that events may grow, and refuses what is not an
// event of this version.
func DecodeEvent(data []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(data, &e); err != nil {
		return Event{}, fmt.Errorf("decode event: %w", err)
	}
	if e.SpecVersion != specVersion {
		return Event{}, fmt.Errorf("decode event: specversion is %q, want %q", e.SpecVersion, specVersion)
	}
	if want := eventTypeBegin + string(e.Data.Status) + eventTypeEnd; e.Type != want || !e.Data.Status.known() {
		return Event{}, fmt.Errorf("decode event: type is %q with status %q; this program reads terminal events of v1",
			e.Type, e.Data.Status)
	}
	return e, nil
}
