package worker

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// keepEvery is below a third of the shortest AckWait, that of a take-over.
const keepEvery = 300 * time.Millisecond

// keep tells the broker, for every message that is held, that it is being worked on, and ends what
// has expired.
func (w *Worker) keep(ctx context.Context) {
	for wait.Sleep(ctx, keepEvery) {
		if replies := w.stale(time.Now()); len(replies) > 0 && w.Lease.Valid() {
			if err := w.Acker.InProgress(replies); err != nil {
				w.Log.Debug("no sign of life sent", zap.Error(err))
			}
		}
		w.expire(ctx)
	}
}

// stale gives the messages of the intakes of which the broker has not heard for a third of their AckWait.
func (w *Worker) stale(now time.Time) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var due []*intake
	for in := range w.intakes {
		if now.Sub(in.touched) >= in.ackWait/3 {
			in.touched = now
			due = append(due, in)
		}
	}
	if len(due) == 0 {
		return nil
	}
	var replies []string
	for _, r := range w.requests {
		for _, p := range r.replies {
			if slices.Contains(due, p.in) {
				replies = append(replies, p.subject)
			}
		}
	}
	for _, s := range w.suspects {
		if slices.Contains(due, s.in) {
			replies = append(replies, s.Reply)
		}
	}
	return replies
}

// release gives back deliveries that were not admitted.
func (w *Worker) release(lot []record.Delivery) {
	replies := make([]string, len(lot))
	for i, d := range lot {
		replies[i] = d.Reply
	}
	w.nak(replies)
}

// giveBack gives every request that is not recorded to the next owner.
func (w *Worker) giveBack() {
	var replies []string
	w.mu.Lock()
	for _, r := range w.requests {
		for _, p := range r.replies {
			replies = append(replies, p.subject)
		}
	}
	w.mu.Unlock()
	w.nak(replies)
}

// nak gives messages back at once. Without the lease they come again by AckWait.
func (w *Worker) nak(replies []string) {
	if len(replies) == 0 || !w.Lease.Valid() {
		return
	}
	if err := w.Acker.Nak(replies); err != nil {
		w.Log.Warn("messages not given back; they come again by themselves", zap.Error(err))
		return
	}
	w.Log.Info("gave back what was not sent", zap.Int("messages", len(replies)))
}
