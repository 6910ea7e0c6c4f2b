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
	Unacked int       // messages that were delivered and are not acked
	Oldest  time.Time // when the oldest of them was stored; zero: there is none
}

// Backlog reads a lane's, whichever replica works on it. It changes nothing.
func (rq *Requests) Backlog(ctx context.Context, lane purge.Lane) (Backlog, error) {
	s, err := rq.conn.js.Stream(ctx, rq.conn.name("REQUESTS"))
	if err != nil {
		return Backlog{}, fmt.Errorf("look up lane %s: %w", lane, err)
	}
	cons, err := s.Consumer(ctx, string(lane))
	if err != nil {
		return Backlog{}, fmt.Errorf("look up lane %s: %w", lane, err)
	}
	info := cons.CachedInfo()
	log := Backlog{Waiting: int(info.NumPending), Unacked: info.NumAckPending}
	if log.Waiting+log.Unacked == 0 {
		return log, nil
	}
	m, err := s.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(rq.conn.subjects.Request(lane, "*")))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return log, nil // acked meanwhile
	}
	if err != nil {
		return Backlog{}, fmt.Errorf("look up the oldest message of lane %s: %w", lane, err)
	}
	log.Oldest = m.Time
	return log, nil
}
