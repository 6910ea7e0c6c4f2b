package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Stage is how far a request has come.
type Stage string

// The stages, in their order. A request whose message is still stored counts as waiting even if some of
// its targets are submitted already: the message goes once each of them is recorded (I2).
const (
	StageUnknown   Stage = "unknown"   // none of the others: never asked for, or its event is not kept any more
	StageWaiting   Stage = "waiting"   // its message is in the request stream
	StageParked    Stage = "parked"    // it can't be sent now, and waits in a queue of its zone
	StageSubmitted Stage = "submitted" // its message is gone, and it stands in a job or in a record of progress
	StageEnded     Stage = "ended"     // its terminal event is stored
)

// stageReaders is how many messages of the request stream are asked for at once: each costs a round trip.
const stageReaders = 8

// errFound ends a search.
var errFound = errors.New("found")

// Stage tells how far a request has come, with the data of its event when it has ended. A request that
// waits is looked for message by message, which takes as long as its source's backlog is; the context
// bounds it. What it tells may be past when it returns. [client.ErrDenied] says that the rights of this user do not show it.
func (b *Broker) Stage(ctx context.Context, k record.Key) (s Stage, o purge.Outcome, err error) {
	err = b.unlessRefused(ctx, func(ctx context.Context) error {
		var err error
		s, o, err = b.stage(ctx, k)
		return err
	})
	return s, o, err
}

func (b *Broker) stage(ctx context.Context, k record.Key) (Stage, purge.Outcome, error) {
	ended, err := b.EventsOf(ctx, []record.Key{k})
	if o, ok := ended[k]; ok || err != nil {
		return StageEnded, o, err
	}
	// A request moves forward only: looking in the order of its way finds it though it moves meanwhile.
	if ok, err := b.waits(ctx, k); ok || err != nil {
		return StageWaiting, purge.Outcome{}, err
	}
	parked, err := b.ParkedOf(ctx, []record.Key{k})
	if _, ok := parked[k]; ok || err != nil {
		return StageParked, purge.Outcome{}, err
	}
	if ok, err := b.submitted(ctx, k); ok || err != nil {
		return StageSubmitted, purge.Outcome{}, err
	}
	ended, err = b.EventsOf(ctx, []record.Key{k})
	if o, ok := ended[k]; ok || err != nil {
		return StageEnded, o, err
	}
	return StageUnknown, purge.Outcome{}, nil
}

// waits looks for a message of the request.
func (b *Broker) waits(ctx context.Context, k record.Key) (bool, error) {
	s, err := b.js.Stream(ctx, b.name("REQUESTS"))
	if err != nil {
		return false, fmt.Errorf("look for request %s: %w", k, err)
	}
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		err := searchMessages(ctx, s, b.subjects.Request(lane, k.Source), func(m *jetstream.RawStreamMsg) bool {
			return requestID(m, k.Source) == k.ID
		})
		if errors.Is(err, errFound) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("look for request %s: %w", k, err)
		}
	}
	return false, nil
}

// requestID is the id that the worker gives to the request in a message: what could be read of a body
// that is not valid counts.
func requestID(m *jetstream.RawStreamMsg, source string) string {
	body, _ := purge.DecodeMessage(m.Data, m.Header.Get("Content-Type"), purge.ParseEventHeader(m.Header))
	msgID := purge.MessageID(source, m.Header.Get(purge.ReplayHeader), m.Header.Get(jetstream.MsgIDHeader))
	if id := purge.PickID(body, source, msgID); id != "" {
		return id
	}
	return purge.GeneratedID(m.Time, m.Sequence)
}

// searchMessages asks the stream's leader for every message of a subject that is stored now, and ends
// with errFound at one that is meant. A work queue lets no consumer look without taking.
func searchMessages(ctx context.Context, s jetstream.Stream, subject string, meant func(*jetstream.RawStreamMsg) bool) error {
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(subject))
	if err != nil || info.State.Subjects[subject] == 0 {
		return err
	}
	first, last := info.State.FirstSeq, info.State.LastSeq
	step := (last-first)/stageReaders + 1
	g, ctx := errgroup.WithContext(ctx)
	for from := first; from <= last; from += step {
		g.Go(func() error { return searchRange(ctx, s, subject, from, min(last, from+step-1), meant) })
	}
	return g.Wait()
}

func searchRange(ctx context.Context, s jetstream.Stream, subject string, from, to uint64, meant func(*jetstream.RawStreamMsg) bool) error {
	for sequence := from; sequence <= to; sequence++ {
		m, err := s.GetMsg(ctx, sequence, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if m.Sequence > to {
			return nil
		}
		if meant(m) {
			return errFound
		}
		sequence = m.Sequence
	}
	return nil
}

// submitted looks for a job with a share of the request, then for its record of progress: between the
// end of its last job and its event it has only that.
func (b *Broker) submitted(ctx context.Context, k record.Key) (bool, error) {
	for job, err := range b.Jobs(ctx) {
		if err != nil {
			return false, err
		}
		for have, err := range record.Keys(job.Data) {
			if err == nil && have == k {
				return true, nil
			}
		}
	}
	data, _, err := b.Progress(ctx, k)
	if err != nil || data == nil {
		return false, err
	}
	p, err := record.DecodeProgress(data)
	if errors.Is(err, record.ErrVersion) {
		return true, nil // of a newer edgepurge, which goes on with it
	}
	return err == nil && !p.Closed, err
}
