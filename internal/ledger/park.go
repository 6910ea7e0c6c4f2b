package ledger

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
)

// Park takes requests out of memory: it stores them at the end of a queue, in order, and returns
// one error for each. The message of a request whose error is nil may be acked. An error that wraps
// [record.ErrUnfit] is final: the request can never be stored. After any other the request may or
// may not be stored, and Park may be called again for it. It makes one attempt.
func (l *Ledger) Park(ctx context.Context, q record.Queue, requests []record.Parked) []error {
	l.parking.Store(true)
	errs := l.parked.Put(ctx, q, requests)
	var stored []record.Parked
	for i, err := range errs {
		switch {
		case errors.Is(err, record.ErrUnfit):
			l.log.Error("request can't be parked", zap.Error(err))
		case err == nil && !requests[i].Partial:
			stored = append(stored, requests[i])
		}
	}
	if len(stored) > 0 {
		l.cfg.Parked(q, stored)
	}
	return errs
}

// Queues returns which queues there are. It tries until the context ends.
func (l *Ledger) Queues(ctx context.Context) (queues []record.Queue, err error) {
	err = l.retry.untilDone(ctx, "list queues", func() (err error) {
		queues, err = l.parked.Queues(ctx)
		return err
	})
	l.parking.Store(len(queues) > 0 || l.parking.Load())
	return queues, err
}
