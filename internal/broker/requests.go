package broker

import (
	"context"
	"fmt"

	"github.com/edgepurge/edgepurge/purge"
)

// Requests are the stream of the requests that are not done: its lanes, what waits in them, and the answers to what they
// deliver. It keeps no state and is safe for concurrent use.
type Requests struct{ conn *Conn }

// Lane binds to a lane's consumer.
func (rq *Requests) Lane(ctx context.Context, lane purge.Lane) (*Lane, error) {
	cons, err := rq.conn.js.Consumer(ctx, rq.conn.name("REQUESTS"), string(lane))
	if err != nil {
		return nil, fmt.Errorf("bind to lane %s: %w", lane, err)
	}
	l := rq.conn.newLane("REQUESTS", string(lane), ackWait(lane), cons)
	if lane == purge.Bulk {
		l.gather = gatherFor
	}
	return l, nil
}
