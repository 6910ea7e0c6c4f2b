package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/purge"
)

// Requests are the stream of the requests that are not done: its lanes, what waits in them, and the
// answers to what they deliver. It keeps no state and is safe for concurrent use.
type Requests struct{ conn *Conn }

// Lane binds to a lane's consumer. Where that is missing the lane brings nothing until there is one
// again: others go on (I7).
func (rq *Requests) Lane(ctx context.Context, lane purge.Lane) (*Lane, error) {
	cons, err := rq.conn.js.Consumer(ctx, rq.conn.name("REQUESTS"), string(lane))
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		rq.conn.log.Warn("a lane brings nothing: its consumer is missing; run `edgepurge setup`",
			zap.String("lane", string(lane)))
		cons, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bind to lane %s: %w", lane, err)
	}
	l := rq.conn.newLane("REQUESTS", string(lane), ackWait(lane), cons)
	l.max = rq.conn.definitions().unacked(lane)
	if lane == purge.Bulk {
		l.gather = gatherFor
	}
	return l, nil
}
