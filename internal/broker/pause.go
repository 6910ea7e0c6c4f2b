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

// Pause stops a lane for every replica, now and after a restart, until [Control.Resume]. It gives
// the time since when the lane is paused, which is earlier when it was already.
func (c *Control) Pause(ctx context.Context, lane purge.Lane) (time.Time, error) {
	for {
		since, err := c.pausedSince(ctx, lane)
		if err != nil || !since.IsZero() {
			return since, err
		}
		m := nats.NewMsg(c.pauseSubject(lane))
		m.Header.Set(versionHeader, strconv.Itoa(record.Version))
		_, err = c.conn.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(0))
		if err != nil && !isThere(err) && !isConflict(err) {
			return time.Time{}, fmt.Errorf("pause lane %s: %w", lane, c.conn.explainControl(err))
		}
	}
}

// Resume lets a paused lane go on; it reports whether the lane was paused.
func (c *Control) Resume(ctx context.Context, lane purge.Lane) (bool, error) {
	s, m, err := c.pause(ctx, lane)
	if err != nil || m == nil {
		return false, err
	}
	if err := s.DeleteMsg(ctx, m.Sequence); err != nil {
		return false, fmt.Errorf("resume lane %s: %w", lane, err)
	}
	return true, nil
}

// Paused returns since when each lane is paused; those that are not are not in the map.
func (c *Control) Paused(ctx context.Context) (map[purge.Lane]time.Time, error) {
	paused := make(map[purge.Lane]time.Time)
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		since, err := c.pausedSince(ctx, lane)
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
func (c *Control) PausedSince(ctx context.Context, lane purge.Lane) (time.Time, error) {
	return c.pausedSince(ctx, lane)
}

func (c *Control) pausedSince(ctx context.Context, lane purge.Lane) (time.Time, error) {
	_, m, err := c.pause(ctx, lane)
	if err != nil || m == nil {
		return time.Time{}, err
	}
	return m.Time, nil
}

// pause reads a lane's word, nil when there is none. What lies there and is no word of ours is
// removed.
func (c *Control) pause(ctx context.Context, lane purge.Lane) (jetstream.Stream, *jetstream.RawStreamMsg, error) {
	fail := func(err error) (jetstream.Stream, *jetstream.RawStreamMsg, error) {
		return nil, nil, fmt.Errorf("read pause of lane %s: %w", lane, c.conn.explainControl(err))
	}
	s, err := c.conn.stream(ctx, "CONTROL")
	if err != nil {
		return fail(err)
	}
	m, err := s.GetLastMsgForSubject(ctx, c.pauseSubject(lane))
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

func (c *Conn) explainControl(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf("stream %s does not exist: run `edgepurge setup`, or start a worker", c.name("CONTROL"))
	}
	return err
}

func (c *Control) pauseSubject(lane purge.Lane) string {
	return c.conn.subject("control.pause." + string(lane))
}
