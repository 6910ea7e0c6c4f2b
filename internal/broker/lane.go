package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	pullWait      = 10 * time.Second
	pullHeartbeat = time.Second // a pull lost by a server restart is noticed after two of them
	// pullMessages bounds one pull in messages, pullBytes in bytes (I5): more than the largest
	// message, so that each pull can bring at least one.
	pullMessages = 4096
	pullBytes    = 4 << 20
	// takeOverWait is a lane's AckWait while a new owner fetches what its predecessor held.
	takeOverWait = time.Second
)

// Lane is the consumer of one lane. Pull is for one goroutine; the others are safe for concurrent use.
type Lane struct {
	b    *Broker
	lane purge.Lane
	cons jetstream.Consumer
	cur  jetstream.MessageBatch
}

// Lane binds to a lane's consumer.
func (b *Broker) Lane(ctx context.Context, lane purge.Lane) (*Lane, error) {
	cons, err := b.js.Consumer(ctx, b.name("REQUESTS"), string(lane))
	if err != nil {
		return nil, fmt.Errorf("bind to lane %s: %w", lane, err)
	}
	return &Lane{b: b, lane: lane, cons: cons}, nil
}

// AckWait is how long a message may be held without a sign of life.
func (l *Lane) AckWait() time.Duration { return ackWait(l.lane) }

// Pull waits for the first message and returns it with all that have arrived by then, at most room.
// What is pulled and not acked comes again after AckWait. An error is passing (the server is away, a
// pull was lost) unless the context has ended or the consumer is gone.
func (l *Lane) Pull(ctx context.Context, room int) ([]record.Delivery, error) {
	if l.cur == nil {
		cur, err := l.cons.Fetch(min(room, pullMessages), jetstream.FetchMaxBytes(pullBytes),
			jetstream.FetchMaxWait(pullWait), jetstream.FetchHeartbeat(pullHeartbeat))
		if err != nil {
			return nil, fmt.Errorf("pull lane %s: %w", l.lane, err)
		}
		l.cur = cur
	}
	var got []record.Delivery
	select {
	case m, ok := <-l.cur.Messages():
		if !ok {
			err := l.cur.Error()
			l.cur = nil
			if err != nil {
				return nil, fmt.Errorf("pull lane %s: %w", l.lane, err)
			}
			return nil, nil
		}
		got = appendDelivery(got, m)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	for {
		select {
		case m, ok := <-l.cur.Messages():
			if !ok {
				l.cur = nil
				return got, nil
			}
			got = appendDelivery(got, m)
		default:
			return got, nil
		}
	}
}

// Rest gives what a pull brought that nobody has taken; the caller gives it back.
func (l *Lane) Rest() []record.Delivery {
	var got []record.Delivery
	for l.cur != nil {
		select {
		case m, ok := <-l.cur.Messages():
			if !ok {
				return got
			}
			got = appendDelivery(got, m)
		default:
			return got
		}
	}
	return got
}

func appendDelivery(got []record.Delivery, m jetstream.Msg) []record.Delivery {
	meta, err := m.Metadata()
	if err != nil {
		return got // no JetStream message: nothing that could be acked
	}
	h := m.Headers()
	return append(got, record.Delivery{
		Subject: m.Subject(), Data: m.Data(),
		ContentType: h.Get("Content-Type"), MsgID: h.Get(jetstream.MsgIDHeader),
		Sequence: meta.Sequence.Stream, Stored: meta.Timestamp, Count: int(meta.NumDelivered), Reply: m.Reply(),
	})
}

// Hurry lets the broker deliver soon what a predecessor holds, Settle restores the lane's AckWait.
// Restoring it before those messages were fetched again would put them off by a whole AckWait.
func (l *Lane) Hurry(ctx context.Context) error { return l.setAckWait(ctx, takeOverWait) }

// Settle ends what Hurry began.
func (l *Lane) Settle(ctx context.Context) error { return l.setAckWait(ctx, ackWait(l.lane)) }

func (l *Lane) setAckWait(ctx context.Context, wait time.Duration) error {
	info, err := l.cons.Info(ctx)
	if err != nil {
		return fmt.Errorf("look up lane %s: %w", l.lane, err)
	}
	cfg := info.Config
	if cfg.AckWait == wait {
		return nil
	}
	cfg.AckWait = wait
	if _, err := l.b.js.UpdateConsumer(ctx, l.b.name("REQUESTS"), cfg); err != nil {
		return fmt.Errorf("set ack wait of lane %s: %w", l.lane, err)
	}
	return nil
}

// Depth tells how many messages of the lane wait and how many are delivered but not acked.
func (l *Lane) Depth(ctx context.Context) (waiting, held int, err error) {
	info, err := l.cons.Info(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("look up lane %s: %w", l.lane, err)
	}
	return int(info.NumPending), info.NumAckPending, nil
}

// Gone tells that a stream or consumer does not exist any more, so that trying again is in vain until
// it is provisioned.
func Gone(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrConsumerDeleted) ||
		errors.Is(err, jetstream.ErrConsumerDoesNotExist) || errors.Is(err, jetstream.ErrStreamNotFound) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse)
}
