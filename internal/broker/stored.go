package broker

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// storedHeartbeat is the least that a pull may have: one that is lost is noticed after two of
	// them, and made again.
	storedHeartbeat = 500 * time.Millisecond
	// goneWait is how long a stored message is waited for until the broker is asked whether there
	// is one. It is longer than what it takes to notice a lost pull.
	goneWait = 2 * time.Second
	// goneAnswers is how often in a row the broker says that nothing is left until that is
	// believed: what it sent may be under way. goneFailures is how often it may not answer, as
	// while it restarts.
	goneAnswers, goneFailures = 2, 10
)

// nextStored returns the next message; nil when those that were left have been removed meanwhile.
func nextStored(ctx context.Context, cons jetstream.Consumer, it jetstream.MessagesContext) (jetstream.Msg, error) {
	for gone, failed := 0, 0; ; {
		m, err := it.Next(jetstream.NextMaxWait(goneWait))
		if !errors.Is(err, nats.ErrTimeout) {
			return m, err
		}
		switch left, err := pending(ctx, cons); {
		case err != nil:
			if failed++; failed == goneFailures || ctx.Err() != nil {
				return nil, err
			}
		case left > 0:
			gone, failed = 0, 0
		default:
			if gone++; gone == goneAnswers {
				return nil, nil
			}
		}
	}
}

func pending(ctx context.Context, cons jetstream.Consumer) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	info, err := cons.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.NumPending, nil
}
