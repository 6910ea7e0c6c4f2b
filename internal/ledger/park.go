package ledger

import (
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
)

// Park takes requests out of memory: it stores them at the end of a queue, in order. When it returns
// without an error their messages may be acked, but for those it gives back: what can't be stored stays
// where it is. It tries until the context ends.
func (l *Ledger) Park(ctx context.Context, q record.Queue, requests []record.Parked) (unfit []record.Key, err error) {
	l.parking.Store(true)
	open := requests
	err = l.insist(ctx, "park requests", func() error {
		errs := l.store.Park(ctx, q, open)
		var left []record.Parked
		for i, err := range errs {
			switch {
			case err == nil:
			case errors.Is(err, record.ErrUnfit):
				l.log.Error("request can't be parked", zap.Error(err))
				unfit = append(unfit, open[i].Request.Key())
				errs[i] = nil
			default:
				left = append(left, open[i])
			}
		}
		open = left
		return firstOf(errs)
	})
	if err == nil {
		l.cfg.Parked(q, without(requests, unfit))
	}
	return unfit, err
}

func without(requests []record.Parked, unfit []record.Key) []record.Parked {
	if len(unfit) == 0 {
		return requests
	}
	return slices.DeleteFunc(slices.Clone(requests), func(p record.Parked) bool { return slices.Contains(unfit, p.Request.Key()) })
}

// Queues tells which queues there are. It tries until the context ends.
func (l *Ledger) Queues(ctx context.Context) (queues []record.Queue, err error) {
	err = l.insist(ctx, "list queues", func() (err error) {
		queues, err = l.store.Queues(ctx)
		return err
	})
	l.parking.Store(len(queues) > 0 || l.parking.Load())
	return queues, err
}
