package worker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// tell buries and tells: the dead letters first, so that an event never speaks of one that is not
// there.
func (w *Worker) tell(ctx context.Context, letters []record.DeadLetter, ends []record.Tally) error {
	if len(letters) > 0 {
		if err := w.Ledger.StoreDeadLetters(ctx, letters); err != nil {
			return err
		}
		w.Metrics.Buried(letters)
	}
	return w.Ledger.Publish(ctx, ends)
}

// ackRequests acks all messages of requests, those that join meanwhile too, and forgets them.
func (w *Worker) ackRequests(ctx context.Context, done []*request) {
	w.ackThose(ctx, done, func(reply) bool { return true })
}

// ackParked does the same for requests that are parked, but for the messages by which they are: those come
// again in their turn.
func (w *Worker) ackParked(ctx context.Context, parked []*request) {
	w.nak(w.ackThose(ctx, parked, func(p reply) bool { return p.in.queue == nil }))
}

// ackThose gives the replies that it leaves out.
func (w *Worker) ackThose(ctx context.Context, done []*request, which func(reply) bool) (left []string) {
	for {
		replies := make([]string, 0, len(done))
		w.mu.Lock()
		left = left[:0]
		for _, r := range done {
			for i := range r.replies {
				p := &r.replies[i]
				switch {
				case !which(*p):
					left = append(left, p.subject)
				case !p.acked:
					p.acked = true
					replies = append(replies, p.subject)
				}
			}
		}
		if len(replies) == 0 {
			for _, r := range done {
				w.forget(r)
			}
			w.mu.Unlock()
			return left
		}
		w.mu.Unlock()
		if !w.ack(ctx, replies) {
			return nil // they are given back
		}
	}
}

// ack tells the broker that messages are done, and reports whether it has taken that. When it can't,
// they come again and are found in the ledger: an ack that is lost costs a look-up, not a purge.
func (w *Worker) ack(ctx context.Context, replies []string) bool {
	for len(replies) > 0 {
		if ctx.Err() != nil {
			return false
		}
		if w.Lease.Valid() {
			err := w.Acker.Ack(ctx, replies)
			if err == nil {
				return true
			}
			w.Log.Debug("not acked, trying again", zap.Error(err))
			if w.gone(ctx) {
				return false
			}
		}
		wait.Sleep(ctx, 100*time.Millisecond)
	}
	return true
}

// gone ends Run when a lane's consumer is not there any more, or is another one: there a sequence
// number stands for another message, which an ack would take away (I2).
func (w *Worker) gone(ctx context.Context) bool {
	for _, lane := range w.Lanes {
		if err := lane.Same(ctx); errors.Is(err, record.ErrGone) {
			w.abort(err)
			return true
		}
	}
	return false
}
