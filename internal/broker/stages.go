package broker

import (
	"context"
	"errors"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Stage is how far a request has come.
type Stage string

// The stages, in their order. A request whose message is still stored counts as waiting even if
// some of its targets are submitted already: the message goes once each of them is recorded (I2).
const (
	StageUnknown   Stage = "unknown"   // none of the others: never asked for, or its event is not kept any more
	StageWaiting   Stage = "waiting"   // its message is in the request stream
	StageParked    Stage = "parked"    // it can't be sent now, and waits in a queue of its zone
	StageSubmitted Stage = "submitted" // its message is gone, and it stands in a job or in a record of progress
	StageEnded     Stage = "ended"     // its terminal event is stored
)

// Stages finds out how far a request has come, from all the streams that it may be in.
type Stages struct {
	requests *Requests
	parked   *Parked
	jobs     *Jobs
	progress *Progress
	events   *Events
	conn     *Conn
}

// Of returns how far a request has come, with the data of its event when it has ended. A request
// that waits is looked for message by message, which takes as long as its source's backlog is; the
// context bounds it. What it returns may be past when it returns. [client.ErrDenied] says that the
// rights of this user do not show it.
func (st *Stages) Of(ctx context.Context, k record.Key) (s Stage, o purge.Outcome, err error) {
	err = st.conn.unlessRefused(ctx, func(ctx context.Context) error {
		var err error
		s, o, err = st.of(ctx, k)
		return err
	})
	return s, o, err
}

func (st *Stages) of(ctx context.Context, k record.Key) (Stage, purge.Outcome, error) {
	ended, err := st.events.Find(ctx, []record.Key{k})
	if o, ok := ended[k]; ok || err != nil {
		return StageEnded, o, err
	}
	// A request moves forward only: looking in the order of its way finds it though it moves
	// meanwhile.
	if ok, err := st.requests.has(ctx, k); ok || err != nil {
		return StageWaiting, purge.Outcome{}, err
	}
	parked, err := st.parked.Find(ctx, []record.Key{k})
	if _, ok := parked[k]; ok || err != nil {
		return StageParked, purge.Outcome{}, err
	}
	if ok, err := st.submitted(ctx, k); ok || err != nil {
		return StageSubmitted, purge.Outcome{}, err
	}
	ended, err = st.events.Find(ctx, []record.Key{k})
	if o, ok := ended[k]; ok || err != nil {
		return StageEnded, o, err
	}
	return StageUnknown, purge.Outcome{}, nil
}

// submitted looks for a job with a share of the request, then for its record of progress: between
// the end of its last job and its event it has only that.
func (st *Stages) submitted(ctx context.Context, k record.Key) (bool, error) {
	for job, err := range st.jobs.All(ctx) {
		if err != nil {
			return false, err
		}
		for have, err := range record.Keys(job.Data) {
			if err == nil && have == k {
				return true, nil
			}
		}
	}
	data, _, err := st.progress.Get(ctx, k)
	if err != nil || data == nil {
		return false, err
	}
	p, err := record.DecodeProgress(data)
	if errors.Is(err, record.ErrVersion) {
		return true, nil // of a newer edgepurge, which goes on with it
	}
	return err == nil && !p.Closed, err
}
