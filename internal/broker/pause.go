package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Pause stops a lane for every replica, now and after a restart, until [Broker.Resume]. It gives the
// time since when the lane is paused, which is earlier when it was already.
func (b *Broker) Pause(ctx context.Context, lane purge.Lane) (time.Time, error) {
	for {
		since, err := b.pausedSince(ctx, lane)
		if err != nil || !since.IsZero() {
			return since, err
		}
		m := nats.NewMsg(b.pauseSubject(lane))
		m.Header.Set(versionHeader, strconv.Itoa(record.Version))
		_, err = b.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(0))
		if err != nil && !isThere(err) && !isConflict(err) {
			return time.Time{}, fmt.Errorf("pause lane %s: %w", lane, b.explainControl(err))
		}
	}
}

// Resume lets a paused lane go on; it reports whether the lane was paused.
func (b *Broker) Resume(ctx context.Context, lane purge.Lane) (bool, error) {
	s, m, err := b.pause(ctx, lane)
	if err != nil || m == nil {
		return false, err
	}
	if err := s.DeleteMsg(ctx, m.Sequence); err != nil {
		return false, fmt.Errorf("resume lane %s: %w", lane, err)
	}
	return true, nil
}

// Paused tells since when each lane is paused; those that are not are not in the map.
func (b *Broker) Paused(ctx context.Context) (map[purge.Lane]time.Time, error) {
	paused := make(map[purge.Lane]time.Time)
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		since, err := b.pausedSince(ctx, lane)
		if err != nil {
			return nil, err
		}
		if !since.IsZero() {
			paused[lane] = since
		}
	}
	return paused, nil
}

// PausedSince returns since when a lane is paused, the zero time where it is not.
func (b *Broker) PausedSince(ctx context.Context, lane purge.Lane) (time.Time, error) {
	return b.pausedSince(ctx, lane)
}

func (b *Broker) pausedSince(ctx context.Context, lane purge.Lane) (time.Time, error) {
	_, m, err := b.pause(ctx, lane)
	if err != nil || m == nil {
		return time.Time{}, err
	}
	return m.Time, nil
}

// pause reads a lane's word, nil when there is none. What lies there and is no word of ours is removed.
func (b *Broker) pause(ctx context.Context, lane purge.Lane) (jetstream.Stream, *jetstream.RawStreamMsg, error) {
	fail := func(err error) (jetstream.Stream, *jetstream.RawStreamMsg, error) {
		return nil, nil, fmt.Errorf("read pause of lane %s: %w", lane, b.explainControl(err))
	}
	s, err := b.stream(ctx, "CONTROL")
	if err != nil {
		return fail(err)
	}
	m, err := s.GetLastMsgForSubject(ctx, b.pauseSubject(lane))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return s, nil, nil
	}
	if err != nil {
		return fail(err)
	}
	if !isRecord(m.Header) {
		if err := s.DeleteMsg(ctx, m.Sequence); err != nil {
			return fail(err)
		}
		return s, nil, nil
	}
	return s, m, nil
}

func (b *Broker) explainControl(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf("stream %s does not exist: run `edgepurge setup`, or start a worker", b.name("CONTROL"))
	}
	return err
}

func (b *Broker) pauseSubject(lane purge.Lane) string {
	return b.subject("control.pause." + string(lane))
}
