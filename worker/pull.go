package worker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// minRoom keeps pulls from getting small while the window is nearly full.
	minRoom = 100
	// keepEvery is below a third of the shortest AckWait, that of a take-over.
	keepEvery = 300 * time.Millisecond
	// sameEvery is how often a lane without room looks whether its stream was made anew.
	sameEvery = time.Second
	// A predecessor's messages are asked for at least for hurryLeast, at most for hurryMost.
	hurryLeast, hurryMost = time.Second, 10 * time.Second
)

// pull admits what a lane brings while there is room, until stop ends.
func (w *Worker) pull(stop, work context.Context, name purge.Lane, lane Lane) error {
	hurried, err := w.hurry(stop, name, lane)
	if err != nil {
		return endOf(stop, err)
	}
	for stop.Err() == nil {
		if !hurried.IsZero() && w.settled(stop, hurried, name, lane) {
			hurried = time.Time{}
		}
		room := w.roomOf(name)
		if room < min(minRoom, w.window(name)) {
			if err := w.await(stop, name, lane); err != nil {
				return err
			}
			continue
		}
		lot, err := w.pullOnce(stop, lane, room, !hurried.IsZero())
		if errors.Is(err, record.ErrGone) {
			return err
		}
		if err != nil && stop.Err() == nil {
			w.Log.Debug("pull brought nothing", zap.String("lane", string(name)), zap.Error(err))
			sleep(stop, 100*time.Millisecond)
		}
		w.admit(work, name, lot)
	}
	w.release(lane.Rest())
	return nil
}

func (w *Worker) pullOnce(ctx context.Context, lane Lane, room int, brief bool) ([]record.Delivery, error) {
	if !brief {
		return lane.Pull(ctx, room)
	}
	short, cancel := context.WithTimeout(ctx, keepEvery)
	defer cancel()
	lot, err := lane.Pull(short, room)
	if short.Err() != nil {
		return lot, nil
	}
	return lot, err
}

// await waits for room in a lane's window. Nobody asks the broker for messages meanwhile, so it has to
// look whether their stream is still the one that the held ones are of.
func (w *Worker) await(ctx context.Context, name purge.Lane, lane Lane) error {
	timer := time.NewTimer(sameEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-w.room[name]:
	case <-timer.C:
		if err := lane.Same(ctx); errors.Is(err, record.ErrGone) {
			return err
		}
	}
	return nil
}

// hurry makes the messages that a predecessor held come at once, rather than after AckWait. It gives
// the time when it did so, zero when there is no need: one that drained has given them back.
func (w *Worker) hurry(ctx context.Context, name purge.Lane, lane Lane) (time.Time, error) {
	_, held, err := lane.Depth(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if held == 0 || w.cfg.HandedOver {
		return time.Time{}, lane.Settle(ctx) // a take-over may have been cut short
	}
	wait, err := lane.Hurry(ctx)
	if err != nil {
		return time.Time{}, err
	}
	w.setAckWait(name, wait)
	w.Log.Info("taking over what the last owner held", zap.String("lane", string(name)), zap.Int("messages", held))
	return time.Now(), nil
}

// settled restores the lane once everything that a predecessor held has come again. Restoring sooner
// would put the rest off by a whole AckWait.
func (w *Worker) settled(ctx context.Context, since time.Time, name purge.Lane, lane Lane) bool {
	if time.Since(since) < hurryLeast {
		return false
	}
	if _, held, err := lane.Depth(ctx); time.Since(since) < hurryMost && (err != nil || held > w.messages(name)) {
		return false
	}
	if err := lane.Settle(ctx); err != nil {
		return false
	}
	w.setAckWait(name, lane.AckWait())
	return true
}

func (w *Worker) setAckWait(name purge.Lane, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ackWait[name] = d
}

// messages counts what is held of a lane.
func (w *Worker) messages(name purge.Lane) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, r := range w.requests {
		if r.home == name {
			n += len(r.replies)
		}
	}
	return n
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
		replies = append(replies, r.subjects()...)
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

// keep tells the broker, for every message that is held, that it is being worked on, and ends what
// has expired.
func (w *Worker) keep(ctx context.Context) {
	for sleep(ctx, keepEvery) {
		if replies := w.stale(time.Now()); len(replies) > 0 && w.Lease.Valid() {
			if err := w.Acker.InProgress(replies); err != nil {
				w.Log.Debug("no sign of life sent", zap.Error(err))
			}
		}
		w.expire(ctx)
	}
}

// stale gives the messages that the broker has not heard of for a third of their AckWait.
func (w *Worker) stale(now time.Time) []string {
	var replies []string
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		if now.Sub(r.touched) >= w.ackWait[r.home]/3 {
			r.touched = now
			replies = append(replies, r.subjects()...)
		}
	}
	return replies
}
