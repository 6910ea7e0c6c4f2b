package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/purge"
)

// Backlog is what the broker keeps of a lane.
type Backlog struct {
	Waiting int       // messages that were not delivered yet
	Held    int       // messages that were delivered and are not acked
	Oldest  time.Time // when the oldest of them was stored; zero: there is none
}

// Backlog reads a lane's, whichever replica works on it. It changes nothing.
func (b *Broker) Backlog(ctx context.Context, lane purge.Lane) (Backlog, error) {
	s, err := b.js.Stream(ctx, b.name("REQUESTS"))
	if err != nil {
		return Backlog{}, fmt.Errorf("look up lane %s: %w", lane, err)
	}
	cons, err := s.Consumer(ctx, string(lane))
	if err != nil {
		return Backlog{}, fmt.Errorf("look up lane %s: %w", lane, err)
	}
	info := cons.CachedInfo()
	log := Backlog{Waiting: int(info.NumPending), Held: info.NumAckPending}
	if log.Waiting+log.Held == 0 {
		return log, nil
	}
	m, err := s.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(b.subjects.Request(lane, "*")))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return log, nil // acked meanwhile
	}
	if err != nil {
		return Backlog{}, fmt.Errorf("look up the oldest message of lane %s: %w", lane, err)
	}
	log.Oldest = m.Time
	return log, nil
}

// ParkedCount is the number of parked requests.
func (b *Broker) ParkedCount(ctx context.Context) (int, error) {
	s, err := b.js.Stream(ctx, b.name("PARKED"))
	if err != nil {
		return 0, fmt.Errorf("count parked requests: %w", err)
	}
	return int(s.CachedInfo().State.Msgs), nil
}

// Reconnects counts how often the connection was made again.
func (b *Broker) Reconnects() uint64 { return b.nc.Stats().Reconnects }
