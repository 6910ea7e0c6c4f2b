package record

import (
	"cmp"
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/internal/canonical"
	"github.com/edgepurge/edgepurge/purge"
)

// Key names a request: its source and its id.
type Key struct {
	Source string
	ID     string
}

// String is the form that events use as their subject: "source/id".
func (k Key) String() string { return k.Source + "/" + k.ID }

// Request is what its terminal event needs of a request, apart from what became of its targets.
type Request struct {
	Source    string            `json:"s"`
	ID        string            `json:"i"`
	Lane      purge.Lane        `json:"l"`
	Type      purge.Type        `json:"y"`
	Digest    string            `json:"d"`
	Total     int               `json:"n"`
	Requested time.Time         `json:"tq,omitzero"`
	Received  time.Time         `json:"tr,omitzero"`
	Labels    map[string]string `json:"lb,omitempty"`

	// Rules are those by which the forms of its targets and its Digest were made. Records of the
	// first rules have none.
	Rules      canonical.Rules   `json:"cr,omitempty"`
	CloudEvent *purge.CloudEvent `json:"ce,omitempty"`
}

// Canonical returns the form in which a target of the request is sent, by the rules under which it
// was admitted. An error is a [*purge.Reason].
func (r *Request) Canonical(target string) (string, error) {
	form, err := r.Rules.Of(string(r.Type), target)
	if err != nil {
		return "", &purge.Reason{Code: purge.CodeInvalidTarget, Message: err.Error()}
	}
	return form, nil
}

// sent is the form in which a target of the request is sent. One that has none by now was sent
// before all the same.
func (r *Request) sent(target string) string {
	if form, err := r.Canonical(target); err == nil {
		return form
	}
	return target
}

// maxCloudEvent bounds what is stored of the message that a request came in, in bytes.
const maxCloudEvent = 2048

// CloudEventOf returns the identity of a message as it is stored with its request; nil where there
// is none, or it is too long.
func CloudEventOf(r purge.Request) *purge.CloudEvent {
	if e := r.CloudEvent; e != nil && len(e.Source)+len(e.ID) <= maxCloudEvent {
		return e
	}
	return nil
}

// Key returns the request's name.
func (r *Request) Key() Key { return Key{r.Source, r.ID} }

// Failure reports why the target at Index of its request was not purged.
type Failure struct {
	Index  int    `json:"x"`
	Target string `json:"t"`
	Code   string `json:"c"`
	Reason string `json:"r,omitempty"`
	Field  string `json:"f,omitempty"`
}

// bytes bounds what the failure takes in a record.
func (f *Failure) bytes() int {
	const names = 64
	return quotedBytes(f.Target) + quotedBytes(f.Code) + quotedBytes(f.Reason) + quotedBytes(f.Field) + names
}

// reason is what the request as a whole gets to know of the failure.
func (f *Failure) reason() *purge.Reason {
	return &purge.Reason{Code: f.Code, Message: cmp.Or(f.Reason, f.Code), Field: f.Field}
}

// Tally is what became of all targets of one request.
type Tally struct {
	Request

	Zones     []string
	Jobs      []string
	Succeeded int
	Failures  []Failure
	Omitted   int // failures that are counted but no longer listed
	Sent      bool
	Attempts  int
	Submitted time.Time
	// Reason is why the request as a whole was refused; nil where its targets have their own.
	Reason *purge.Reason
}

// Status follows from the counts: what was sent and what of it succeeded.
func (t *Tally) Status() purge.Status {
	switch {
	case t.Total > 0 && t.Succeeded == t.Total:
		return purge.Completed
	case t.Succeeded > 0:
		return purge.Partial
	case t.Sent:
		return purge.Failed
	}
	if t.expired() >= 0 {
		return purge.Expired
	}
	return purge.Rejected
}

// expired is the position of the first failure of a target that was not sent in time, or -1.
func (t *Tally) expired() int {
	return slices.IndexFunc(t.Failures, func(f Failure) bool { return f.Code == purge.CodeExpired })
}

// Outcome is the data of the request's terminal event, bounded as events are.
func (t *Tally) Outcome(finished time.Time) purge.Outcome {
	o := purge.Outcome{
		Request: t.ID, Source: t.Source, Lane: t.Lane, Status: t.Status(),
		Zones: t.Zones, Type: t.Type, Jobs: t.Jobs, Attempts: t.Attempts,
		Targets:         purge.Counts{Total: t.Total, Succeeded: t.Succeeded, Failed: t.Total - t.Succeeded},
		FailuresOmitted: t.Omitted,
		Digest:          t.Digest,
		CloudEvent:      t.CloudEvent,
		Labels:          t.Labels,
		Times: purge.Times{
			Requested: t.Requested, Received: t.Received, Submitted: t.Submitted, Finished: finished,
		},
	}
	for _, f := range t.Failures {
		o.Failures = append(o.Failures, purge.Failure{
			Target: f.Target, Code: f.Code, Reason: cmp.Or(f.Reason, f.Code),
		})
	}
	o.Reason = t.Reason
	if o.Reason == nil && o.Status != purge.Completed && len(t.Failures) > 0 {
		f := t.Failures[0]
		if i := t.expired(); i >= 0 && o.Status == purge.Expired {
			f = t.Failures[i] // not that of a target which was not valid besides
		}
		o.Reason = f.reason()
	}
	o.Bound()
	return o
}
