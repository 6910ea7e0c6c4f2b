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

// stageReaders is how many messages of the request stream are asked for at once: each costs a round
// trip.
const stageReaders = 8

// errFound ends a search.
var errFound = errors.New("found")

// has looks for a message of the request.
func (rq *Requests) has(ctx context.Context, k record.Key) (bool, error) {
	s, err := rq.conn.js.Stream(ctx, rq.conn.name("REQUESTS"))
	if err != nil {
		return false, fmt.Errorf("look for request %s: %w", k, err)
	}
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		err := searchMessages(ctx, s, rq.conn.subjects.Request(lane, k.Source), func(m *jetstream.RawStreamMsg) bool {
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

// requestID is the id that the worker gives to the request in a message: what could be read of a
// body that is not valid counts.
func requestID(m *jetstream.RawStreamMsg, source string) string {
	body, _ := purge.DecodeMessage(m.Data, m.Header.Get("Content-Type"), purge.ParseEventHeader(m.Header))
	msgID := purge.MessageID(source, m.Header.Get(purge.ReplayHeader), m.Header.Get(jetstream.MsgIDHeader))
	if id := purge.PickID(body, source, msgID); id != "" {
		return id
	}
	return purge.GeneratedID(m.Time, m.Sequence)
}

// searchMessages asks the stream's leader for every message of a subject that is stored now, and
// ends with errFound at one that is meant. A work queue lets no consumer look without taking.
func searchMessages(
	ctx context.Context, s jetstream.Stream, subject string, meant func(*jetstream.RawStreamMsg) bool,
) error {
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

func searchRange(
	ctx context.Context, s jetstream.Stream, subject string, from, to uint64, meant func(*jetstream.RawStreamMsg) bool,
) error {
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
